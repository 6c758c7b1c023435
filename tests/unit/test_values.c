/* SPDX-License-Identifier: MIT */
/* Percentiles of the values against those of the times that went in. */
#include "unit.h"

#include <math.h>

#include "ship/values.h"

#define N_TIMES 20000
#define MS 1000000ull

static uint64_t times[N_TIMES];

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void add(struct values *v, uint64_t ns)
{
	v->min_ns = !v->count || ns < v->min_ns ? ns : v->min_ns;
	v->max_ns = ns > v->max_ns ? ns : v->max_ns;
	v->buckets[values_bucket(ns)]++;
	v->count++;
	v->sum_ns += ns;
}

/* The value at a share of all, as CloudWatch finds it. */
static double percentile(const struct values_list *l, double share)
{
	double all = 0, below = 0;

	for (size_t i = 0; i < l->n; i++)
		all += l->counts[i];
	for (size_t i = 0; i < l->n; i++) {
		below += l->counts[i];
		if (below >= ceil(share * all))
			return l->values[i];
	}
	return NAN;
}

static double exponential(double x)
{
	return 5e6 - 40e6 * log(1 - x);
}

static double wide(double x)
{
	return 11e3 * pow(10, 7.5 * x); /* 11 us to 350 s, every bucket as full as the next */
}

static double two_kinds(double x)
{
	return x < 0.95 ? 2e6 + 1e5 * x : 30e9 + 60e9 * x;
}

static double tail(double x)
{
	return 1e6 / pow(1.0000001 - x, 1.2);
}

static double same(double x)
{
	(void)x;
	return 123456789;
}

static void percentiles(void)
{
	static const struct {
		const char *name;
		double (*time)(double x);
		double off;
	} rows[] = {
		{ "exponential", exponential, 0.05 },
		{ "two kinds", two_kinds, 0.05 },
		{ "long tail", tail, 0.05 },
		{ "all the same", same, 0 },
		{ "more buckets than values", wide, 0.1 },
	};
	static const double shares[] = { 0.001, 0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 1 };

	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		struct values v = { 0 };
		struct values_list l;

		unit_begin("percentiles of times: %s", rows[row].name);
		for (size_t i = 0; i < N_TIMES; i++) {
			times[i] = (uint64_t)rows[row].time((double)i / N_TIMES);
			add(&v, times[i]);
		}
		qsort(times, N_TIMES, sizeof(times[0]), by_size);
		EXPECT(values_valid(&v));
		values_list(&v, &l);
		EXPECT(l.n <= DATUM_VALUES_MAX);
		for (size_t i = 0; i < ARRAY_SIZE(shares); i++) {
			size_t rank = (size_t)ceil(shares[i] * N_TIMES);
			double true_ms = (double)times[rank - 1] / 1e6;

			EXPECT_NEAR(percentile(&l, shares[i]), true_ms, rows[row].off * true_ms);
		}
	}
}

/* Each bucket by itself, at its first and last nanosecond. */
static void every_bucket(void)
{
	size_t before = 0;

	for (double ns = 10000; ns < 3.6e12; ns *= 1.0007) {
		struct values v = { 0 };
		struct values_list l;
		size_t at = values_bucket((uint64_t)ns);

		EXPECT(at == before || at == before + 1);
		before = at;
		v.buckets[at] = 2;
		v.count = 2;
		v.max_ns = UINT64_MAX;
		values_list(&v, &l);
		EXPECT_UINT(l.n, 1);
		EXPECT_NEAR(l.values[0], ns / 1e6, 0.0485 * ns / 1e6);
	}
	EXPECT(before >= VALUES_BUCKETS - 2);
}

static void out_of_range(void)
{
	struct values v = { 0 };
	struct values_list l;
	struct datum d = { 0 };

	EXPECT_UINT(values_bucket(0), 0);
	EXPECT_UINT(values_bucket(UINT64_MAX), VALUES_BUCKETS - 1);
	add(&v, 0);
	add(&v, 5000 * 1000 * MS);
	values_datum(&v, &l, &d);
	EXPECT_UINT(l.n, 2);
	EXPECT_NEAR(l.values[0], 0.0105, 0.0005);
	EXPECT_NEAR(l.values[1], 3.5e6, 1e5);
	EXPECT_NEAR(d.max, 5e6, 0);
	EXPECT_NEAR(d.min, 0, 0);
	v = (struct values){ 0 };
	add(&v, 3);
	values_list(&v, &l);
	EXPECT_NEAR(l.values[0], 3e-6, 0);
}

static void exact_beside(void)
{
	struct values v = { 0 };
	struct values_list l;
	struct datum d = { 0 };
	double counts = 0;

	for (uint64_t ns = 1; ns < 3000 * MS; ns += ns / 3 + 7)
		add(&v, ns);
	values_datum(&v, &l, &d);
	EXPECT_NEAR(d.count, (double)v.count, 0);
	EXPECT_NEAR(d.sum, (double)v.sum_ns / 1e6, 0);
	EXPECT_NEAR(d.min, 1e-6, 0);
	EXPECT_NEAR(d.max, (double)v.max_ns / 1e6, 0);
	EXPECT_UINT(d.n_values, l.n);
	for (size_t i = 0; i < l.n; i++) {
		counts += d.counts[i];
		EXPECT(l.values[i] >= d.min && l.values[i] <= d.max);
		EXPECT(!i || l.values[i] > l.values[i - 1]);
	}
	EXPECT_NEAR(counts, d.count, 0);
}

/* All 207 buckets full, in several ways: 150 values, no count lost, none more than 10 % off. */
static void too_many(void)
{
	for (unsigned int way = 0; way < 40; way++) {
		struct values v = { .max_ns = UINT64_MAX };
		struct values_list l;
		double counts = 0;

		srand(way);
		for (size_t i = 0; i < VALUES_BUCKETS; i++) {
			if (way % 4 == 3 && rand() % 8 == 0)
				continue;
			v.buckets[i] = way % 2 ? 1 + (uint64_t)rand() % 1000 : i + 1;
			v.count += v.buckets[i];
		}
		values_list(&v, &l);
		EXPECT_UINT(l.n, 150);
		for (size_t i = 0; i < l.n; i++) {
			counts += l.counts[i];
			if (i)
				EXPECT(l.values[i] / l.values[i - 1] > 1.09);
		}
		EXPECT_NEAR(counts, (double)v.count, 0);
	}
}

static void damaged(void)
{
	struct values v = { 0 };

	EXPECT(values_valid(&v));
	add(&v, MS);
	EXPECT(values_valid(&v));
	v.buckets[7]++;
	EXPECT(!values_valid(&v));
	v.buckets[8] -= 1;
	EXPECT(!values_valid(&v));
	v = (struct values){ 0 };
	add(&v, MS);
	v.min_ns = 2 * MS;
	EXPECT(!values_valid(&v));
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, percentiles },
		{ "every time is within 4.85 % of its value", every_bucket },
		{ "what is out of range is in the first and last bucket", out_of_range },
		{ "count, sum, least and most are exact", exact_beside },
		{ "more buckets than values are told together", too_many },
		{ "what does not go together is not valid", damaged },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
