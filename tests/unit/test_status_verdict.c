/* SPDX-License-Identifier: MIT */
/* What makes a service not fine, and what does not; the limits from both sides. */
#include "cmd/status_verdict.h"

#include <math.h>

#include "status_sample.h"
#include "unit.h"

static void expect(struct status s, const char *problem)
{
	status_judge(&s);
	EXPECT(s.judged);
	EXPECT_INT(s.fine, !problem && s.service_up);
	if (!problem) {
		EXPECT_UINT(s.n_problems, 0);
		return;
	}
	if (EXPECT_UINT(s.n_problems, 1))
		EXPECT_HAS(s.problems[0], problem);
}

static void fine(void)
{
	struct status s = status_sample();

	expect(s, NULL);
	status_init(&s);
	s.service_up = true;
	s.now_s = SAMPLE_NOW;
	expect(s, NULL); /* nothing else is known */
	s.service_up = false;
	expect(s, NULL); /* and no port was said: it is down all the same */
}

static void ports(void)
{
	struct status s = status_sample();

	s.ports[1].listening = false;
	expect(s, "nothing listens on port 8001");
	s.service_up = false;
	s.ports[0].listening = false;
	status_judge(&s);
	EXPECT(!s.fine);
	EXPECT_UINT(s.n_problems, 2);
}

static void accepting(void)
{
	struct status s = status_sample();

	s.ports[1].queue_length = 54;
	s.ports[1].waiting_since_s = SAMPLE_NOW - STATUS_STUCK_S + 0.01;
	expect(s, NULL);
	s.ports[1].waiting_since_s = SAMPLE_NOW - STATUS_STUCK_S;
	expect(s,
	       "nobody takes new connections on port 8001 for 5.0 s now: 54 wait to be accepted");
	s.ports[1].queue_length = 1;
	expect(s, "for 5.0 s now: 1 waits to be accepted");
	s.ports[1].queue_length = STATUS_UNKNOWN;
	expect(s, "nobody takes new connections on port 8001 for 5.0 s now");
	s.ports[1].waiting_since_s = NAN;
	expect(s, NULL);
	s.ports[1].waiting_since_s = SAMPLE_NOW - 400; /* all at once: what hangs is said first */
	s.ports[1].queue_length = 129;
	s.least_free_fds = 1;
	status_judge(&s);
	EXPECT_UINT(s.n_problems, 3);
	EXPECT_HAS(s.problems[0],
		   "nobody takes new connections on port 8001 for 6 min 40 s now: 129");
}

static void queues(void)
{
	struct status s = status_sample();

	s.ports[1].queue_length = 128; /* one more finds room */
	expect(s, NULL);
	s.ports[1].queue_length = 129;
	expect(s, "the listen queue of port 8001 is full: 129 wait to be accepted");
	s.ports[1].queue_length = s.ports[1].queue_limit = 0;
	expect(s, NULL);
	s.ports[1].queue_length = s.ports[1].queue_limit = STATUS_UNKNOWN;
	expect(s, NULL);
	s.ports[1].drops = STATUS_DROPS - 1;
	expect(s, NULL);
	s.ports[1].drops = STATUS_DROPS;
	expect(s, "port 8001 turned clients away: 10 segments");
	s.ports[1].drops = STATUS_UNKNOWN;
	expect(s, NULL);
}

static void lives(void)
{
	struct status s = status_sample();

	s.crash_loop = 1;
	s.crashes = 3;
	expect(s, "crash loop: its main process ended 3 times, one after another");
	s.crash_loop = STATUS_UNKNOWN;
	expect(s, NULL);
	s.last_exit_s = SAMPLE_NOW - STATUS_RECENT_S;
	expect(s, "its main process ended 5 min 0 s ago: uvicorn 4242: exit status 3");
	s.last_exit_expected = 1;
	expect(s, NULL);
	s.last_kill_s =
		SAMPLE_NOW - 20; /* a child that the service killed itself: told, and no problem */
	expect(s, NULL);
	s.last_crash_s = SAMPLE_NOW - 20;
	expect(s, "a process was killed 20 s ago: uvicorn 4244: signal 11 (Segmentation fault)");
	s.last_crash_s = SAMPLE_NOW - STATUS_RECENT_S - 1;
	expect(s, NULL);
	s.last_oom_s = SAMPLE_NOW - 3;
	expect(s, "out of memory: a process was killed 3.0 s ago: uvicorn 4245: signal 9 (Killed)");
}

static void told_once(void)
{
	struct status s = status_sample();

	s.last_exit_s = s.last_crash_s = SAMPLE_NOW - 20;
	memcpy(s.last_exit, s.last_crash, sizeof(s.last_exit));
	expect(s, "its main process ended 20 s ago: uvicorn 4244: signal 11");
	s.last_oom_s = SAMPLE_NOW - 20;
	memcpy(s.last_oom, s.last_crash, sizeof(s.last_oom));
	expect(s, "out of memory: its main process was killed 20 s ago: uvicorn 4244: signal 11");
	s.last_exit_s = SAMPLE_NOW - 9000;
	snprintf(s.last_exit, sizeof(s.last_exit), "x 1: exit status 1");
	expect(s, "out of memory: a process was killed 20 s ago: uvicorn 4244: signal 11");
	s.last_oom_s = SAMPLE_NOW - 400; /* of long ago: the kill is not its */
	s.last_oom[0] = '\0';
	expect(s, "a process was killed 20 s ago: uvicorn 4244: signal 11");
}

static void requests(void)
{
	struct status s = status_sample();

	s.error_ratio = 0.5;
	s.errors = STATUS_ERRORS - 1; /* one of two requests a minute is no catastrophe */
	expect(s, NULL);
	s.errors = STATUS_ERRORS;
	expect(s, "50 % of the requests fail");
	s.error_ratio = STATUS_ERROR_RATIO - 0.001;
	expect(s, NULL);
	s.error_ratio = NAN;
	s.errors = STATUS_UNKNOWN;
	expect(s, NULL);
}

static void limits(void)
{
	struct status s = status_sample();

	s.least_free_fds = STATUS_FREE_FDS;
	expect(s, NULL);
	s.least_free_fds = STATUS_FREE_FDS - 1;
	expect(s, "a process may open only 49 files more");
	s.least_free_fds = STATUS_UNKNOWN;
	s.cpu_throttled_ratio = 0.49;
	expect(s, NULL);
	s.cpu_throttled_ratio = 0.5;
	expect(s, "its CPU limit is used up 50 % of the time");
}

static void unfinished_restore(void)
{
	struct status s = status_sample();

	snprintf(s.restore_unfinished, sizeof(s.restore_unfinished), "/opt/agent-isa/data");
	expect(s,
	       "a restore is unfinished (isamon restore --resume or --abort): /opt/agent-isa/data");
}

static void unfinished_update(void)
{
	struct status s = status_sample();

	snprintf(s.update_unfinished, sizeof(s.update_unfinished), "/opt/agent-isa/app");
	expect(s,
	       "an update is unfinished (isamon update app --resume or --abort): /opt/agent-isa/app");
}

static void many(void)
{
	struct status s = status_sample();

	for (s.n_ports = 0; s.n_ports < STATUS_PORTS_MAX; s.n_ports++)
		s.ports[s.n_ports] = (struct status_port){ 1, false, 3, 2, 1000, 0 };
	status_judge(&s);
	EXPECT_UINT(s.n_problems, STATUS_PROBLEMS_MAX);
	status_judge(&s);
	EXPECT_UINT(s.n_problems, STATUS_PROBLEMS_MAX);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "what is fine", fine },
		{ "ports without a listener", ports },
		{ "connections that nobody accepts", accepting },
		{ "listen queues", queues },
		{ "ends of processes", lives },
		{ "one end is told once", told_once },
		{ "requests that fail", requests },
		{ "limits", limits },
		{ "a restore that was cut off", unfinished_restore },
		{ "an update that was cut off", unfinished_update },
		{ "no more problems than there is room for", many },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
