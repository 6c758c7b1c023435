/* SPDX-License-Identifier: MIT */
/*
 * The times of a minute as CloudWatch takes them: values with counts (for its percentiles), and beside them their exact
 * count, sum, least and most.
 *
 * Buckets of ratio 1.1 from 10 us to over an hour; each is told by a value that is at most 5 % from any time in it, so
 * every percentile is within 5 % of the true one. CloudWatch takes 150 values of a metric: a minute whose times fill more
 * buckets has neighbours told together, those with the fewest times, at most 10 % off.
 * What is under 10 us or over an hour is told as the first or last bucket, but never beyond least and most.
 */
#ifndef ISAMON_VALUES_H
#define ISAMON_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ship/datum.h"

#define VALUES_BUCKETS 207

/* Of 8-byte words only, so that ship/minute_file.h can change it word by word. All zero: empty. */
struct values {
	uint64_t count, sum_ns, min_ns, max_ns;
	uint64_t buckets[VALUES_BUCKETS];
};

/* What a datum points to. */
struct values_list {
	size_t n;
	double values[DATUM_VALUES_MAX]; /* ms, ascending */
	double counts[DATUM_VALUES_MAX];
};

size_t values_bucket(uint64_t ns);
/* Whether count, buckets, least and most go together. */
bool values_valid(const struct values *v);
void values_list(const struct values *v, struct values_list *ret);
/* Fills count, sum, min, max (in ms) and the values of @ret, which points into @list from then on. */
void values_datum(const struct values *v, struct values_list *list, struct datum *ret);

#endif
