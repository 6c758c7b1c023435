/* SPDX-License-Identifier: MIT */
/*
 * The sparse histogram. Octaves stand one behind the other as they came, so that a new one moves
 * none, and one look at a table of 30 bytes finds an octave.
 */
#include "metrics/sparse_histogram.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void sparse_histogram_done(struct sparse_histogram *h)
{
	free(h->octaves);
	*h = (struct sparse_histogram){ 0 };
}

static int add_octave(struct sparse_histogram *h, unsigned int octave)
{
	uint32_t(*octaves)[HISTOGRAM_SUB] =
		realloc(h->octaves, (h->n_octaves + 1u) * sizeof(*octaves));

	if (!octaves)
		return -ENOMEM;
	memset(octaves[h->n_octaves], 0, sizeof(*octaves));
	h->octaves = octaves;
	h->place[octave] = ++h->n_octaves;
	return 0;
}

int sparse_histogram_add(struct sparse_histogram *h, uint64_t ns)
{
	unsigned int bucket = histogram_bucket(ns), octave = bucket / HISTOGRAM_SUB;

	if (!h->place[octave] && add_octave(h, octave))
		return -ENOMEM;
	h->octaves[h->place[octave] - 1][bucket % HISTOGRAM_SUB]++;
	return 0;
}

void sparse_histogram_read(const struct sparse_histogram *h, struct histogram *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned int octave = 0; octave < HISTOGRAM_OCTAVES; octave++)
		if (h->place[octave])
			memcpy(&ret->counts[octave * HISTOGRAM_SUB],
			       h->octaves[h->place[octave] - 1], sizeof(*h->octaves));
}
