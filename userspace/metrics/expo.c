/* SPDX-License-Identifier: MIT */
/*
 * The two text formats. They differ in a counter's family name (with _total in text 0.0.4,
 * without in OpenMetrics), in UNIT, in the type "info" and in the end. Bounds are written alike
 * in both: what is canonical in OpenMetrics ("1.0") is a valid float in text.
 */
#include "metrics/expo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define LITERAL(text) (text), sizeof(text) - 1

const char *expo_content_type(enum expo_format format)
{
	return format == EXPO_OPENMETRICS_1 ?
		       "application/openmetrics-text; version=1.0.0; charset=utf-8" :
		       "text/plain; version=0.0.4; charset=utf-8";
}

static const char *type_name(const struct expo *e, enum expo_type type)
{
	switch (type) {
	case EXPO_COUNTER: return "counter";
	case EXPO_GAUGE: return "gauge";
	case EXPO_HISTOGRAM: return "histogram";
	case EXPO_INFO: break;
	}
	return e->format == EXPO_OPENMETRICS_1 ? "info" : "gauge";
}

static const char *sample_suffix(const struct expo_family *f)
{
	return f->type == EXPO_COUNTER ? "_total" : f->type == EXPO_INFO ? "_info" : "";
}

static void write_escaped(struct buf *out, const char *text, bool quotes)
{
	for (; *text; text++) {
		if (*text == '\n')
			buf_add(out, LITERAL("\\n"));
		else if (*text == '\\' || (*text == '"' && quotes))
			buf_add(out, (char[]){ '\\', *text }, 2);
		else
			buf_add_char(out, *text);
	}
}

static void begin_line(struct expo *e, const struct expo_family *f, const char *keyword)
{
	buf_add_str(e->out, keyword);
	buf_add_str(e->out, f->name);
	if (e->format == EXPO_TEXT_004)
		buf_add_str(e->out, sample_suffix(f));
	buf_add_char(e->out, ' ');
}

void expo_begin(struct expo *e, const struct expo_family *f)
{
	bool openmetrics = e->format == EXPO_OPENMETRICS_1;

	begin_line(e, f, "# HELP ");
	write_escaped(e->out, f->help, openmetrics);
	buf_add_char(e->out, '\n');
	begin_line(e, f, "# TYPE ");
	buf_add_str(e->out, type_name(e, f->type));
	buf_add_char(e->out, '\n');
	if (!openmetrics || !f->unit)
		return;
	begin_line(e, f, "# UNIT ");
	buf_add_str(e->out, f->unit);
	buf_add_char(e->out, '\n');
}

/* Everything of a sample but its value and the end of the line. */
static void write_name(struct expo *e, const struct expo_family *f, const char *suffix,
		       const char *labels)
{
	buf_add_str(e->out, f->name);
	buf_add_str(e->out, suffix);
	if (labels && *labels) {
		buf_add_char(e->out, '{');
		buf_add_str(e->out, labels);
		buf_add_char(e->out, '}');
	}
	buf_add_char(e->out, ' ');
}

void expo_u64(struct expo *e, const struct expo_family *f, const char *labels, uint64_t value)
{
	write_name(e, f, sample_suffix(f), labels);
	buf_add_u64(e->out, value);
	buf_add_char(e->out, '\n');
}

static void write_double(struct buf *out, double value)
{
	char text[32];

	if (!isfinite(value)) {
		buf_add_str(out, isnan(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf");
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	buf_add_str(out, text);
}

void expo_double(struct expo *e, const struct expo_family *f, const char *labels, double value)
{
	write_name(e, f, sample_suffix(f), labels);
	write_double(e->out, value);
	buf_add_char(e->out, '\n');
}

static void write_sum(struct buf *out, struct expo_sum sum)
{
	char digits[10] = ".000000000";
	size_t len = sizeof(digits);

	buf_add_u64(out, sum.whole);
	if (!sum.billionth)
		return;
	for (size_t i = len; --i > 0; sum.billionth /= 10)
		digits[i] = (char)('0' + sum.billionth % 10);
	while (digits[len - 1] == '0')
		len--;
	buf_add(out, digits, len);
}

static void write_buckets(struct expo *e, const struct expo_family *f, const char *labels,
			  const char *const *bounds, const uint64_t *counts, size_t n_bounds)
{
	size_t name_len = strlen(f->name), labels_len = labels ? strlen(labels) : 0;
	struct buf *out = e->out;
	uint64_t total = 0;

	for (size_t i = 0; i <= n_bounds; i++) {
		total += counts[i];
		buf_add(out, f->name, name_len);
		buf_add(out, LITERAL("_bucket{"));
		if (labels_len) {
			buf_add(out, labels, labels_len);
			buf_add_char(out, ',');
		}
		buf_add(out, LITERAL("le=\""));
		buf_add_str(out, i < n_bounds ? bounds[i] : "+Inf");
		buf_add(out, LITERAL("\"} "));
		buf_add_u64(out, total);
		buf_add_char(out, '\n');
	}
}

void expo_histogram(struct expo *e, const struct expo_family *f, const char *labels,
		    const char *const *bounds, const uint64_t *counts, size_t n_bounds,
		    struct expo_sum sum)
{
	uint64_t total = 0;

	write_buckets(e, f, labels, bounds, counts, n_bounds);
	write_name(e, f, "_sum", labels);
	write_sum(e->out, sum);
	buf_add_char(e->out, '\n');
	for (size_t i = 0; i <= n_bounds; i++)
		total += counts[i];
	write_name(e, f, "_count", labels);
	buf_add_u64(e->out, total);
	buf_add_char(e->out, '\n');
}

void expo_end(struct expo *e)
{
	if (e->format == EXPO_OPENMETRICS_1)
		buf_add(e->out, LITERAL("# EOF\n"));
}

int expo_label(struct buf *out, const char *name, const char *value)
{
	size_t left = strlen(value);

	if (out->len)
		buf_add_char(out, ',');
	buf_add_str(out, name);
	buf_add(out, LITERAL("=\""));
	while (left) {
		uint32_t c;
		size_t len = utf8_next(value, left, &c);

		if (!len)
			buf_add(out, LITERAL("\xef\xbf\xbd"));
		else if (*value == '\n')
			buf_add(out, LITERAL("\\n"));
		else if (*value == '\\' || *value == '"')
			buf_add(out, (char[]){ '\\', *value }, 2);
		else
			buf_add(out, value, len);
		value += len ? len : 1;
		left -= len ? len : 1;
	}
	return buf_add_char(out, '"');
}
