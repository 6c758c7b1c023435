/* SPDX-License-Identifier: MIT */
/* The page of the logs. Between two pieces of it logs and types of exceptions may only get more: the figures are summed up anew each time. */
#include "metrics/logs_page.h"

#include "base/util.h"
#include "metrics/families.h"

static bool is_on(const void *ctx)
{
	const struct logs_page *p = ctx;

	return p->enabled;
}

#define NUMBER(name, first) \
	static uint64_t name(const void *ctx, size_t item) \
	{ \
		const struct logs_page *p = ctx; \
		return p->figures.n[(first) + item]; \
	}
NUMBER(events, LOGS_EVENTS)
NUMBER(bytes, LOGS_BYTES)
NUMBER(rejected, LOGS_TOO_OLD)
NUMBER(maybe_twice, LOGS_MAYBE_TWICE)
NUMBER(retimed, LOGS_RETIMED)
NUMBER(lost_bytes, LOGS_LOST_BYTES)
NUMBER(requests, LOGS_REQUESTS)
NUMBER(retries, LOGS_RETRIES)
NUMBER(failures, LOGS_FAILURES)
NUMBER(sent_bytes, LOGS_SENT_BYTES)
NUMBER(lines, LOGS_LINES)
NUMBER(filtered, LOGS_FILTERED)
NUMBER(empty, LOGS_EMPTY)
NUMBER(cut, LOGS_CUT)
NUMBER(replaced, LOGS_INVALID_UTF8)
NUMBER(without_time, LOGS_WITHOUT_TIME)
NUMBER(files, LOGS_FILES)
NUMBER(unreadable, LOGS_UNREADABLE)
NUMBER(backlog, LOGS_BACKLOG_BYTES)
NUMBER(oldest, LOGS_OLDEST_S)
NUMBER(last_success, LOGS_LAST_SUCCESS_S)
#undef NUMBER

_Static_assert(LOGS_REFUSED == LOGS_TOO_OLD + 3 && LOGS_NUL == LOGS_INVALID_UTF8 + 1,
	       "families with labels take numbers that stand together");

static bool has_oldest(const void *ctx)
{
	return is_on(ctx) && oldest(ctx, 0);
}

static bool has_success(const void *ctx)
{
	return is_on(ctx) && last_success(ctx, 0);
}

static size_t n_levels(const void *ctx)
{
	const struct logs_page *p = ctx;

	return p->enabled ? p->figures.n_logs * LOGS_LEVELS : 0;
}

static void write_level(struct expo *e, const struct expo_family *f, const void *ctx, size_t item)
{
	const struct logs_page *p = ctx;
	const struct logs_log *l = &p->figures.logs[item / LOGS_LEVELS];
	_cleanup_(buf_done) struct buf labels = BUF_INIT(1024);

	expo_label(&labels, "log", l->name);
	expo_label(&labels, "level", logs_level_names[item % LOGS_LEVELS]);
	expo_u64(e, f, buf_str(&labels), l->levels[item % LOGS_LEVELS]);
}

static size_t n_exceptions(const void *ctx)
{
	const struct logs_page *p = ctx;

	return p->enabled ? p->figures.n_logs * LOGS_EXCEPTIONS : 0;
}

static void write_exception(struct expo *e, const struct expo_family *f, const void *ctx,
			    size_t item)
{
	const struct logs_page *p = ctx;
	const struct logs_log *l = &p->figures.logs[item / LOGS_EXCEPTIONS];
	_cleanup_(buf_done) struct buf labels = BUF_INIT(1024);

	item %= LOGS_EXCEPTIONS;
	if (item >= l->n_exceptions)
		return;
	expo_label(&labels, "log", l->name);
	expo_label(&labels, "exception", l->exceptions[item].type);
	expo_u64(e, f, buf_str(&labels), l->exceptions[item].n);
}

/* clang-format off */
static const struct family families[] = {
	{ .expo = { "isamon_log_records", "Records of a log by level, those that are not sent included.", NULL, EXPO_COUNTER },
	  .there = is_on, .n_items = n_levels, .write = write_level },
	{ .expo = { "isamon_log_exceptions", "Tracebacks in a log by the type of the exception.", NULL, EXPO_COUNTER },
	  .there = is_on, .n_items = n_exceptions, .write = write_exception },
	{ .expo = { "isamon_logs_events_pushed", "Events that CloudWatch Logs has taken.", NULL, EXPO_COUNTER },
	  .there = is_on, .value = events },
	{ .expo = { "isamon_logs_pushed_bytes", "Events that CloudWatch Logs has taken, as it counts them.", "bytes",
		    EXPO_COUNTER },
	  .there = is_on, .value = bytes },
	{ .expo = { "isamon_logs_events_rejected", "Events that CloudWatch Logs has refused for good.", NULL, EXPO_COUNTER },
	  .there = is_on, .value = rejected,
	  .labels = { "reason=\"too_old\"", "reason=\"too_new\"", "reason=\"expired\"", "reason=\"refused\"" } },
	{ .expo = { "isamon_logs_events_maybe_twice",
		    "Events that were sent again because it was not known whether they had arrived.", NULL, EXPO_COUNTER },
	  .there = is_on, .value = maybe_twice },
	{ .expo = { "isamon_logs_events_retimed",
		    "Events that were sent with the time of their arrival, because CloudWatch Logs takes none of their own time.",
		    NULL, EXPO_COUNTER },
	  .there = is_on, .value = retimed },
	{ .expo = { "isamon_logs_lost_bytes", "What was cut off a file before it was read.", "bytes", EXPO_COUNTER },
	  .there = is_on, .value = lost_bytes },
	{ .expo = { "isamon_logs_requests", "Calls of PutLogEvents, each with its retries.", NULL, EXPO_COUNTER },
	  .there = is_on, .value = requests },
	{ .expo = { "isamon_logs_retries", "Attempts beyond the first of a call.", NULL, EXPO_COUNTER },
	  .there = is_on, .value = retries },
	{ .expo = { "isamon_logs_failures", "Calls that did not end well.", NULL, EXPO_COUNTER },
	  .there = is_on, .value = failures },
	{ .expo = { "isamon_logs_sent_bytes", "Bodies of requests, as they were sent.", "bytes", EXPO_COUNTER },
	  .there = is_on, .value = sent_bytes },
	{ .expo = { "isamon_logs_lines", "Lines that were read.", NULL, EXPO_COUNTER },
	  .there = is_on, .value = lines },
	{ .expo = { "isamon_logs_records_filtered", "Records that include and exclude keep back.", NULL, EXPO_COUNTER },
	  .there = is_on, .value = filtered },
	{ .expo = { "isamon_logs_lines_empty", "Empty lines, which are no records.", NULL, EXPO_COUNTER },
	  .there = is_on, .value = empty },
	{ .expo = { "isamon_logs_records_cut", "Records that were too long, or waited too long for their end, and go on in another.",
		    NULL, EXPO_COUNTER },
	  .there = is_on, .value = cut },
	{ .expo = { "isamon_logs_replaced", "Bytes that are no UTF-8, and NULs: each is U+FFFD in the event.", NULL, EXPO_COUNTER },
	  .there = is_on, .value = replaced, .labels = { "what=\"invalid_utf8\"", "what=\"nul\"" } },
	{ .expo = { "isamon_logs_records_without_time", "Records of logs with time stamps that have none.", NULL, EXPO_COUNTER },
	  .there = is_on, .value = without_time },
	{ .expo = { "isamon_logs_files", "Files that are followed.", NULL, EXPO_GAUGE },
	  .there = is_on, .value = files },
	{ .expo = { "isamon_logs_files_unreadable", "Files of logs that cannot be read.", NULL, EXPO_GAUGE },
	  .there = is_on, .value = unreadable },
	{ .expo = { "isamon_logs_backlog_bytes", "What of the files was not read yet.", "bytes", EXPO_GAUGE },
	  .there = is_on, .value = backlog },
	{ .expo = { "isamon_logs_oldest_timestamp_seconds", "Time of the oldest event that was read and did not arrive yet.",
		    "seconds", EXPO_GAUGE },
	  .there = has_oldest, .value = oldest },
	{ .expo = { "isamon_logs_last_success_timestamp_seconds", "When CloudWatch Logs last took something.", "seconds",
		    EXPO_GAUGE },
	  .there = has_success, .value = last_success },
};
/* clang-format on */

bool logs_page_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	return families_collect(families, ARRAY_SIZE(families), e, at, enough, ctx);
}
