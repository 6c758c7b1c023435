/* SPDX-License-Identifier: MIT */
/* What is recorded of jobs is there, for other processes too, and no more than is to be kept. */
#include "store/job_history.h"

#include "store_fixture.h"

static struct job_history *history;

static void open_history(void)
{
	set_up();
	EXPECT_INT(job_history_new(t.base, t.dir, &history), 0);
}

static void close_history(void)
{
	job_history_close(take(history), 0);
	tear_down();
}

static struct job_run run_of(const char *job, int64_t started_ms)
{
	struct job_run r = { .started_ms = started_ms, .bytes = -1 };

	snprintf(r.job, sizeof(r.job), "%s", job);
	return r;
}

static void record(const char *job, int64_t started_ms, enum job_result result)
{
	struct job_run r = run_of(job, started_ms);

	EXPECT_INT(job_history_begin(history, &r, 0, NULL, NULL), 0);
	r.ended_ms = started_ms + 500;
	r.result = result;
	r.code = result == JOB_FAILED ? 3 : 0;
	EXPECT_INT(job_history_end(history, &r, NULL, NULL), 0);
	job_history_settle(history);
	event_base_loop(t.base, EVLOOP_NONBLOCK);
}

static struct {
	struct job_run list[300];
	char output[100];
	size_t n;
} seen;

static int see(const struct job_run *r, void *ctx)
{
	(void)ctx;
	if (!seen.n)
		snprintf(seen.output, sizeof(seen.output), "%.*s", (int)r->output_len, r->output);
	if (seen.n < ARRAY_SIZE(seen.list))
		seen.list[seen.n++] = *r;
	return 0;
}

static int each(const char *job, unsigned int max)
{
	seen.n = 0;
	return job_history_each(history, job, max, see, NULL);
}

static void keeps_everything(void)
{
	struct job_run r = run_of("backup", 1000);

	open_history();
	r.scheduled_s = 1;
	EXPECT_INT(job_history_begin(history, &r, 0, NULL, NULL), 0);
	REQUIRE_INT(each(NULL, 10), 0);
	REQUIRE_UINT(seen.n, 1);
	EXPECT_INT((int)seen.list[0].result, JOB_RUNNING);
	EXPECT_INT(seen.list[0].ended_ms, 0);
	r.ended_ms = 2500;
	r.result = JOB_SIGNAL;
	r.code = 9;
	r.cpu_ms = 70;
	r.peak_rss_bytes = 1u << 20;
	r.bytes = 1ll << 40;
	r.output = (char[]){ "a\0\xff end" };
	r.output_len = 7;
	r.output_bytes = 1000;
	EXPECT_INT(job_history_end(history, &r, NULL, NULL), 0);
	memset(r.output, 'x', r.output_len); /* it has a copy */
	REQUIRE_INT(each("backup", 10), 0);
	REQUIRE_UINT(seen.n, 1);
	EXPECT_STR(seen.list[0].job, "backup");
	EXPECT_INT(seen.list[0].scheduled_s, 1);
	EXPECT_INT(seen.list[0].started_ms, 1000);
	EXPECT_INT(seen.list[0].ended_ms, 2500);
	EXPECT_INT((int)seen.list[0].result, JOB_SIGNAL);
	EXPECT_INT(seen.list[0].code, 9);
	EXPECT_UINT(seen.list[0].cpu_ms, 70);
	EXPECT_UINT(seen.list[0].peak_rss_bytes, 1u << 20);
	EXPECT_INT(seen.list[0].bytes, 1ll << 40);
	EXPECT_UINT(seen.list[0].output_bytes, 1000);
	EXPECT_UINT(seen.list[0].output_len, 7);
	EXPECT_STR(seen.output, "a");
	EXPECT_INT(each("other", 10), 0);
	EXPECT_UINT(seen.n, 0);
	close_history();
}

static void keeps_the_last(void)
{
	open_history();
	for (int i = 0; i < JOB_RUNS_MAX + 5; i++)
		record("a", 1000 + i, JOB_OK);
	record("b", 50, JOB_FAILED); /* the clock was put back: it is the last all the same */
	REQUIRE_INT(each("a", 1000), 0);
	EXPECT_UINT(seen.n, JOB_RUNS_MAX);
	EXPECT_INT(seen.list[0].started_ms, 1000 + JOB_RUNS_MAX + 4);
	REQUIRE_INT(each(NULL, 2), 0);
	REQUIRE_UINT(seen.n, 2);
	EXPECT_STR(seen.list[0].job, "b");
	EXPECT_STR(seen.list[1].job, "a");
	close_history();
}

static void finds_interrupted_runs(void)
{
	struct job_run r = run_of("a", 1000);
	struct job_state s = { .job = "a" };

	open_history();
	EXPECT_INT(job_history_begin(history, &r, 0, NULL, NULL), 0);
	record("a", 2000, JOB_OK);
	REQUIRE_INT(each("a", 10), 0);
	REQUIRE_UINT(seen.n, 2);
	EXPECT_INT((int)seen.list[1].result, JOB_INTERRUPTED);
	r = run_of("a", 3000);
	EXPECT_INT(job_history_begin(history, &r, 0, NULL, NULL), 0);
	EXPECT_INT(job_history_interrupted(history, "a"), 0);
	EXPECT_INT(job_history_interrupted(history, "a"), 0);
	EXPECT_INT(job_history_look_wait(history, &s, 1), 0);
	EXPECT_UINT(s.runs[JOB_INTERRUPTED], 2);
	EXPECT_UINT(s.runs[JOB_OK], 1);
	EXPECT_INT((int)s.last.result, JOB_INTERRUPTED);
	EXPECT_INT(s.success_ms, 2500);
	close_history();
}

static struct {
	unsigned int n;
	int err;
	struct job_state list[2];
	uint64_t failures;
} looked;

static void on_looked(int err, const struct job_state *list, size_t n, uint64_t failures, void *ctx)
{
	(void)ctx;
	looked.n++;
	looked.err = err;
	looked.failures = failures;
	for (size_t i = 0; i < n && i < 2; i++)
		looked.list[i] = list[i];
}

/* What the job is seen to up to, if it is looked up with this schedule at this time. */
static int64_t look(const char *schedule, int64_t now_s)
{
	struct job_state s[2] = { { .job = "a", .seen_to_s = now_s }, { .job = "b" } };

	snprintf(s[0].schedule, sizeof(s[0].schedule), "%s", schedule);
	looked.n = 0;
	EXPECT_INT(job_history_look(history, s, 2, on_looked, NULL), 0);
	if (!turn_until(&looked.n, 1))
		return -1;
	EXPECT_INT(looked.err, 0);
	return looked.list[0].seen_to_s;
}

static void knows_what_was_seen_to(void)
{
	struct job_state s = { .job = "a", .schedule = "@daily", .seen_to_s = 7 };
	struct job_run r = run_of("a", 1000);

	open_history();
	EXPECT_INT(job_history_look_wait(history, &s, 1), 0); /* writes nothing */
	EXPECT_INT(s.seen_to_s, 7);
	EXPECT_INT(look("@daily", 100), 100);
	EXPECT_INT(look("@daily", 200), 100);
	EXPECT_INT(job_history_seen(history, "a", 150), 0);
	EXPECT_INT(look("@daily", 200), 150);
	EXPECT_INT(job_history_begin(history, &r, 160, NULL, NULL), 0);
	EXPECT_INT(look("@daily", 200), 160);
	EXPECT_INT(look("@hourly", 300), 300);
	EXPECT_INT(look("@hourly", 400), 300);
	EXPECT_UINT(looked.failures, 0);
	close_history();
}

/* Of all jobs, also of those that are not looked up. */
static void adds_failures_up(void)
{
	static const enum job_result results[] = { JOB_OK,          JOB_FAILED,      JOB_SIGNAL,
						   JOB_TIME_LIMIT,  JOB_NOT_STARTED, JOB_OK,
						   JOB_INTERRUPTED, JOB_FAILED };
	struct job_run r = run_of("a", 9000);

	open_history();
	for (size_t i = 0; i < ARRAY_SIZE(results); i++)
		record(i % 2 ? "a" : "gone", 1000 + (int64_t)i, results[i]);
	look("@daily", 100);
	EXPECT_UINT(looked.failures, 6);
	EXPECT_INT(job_history_begin(history, &r, 0, NULL, NULL), 0);
	look("@daily", 100);
	EXPECT_UINT(looked.failures, 6);
	EXPECT_INT(job_history_interrupted(history, "a"), 0);
	look("@daily", 100);
	EXPECT_UINT(looked.failures, 7);
	close_history();
}

static void is_shared(void)
{
	struct job_history *other = NULL;
	struct job_run r = run_of("a", 1000);

	open_history();
	REQUIRE_INT(job_history_new(t.base, t.dir, &other), 0);
	for (int i = 0; i < 5; i++) {
		r.started_ms = 1000 + i;
		EXPECT_INT(job_history_begin(i % 2 ? history : other, &r, 0, NULL, NULL), 0);
	}
	job_history_settle(other);
	job_history_settle(history);
	EXPECT_INT(each("a", 10), 0);
	EXPECT_UINT(seen.n, 5);
	job_history_close(other, 0);
	close_history();
}

static int told_err;

static void on_done(int err, void *ctx)
{
	(void)ctx;
	told_err = err;
}

static void says_why_not(void)
{
	struct job_run r = run_of("a", 1000);
	FILE *f;

	open_history();
	f = fopen(t.dir, "w"); /* where the directory should be */
	REQUIRE(f);
	fclose(f);
	EXPECT_INT(job_history_begin(history, &r, 0, on_done, NULL), 0);
	job_history_settle(history);
	job_history_why(history, &t.why);
	EXPECT_HAS(buf_str(&t.why), t.dir);
	event_base_loop(t.base, EVLOOP_NONBLOCK);
	EXPECT_INT(told_err, -ENOTDIR);
	unlink(t.dir);
	EXPECT_INT(job_history_begin(history, &r, 0, NULL, NULL), 0);
	EXPECT_INT(each("a", 10), 0);
	EXPECT_UINT(seen.n, 1);
	close_history();
}

static void describes(void)
{
	static const struct {
		enum job_result result;
		int code;
		const char *text;
	} rows[] = {
		{ JOB_OK, 0, "ok" },
		{ JOB_FAILED, 3, "exit status 3" },
		{ JOB_SIGNAL, 9, "signal 9 (Killed)" },
		{ JOB_TIME_LIMIT, 0, "ended by its time limit" },
		{ JOB_NOT_STARTED, ENOENT, "not started: No such file or directory" },
		{ JOB_INTERRUPTED, 0, "interrupted" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(100);

		job_result_describe(rows[i].result, rows[i].code, &out);
		EXPECT_STR(buf_str(&out), rows[i].text);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a run is kept with all that is known", keeps_everything },
		{ "the last runs are kept", keeps_the_last },
		{ "a run that nobody ended was interrupted", finds_interrupted_runs },
		{ "times that were seen to", knows_what_was_seen_to },
		{ "failures are added up", adds_failures_up },
		{ "two processes share it", is_shared },
		{ "why it cannot be written, and that it goes on", says_why_not },
		{ "results for people", describes },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
