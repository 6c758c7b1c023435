/* SPDX-License-Identifier: MIT */
/*
 * One CloudWatch metric of one minute, as it is kept in the spool: without time, resolution and the dimensions that
 * belong to the host, because region and instance id may be known later than the minute.
 *
 * In the spool a minute, or a part of it, is a JSON array of such: {"n": name, "u": unit, "d": [[name, value], ...]
 * (if any), and either "v": value, or "st": [count, sum, min, max] and perhaps "vs": [...], "cs": [...]}.
 */
#ifndef ISAMON_DATUM_H
#define ISAMON_DATUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define DATUM_VALUES_MAX 150 /* CloudWatch's limit of distinct values */
#define DATUM_DIMENSIONS_MAX 30
#define DATUM_OWN_DIMENSIONS_MAX 4

struct datum_dimension {
	const char *name, *value;
};

struct datum {
	const char *name; /* "RequestCount" */
	const char *unit; /* "Count", "Milliseconds", "Percent", "Bytes", "None" */
	struct datum_dimension dimensions[DATUM_OWN_DIMENSIONS_MAX]; /* Route, ... */
	size_t n_dimensions;
	double value;                /* if count is 0 */
	double count, sum, min, max; /* StatisticValues, if count is not 0 */
	/* At most DATUM_VALUES_MAX, beside StatisticValues only; the sum of their counts is count. */
	size_t n_values;
	const double *values;
	const double *counts;
};

/* Appends @n of them to @out as the spool keeps them. Returns 0, -EINVAL (NaN, infinite, too many) or the buffer's error. */
int datum_encode(const struct datum *data, size_t n, struct buf *out);

/* Appends one, without the brackets around the array and the comma between elements. */
int datum_encode_one(const struct datum *d, struct buf *out);

/* Reads what datum_encode() wrote, calling @fn for each; what it is given is valid until it returns. Returns 0, -EINVAL (not
 * such a text), -ENOMEM, or what @fn returned if not 0. */
int datum_decode(const void *payload, size_t len, int (*fn)(const struct datum *d, void *ctx),
		 void *ctx);

/* Appends one element of PutMetricData's MetricData: with @dimensions (of the host) before its own, @time_s since the epoch,
 * @resolution_s 1 or 60. Returns 0, -EINVAL (more than DATUM_DIMENSIONS_MAX, NaN, infinite) or the buffer's error. */
int datum_write(const struct datum *d, const struct datum_dimension *dimensions,
		size_t n_dimensions, int64_t time_s, unsigned int resolution_s, struct buf *out);

/* Appends @s, UTF-8, as a JSON string with its quotes. */
int datum_write_text(const char *s, struct buf *out);

#endif
