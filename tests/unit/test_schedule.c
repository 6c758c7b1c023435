/* SPDX-License-Identifier: MIT */
/* The schedule by a clock of the test's: what is started when, what is not, and what is known of it later. Jobs are commands of a shell's. */
#include "care/schedule.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "care/job_process.h"
#include "care/schedule_impl.h"
#include "cmd/status_fill.h"
#include "metrics/expo.h"
#include "store/job_history.h"
#include "store_fixture.h"

#define T0 1795687200 /* 2026-11-26 10:00:00 UTC */
#define HOUR 3600
#define DAY 86400

static char name_[] = "job", other_[] = "other", hourly_[] = "0 * * * *", daily_[] = "30 2 * * *";
static char short_[] = "-c true", long_[] = "-c \"exec sleep 1000\"", bad_[] = "-c \"exit 3\"",
	    late_[] = "-c \"sleep 0.2; exit 3\"";

static struct {
	struct config config;
	struct config_job jobs[2];
	struct schedule *schedule;
	char run[260];
	int64_t now_s;
} s;

static void configure(const char *schedule, const char *command, enum config_job_missed missed)
{
	memset(&s.config, 0, sizeof(s.config));
	s.config.runtime_directory = s.run;
	s.config.state_directory = t.dir;
	for (size_t i = 0; i < 2; i++) {
		s.jobs[i] = (struct config_job){ .name = i ? other_ : name_,
						 .schedule = (char *)(uintptr_t)schedule,
						 .command = (char *)(uintptr_t)command,
						 .enabled = true,
						 .time_limit_s = 3600,
						 .missed = missed,
						 .output_bytes = 1024 };
		s.config.jobs[i] = &s.jobs[i];
	}
	s.config.n_jobs = 1;
}

static const struct job_figures *figures(void)
{
	return &schedule_page(s.schedule, s.now_s)->list[0];
}

static uint64_t runs(void)
{
	uint64_t n = 0;

	for (int i = 0; i < JOBS_RESULTS; i++)
		n += figures()->runs[i];
	return n;
}

static struct schedule_failures failures(void)
{
	struct schedule_failures f;

	schedule_failures(s.schedule, &f);
	EXPECT(f.counter || !f.known);
	return f;
}

/* Lets what is under way in the loop go on, until this holds. */
static bool turn(bool (*holds)(void))
{
	const uint64_t end_ns = clock_monotonic_ns() + DEADLINE_NS;

	while (!holds() && clock_monotonic_ns() < end_ns) {
		event_base_loop(t.base, EVLOOP_NONBLOCK);
		poll(NULL, 0, 2);
	}
	return EXPECT(holds());
}

static bool idle(void)
{
	return !figures()->running && job_process_is_free(s.run, name_);
}

/* Its history was read, or cannot be. */
static bool is_known(void)
{
	const struct job *j;

	TAILQ_FOREACH(j, &s.schedule->jobs, entry)
	if (!j->known)
		return false;
	return !s.schedule->looking;
}

static void begin(int64_t now_s)
{
	s.now_s = now_s;
	REQUIRE_INT(schedule_new(t.base, "/bin/sh", NULL, &s.schedule), 0);
	schedule_use(s.schedule, &s.config, now_s);
	turn(is_known);
}

static void begin_all(const char *schedule, const char *command, enum config_job_missed missed)
{
	setenv("TZ", "UTC", 1);
	set_up();
	snprintf(s.run, sizeof(s.run), "%s/run", t.top);
	configure(schedule, command, missed);
	begin(T0 + 60);
}

static void end(void)
{
	schedule_free(take(s.schedule));
}

static void end_all(void)
{
	end();
	tear_down();
}

static void tick(int64_t now_s)
{
	s.now_s = now_s;
	schedule_tick(s.schedule, now_s);
}

/* Second by second, and waits for what was started. */
static void pass(int64_t until_s)
{
	while (s.now_s < until_s) {
		tick(s.now_s + 1);
		if (!idle())
			turn(idle);
	}
}

static void runs_on_time(void)
{
	begin_all(hourly_, short_, CONFIG_JOB_RUN);
	tick(T0 + HOUR - 1);
	EXPECT_UINT(runs(), 0);
	EXPECT(!figures()->running && figures()->last_run_ms == 0);
	tick(T0 + HOUR);
	EXPECT(figures()->running);
	turn(idle);
	EXPECT_UINT(figures()->runs[JOBS_OK], 1);
	EXPECT(figures()->last_success_ms >= figures()->last_run_ms && figures()->last_run_ms > 0);
	tick(T0 + HOUR);
	tick(T0 + HOUR + 1);
	EXPECT_UINT(runs(), 1);
	pass(T0 + 2 * HOUR + 5);
	EXPECT_UINT(runs(), 2);
	end_all();
}

static void does_not_overlap(void)
{
	begin_all(hourly_, long_, CONFIG_JOB_RUN);
	tick(T0 + HOUR);
	EXPECT(figures()->running);
	tick(T0 + 2 * HOUR);
	tick(T0 + 2 * HOUR + 1);
	EXPECT_UINT(figures()->skipped[JOBS_OVERLAP], 1);
	EXPECT_UINT(runs(), 0);
	end_all();
}

static void counts_failures(void)
{
	begin_all(hourly_, bad_, CONFIG_JOB_RUN);
	tick(T0 + HOUR);
	turn(idle);
	EXPECT_UINT(figures()->runs[JOBS_FAILED], 1);
	EXPECT_INT(figures()->last_success_ms, 0);
	end();
	/* The next daemon knows. */
	begin(T0 + HOUR + 60);
	EXPECT_UINT(figures()->runs[JOBS_FAILED], 1);
	EXPECT(figures()->last_run_ms > 0);
	end_all();
}

static void cannot_start(void)
{
	char path[300];

	begin_all(hourly_, short_, CONFIG_JOB_RUN);
	/* Where the lock's directory should be there is a file. */
	EXPECT_INT(mkdir(s.run, 0700), 0);
	snprintf(path, sizeof(path), "%s/jobs", s.run);
	fclose(fopen(path, "w"));
	tick(T0 + HOUR);
	EXPECT_UINT(figures()->runs[JOBS_NOT_STARTED], 1);
	EXPECT_UINT(failures().now, 1);
	tick(T0 + HOUR + 1);
	EXPECT_UINT(runs(), 1);
	end_all();
}

static bool has_four_failures(void)
{
	return failures().now == 4;
}

/* Also of jobs that are in the configuration no more, and those that others ran; and the next daemon goes on there. */
static void adds_failures_up(void)
{
	struct job_run r = {
		.job = "gone", .started_ms = 1000, .ended_ms = 2000, .result = JOB_SIGNAL
	};
	struct job_history *h = NULL;
	uint64_t counter;

	begin_all(hourly_, bad_, CONFIG_JOB_RUN);
	EXPECT(failures().known && failures().lasting);
	EXPECT_UINT(failures().first, 0);
	pass(T0 + 2 * HOUR);
	EXPECT_UINT(failures().now, 2);
	REQUIRE_INT(job_history_new(t.base, t.dir, &h), 0);
	EXPECT_INT(job_history_end(h, &r, NULL, NULL), 0);
	r.started_ms++;
	r.result = JOB_OK;
	EXPECT_INT(job_history_end(h, &r, NULL, NULL), 0);
	job_history_close(h, 0);
	schedule_look(s.schedule, s.now_s);
	turn(is_known);
	EXPECT_UINT(failures().now, 3);
	EXPECT_UINT(failures().first, 0);
	counter = failures().counter;
	end();
	s.jobs[0].command = late_;
	begin(T0 + 2 * HOUR + 60);
	EXPECT_UINT(failures().first, 3);
	EXPECT_UINT(failures().now, 3);
	EXPECT(failures().counter != counter);
	tick(T0 + 3 * HOUR);
	s.config.n_jobs = 0;
	schedule_use(s.schedule, &s.config, s.now_s);
	EXPECT_UINT(failures().now, 3);
	turn(has_four_failures);
	end_all();
}

static void misses(void)
{
	static const struct {
		const char *name;
		enum config_job_missed missed;
		int64_t back_s; /* when the daemon is there again */
		unsigned int runs, skipped;
	} rows[] = {
		{ "run once", CONFIG_JOB_RUN, T0 + 5 * HOUR + 600, 1, 0 },
		{ "skipped", CONFIG_JOB_SKIP, T0 + 5 * HOUR + 600, 0, 1 },
		{ "nothing was missed", CONFIG_JOB_RUN, T0 + HOUR - 60, 0, 0 },
		{ "just in time", CONFIG_JOB_SKIP, T0 + HOUR + 30, 1, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("missed: %s", rows[i].name);
		begin_all(hourly_, short_, rows[i].missed);
		end();
		begin(rows[i].back_s);
		tick(rows[i].back_s + 1);
		turn(idle);
		EXPECT_UINT(runs(), rows[i].runs);
		EXPECT_UINT(figures()->skipped[JOBS_MISSED], rows[i].skipped);
		tick(rows[i].back_s + 2);
		turn(idle);
		EXPECT_UINT(runs(), rows[i].runs);
		end_all();
	}
}

static void survives_clocks(void)
{
	begin_all(daily_, short_, CONFIG_JOB_RUN);
	tick(T0 + 16 * HOUR + 1800);
	turn(idle);
	EXPECT_UINT(runs(), 1);
	tick(T0 + 16 * HOUR - 1800); /* an hour back: not again */
	tick(T0 + 16 * HOUR + 1800);
	EXPECT_UINT(runs(), 1);
	tick(T0 + 5 * DAY); /* days forward: once */
	turn(idle);
	EXPECT_UINT(runs(), 2);
	tick(T0 + 2 * DAY); /* days back: it begins anew */
	EXPECT_UINT(runs(), 2);
	tick(T0 + 2 * DAY + 16 * HOUR + 1800);
	turn(idle);
	EXPECT_UINT(runs(), 3);
	end_all();
}

static void changes_clocks_in_spring_and_autumn(void)
{
	begin_all(daily_, short_, CONFIG_JOB_RUN);
	end();
	setenv("TZ", "Europe/Madrid", 1);
	begin(1774735200); /* 2026-03-28 23:00 CET */
	pass(1774735200 + 6 * HOUR);
	EXPECT_UINT(runs(), 1);
	EXPECT_INT(figures()->overdue, 0);
	end();
	begin(1792879200); /* 2026-10-25 00:00 CEST */
	tick(1792879201);  /* what was missed meanwhile */
	turn(idle);
	EXPECT_UINT(runs(), 2);
	pass(1792879200 + 6 * HOUR);
	EXPECT_UINT(runs(), 3);
	end_all();
}

static void reloads(void)
{
	begin_all(hourly_, long_, CONFIG_JOB_RUN);
	tick(T0 + HOUR);
	EXPECT(figures()->running);
	s.config.n_jobs = 2;
	schedule_use(s.schedule, &s.config, s.now_s);
	EXPECT_UINT(schedule_page(s.schedule, s.now_s)->n, 2);
	EXPECT(figures()->running);
	s.config.n_jobs = 0;
	schedule_use(s.schedule, &s.config, s.now_s);
	EXPECT_UINT(schedule_page(s.schedule, s.now_s)->n, 0);
	EXPECT(!job_process_is_free(s.run, name_));
	s.config.n_jobs = 1;
	s.jobs[0].enabled = false;
	schedule_use(s.schedule, &s.config, s.now_s);
	EXPECT_STR(figures()->name, "job");
	tick(T0 + 2 * HOUR);
	EXPECT_UINT(figures()->skipped[JOBS_OVERLAP], 0);
	s.jobs[0].enabled = true;
	s.jobs[0].schedule = daily_;
	schedule_use(s.schedule, &s.config, s.now_s);
	tick(T0 + 3 * HOUR);
	EXPECT_UINT(figures()->skipped[JOBS_OVERLAP], 0);
	end_all();
}

static bool knows_interrupted(void)
{
	return figures()->runs[JOBS_INTERRUPTED] == 1;
}

static void says_interrupted(void)
{
	begin_all(hourly_, long_, CONFIG_JOB_RUN);
	tick(T0 + HOUR);
	EXPECT(figures()->running);
	end();
	begin(T0 + HOUR + 60);
	EXPECT_UINT(figures()->runs[JOBS_INTERRUPTED], 1);
	EXPECT(!figures()->running);
	end_all();
}

/* Nobody recorded its end. */
static void finds_what_was_killed(void)
{
	struct job_run r = { .job = "job", .started_ms = 1000ll * T0, .bytes = -1 };
	struct job_history *h = NULL;

	begin_all(hourly_, short_, CONFIG_JOB_RUN);
	REQUIRE_INT(job_history_new(t.base, t.dir, &h), 0);
	EXPECT_INT(job_history_begin(h, &r, 0, NULL, NULL), 0);
	job_history_close(h, 0);
	end();
	begin(T0 + 120);
	turn(knows_interrupted);
	EXPECT(!figures()->running);
	EXPECT_UINT(failures().first, 0);
	EXPECT_UINT(failures().now, 1);
	end();
	begin(T0 + 180);
	EXPECT_UINT(figures()->runs[JOBS_INTERRUPTED], 1);
	EXPECT_UINT(failures().first, 1);
	EXPECT_UINT(failures().now, 1);
	end_all();
}

static void is_overdue(void)
{
	begin_all(hourly_, long_, CONFIG_JOB_RUN);
	schedule_page(s.schedule, T0 + HOUR + SCHEDULE_OVERDUE_S);
	s.now_s = T0 + HOUR + SCHEDULE_OVERDUE_S;
	EXPECT(!figures()->overdue);
	s.now_s++;
	EXPECT(figures()->overdue);
	end_all();
}

static void works_without_history(void)
{
	begin_all(hourly_, short_, CONFIG_JOB_RUN);
	end();
	remove_tree(t.dir);
	fclose(fopen(t.dir, "w")); /* it cannot be made */
	s.jobs[0].command = bad_;
	begin(T0 + 60);
	EXPECT(failures().known && !failures().lasting);
	tick(T0 + HOUR);
	turn(idle);
	EXPECT_UINT(figures()->runs[JOBS_FAILED], 1);
	EXPECT_UINT(failures().first, 0);
	EXPECT_UINT(failures().now, 1);
	unlink(t.dir);
	end_all();
}

static void writes_the_page(void)
{
	struct jobs_page p = { .n = 1 };
	_cleanup_(buf_done) struct buf out = BUF_INIT(100000);
	struct expo e = { .format = EXPO_TEXT_004, .out = &out };
	struct page_cursor at = { 0 };

	EXPECT(jobs_page_collect(&e, &at, SIZE_MAX, &(struct jobs_page){ .n = 0 }));
	EXPECT_STR(buf_str(&out), "");
	p.list[0] = (struct job_figures){ .name = "a", .last_duration_ms = -1, .runs = { 1, 2 } };
	at = (struct page_cursor){ 0 };
	EXPECT(jobs_page_collect(&e, &at, SIZE_MAX, &p));
	EXPECT_HAS(buf_str(&out), "isamon_job_runs_total{job=\"a\",result=\"failed\"} 2\n");
	EXPECT_HAS(buf_str(&out), "isamon_job_overdue{job=\"a\"} 0\n");
	EXPECT(!strstr(buf_str(&out), "isamon_job_last_run_timestamp_seconds{"));
	EXPECT(!strstr(buf_str(&out), "isamon_job_last_duration_seconds{"));
	p.list[0].last_duration_ms = 1500;
	p.list[0].last_run_ms = 2500;
	at = (struct page_cursor){ 0 };
	buf_reset(&out);
	EXPECT(jobs_page_collect(&e, &at, SIZE_MAX, &p));
	EXPECT_HAS(buf_str(&out), "isamon_job_last_run_timestamp_seconds{job=\"a\"} 2.5\n");
	EXPECT_HAS(buf_str(&out), "isamon_job_last_duration_seconds{job=\"a\"} 1.5\n");
}

static void tells_the_status(void)
{
	struct jobs_page p = { .n = 3 };
	struct status st;

	status_init(&st);
	status_fill_jobs(&(struct jobs_page){ .n = 0 }, &st);
	EXPECT_UINT(st.jobs, STATUS_UNKNOWN);
	p.list[0] =
		(struct job_figures){ .name = "a", .enabled = true, .last_result = JOBS_FAILED };
	p.list[1] = (struct job_figures){ .name = "off", .last_result = JOBS_SIGNAL };
	p.list[2] = (struct job_figures){
		.name = "c", .enabled = true, .last_result = -1, .running = true, .overdue = true
	};
	status_fill_jobs(&p, &st);
	EXPECT_UINT(st.jobs, 3);
	EXPECT_UINT(st.jobs_running, 1);
	EXPECT_STR(st.jobs_problem, "a failed; c is overdue");
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a job runs on time, once", runs_on_time },
		{ "a job does not overlap itself", does_not_overlap },
		{ "failures are counted, and known later", counts_failures },
		{ "what cannot be started is recorded", cannot_start },
		{ "failures are added up", adds_failures_up },
		{ NULL, misses },
		{ "clocks that are set", survives_clocks },
		{ "summer and winter", changes_clocks_in_spring_and_autumn },
		{ "a reload ends nothing", reloads },
		{ "what is stopped was interrupted", says_interrupted },
		{ "what was killed was interrupted", finds_what_was_killed },
		{ "overdue", is_overdue },
		{ "without a history", works_without_history },
		{ "the page", writes_the_page },
		{ "the status", tells_the_status },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
