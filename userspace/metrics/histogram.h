/* SPDX-License-Identifier: MIT */
/*
 * A fine histogram of times: log-linear, 16 buckets an octave, from 1 us to over 500 s, so that any
 * percentile is known within 3.2 %. Fixed size, no allocation, merges and subtracts.
 * (The coarse ones of the page are plain arrays in http_metrics.)
 */
#ifndef ISAMON_HISTOGRAM_H
#define ISAMON_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_SUB 16
#define HISTOGRAM_OCTAVES 30
#define HISTOGRAM_BUCKETS (HISTOGRAM_SUB * HISTOGRAM_OCTAVES)

struct histogram {
	uint32_t counts[HISTOGRAM_BUCKETS];
};

/* The bucket of a time in ns; below the first and above the last go to those. */
unsigned int histogram_bucket(uint64_t ns);
/* The middle of bucket @i, in ns. */
uint64_t histogram_middle_ns(unsigned int i);
void histogram_add(struct histogram *h, uint64_t ns);
uint64_t histogram_count(const struct histogram *h);
/* *ret = a - b, bucket by bucket, modulo 2^32 (so a counter that wrapped is right). */
void histogram_subtract(const struct histogram *a, const struct histogram *b,
			struct histogram *ret);
void histogram_merge(struct histogram *into, const struct histogram *h);
/* The time in ns below which a share @q (0..1) lies; 0 for an empty histogram. */
uint64_t histogram_quantile_ns(const struct histogram *h, double q);

#endif
