/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <math.h>

#include "metrics/histogram.h"
#include "metrics/sparse_histogram.h"

static void monotonic(void)
{
	unsigned int last = 0;

	for (uint64_t ns = 1; ns < UINT64_MAX / 2; ns += ns / 100 + 1) {
		unsigned int i = histogram_bucket(ns);

		REQUIRE(i >= last && i <= last + 1);
		last = i;
	}
	EXPECT_UINT(last, HISTOGRAM_BUCKETS - 1);
}

static void precise(void)
{
	for (uint64_t ns = 1024; ns < 1ull << 40; ns += ns / 333 + 1) {
		uint64_t middle = histogram_middle_ns(histogram_bucket(ns));

		REQUIRE(fabs((double)middle - (double)ns) <= (double)ns * 0.03125);
		REQUIRE_UINT(histogram_bucket(middle), histogram_bucket(ns));
	}
}

static void ends(void)
{
	EXPECT_UINT(histogram_bucket(0), 0);
	EXPECT_UINT(histogram_bucket(1023), 0);
	EXPECT_UINT(histogram_bucket(1024), 0);
	EXPECT_UINT(histogram_bucket((1ull << 40) - 1), HISTOGRAM_BUCKETS - 1);
	EXPECT_UINT(histogram_bucket(1ull << 40), HISTOGRAM_BUCKETS - 1);
	EXPECT_UINT(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
	EXPECT(histogram_middle_ns(HISTOGRAM_BUCKETS - 1) > 500000000000ull);
}

static void quantiles(void)
{
	struct histogram h = { { 0 } };

	EXPECT_UINT(histogram_quantile_ns(&h, 0.5), 0);
	for (unsigned int ms = 1; ms <= 1000; ms++)
		histogram_add(&h, ms * 1000000ull);
	EXPECT_UINT(histogram_count(&h), 1000);
	EXPECT_NEAR((double)histogram_quantile_ns(&h, 0.5), 500e6, 500e6 * 0.033);
	EXPECT_NEAR((double)histogram_quantile_ns(&h, 0.9), 900e6, 900e6 * 0.033);
	EXPECT_NEAR((double)histogram_quantile_ns(&h, 0.99), 990e6, 990e6 * 0.033);
	EXPECT_NEAR((double)histogram_quantile_ns(&h, 0), 1e6, 1e6 * 0.033);
	EXPECT_NEAR((double)histogram_quantile_ns(&h, 1), 1000e6, 1000e6 * 0.033);
	EXPECT_NEAR((double)histogram_quantile_ns(&h, 7), 1000e6, 1000e6 * 0.033);
	EXPECT_NEAR((double)histogram_quantile_ns(&h, -1), 1e6, 1e6 * 0.033);
	EXPECT_NEAR((double)histogram_quantile_ns(&h, (double)NAN), 1e6, 1e6 * 0.033);
}

static void one_value(void)
{
	struct histogram h = { { 0 } };
	uint64_t middle = histogram_middle_ns(histogram_bucket(5000000));

	histogram_add(&h, 5000000);
	EXPECT_UINT(histogram_quantile_ns(&h, 0), middle);
	EXPECT_UINT(histogram_quantile_ns(&h, 0.99), middle);
	EXPECT_UINT(histogram_quantile_ns(&h, 1), middle);
}

static void wrapped(void)
{
	struct histogram before = { { 0 } }, after = { { 0 } }, d;

	before.counts[7] = UINT32_MAX - 1;
	after.counts[7] = 3;
	histogram_subtract(&after, &before, &d);
	EXPECT_UINT(d.counts[7], 5);
	EXPECT_UINT(histogram_count(&d), 5);
	histogram_merge(&d, &d);
	EXPECT_UINT(histogram_count(&d), 10);
}

static void sparse(void)
{
	struct sparse_histogram s = { 0 };
	struct histogram full = { { 0 } }, h;

	sparse_histogram_read(&s, &h);
	EXPECT_UINT(histogram_count(&h), 0);
	for (uint64_t ns = 1ull << 42; ns; ns -= ns / 7 + 1) {
		histogram_add(&full, ns);
		histogram_add(&full, (1ull << 42) - ns);
		REQUIRE_INT(sparse_histogram_add(&s, ns), 0);
		REQUIRE_INT(sparse_histogram_add(&s, (1ull << 42) - ns), 0);
	}
	EXPECT_UINT(s.n_octaves, HISTOGRAM_OCTAVES);
	sparse_histogram_read(&s, &h);
	EXPECT(memcmp(&h, &full, sizeof(h)) == 0);
	sparse_histogram_done(&s);
	sparse_histogram_read(&s, &h);
	EXPECT_UINT(histogram_count(&h), 0);
}

static void sparse_is_small(void)
{
	struct sparse_histogram s = { 0 };

	for (unsigned int us = 1100; us < 4000; us++)
		REQUIRE_INT(sparse_histogram_add(&s, us * 1000ull), 0);
	EXPECT_UINT(s.n_octaves, 2);
	sparse_histogram_done(&s);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "buckets never skip one", monotonic },
		{ "a bucket's middle is within 3.2 %", precise },
		{ "what is below and above goes to the ends", ends },
		{ "quantiles of 1..1000 ms", quantiles },
		{ "each quantile of one value is that value", one_value },
		{ "a wrapped counter subtracts right", wrapped },
		{ "a sparse one read is the full one", sparse },
		{ "a sparse one has the octaves that were seen", sparse_is_small },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
