/* SPDX-License-Identifier: MIT */
/* The screen of isamon status. */
#include "cmd/status_format.h"

#include <math.h>

#include <locale.h>
#include <time.h>

#include "cmd/status_verdict.h"
#include "status_sample.h"
#include "unit.h"

static void durations(void)
{
	static const struct {
		double s;
		const char *expected;
	} rows[] = {
		{ 0, "0.0 s" },        { 4.24, "4.2 s" },          { 9.94, "9.9 s" },
		{ 9.96, "9 s" },       { 59.9, "59 s" },           { 60, "1 min 0 s" },
		{ 200, "3 min 20 s" }, { 3600, "1 h 0 min" },      { 4350, "1 h 12 min" },
		{ 86400, "1 d 0 h" },  { 270000, "3 d 3 h" },      { -1, "?" },
		{ 1e300, "?" },        { __builtin_nan(""), "?" },
	};
	char cell[STATUS_CELL_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		status_format_duration(rows[i].s, cell);
		EXPECT_STR(cell, rows[i].expected);
	}
}

static void sizes(void)
{
	static const struct {
		uint64_t bytes;
		const char *expected;
	} rows[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.00 KiB" },
		{ 42189, "41.2 KiB" },
		{ 412 << 20, "412 MiB" },
		{ 1288490188, "1.20 GiB" },
		{ 5000000000000, "4.55 TiB" },
	};
	char cell[STATUS_CELL_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		status_format_bytes(rows[i].bytes, cell);
		EXPECT_STR(cell, rows[i].expected);
	}
}

static char *screen(struct status *s, bool colour)
{
	struct buf out = BUF_INIT(65536);

	status_judge(s);
	EXPECT_INT(status_format(s, colour, &out), 0);
	return buf_steal(&out);
}

/* In place. */
static const char *first_line(char *text)
{
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static void everything(void)
{
	struct status s = status_sample();
	char *text = screen(&s, false);

	EXPECT_STR(text,
		   "shop: up and fine\n"
		   "\n"
		   "up         since 2026-11-23 23:22:42 (1 h 12 min)\n"
		   "processes  main 4711   4 workers   1 helper   17 threads\n"
		   "requests   12.5/s   errors 0.25/s (2.0 %)   over 14.2 s\n"
		   "latency    p50 12.3 ms   p99 340 ms   queue p99 1.20 ms   turn p99 2.40 s\n"
		   "now        3 in flight   12 connections   1 WebSocket\n"
		   "CPU        12.5 % of the host   0.50 CPUs   at its limit 25 % of the time\n"
		   "memory     412 MiB (5.1 % of the host)   swapped out 3.00 MiB\n"
		   "files      87 open   937 left to the process nearest to its limit\n"
		   "port 8000  listening   0 of 2048 wait to be accepted\n"
		   "port 8001  listening   1 of 128 wait to be accepted   2 dropped\n"
		   "restarts   2   OOM kills 1\n"
		   "last exit  uvicorn 4242: exit status 3   2026-11-23 23:22:39\n"
		   "last kill  uvicorn 4243: signal 9 (Killed)   2026-11-23 22:05:12\n"
		   "last OOM   uvicorn 4245: signal 9 (Killed)   2026-11-23 22:05:11\n"
		   "isamon     sees: http   off: life   for 1 d 1 h\n"
		   "cloudwatch pushed 12 s ago   2 minutes wait   no credentials\n"
		   "logs       shipped 1.5 s ago   70000 events   3.00 MiB wait"
		   "   the oldest that waits is 1 min 30 s old\n"
		   "jobs       3   1 runs   backup failed\n");
	free(text);
}

static void cloudwatch(void)
{
	struct status s = status_sample();
	char *text;

	s.cloudwatch_minutes = 1;
	*s.cloudwatch_problem = '\0';
	text = screen(&s, false);
	EXPECT_HAS(text, "\ncloudwatch pushed 12 s ago   1 minute waits\n");
	free(text);
	s.cloudwatch_success_s = (double)NAN;
	text = screen(&s, false);
	EXPECT_HAS(text, "\ncloudwatch nothing pushed yet   1 minute waits\n");
	free(text);
	s.cloudwatch_on = STATUS_UNKNOWN;
	text = screen(&s, false);
	EXPECT(!strstr(text, "cloudwatch"));
	free(text);
}

static void alone(void)
{
	struct status s = status_sample();
	char *text;

	s.workers = s.helpers = 0;
	text = screen(&s, false);
	EXPECT_HAS(text, "\nprocesses  main 4711   17 threads\n");
	free(text);
	s.mains = 2;
	s.helpers = 2;
	text = screen(&s, false);
	EXPECT_HAS(text,
		   "\nprocesses  main 4711 and 1 more   0 workers   2 helpers   17 threads\n");
	free(text);
	s.main_pid = STATUS_UNKNOWN;
	s.mains = 1;
	s.helpers = 0;
	text = screen(&s, false);
	EXPECT_HAS(text, "\nprocesses  1 main process   17 threads\n");
	free(text);
}

/* As in the daemon's first second. */
static void not_yet(void)
{
	struct status s = status_sample();
	char *text;

	s.up_since_s = s.down_since_s;
	s.main_pid = s.mains = s.workers = s.helpers = s.threads = STATUS_UNKNOWN;
	text = screen(&s, false);
	EXPECT_HAS(text, "\nup         since when is not known yet\nprocesses  not known yet\n");
	free(text);
}

static void full_queue(void)
{
	struct status s = status_sample();
	char *text;

	s.ports[1].queue_length = 128;
	text = screen(&s, false);
	EXPECT_HAS(text, "\nport 8001  listening   128 of 128 wait to be accepted   2 dropped\n");
	free(text);
	s.ports[1].queue_length = 129;
	text = screen(&s, false);
	EXPECT_HAS(text, "\nport 8001  listening   full: 129 wait to be accepted   2 dropped\n");
	free(text);
}

static void next_to_nothing(void)
{
	struct status s;
	char *text;

	status_init(&s);
	snprintf(s.service, sizeof(s.service), "shop");
	s.now_s = SAMPLE_NOW;
	text = screen(&s, false);
	EXPECT_STR(text, "shop: DOWN\n\nrequests   not known yet\nnow        \n"
			 "isamon     sees:   for ?\n");
	free(text);
}

static void problems(void)
{
	struct status s = status_sample();
	char *text;

	s.error_ratio = 0.4;
	s.errors = 100;
	s.least_free_fds = 3;
	text = screen(&s, false);
	EXPECT_STR(first_line(text),
		   "shop: up, but not fine: 40 % of the requests fail; a process may "
		   "open only 3 files more");
	free(text);
	s.service_up = false;
	s.down_since_s = SAMPLE_NOW - 3;
	s.ports[0].listening = false;
	s.ports[0].queue_length = STATUS_UNKNOWN;
	text = screen(&s, false);
	EXPECT_HAS(text, "shop: DOWN: nothing listens on port 8000; ");
	EXPECT_HAS(text, "\ndown       since 2026-11-24 00:35:09 (3.0 s)\n");
	EXPECT_HAS(text, "\nport 8000  nobody listens\n");
	free(text);
}

static void colours(void)
{
	struct status s = status_sample();
	char *text = screen(&s, true);

	EXPECT_STR(first_line(text), "\033[1;32mshop: up and fine\033[0m");
	free(text);
	s.least_free_fds = 3;
	text = screen(&s, true);
	EXPECT_HAS(first_line(text), "\033[1;31mshop: up, but not fine: ");
	free(text);
}

static void nothing_hostile(void)
{
	struct status s = status_sample();
	char *text;

	snprintf(s.service, sizeof(s.service), "a\033[2Jb");
	snprintf(s.last_exit, sizeof(s.last_exit), "\033]0;x\a 3: exit status 3");
	snprintf(s.last_kill, sizeof(s.last_kill), "\r\n");
	s.last_exit_s = SAMPLE_NOW;
	text = screen(&s, false);
	EXPECT(!strpbrk(text, "\033\a\r"));
	EXPECT_HAS(text, "a?[2Jb: up, but not fine");
	free(text);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "durations", durations },
		{ "sizes", sizes },
		{ "everything that is known", everything },
		{ "a process that is alone, or not the only one of its kind", alone },
		{ "CloudWatch", cloudwatch },
		{ "what is not known yet", not_yet },
		{ "a listen queue that is full has one more than its limit", full_queue },
		{ "next to nothing is known", next_to_nothing },
		{ "problems stand in the first line", problems },
		{ "colours", colours },
		{ "no control byte gets through", nothing_hostile },
	};

	setenv("TZ", "UTC", 1);
	tzset();
	setlocale(LC_CTYPE, "C");
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
