/* SPDX-License-Identifier: MIT */
/* The families of CloudWatch. */
#include "metrics/cloudwatch_page.h"

#include "base/util.h"
#include "metrics/families.h"

static bool is_on(const void *ctx)
{
	const struct cloudwatch_figures *c = ctx;

	return c->enabled;
}

static bool has_spool(const void *ctx)
{
	const struct cloudwatch_figures *c = ctx;

	return c->enabled && c->has_spool;
}

static bool has_oldest(const void *ctx)
{
	const struct cloudwatch_figures *c = ctx;

	return has_spool(ctx) && c->oldest_s > 0;
}

static bool has_success(const void *ctx)
{
	const struct cloudwatch_figures *c = ctx;

	return c->enabled && c->last_success_s > 0;
}

#define VALUE(name, expression) \
	static uint64_t name(const void *ctx, size_t item) \
	{ \
		const struct cloudwatch_figures *c = ctx; \
		(void)item; \
		return (expression); \
	}
VALUE(minutes, c->minutes)
VALUE(bytes, c->bytes)
VALUE(oldest, (uint64_t)c->oldest_s)
VALUE(pushed, c->pushed)
VALUE(rejected, c->rejected)
VALUE(dropped, c->dropped[item])
VALUE(maybe_twice, c->maybe_twice)
VALUE(requests, c->requests)
VALUE(retries, c->retries)
VALUE(failures, c->failures)
VALUE(sent_bytes, c->sent_bytes)
VALUE(last_success, (uint64_t)c->last_success_s)
#undef VALUE

/* clang-format off */
static const struct family families[] = {
	{ .expo = { "isamon_cloudwatch_spool_minutes", "Minutes that wait to be pushed.", NULL, EXPO_GAUGE },
	  .there = has_spool, .value = minutes },
	{ .expo = { "isamon_cloudwatch_spool_bytes", "Size of the minutes that wait to be pushed.", "bytes",
		    EXPO_GAUGE },
	  .there = has_spool, .value = bytes },
	{ .expo = { "isamon_cloudwatch_spool_oldest_timestamp_seconds",
		    "Beginning of the oldest minute that waits to be pushed.", "seconds", EXPO_GAUGE },
	  .there = has_oldest, .value = oldest },
	{ .expo = { "isamon_cloudwatch_minutes_pushed", "Minutes that CloudWatch has taken.", NULL, EXPO_COUNTER },
	  .there = has_spool, .value = pushed },
	{ .expo = { "isamon_cloudwatch_minutes_rejected", "Minutes that CloudWatch has refused for good.", NULL,
		    EXPO_COUNTER },
	  .there = has_spool, .value = rejected },
	{ .expo = { "isamon_cloudwatch_minutes_dropped", "Minutes that were given up before CloudWatch took them.",
		    NULL, EXPO_COUNTER },
	  .there = has_spool, .value = dropped,
	  .labels = { "reason=\"age\"", "reason=\"size\"", "reason=\"disk_full\"", "reason=\"memory_full\"" } },
	{ .expo = { "isamon_cloudwatch_minutes_maybe_twice",
		    "Minutes that were pushed again because it was not known whether they had arrived.", NULL,
		    EXPO_COUNTER },
	  .there = has_spool, .value = maybe_twice },
	{ .expo = { "isamon_cloudwatch_requests", "Calls of PutMetricData, each with its retries.", NULL,
		    EXPO_COUNTER },
	  .there = is_on, .value = requests },
	{ .expo = { "isamon_cloudwatch_retries", "Attempts beyond the first of a call.", NULL, EXPO_COUNTER },
	  .there = is_on, .value = retries },
	{ .expo = { "isamon_cloudwatch_failures", "Calls that did not end well.", NULL, EXPO_COUNTER },
	  .there = is_on, .value = failures },
	{ .expo = { "isamon_cloudwatch_sent_bytes", "Bodies of requests, as they were sent.", "bytes",
		    EXPO_COUNTER },
	  .there = is_on, .value = sent_bytes },
	{ .expo = { "isamon_cloudwatch_last_success_timestamp_seconds",
		    "When CloudWatch last took something.", "seconds", EXPO_GAUGE },
	  .there = has_success, .value = last_success },
};
/* clang-format on */

bool cloudwatch_page_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	return families_collect(families, ARRAY_SIZE(families), e, at, enough, ctx);
}
