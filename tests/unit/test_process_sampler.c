/* SPDX-License-Identifier: MIT */
/* Sampling real processes: who is reached, who has gone, and that a collection comes to its end. */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/process_sampler.h"
#include "probe/proc.h"

#define N 20
#define STEPS_MAX 10000

static struct member members[N + 1];

static void start_children(void)
{
	for (int i = 0; i < N; i++) {
		struct proc_stat st = { 0 };
		pid_t pid = fork();

		if (pid == 0) {
			pause();
			_exit(0);
		}
		EXPECT_INT(proc_read_stat("/proc", pid, &st), 0);
		members[i] = (struct member){ .pid = pid,
					      .start_ticks = st.start_ticks,
					      .role = i ? MEMBER_WORKER : MEMBER_MAIN };
	}
	/* The last one has the pid of the first, but began at another time: who that was has gone. */
	members[N] = members[0];
	members[N].start_ticks--;
}

static void end_children(void)
{
	for (int i = 0; i < N; i++) {
		kill(members[i].pid, SIGKILL);
		waitpid(members[i].pid, NULL, 0);
	}
}

static struct process_sampler make(uint64_t pss_interval_ns)
{
	struct process_sampler s = { .service = "x", .pss_interval_ns = pss_interval_ns };
	struct buf why = BUF_INIT(4096);

	if (task_probe_open(&why, &s.probe) || process_metrics_new(0, &s.metrics))
		abort();
	buf_done(&why);
	return s;
}

static void done(struct process_sampler *s)
{
	task_probe_close(s->probe);
	process_metrics_free(s->metrics);
}

static struct process_times times_of(const struct process_sampler *s, int i)
{
	return process_metrics_times(s->metrics, members[i].pid, members[i].start_ticks);
}

/* Returns how many steps it took. */
static int go_on(struct process_sampler *s, size_t n)
{
	struct process_gone gone;
	int steps = 0;

	for (; process_sampler_busy(s) && steps < STEPS_MAX; steps++) {
		process_sampler_step(s, members, n, &gone);
		EXPECT_UINT(gone.n, 0);
	}
	EXPECT(steps < STEPS_MAX);
	return steps;
}

static void all_are_reached(void)
{
	struct process_sampler s = make(60 * NS_PER_SEC);
	struct process_gone gone;
	uint64_t first_ns;

	process_sampler_begin(&s, members, N + 1, &gone);
	for (int i = 0; i < STEPS_MAX && !gone.n; i++)
		process_sampler_step(&s, members, N + 1, &gone);
	REQUIRE_UINT(gone.n, 1);
	EXPECT_INT(gone.pids[0], members[N].pid);
	go_on(&s, N);
	for (int i = 0; i < N; i++) {
		EXPECT(times_of(&s, i).at_ns >= s.begun_ns);
		EXPECT(times_of(&s, i).pss_ns && times_of(&s, i).resident_bytes);
	}
	EXPECT_UINT(times_of(&s, N).at_ns, 0);

	/* The next one renews the figures; PSS is not due. */
	first_ns = times_of(&s, N - 1).pss_ns;
	process_sampler_begin(&s, members, N, &gone);
	go_on(&s, N);
	EXPECT(times_of(&s, N - 1).at_ns >= s.begun_ns);
	EXPECT_UINT(times_of(&s, N - 1).pss_ns, first_ns);
	s.pss_interval_ns = 1;
	process_sampler_begin(&s, members, 1, &gone);
	EXPECT(times_of(&s, 0).pss_ns >= s.begun_ns);
	done(&s);
}

static void pss_is_off(void)
{
	struct process_sampler s = make(0);
	struct process_gone gone;

	process_sampler_begin(&s, members, N, &gone);
	go_on(&s, N);
	EXPECT(times_of(&s, N - 1).at_ns != 0);
	EXPECT_UINT(times_of(&s, N - 1).pss_ns, 0);
	done(&s);
}

/* A pass that is on its way when the others go. */
static void they_go(void)
{
	struct process_sampler s = make(60 * NS_PER_SEC);
	struct process_gone gone;

	process_sampler_begin(&s, members, 0, &gone);
	EXPECT(!process_sampler_busy(&s));
	s.figures = (struct process_pass){ .at = N - 1, .left = N };
	s.newcomers = (struct process_pass){ .at = N - 1, .left = N };
	EXPECT(process_sampler_busy(&s));
	go_on(&s, 2);
	EXPECT(times_of(&s, 1).at_ns != 0);
	s.figures.left = s.newcomers.left = 5;
	EXPECT_INT(go_on(&s, 0), 1);
	done(&s);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "all are reached, and who has gone is told", all_are_reached },
		{ "PSS that is not wanted is not read", pss_is_off },
		{ "the list becomes shorter on the way", they_go },
	};
	int status;

	start_children();
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	end_children();
	return status;
}
