/* SPDX-License-Identifier: MIT */
/*
 * A metric of a minute as text: short in the spool, long for CloudWatch.
 *
 * Invariant: nothing that is written holds a NaN or an infinity, and nothing that is read, however it came into the file,
 * has more dimensions or values than a datum can have.
 */
#include "ship/datum.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD_MAX (4u << 20)
#define NAME_MAX_BYTES \
	1024 /* CloudWatch's limit of a dimension's value, the longest of all texts */
#define WHOLE_MAX 9007199254740992.0 /* 2^53: up to here every whole number is a double */

/* The shortest that reads back as the same. isamon leaves LC_NUMERIC alone, so the point is a point. */
static int write_number(struct buf *out, double value)
{
	char text[32];

	if (!isfinite(value))
		return out->err = out->err ? out->err : -EINVAL;
	if (value >= 0 && value < WHOLE_MAX && value == floor(value))
		return buf_add_u64(out, (unsigned long long)value);
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, value);
		if (strtod(text, NULL) == value)
			break;
	}
	return buf_add_str(out, text);
}

static void write_numbers(struct buf *out, const char *before, const double *values, size_t n)
{
	buf_add_str(out, before);
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(out, ',');
		write_number(out, values[i]);
	}
	buf_add_char(out, ']');
}

int datum_write_text(const char *s, struct buf *out)
{
	buf_add_char(out, '"');
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c < ' ') {
			buf_printf(out, "\\u%04x", c);
			continue;
		}
		if (c == '"' || c == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, *s);
	}
	return buf_add_char(out, '"');
}

static bool has_room(const struct datum *d)
{
	return d->n_dimensions <= DATUM_OWN_DIMENSIONS_MAX && d->n_values <= DATUM_VALUES_MAX;
}

/* --- in the spool */

int datum_encode_one(const struct datum *d, struct buf *out)
{
	if (!has_room(d))
		return -EINVAL;
	buf_add_str(out, "{\"n\":");
	datum_write_text(d->name, out);
	buf_add_str(out, ",\"u\":");
	datum_write_text(d->unit, out);
	for (size_t i = 0; i < d->n_dimensions; i++) {
		buf_add_str(out, i ? ",[" : ",\"d\":[[");
		datum_write_text(d->dimensions[i].name, out);
		buf_add_char(out, ',');
		datum_write_text(d->dimensions[i].value, out);
		buf_add_str(out, i + 1 < d->n_dimensions ? "]" : "]]");
	}
	if (d->count != 0) {
		double st[] = { d->count, d->sum, d->min, d->max };

		write_numbers(out, ",\"st\":[", st, 4);
	} else {
		buf_add_str(out, ",\"v\":");
		write_number(out, d->value);
	}
	if (d->n_values) {
		write_numbers(out, ",\"vs\":[", d->values, d->n_values);
		write_numbers(out, ",\"cs\":[", d->counts, d->n_values);
	}
	return buf_add_char(out, '}');
}

int datum_encode(const struct datum *data, size_t n, struct buf *out)
{
	int err;

	buf_add_char(out, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_add_char(out, ',');
		err = datum_encode_one(&data[i], out);
		if (err)
			return err;
	}
	return buf_add_char(out, ']');
}

/* --- out of the spool */

struct decoding {
	struct datum d;
	double values[DATUM_VALUES_MAX], counts[DATUM_VALUES_MAX];
};

static bool read_text(const json_t *j, const char **ret)
{
	*ret = json_string_value(j);
	return *ret && **ret && json_string_length(j) <= NAME_MAX_BYTES;
}

/* All of an array of @n numbers. */
static bool read_numbers(const json_t *j, double *ret, size_t n)
{
	if (!json_is_array(j) || json_array_size(j) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(j, i);

		if (!json_is_number(one))
			return false;
		ret[i] = json_number_value(one);
	}
	return true;
}

static bool read_dimensions(const json_t *j, struct datum *d)
{
	if (!j)
		return true;
	if (!json_is_array(j) || json_array_size(j) > DATUM_OWN_DIMENSIONS_MAX)
		return false;
	for (size_t i = 0; i < json_array_size(j); i++) {
		const json_t *pair = json_array_get(j, i);

		if (json_array_size(pair) != 2 ||
		    !read_text(json_array_get(pair, 0), &d->dimensions[i].name) ||
		    !read_text(json_array_get(pair, 1), &d->dimensions[i].value))
			return false;
	}
	d->n_dimensions = json_array_size(j);
	return true;
}

static bool read_statistics(const json_t *j, struct decoding *r)
{
	const json_t *vs = json_object_get(j, "vs");
	double st[4];

	if (!read_numbers(json_object_get(j, "st"), st, 4) || !(st[0] > 0))
		return false;
	r->d.count = st[0];
	r->d.sum = st[1];
	r->d.min = st[2];
	r->d.max = st[3];
	if (!vs)
		return true;
	r->d.n_values = json_array_size(vs);
	r->d.values = r->values;
	r->d.counts = r->counts;
	return r->d.n_values && r->d.n_values <= DATUM_VALUES_MAX &&
	       read_numbers(vs, r->values, r->d.n_values) &&
	       read_numbers(json_object_get(j, "cs"), r->counts, r->d.n_values);
}

static bool read_one(const json_t *j, struct decoding *r)
{
	const json_t *value = json_object_get(j, "v");

	r->d = (struct datum){ 0 };
	if (!read_text(json_object_get(j, "n"), &r->d.name) ||
	    !read_text(json_object_get(j, "u"), &r->d.unit) ||
	    !read_dimensions(json_object_get(j, "d"), &r->d))
		return false;
	if (!value)
		return read_statistics(j, r);
	r->d.value = json_number_value(value);
	return json_is_number(value);
}

static void free_json(json_t **j)
{
	json_decref(*j);
}

int datum_decode(const void *payload, size_t len, int (*fn)(const struct datum *d, void *ctx),
		 void *ctx)
{
	_cleanup_(free_json) json_t *all = NULL;
	struct decoding r;
	json_error_t why;
	int err;

	if (!payload || len > PAYLOAD_MAX)
		return -EINVAL;
	all = json_loadb(payload, len, 0, &why);
	if (!all)
		return json_error_code(&why) == json_error_out_of_memory ? -ENOMEM : -EINVAL;
	if (!json_is_array(all))
		return -EINVAL;
	for (size_t i = 0; i < json_array_size(all); i++) {
		if (!read_one(json_array_get(all, i), &r))
			return -EINVAL;
		err = fn(&r.d, ctx);
		if (err)
			return err;
	}
	return 0;
}

/* --- for CloudWatch */

static void write_dimension(struct buf *out, const struct datum_dimension *d, bool first)
{
	buf_add_str(out, first ? ",\"Dimensions\":[{\"Name\":" : ",{\"Name\":");
	datum_write_text(d->name, out);
	buf_add_str(out, ",\"Value\":");
	datum_write_text(d->value, out);
	buf_add_char(out, '}');
}

static void write_dimensions(const struct datum *d, const struct datum_dimension *dimensions,
			     size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		write_dimension(out, &dimensions[i], i == 0);
	for (size_t i = 0; i < d->n_dimensions; i++)
		write_dimension(out, &d->dimensions[i], n + i == 0);
	if (n + d->n_dimensions)
		buf_add_char(out, ']');
}

static void write_statistics(const struct datum *d, struct buf *out)
{
	buf_add_str(out, ",\"StatisticValues\":{\"SampleCount\":");
	write_number(out, d->count);
	buf_add_str(out, ",\"Sum\":");
	write_number(out, d->sum);
	buf_add_str(out, ",\"Minimum\":");
	write_number(out, d->min);
	buf_add_str(out, ",\"Maximum\":");
	write_number(out, d->max);
	buf_add_char(out, '}');
}

int datum_write(const struct datum *d, const struct datum_dimension *dimensions,
		size_t n_dimensions, int64_t time_s, unsigned int resolution_s, struct buf *out)
{
	if (!has_room(d) || n_dimensions > DATUM_DIMENSIONS_MAX - d->n_dimensions)
		return -EINVAL;
	buf_add_str(out, "{\"MetricName\":");
	datum_write_text(d->name, out);
	buf_add_str(out, ",\"Unit\":");
	datum_write_text(d->unit, out);
	buf_printf(out, ",\"Timestamp\":%" PRId64 ",\"StorageResolution\":%u", time_s,
		   resolution_s);
	write_dimensions(d, dimensions, n_dimensions, out);
	if (d->count != 0) {
		write_statistics(d, out);
	} else {
		buf_add_str(out, ",\"Value\":");
		write_number(out, d->value);
	}
	if (d->n_values) {
		write_numbers(out, ",\"Values\":[", d->values, d->n_values);
		write_numbers(out, ",\"Counts\":[", d->counts, d->n_values);
	}
	return buf_add_char(out, '}');
}
