/* SPDX-License-Identifier: MIT */
/* Lives and deaths: restarts, the window of crash loops, children's CPU, what is on the page and when. */
#include "metrics/life_metrics.h"

#include <signal.h>

#include "base/clock.h"
#include "unit.h"

#define SECOND NS_PER_SEC
#define EXITED(code) ((code) << 8)

static const struct life_limits three_in_five_minutes = { 3, 300 * SECOND };

static struct life_metrics *new_metrics(void)
{
	struct life_metrics *m = NULL;

	EXPECT_INT(life_metrics_new(&three_in_five_minutes, &m), 0);
	return m;
}

static char *write_page(struct life_metrics *m, size_t enough)
{
	struct buf out = BUF_INIT(65536);
	struct page page = { .n = 0 };
	struct page_reader r;
	size_t limit = enough;

	page_add(&page, life_metrics_collect, m);
	page_read_start(&r, &page, EXPO_TEXT_004);
	while (!r.done && page_read(&r, &out, limit) == 0)
		limit = out.len + enough;
	return buf_steal(&out);
}

static void expect_lines(struct life_metrics *m, const char *const *lines, size_t n)
{
	char *page = write_page(m, 65536), *pieces = write_page(m, 1);

	for (size_t i = 0; i < n; i++)
		EXPECT_HAS(page, lines[i]);
	EXPECT_STR(pieces, page);
	free(page);
	free(pieces);
}
#define EXPECT_LINES(m, ...) \
	do { \
		static const char *const lines_[] = { __VA_ARGS__ }; \
		expect_lines(m, lines_, ARRAY_SIZE(lines_)); \
	} while (0)

static bool begins(struct life_metrics *m, __u32 pid)
{
	const struct life_record r = { .kind = LIFE_EXEC, .flags = LIFE_FLAG_MAIN, .pid = pid };

	return life_metrics_add(m, &r, 0);
}

static void ends(struct life_metrics *m, __u32 pid, __u32 status, uint64_t at_s)
{
	const struct life_record r = {
		.kind = LIFE_EXIT,
		.flags = LIFE_FLAG_MAIN,
		.pid = pid,
		.status = status,
		.at_ns = at_s * SECOND,
	};

	EXPECT(!life_metrics_add(m, &r, 1700000000.5));
}

static void statuses(void)
{
	static const struct {
		const char *name;
		uint32_t status;
		bool expected;
	} rows[] = {
		{ "status 0 is expected", EXITED(0), true },
		{ "status 1 is not", EXITED(1), false },
		{ "status 143 is SIGTERM's", EXITED(143), true },
		{ "status 130 is SIGINT's", EXITED(130), true },
		{ "status 137 is SIGKILL's, which nobody sends who is in no hurry", EXITED(137),
		  false },
		{ "SIGTERM is expected", SIGTERM, true },
		{ "SIGINT is expected", SIGINT, true },
		{ "SIGHUP is expected", SIGHUP, true },
		{ "SIGKILL is not", SIGKILL, false },
		{ "a core dump is not", SIGSEGV | 0x80, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("%s", rows[i].name);
		EXPECT_INT(life_status_expected(rows[i].status), rows[i].expected);
	}
}

static void nothing_known(void)
{
	struct life_metrics *m = new_metrics();
	char *page = write_page(m, 65536);

	EXPECT_STR(page,
		   "# HELP isamon_service_restarts_total Times that the main process was replaced "
		   "by another.\n# TYPE isamon_service_restarts_total counter\n"
		   "isamon_service_restarts_total 0\n");
	free(page);
	life_metrics_set_cgroup_kills(m, 4);
	EXPECT_LINES(m, "\nisamon_service_oom_kills_total{scope=\"cgroup\"} 4\n");
	page = write_page(m, 65536);
	EXPECT(!strstr(page, "scope=\"process\""));
	free(page);
	life_metrics_free(m);
}

static void everything(void)
{
	const struct life_totals t = {
		.forks = 7, .execs = 6, .exits = { 3, 2, 1 }, .oom_kills = 1, .records_lost = 9
	};
	struct life_metrics *m = new_metrics();

	life_metrics_set_totals(m, &t);
	life_metrics_set_cgroup_kills(m, 2);
	EXPECT_LINES(m, "\nisamon_service_forks_total 7\n", "\nisamon_service_execs_total 6\n",
		     "\nisamon_service_exits_total{how=\"exit_zero\"} 3\n",
		     "\nisamon_service_exits_total{how=\"exit_error\"} 2\n",
		     "\nisamon_service_exits_total{how=\"signal\"} 1\n",
		     "\nisamon_service_children_cpu_seconds_total{mode=\"user\"} 0\n",
		     "\nisamon_service_exited_peak_memory_bytes 0\n",
		     "\nisamon_service_oom_kills_total{scope=\"process\"} 1\n",
		     "\nisamon_service_oom_kills_total{scope=\"cgroup\"} 2\n",
		     "\nisamon_service_crash_loop 0\n", "\nisamon_service_last_exit_code 0\n",
		     "\nisamon_service_last_exit_signal 0\n",
		     "\nisamon_service_last_exit_timestamp_seconds 0\n");
	life_metrics_free(m);
}

static void last_exit(void)
{
	const struct life_totals t = { .forks = 1 };
	struct life_metrics *m = new_metrics();

	life_metrics_set_totals(m, &t);
	ends(m, 10, EXITED(7), 1);
	EXPECT_LINES(m, "\nisamon_service_last_exit_code 7\n",
		     "\nisamon_service_last_exit_signal 0\n",
		     "\nisamon_service_last_exit_timestamp_seconds 1700000000.5\n");
	ends(m, 11, SIGSEGV | 0x80, 2);
	EXPECT_LINES(m, "\nisamon_service_last_exit_code 0\n",
		     "\nisamon_service_last_exit_signal 11\n");
	life_metrics_free(m);
}

static void restarts(void)
{
	struct life_metrics *m = new_metrics();

	EXPECT(!life_metrics_main_is(m, 10, false)); /* the first that is known */
	EXPECT(!life_metrics_main_is(m, 10, false));
	ends(m, 10, EXITED(1), 1);
	EXPECT_UINT(life_metrics_restarts(m), 0);    /* it may stay down */
	EXPECT(begins(m, 11));                       /* the kernel tells first, */
	EXPECT(!life_metrics_main_is(m, 11, false)); /* /proc says the same later */
	ends(m, 11, EXITED(1), 2);
	EXPECT(life_metrics_main_is(m, 12, false)); /* told by /proc alone */
	EXPECT(life_metrics_main_is(m, 13, false)); /* replaced without an end that was seen */
	EXPECT_UINT(life_metrics_restarts(m), 3);
	ends(m, 13, SIGKILL, 3);
	EXPECT(!life_metrics_main_is(m, 14, true)); /* a worker goes on without it */
	EXPECT(!life_metrics_main_is(m, 14, false));
	EXPECT_UINT(life_metrics_restarts(m), 3);
	life_metrics_free(m);
}

static void pid_again(void)
{
	struct life_metrics *m = new_metrics();

	EXPECT(!life_metrics_main_is(m, 10, false));
	ends(m, 10, EXITED(1), 1);
	EXPECT(begins(m, 10));
	EXPECT(!life_metrics_main_is(m, 10, false));
	ends(m, 10, EXITED(1), 2);
	EXPECT(life_metrics_main_is(m, 10, false));
	EXPECT_UINT(life_metrics_restarts(m), 2);
	life_metrics_free(m);
}

static void others_do_not_count(void)
{
	struct life_metrics *m = new_metrics();
	struct life_record r = { .kind = LIFE_EXIT, .pid = 5, .status = SIGKILL, .at_ns = SECOND };
	unsigned int n = 9;

	EXPECT(!life_metrics_main_is(m, 10, false));
	for (int i = 0; i < 10; i++)
		EXPECT(!life_metrics_add(m, &r, 1));
	r.kind = LIFE_FORK;
	EXPECT(!life_metrics_add(m, &r, 1));
	r.kind = LIFE_EXEC;
	EXPECT(!life_metrics_add(m, &r, 1));
	EXPECT(!life_metrics_crash_loop(m, 2 * SECOND, &n));
	EXPECT_UINT(n, 0);
	EXPECT_UINT(life_metrics_restarts(m), 0);
	life_metrics_free(m);
}

static void crash_loop(void)
{
	const struct life_totals t = { .forks = 1 };
	struct life_metrics *m = new_metrics();
	unsigned int n;

	life_metrics_set_totals(m, &t);
	ends(m, 1, EXITED(1), 1000);
	ends(m, 2, EXITED(0), 1001); /* expected: not one of them */
	ends(m, 3, SIGKILL, 1100);
	EXPECT(!life_metrics_crash_loop(m, 1100 * SECOND, &n));
	EXPECT_UINT(n, 2);
	ends(m, 4, EXITED(3), 1299);
	EXPECT(life_metrics_crash_loop(m, 1299 * SECOND, &n));
	EXPECT_UINT(n, 3);
	EXPECT_LINES(m, "\nisamon_service_crash_loop 1\n");
	EXPECT(life_metrics_crash_loop(m, 1299 * SECOND + SECOND - 1, NULL));
	EXPECT(!life_metrics_crash_loop(m, 1300 * SECOND, &n)); /* the first one is out of it */
	EXPECT_UINT(n, 2);
	EXPECT_LINES(m, "\nisamon_service_crash_loop 0\n");
	EXPECT(!life_metrics_crash_loop(m, 9999 * SECOND, &n));
	EXPECT_UINT(n, 0);
	life_metrics_free(m);
}

static void limits(void)
{
	const struct life_limits one = { 1, SECOND }, most = { LIFE_CRASHES_MAX, 1000 * SECOND };
	struct life_metrics *m = new_metrics();
	unsigned int n;

	for (unsigned int i = 0; i < LIFE_CRASHES_MAX + 50; i++)
		ends(m, i, SIGABRT, 100 + i);
	life_metrics_set_limits(m, &most);
	EXPECT(life_metrics_crash_loop(m, (99 + LIFE_CRASHES_MAX + 50) * SECOND, &n));
	EXPECT_UINT(n, LIFE_CRASHES_MAX);
	life_metrics_set_limits(m, &one);
	EXPECT(life_metrics_crash_loop(m, (99 + LIFE_CRASHES_MAX + 50) * SECOND, &n));
	EXPECT_UINT(n, 1);
	EXPECT(!life_metrics_crash_loop(m, (100 + LIFE_CRASHES_MAX + 50) * SECOND, &n));
	life_metrics_free(m);
}

static void children(void)
{
	const struct life_totals t = { .forks = 1 };
	struct life_metrics *m = new_metrics();
	struct life_record r = {
		.kind = LIFE_EXIT,
		.flags = LIFE_FLAG_UNSEEN,
		.cpu_ns = 20 * SECOND,
		.user_ns = 6,
		.system_ns = 2,
	};

	life_metrics_set_totals(m, &t);
	life_metrics_add(m, &r, 0);
	r.kind = LIFE_TAIL;
	r.cpu_ns = SECOND;
	r.user_ns = 0;
	life_metrics_add(m, &r, 0);
	r.flags = 0; /* it was seen: it is not one of these */
	life_metrics_add(m, &r, 0);
	EXPECT_LINES(m, "\nisamon_service_children_cpu_seconds_total{mode=\"user\"} 15\n",
		     "\nisamon_service_children_cpu_seconds_total{mode=\"system\"} 6\n");
	life_metrics_free(m);
}

static void split(void)
{
	static const struct {
		uint64_t cpu, user, system, ret_user, ret_system;
	} rows[] = {
		{ 0, 0, 0, 0, 0 },
		{ 7, 0, 0, 7, 0 },
		{ 7, 0, 3, 0, 7 },
		{ 100, 1, 3, 25, 75 },
		/* a year on a thousand CPUs: more than 64 bits between */
		{ 15768000000000000000ull, 3u << 30, 3u << 30, 7884000000000000000ull,
		  7884000000000000000ull },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct life_record r = { .cpu_ns = rows[i].cpu,
					       .user_ns = rows[i].user,
					       .system_ns = rows[i].system };
		uint64_t user, system;

		life_split_cpu(&r, &user, &system);
		EXPECT_UINT(user, rows[i].ret_user);
		EXPECT_UINT(system, rows[i].ret_system);
	}
}

static uint64_t peak_at(struct life_metrics *m, uint64_t now_s)
{
	char *page;
	uint64_t bytes = 1;

	life_metrics_crash_loop(m, now_s * SECOND, NULL);
	page = write_page(m, 65536);
	sscanf(strstr(page, "\nisamon_service_exited_peak_memory_bytes "), "%*s %" SCNu64, &bytes);
	free(page);
	return bytes / 4096;
}

static void peaks(void)
{
	const struct life_totals t = { .forks = 1 };
	struct life_record r = { .kind = LIFE_EXIT, .peak_pages = 500, .at_ns = 601 * SECOND };
	struct life_metrics *m = new_metrics();

	life_metrics_set_totals(m, &t);
	life_metrics_add(m, &r, 0);
	r.peak_pages = 300;
	r.at_ns = 659 * SECOND;
	life_metrics_add(m, &r, 0);
	EXPECT_UINT(peak_at(m, 659), 500);
	r.peak_pages = 100;
	r.at_ns = 661 * SECOND;
	life_metrics_add(m, &r, 0);
	EXPECT_UINT(peak_at(m, 700), 500);
	EXPECT_UINT(peak_at(m, 721), 100);
	EXPECT_UINT(peak_at(m, 781), 0);
	life_metrics_free(m);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, statuses },
		{ "without the probe only restarts are on the page", nothing_known },
		{ "everything is on the page", everything },
		{ "the last end is shown", last_exit },
		{ "a restart is counted once, whoever tells", restarts },
		{ "a pid that is used again is a restart all the same", pid_again },
		{ "other processes' ends are no crashes", others_do_not_count },
		{ "a crash loop begins with the third end and ends with the window", crash_loop },
		{ "limits may change, and more ends than are kept do no harm", limits },
		{ "children that nobody saw are in the sum", children },
		{ "CPU time is divided as the ticks are", split },
		{ "the largest peak of the last minutes is shown", peaks },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
