/* SPDX-License-Identifier: MIT */
/* The TCP families. */
#include "metrics/tcp_metrics.h"

#include "base/util.h"
#include "metrics/families.h"
#include "metrics/http_metrics_impl.h"

#define US_PER_SEC 1000000ull
#define NS_PER_US 1000ull

/* 4^i microseconds, as OpenMetrics writes them. */
static const char *const rtt_bounds[] = {
	"1e-06",    "4e-06",    "1.6e-05",  "6.4e-05",  "0.000256", "0.001024",
	"0.004096", "0.016384", "0.065536", "0.262144", "1.048576", "4.194304",
};
_Static_assert(ARRAY_SIZE(rtt_bounds) == HTTP_RTT_N - 1, "a bound for each bucket but the last");

static bool has_totals(const void *ctx)
{
	const struct http_metrics *m = ctx;

	return m->has_totals;
}

static uint64_t resets(const void *ctx, size_t direction)
{
	const struct http_metrics *m = ctx;

	return m->totals.resets[direction];
}

static uint64_t retransmits(const void *ctx, size_t item)
{
	const struct http_metrics *m = ctx;

	(void)item;
	return m->totals.retransmits;
}

static size_t one(const void *ctx)
{
	(void)ctx;
	return 1;
}

static void write_rtt(struct expo *e, const struct expo_family *f, const void *ctx, size_t item)
{
	const struct http_metrics *m = ctx;
	const struct http_totals *t = &m->totals;
	uint64_t counts[HTTP_RTT_N];
	const struct expo_sum sum = {
		.whole = t->rtt_us / US_PER_SEC,
		.billionth = (uint32_t)(t->rtt_us % US_PER_SEC * NS_PER_US),
	};

	(void)item;
	for (size_t i = 0; i < HTTP_RTT_N; i++)
		counts[i] = t->rtt[i];
	expo_histogram(e, f, NULL, rtt_bounds, counts, ARRAY_SIZE(rtt_bounds), sum);
}

/* clang-format off */
static const struct family families[] = {
	{ .expo = { "isamon_tcp_resets", "RST segments that arrived (in) or left (out).", NULL,
		    EXPO_COUNTER },
	  .there = has_totals, .value = resets,
	  .labels = { "direction=\"in\"", "direction=\"out\"" } },
	{ .expo = { "isamon_tcp_retransmitted_segments", "Segments that the service's TCP sent again.", NULL,
		    EXPO_COUNTER },
	  .there = has_totals, .value = retransmits },
	{ .expo = { "isamon_tcp_rtt_seconds",
		    "Smoothed round-trip time of connections when they closed.", "seconds",
		    EXPO_HISTOGRAM },
	  .there = has_totals, .n_items = one, .write = write_rtt },
};
/* clang-format on */

bool tcp_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	return families_collect(families, ARRAY_SIZE(families), e, at, enough, ctx);
}
