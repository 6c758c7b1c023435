/* SPDX-License-Identifier: MIT */
/*
 * A fine histogram of which only the octaves that were seen are kept: 64 bytes each, where the full
 * one takes 1.9 KB. A route's times lie in a few of the 30.
 */
#ifndef ISAMON_SPARSE_HISTOGRAM_H
#define ISAMON_SPARSE_HISTOGRAM_H

#include <stdint.h>

#include "metrics/histogram.h"

/* All zero: empty. */
struct sparse_histogram {
	uint32_t (*octaves)[HISTOGRAM_SUB]; /* in the order in which they were first seen */
	uint8_t n_octaves;
	uint8_t place[HISTOGRAM_OCTAVES]; /* an octave's index in octaves, + 1; 0: none seen */
};

/* Frees its memory and leaves it empty. */
void sparse_histogram_done(struct sparse_histogram *h);
/* Returns 0, or -ENOMEM if the time would be the first of its octave; it is left out then. */
int sparse_histogram_add(struct sparse_histogram *h, uint64_t ns);
/* Writes it out in full. */
void sparse_histogram_read(const struct sparse_histogram *h, struct histogram *ret);

#endif
