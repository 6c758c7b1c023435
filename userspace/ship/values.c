/* SPDX-License-Identifier: MIT */
/*
 * Times as values with counts. Bucket i has the times from 10 us * 1.1^i on, less than 10 us * 1.1^(i+1); its value is the
 * harmonic mean of its ends, which is 1/21 (4.8 %) from both. Four digits of it are told: 0.05 % more.
 */
#include "ship/values.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_NS 10000.0
#define RATIO 1.1
#define LOG_RATIO 0.09531017980432487 /* ln 1.1 */
#define MS_NS 1e6

size_t values_bucket(uint64_t ns)
{
	double i;

	if ((double)ns < FIRST_NS)
		return 0;
	i = log((double)ns / FIRST_NS) / LOG_RATIO;
	return i < VALUES_BUCKETS - 1 ? (size_t)i : VALUES_BUCKETS - 1;
}

bool values_valid(const struct values *v)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < VALUES_BUCKETS; i++) {
		if (v->buckets[i] > v->count)
			return false;
		sum += v->buckets[i];
	}
	return sum == v->count && (!v->count || v->min_ns <= v->max_ns);
}

/* In ms, of the buckets from @first to @last. */
static double value_of(size_t first, size_t last)
{
	double from = FIRST_NS / MS_NS * pow(RATIO, (double)first);
	double to = FIRST_NS / MS_NS * pow(RATIO, (double)last + 1);
	char text[32];

	snprintf(text, sizeof(text), "%.4g", 2 * from * to / (from + to));
	return strtod(text, NULL);
}

struct run {
	size_t first, last;
	uint64_t count;
};

static bool joinable(const struct run *r)
{
	return r[0].first == r[0].last && r[1].first == r[1].last && r[0].last + 1 == r[1].first;
}

/* Joins the two neighbours that have the fewest times together. There always are two, each one bucket and side by side: of
 * 207 at most 57 pairs are needed, and even badly chosen 69 are to be had. */
static void join_fewest(struct run *runs, size_t n)
{
	uint64_t fewest = UINT64_MAX;
	size_t best = 0;

	for (size_t i = 0; i + 1 < n; i++) {
		if (!joinable(&runs[i]) || runs[i].count + runs[i + 1].count >= fewest)
			continue;
		fewest = runs[i].count + runs[i + 1].count;
		best = i;
	}
	runs[best].last = runs[best + 1].last;
	runs[best].count += runs[best + 1].count;
	memmove(&runs[best + 1], &runs[best + 2], (n - best - 2) * sizeof(*runs));
}

static double clamp(double x, double min, double max)
{
	return x < min ? min : x > max ? max : x;
}

void values_list(const struct values *v, struct values_list *ret)
{
	struct run runs[VALUES_BUCKETS];
	size_t n = 0;

	for (size_t i = 0; i < VALUES_BUCKETS; i++)
		if (v->buckets[i])
			runs[n++] = (struct run){ i, i, v->buckets[i] };
	for (; n > DATUM_VALUES_MAX; n--)
		join_fewest(runs, n);
	for (size_t i = 0; i < n; i++) {
		ret->values[i] = clamp(value_of(runs[i].first, runs[i].last),
				       (double)v->min_ns / MS_NS, (double)v->max_ns / MS_NS);
		ret->counts[i] = (double)runs[i].count;
	}
	ret->n = n;
}

void values_datum(const struct values *v, struct values_list *list, struct datum *ret)
{
	values_list(v, list);
	ret->count = (double)v->count;
	ret->sum = (double)v->sum_ns / MS_NS;
	ret->min = (double)v->min_ns / MS_NS;
	ret->max = (double)v->max_ns / MS_NS;
	ret->n_values = list->n;
	ret->values = list->values;
	ret->counts = list->counts;
}
