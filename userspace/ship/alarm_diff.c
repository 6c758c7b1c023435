/* SPDX-License-Identifier: MIT */
/* The normal form of an alarm, and where two differ. Invariant: a normal form has every field of the table, in
 * its type, whatever CloudWatch left out. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "ship/alarm.h"

#define VALUE_SHOWN_MAX 400

enum field_type {
	TEXT,
	NUMBER,
	YES_NO,
	LIST,       /* of texts, sorted */
	DIMENSIONS, /* as a list of Name=Value */
	STATISTIC,  /* of the parameter or ExtendedStatistic */
	DATAPOINTS, /* as many as EvaluationPeriods, if it is not there */
	THERE,      /* whether it is there at all, as a text */
};

static const struct field {
	const char *name;      /* the configuration's */
	const char *parameter; /* CloudWatch's */
	enum field_type type;
	const char *initial; /* of TEXT, STATISTIC, THERE */
} fields[] = {
	{ "metric", "MetricName", TEXT, "" },
	{ "namespace", "Namespace", TEXT, "" },
	{ "dimension", "Dimensions", DIMENSIONS, NULL },
	{ "statistic", "Statistic", STATISTIC, "" },
	{ "unit", "Unit", TEXT, "" },
	{ "expression", "Metrics", THERE, "metric math" },
	{ "anomaly band", "ThresholdMetricId", TEXT, "" },
	{ "period", "Period", NUMBER, NULL },
	{ "threshold", "Threshold", NUMBER, NULL },
	{ "comparison", "ComparisonOperator", TEXT, "" },
	{ "evaluation_periods", "EvaluationPeriods", NUMBER, NULL },
	{ "datapoints_to_alarm", "DatapointsToAlarm", DATAPOINTS, NULL },
	{ "missing_data", "TreatMissingData", TEXT, "missing" },
	{ "low_samples", "EvaluateLowSampleCountPercentile", TEXT, "evaluate" },
	{ "description", "AlarmDescription", TEXT, "" },
	{ "action", "AlarmActions", LIST, NULL },
	{ "ok_action", "OKActions", LIST, NULL },
	{ "insufficient_data_action", "InsufficientDataActions", LIST, NULL },
	{ "actions_enabled", "ActionsEnabled", YES_NO, NULL },
};

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A sorted copy of those elements that are texts. */
static json_t *sorted(const json_t *list)
{
	_cleanup_(json_freep) json_t *out = json_array();
	size_t n = 0, i;
	const char **texts = calloc(json_array_size(list) + 1, sizeof(*texts));
	int err = texts ? 0 : -1;
	const json_t *one;

	json_array_foreach(list, i, one)
		if (texts && json_is_string(one))
			texts[n++] = json_string_value(one);
	if (n)
		qsort(texts, n, sizeof(*texts), compare_texts);
	for (i = 0; i < n; i++)
		err |= json_array_append_new(out, json_string(texts[i]));
	free(texts);
	return err ? NULL : take(out);
}

static json_t *dimensions_normal(const json_t *list)
{
	_cleanup_(json_freep) json_t *texts = json_array();
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one)
		if (json_array_append_new(texts,
					  json_sprintf("%s=%s", json_member_text(one, "Name", ""),
						       json_member_text(one, "Value", ""))))
			return NULL;
	return texts ? sorted(texts) : NULL;
}

static json_t *number_normal(const json_t *value)
{
	return json_real(json_is_number(value) ? json_number_value(value) : 0);
}

static json_t *field_normal(const struct field *f, const json_t *alarm)
{
	const json_t *value = json_object_get(alarm, f->parameter);

	switch (f->type) {
	case TEXT: return json_string(json_member_text(alarm, f->parameter, f->initial));
	case NUMBER: return number_normal(value);
	case YES_NO: return json_boolean(!json_is_false(value));
	case LIST: return sorted(value);
	case DIMENSIONS: return dimensions_normal(value);
	case STATISTIC:
		return json_string(json_member_text(
			alarm, f->parameter, json_member_text(alarm, "ExtendedStatistic", "")));
	case DATAPOINTS:
		return number_normal(json_is_number(value) ?
					     value :
					     json_object_get(alarm, "EvaluationPeriods"));
	case THERE: return json_string(json_array_size(value) ? f->initial : "");
	}
	return NULL;
}

json_t *alarm_normal(const json_t *alarm)
{
	_cleanup_(json_freep) json_t *o = json_object();

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (json_object_set_new(o, fields[i].name, field_normal(&fields[i], alarm)))
			return NULL;
	return take(o);
}

static void add_plain(const char *text, struct buf *out)
{
	char plain[VALUE_SHOWN_MAX];

	utf8_make_plain(text, strlen(text), plain, sizeof(plain));
	buf_add_str(out, plain);
}

/* The least digits that mean the same number. */
static void add_number(double v, struct buf *out)
{
	char text[40];

	for (int digits = 6; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	buf_add_str(out, text);
}

static void add_value(const json_t *value, struct buf *out)
{
	const json_t *one;
	size_t i;

	if (json_is_number(value))
		add_number(json_number_value(value), out);
	else if (json_is_boolean(value))
		buf_add_str(out, json_is_true(value) ? "yes" : "no");
	else if (json_is_string(value))
		add_plain(json_string_value(value), out);
	json_array_foreach(value, i, one) {
		buf_add_str(out, i ? ", " : "");
		add_plain(json_string_value(one), out);
	}
}

int alarm_diff(const json_t *have, const json_t *want, alarm_diff_fn fn, void *ctx)
{
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		_cleanup_(buf_done) struct buf before = BUF_INIT(1 << 20),
					       after = BUF_INIT(1 << 20);
		const json_t *a = json_object_get(have, fields[i].name);
		const json_t *b = json_object_get(want, fields[i].name);

		if (json_equal(a, b))
			continue;
		add_value(a, &before);
		add_value(b, &after);
		if (before.err || after.err)
			return -ENOMEM;
		n++;
		fn(fields[i].name, buf_str(&before), buf_str(&after), ctx);
	}
	return n;
}

static const char *short_comparison(const char *name)
{
	for (unsigned int i = 0; i < CONFIG_COMPARISONS; i++)
		if (strcmp(config_alarm_comparison_words[CONFIG_COMPARISONS + i], name) == 0)
			return config_alarm_comparison_words[i];
	return name;
}

int alarm_describe(const json_t *normal, struct buf *out)
{
	const json_t *dimensions = json_object_get(normal, "dimension");
	double n = json_number_value(json_object_get(normal, "evaluation_periods"));
	double m = json_number_value(json_object_get(normal, "datapoints_to_alarm"));

	if (*json_member_text(normal, "expression", ""))
		return buf_add_str(out, "an expression");
	add_plain(json_member_text(normal, "metric", ""), out);
	if (json_array_size(dimensions)) {
		buf_add_str(out, " {");
		add_value(dimensions, out);
		buf_add_char(out, '}');
	}
	buf_add_char(out, ' ');
	add_plain(json_member_text(normal, "statistic", ""), out);
	buf_printf(out, " of %.0f s ", json_number_value(json_object_get(normal, "period")));
	add_plain(short_comparison(json_member_text(normal, "comparison", "")), out);
	buf_add_char(out, ' ');
	add_number(json_number_value(json_object_get(normal, "threshold")), out);
	if (n > 1)
		buf_printf(out, ", %.0f of %.0f", m, n);
	return out->err;
}
