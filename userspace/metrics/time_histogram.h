/* SPDX-License-Identifier: MIT */
/*
 * A histogram of times as the page shows it: the same buckets for every family, from 1 ms to 300 s, so
 * that queue, first byte and duration can be held against each other.
 */
#ifndef ISAMON_TIME_HISTOGRAM_H
#define ISAMON_TIME_HISTOGRAM_H

#include <stdint.h>

#include "metrics/expo.h"

/* Upper bounds, inclusive; one more bucket is for what lies above. */
#define TIME_HISTOGRAM_BOUNDS 20

/* All zero: empty. */
struct time_histogram {
	uint64_t counts[TIME_HISTOGRAM_BOUNDS + 1]; /* not cumulative */
	uint64_t sum_ns;                            /* < 10^18 */
	uint64_t sum_gs;                            /* 10^9 s */
};

void time_histogram_add(struct time_histogram *h, uint64_t ns);
uint64_t time_histogram_count(const struct time_histogram *h);
/* Its samples, in seconds. */
void time_histogram_write(struct expo *e, const struct expo_family *f, const char *labels,
			  const struct time_histogram *h);

#endif
