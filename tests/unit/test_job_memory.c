/* SPDX-License-Identifier: MIT */
/* The nth allocation fails: of the history, of the schedule, of a process's environment. Nothing is lost, and nothing crashes. */
#include "store_fixture.h"

#include "nomem.h"

#include "care/job_process_env.c"
#include "care/job_tail.c"
#include "care/schedule.c"
#include "care/schedule_look.c"
#include "store/job_history.c"

#define T0 1795687200 /* 2026-11-26 10:00:00 UTC */

static char name_[] = "job", hourly_[] = "0 * * * *", command_[] = "-c true";

static void history(void)
{
	for (unsigned int n = 1;; n++) {
		char output[] = "text";
		struct job_run r = {
			.job = "a", .started_ms = 1, .output = output, .output_len = 4
		};
		struct job_state s = { .job = "a" };
		struct job_history *h = NULL;
		int err;

		if (!nomem_again(n))
			break;
		set_up();
		err = job_history_new(t.base, t.dir, &h);
		if (!err)
			err = job_history_begin(h, &r, 0, NULL, NULL);
		if (!err)
			err = job_history_end(h, &r, NULL, NULL);
		if (!err)
			err = job_history_look(h, &s, 1, NULL, NULL);
		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		job_history_close(h, 0);
		tear_down();
	}
}

static void environment(void)
{
	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(job_environment_free) struct job_environment *env = NULL;
		struct job_tail tail;
		int err = job_environment_new("/x", &env);

		if (!err) {
			err = job_tail_init(&tail, 10);
			job_tail_done(&tail);
		}
		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
	}
}

/* A job may be missing then; what is there works. */
static void schedule(void)
{
	struct config_job job = { .name = name_,
				  .schedule = hourly_,
				  .command = command_,
				  .enabled = true,
				  .time_limit_s = 60,
				  .output_bytes = 1024 };
	struct config c = { .jobs = { &job }, .n_jobs = 1 };
	char run[260];

	setenv("TZ", "UTC", 1);
	for (unsigned int n = 1; nomem_again(n); n++) {
		struct schedule *s = NULL;

		set_up();
		snprintf(run, sizeof(run), "%s/run", t.top);
		c.runtime_directory = run;
		c.state_directory = t.dir;
		if (schedule_new(t.base, "/bin/sh", NULL, &s)) {
			EXPECT(nomem_hit());
			tear_down();
			continue;
		}
		schedule_use(s, &c, T0 + 60);
		EXPECT(schedule_page(s, T0)->n == 1 || nomem_hit());
		for (const uint64_t end_ns = clock_monotonic_ns() + DEADLINE_NS;
		     s->looking && clock_monotonic_ns() < end_ns;) {
			event_base_loop(t.base, EVLOOP_NONBLOCK);
			poll(NULL, 0, 1);
		}
		schedule_tick(s, T0 + 3600);
		schedule_tick(s, T0 + 3601);
		schedule_stop(s);
		schedule_free(s);
		tear_down();
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the history", history },
		{ "environment and tail", environment },
		{ "the schedule", schedule },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
