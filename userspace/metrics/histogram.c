/* SPDX-License-Identifier: MIT */
/*
 * The fine histogram. Bucket i = 16 * octave + part covers [(16 + part) << (octave + 6), that +
 * 1 << (octave + 6)) ns: the first octave begins at 1,024 ns, the last one ends at 2^40 ns =
 * 1,099 s. Half a bucket's width is at most 1/32 of its lower end: 3.125 %.
 */
#include "metrics/histogram.h"

#define FIRST_BIT 10 /* the first octave is [2^10, 2^11) ns */
#define SUB_BITS 4

_Static_assert(HISTOGRAM_SUB == 1 << SUB_BITS, "parts of an octave");

unsigned int histogram_bucket(uint64_t ns)
{
	unsigned int bit;

	if (ns < 1u << FIRST_BIT)
		return 0;
	bit = 63u - (unsigned int)__builtin_clzll(ns);
	if (bit >= FIRST_BIT + HISTOGRAM_OCTAVES)
		return HISTOGRAM_BUCKETS - 1;
	return (bit - FIRST_BIT) * HISTOGRAM_SUB +
	       (unsigned int)(ns >> (bit - SUB_BITS)) % HISTOGRAM_SUB;
}

uint64_t histogram_middle_ns(unsigned int i)
{
	unsigned int shift = i / HISTOGRAM_SUB + FIRST_BIT - SUB_BITS;

	return ((uint64_t)(HISTOGRAM_SUB + i % HISTOGRAM_SUB) << shift) + (1ull << shift) / 2;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->counts[histogram_bucket(ns)]++;
}

uint64_t histogram_count(const struct histogram *h)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		n += h->counts[i];
	return n;
}

void histogram_subtract(const struct histogram *a, const struct histogram *b, struct histogram *ret)
{
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		ret->counts[i] = a->counts[i] - b->counts[i];
}

void histogram_merge(struct histogram *into, const struct histogram *h)
{
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->counts[i] += h->counts[i];
}

uint64_t histogram_quantile_ns(const struct histogram *h, double q)
{
	uint64_t n = histogram_count(h), seen = 0, rank;

	if (!n)
		return 0;
	/* Written so that NaN goes to the first. */
	rank = q > 0 ? q < 1 ? (uint64_t)(q * (double)n) : n - 1 : 0;
	if (rank >= n)
		rank = n - 1;
	for (unsigned int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->counts[i];
		if (seen > rank)
			return histogram_middle_ns(i);
	}
	return 0;
}
