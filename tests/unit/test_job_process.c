/* SPDX-License-Identifier: MIT */
/* Runs of jobs, of a shell's: how they end, what of their output is kept, one at a time. And the small parts: commands, tails, reports. */
#include "care/job_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/job_report.h"
#include "care/job_tail.h"
#include "unit.h"

static char name_[] = "job", schedule_[] = "@daily";

static struct {
	struct event_base *base;
	char dir[200];
	unsigned int ended;
	struct job_run run;
	char output[4096];
	struct job_process *process;
} t;

static void on_ended(const struct job_run *r, int *lock_fd, void *ctx)
{
	(void)ctx;
	EXPECT(*lock_fd >= 0);
	t.ended++;
	t.run = *r;
	snprintf(t.output, sizeof(t.output), "%.*s", (int)r->output_len, r->output);
	t.process = NULL;
}

static void set_up(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(t.dir, sizeof(t.dir), "%s/test_job.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(t.dir))
		abort();
	t.base = event_base_new();
	t.ended = 0;
}

static void tear_down(void)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/jobs/job.lock", t.dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/jobs", t.dir);
	rmdir(path);
	rmdir(t.dir);
	event_base_free(t.base);
}

static int start(const char *script, uint64_t limit_s)
{
	char command[JOB_COMMAND_MAX];
	struct config_job job = { .name = name_,
				  .schedule = schedule_,
				  .command = command,
				  .time_limit_s = limit_s,
				  .output_bytes = 1024 };
	const struct job_process_how how = { .job = &job,
					     .program = "/bin/sh",
					     .config_path = "/etc/hostname",
					     .runtime_directory = t.dir,
					     .scheduled_s = 77,
					     .echo_fd = -1 };
	struct job_run run = { 0 };
	pid_t holder;
	int err;

	snprintf(command, sizeof(command), "-c \"%s\"", script);
	err = job_process_start(t.base, &how, on_ended, NULL, &holder, &run, &t.process);
	if (!err) {
		EXPECT_INT((int)run.result, JOB_RUNNING);
		EXPECT_STR(run.job, "job");
		EXPECT_INT(run.scheduled_s, 77);
	} else if (err == -EBUSY) {
		EXPECT_INT(holder, getpid());
	}
	return err;
}

static void wait_ended(void)
{
	const uint64_t end_ns = clock_monotonic_ns() + 30 * NS_PER_SEC;

	while (!t.ended && clock_monotonic_ns() < end_ns) {
		event_base_loop(t.base, EVLOOP_NONBLOCK);
		poll(NULL, 0, 5);
	}
	EXPECT_UINT(t.ended, 1);
}

static void ends(void)
{
	static const struct {
		const char *name, *script;
		enum job_result result;
		int code;
		const char *output;
		int64_t bytes;
	} rows[] = {
		{ "ok", "echo out; echo err >&2", JOB_OK, 0, "out\nerr\n", -1 },
		{ "an exit status", "exit 3", JOB_FAILED, 3, "", -1 },
		{ "a signal", "kill -9 $$", JOB_SIGNAL, 9, "", -1 },
		{ "input is empty", "cat; echo end", JOB_OK, 0, "end\n", -1 },
		{ "bytes", "echo bytes 5 >&$ISAMON_JOB_FD; echo bytes 123456 >&3", JOB_OK, 0, "",
		  123456 },
		{ "the environment", "echo $PATH $NOTIFY_SOCKET $SECRET $ISAMON_CONFIG", JOB_OK, 0,
		  "/usr/sbin:/usr/bin:/sbin:/bin secret /etc/hostname\n", -1 },
		{ "no other descriptors", "ls /proc/self/fd | tr '\\n' ' '", JOB_OK, 0,
		  "0 1 2 3 4 ", -1 },
		{ "low priority", "nice; cat /proc/self/oom_score_adj", JOB_OK, 0, "10\n500\n",
		  -1 },
		{ "the time limit", "echo begun; exec sleep 1000", JOB_TIME_LIMIT, 0, "begun\n",
		  -1 },
		{ "what holds its output open is not waited for", "sleep 1000 & echo $!", JOB_OK, 0,
		  NULL, -1 },
	};

	setenv("SECRET", "secret", 1);
	setenv("NOTIFY_SOCKET", "/run/x", 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("ends: %s", rows[i].name);
		set_up();
		EXPECT_INT(start(rows[i].script, rows[i].result == JOB_TIME_LIMIT ? 1 : 60), 0);
		wait_ended();
		EXPECT_STR(job_result_names[t.run.result], job_result_names[rows[i].result]);
		EXPECT_INT(t.run.code, rows[i].code);
		EXPECT_INT(t.run.bytes, rows[i].bytes);
		EXPECT(t.run.started_ms > 0 && t.run.ended_ms >= t.run.started_ms);
		EXPECT(t.run.peak_rss_bytes > 0);
		if (rows[i].output)
			EXPECT_STR(t.output, rows[i].output);
		else
			kill((pid_t)strtol(t.output, NULL, 10), SIGKILL);
		tear_down();
	}
}

/* Both it and its children, which do not want to. */
static void is_killed(void)
{
	pid_t grandchild;

	set_up();
	EXPECT_INT(start("trap '' TERM; sh -c 'echo $$; while :; do sleep 1; done' & wait", 1), 0);
	wait_ended();
	EXPECT_INT((int)t.run.result, JOB_TIME_LIMIT);
	grandchild = (pid_t)strtol(t.output, NULL, 10);
	REQUIRE(grandchild > 1);
	for (int i = 0; i < 1000 && kill(grandchild, 0) == 0; i++)
		poll(NULL, 0, 5);
	EXPECT(kill(grandchild, 0) != 0);
	tear_down();
}

static void is_stopped(void)
{
	set_up();
	EXPECT_INT(start("exec sleep 1000", 60), 0);
	REQUIRE(t.process);
	job_process_stop(t.process);
	wait_ended();
	EXPECT_INT((int)t.run.result, JOB_INTERRUPTED);
	t.ended = 0;
	EXPECT_INT(start("trap '' TERM; echo begun; while :; do sleep 1; done", 60), 0);
	REQUIRE(t.process);
	job_process_finish(t.process, clock_monotonic_ns() + NS_PER_SEC / 2);
	EXPECT_UINT(t.ended, 1);
	EXPECT_INT((int)t.run.result, JOB_INTERRUPTED);
	tear_down();
}

static void keeps_the_end(void)
{
	set_up();
	EXPECT_INT(start("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done", 60), 0);
	wait_ended();
	EXPECT_UINT(t.run.output_bytes, 10 * 7 + 90 * 8 + 900 * 9 + 1000 * 10);
	EXPECT(t.run.output_len <= 1024 && t.run.output_len > 1000);
	EXPECT_INT(strncmp(t.output, "line 1", 6), 0);
	EXPECT_HAS(t.output, "\nline 1999\n");
	tear_down();
}

static void is_alone(void)
{
	uint64_t mark;

	set_up();
	EXPECT(job_process_is_free(t.dir, "job"));
	EXPECT_UINT(job_process_mark(t.dir, "job"), 0);
	EXPECT_INT(start("exec sleep 1000", 60), 0);
	REQUIRE(t.process);
	EXPECT(!job_process_is_free(t.dir, "job"));
	mark = job_process_mark(t.dir, "job");
	EXPECT(mark != 0);
	EXPECT_INT(start("echo second", 60), -EBUSY);
	job_process_stop(t.process);
	wait_ended();
	EXPECT(job_process_is_free(t.dir, "job"));
	EXPECT(job_process_mark(t.dir, "job") != mark);
	tear_down();
}

/* Whoever started it is killed: its lock is held until it has ended, which it is told to. */
static void outlives_nobody(void)
{
	int status;
	pid_t pid;

	set_up();
	pid = fork();
	if (pid == 0) {
		event_reinit(t.base);
		if (start("trap 'sleep 0.3; exit' TERM; while :; do sleep 0.1; done", 60))
			_exit(1);
		poll(NULL, 0, 300);
		raise(SIGKILL);
	}
	REQUIRE(waitpid(pid, &status, 0) == pid);
	EXPECT(WIFSIGNALED(status));
	EXPECT(!job_process_is_free(t.dir, "job"));
	for (int i = 0; i < 2000 && !job_process_is_free(t.dir, "job"); i++)
		poll(NULL, 0, 5);
	EXPECT(job_process_is_free(t.dir, "job"));
	tear_down();
}

static void splits(void)
{
	static const struct {
		const char *text, *joined, *why;
	} rows[] = {
		{ "db check", "db|check|", NULL },
		{ "  a\t b  ", "a|b|", NULL },
		{ "a \"b  c\" d", "a|b  c|d|", NULL },
		{ "a \"\" b\"c d\"e", "a||bc de|", NULL },
		{ "a $HOME 'b c' \\n;|", "a|$HOME|'b|c'|\\n;||", NULL },
		{ "", NULL, "empty; write a command" },
		{ "   ", NULL, "empty" },
		{ "a \"b", NULL, "a quote does not end" },
		{ "a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a a", NULL,
		  "more than 32 arguments" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(200), joined = BUF_INIT(2000);
		struct job_command c;
		int err = job_command_split(rows[i].text, &why, &c);

		EXPECT_INT(err, rows[i].why ? -EINVAL : 0);
		if (rows[i].why)
			EXPECT_HAS(buf_str(&why), rows[i].why);
		for (size_t k = 0; !err && k < c.n; k++)
			buf_printf(&joined, "%s|", c.argv[k]);
		if (!err) {
			EXPECT_STR(buf_str(&joined), rows[i].joined);
			EXPECT(!c.argv[c.n]);
		}
	}
}

static void expect_tail(const struct job_tail *tail, const char *text)
{
	size_t n;
	const char *got = job_tail_get(tail, &n);

	EXPECT_BYTES(got, n, text, strlen(text));
}

static void tails(void)
{
	struct job_tail tail;

	REQUIRE_INT(job_tail_init(&tail, 8), 0);
	job_tail_add(&tail, "abc\n", 4);
	expect_tail(&tail, "abc\n");
	job_tail_add(&tail, "defg", 4);
	expect_tail(&tail, "abc\ndefg");
	job_tail_add(&tail, "hi", 2);
	expect_tail(&tail, "defghi");
	job_tail_add(&tail, "jklmnopqrs", 10);
	expect_tail(&tail, "lmnopqrs");
	for (int i = 0; i < 7; i++)
		job_tail_add(&tail, "xyz", 3);
	expect_tail(&tail, "yzxyzxyz");
	EXPECT_UINT(tail.total, 4 + 4 + 2 + 10 + 21);
	job_tail_done(&tail);
}

static void reads_reports(void)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} rows[] = {
		{ "", -1 },
		{ "bytes 0\n", 0 },
		{ "bytes 1\nbytes 22\n", 22 },
		{ "bytes 1", -1 },
		{ "bytes -1\n", -1 },
		{ "bytes 1x\nbytes \n", -1 },
		{ "x\nbytes 7\n", 7 },
		{ "bytes 7\nbytes 99999999999999999999999999\n", 7 },
		{ "bytes 9223372036854775808\n", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		EXPECT_INT(job_report_read(rows[i].text), rows[i].bytes);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, ends },
		{ "what does not end is killed, with its children", is_killed },
		{ "one that is stopped was interrupted", is_stopped },
		{ "the end of the output is kept", keeps_the_end },
		{ "one at a time", is_alone },
		{ "it ends with who started it", outlives_nobody },
		{ "commands are split", splits },
		{ "tails", tails },
		{ "reports", reads_reports },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
