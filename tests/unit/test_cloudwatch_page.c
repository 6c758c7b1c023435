/* SPDX-License-Identifier: MIT */
/* The families of CloudWatch: what is known is there, and nothing of one that is off. */
#include "metrics/cloudwatch_page.h"

#include "unit.h"

static char *write_page(struct cloudwatch_figures *f, enum expo_format format)
{
	struct buf out = BUF_INIT(65536);
	struct page page = { .n = 0 };
	struct page_reader r;
	size_t limit = 1;

	page_add(&page, cloudwatch_page_collect, f);
	page_read_start(&r, &page, format);
	while (!r.done && page_read(&r, &out, limit) == 0)
		limit = out.len + 1;
	return buf_steal(&out);
}

static struct cloudwatch_figures all(void)
{
	return (struct cloudwatch_figures){
		.enabled = true,
		.has_spool = true,
		.minutes = 3,
		.bytes = 4096,
		.oldest_s = 1795480440,
		.pushed = 17,
		.rejected = 1,
		.maybe_twice = 2,
		.dropped = { 4, 5, 6, 7 },
		.requests = 20,
		.retries = 7,
		.failures = 8,
		.sent_bytes = 12345,
		.last_success_s = 1795480500,
	};
}

static void everything(void)
{
	static const char *const lines[] = {
		"\nisamon_cloudwatch_spool_minutes 3\n",
		"\nisamon_cloudwatch_spool_bytes 4096\n",
		"\nisamon_cloudwatch_spool_oldest_timestamp_seconds 1795480440\n",
		"\nisamon_cloudwatch_minutes_pushed_total 17\n",
		"\nisamon_cloudwatch_minutes_rejected_total 1\n",
		"\nisamon_cloudwatch_minutes_dropped_total{reason=\"age\"} 4\n",
		"\nisamon_cloudwatch_minutes_dropped_total{reason=\"size\"} 5\n",
		"\nisamon_cloudwatch_minutes_dropped_total{reason=\"disk_full\"} 6\n",
		"\nisamon_cloudwatch_minutes_dropped_total{reason=\"memory_full\"} 7\n",
		"\nisamon_cloudwatch_minutes_maybe_twice_total 2\n",
		"\nisamon_cloudwatch_requests_total 20\n",
		"\nisamon_cloudwatch_retries_total 7\n",
		"\nisamon_cloudwatch_failures_total 8\n",
		"\nisamon_cloudwatch_sent_bytes_total 12345\n",
		"\nisamon_cloudwatch_last_success_timestamp_seconds 1795480500\n",
	};
	struct cloudwatch_figures f = all();
	char *page = write_page(&f, EXPO_TEXT_004);

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		EXPECT_HAS(page, lines[i]);
	free(page);
}

static void off(void)
{
	struct cloudwatch_figures f = all();
	char *page;

	f.enabled = false;
	page = write_page(&f, EXPO_OPENMETRICS_1);
	EXPECT_STR(page, "# EOF\n");
	free(page);
}

static void no_state_file(void)
{
	struct cloudwatch_figures f = all();
	char *page;

	f.has_spool = false;
	page = write_page(&f, EXPO_TEXT_004);
	EXPECT(!strstr(page, "spool"));
	EXPECT(!strstr(page, "minutes"));
	EXPECT_HAS(page, "\nisamon_cloudwatch_requests_total 20\n");
	free(page);
}

static void nothing_yet(void)
{
	struct cloudwatch_figures f = { .enabled = true, .has_spool = true };
	char *page = write_page(&f, EXPO_TEXT_004);

	EXPECT(!strstr(page, "oldest"));
	EXPECT(!strstr(page, "last_success"));
	EXPECT_HAS(page, "\nisamon_cloudwatch_minutes_pushed_total 0\n");
	free(page);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "everything that is known", everything },
		{ "nothing of one that is off", off },
		{ "nothing of a spool that cannot be opened", no_state_file },
		{ "no time of what has not been", nothing_yet },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
