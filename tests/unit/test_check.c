/* SPDX-License-Identifier: MIT */
/* Checks run side by side: their findings come in order, and one that fails, dies or hangs is itself a finding. */
#include "unit.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "check/check.c"

static int fine(const struct check_input *in, struct findings *out)
{
	(void)in;
	return findings_add(out, &(struct finding_text){ .id = "t.fine" }, "all is well");
}

static int slow(const struct check_input *in, struct findings *out)
{
	poll(NULL, 0, 150);
	return fine(in, out);
}

static int many(const struct check_input *in, struct findings *out)
{
	for (int i = 0; i < 1500; i++)
		if (findings_add(out, &(struct finding_text){ .id = "t.many" }, "%d %0500d", i, 0))
			return -ENOMEM;
	(void)in;
	return 0;
}

static int fails(const struct check_input *in, struct findings *out)
{
	fine(in, out);
	return -EACCES;
}

static int dies(const struct check_input *in, struct findings *out)
{
	(void)in;
	(void)out;
	signal(SIGABRT, SIG_DFL);
	raise(SIGKILL);
	return 0;
}

/* Leaves a grandchild that holds the pipe. */
static int hangs(const struct check_input *in, struct findings *out)
{
	(void)in;
	(void)out;
	if (fork() == 0)
		poll(NULL, 0, 60000);
	poll(NULL, 0, 60000);
	return 0;
}

static char left_path[PATH_MAX];

/* Starts what ignores signals: in its own group, as programs are started, and as a daemon. */
static int leaves(const struct check_input *in, struct findings *out)
{
	const char *argv[] = {
		"sh", "-c",
		"trap '' TERM; echo $$ >>\"$0\"; setsid sh -c 'trap \"\" TERM; echo $$ >>\"$0\"; "
		"while :; do sleep 1; done' \"$0\" & while :; do sleep 1; done",
		left_path, NULL
	};
	_cleanup_(buf_done) struct buf text = BUF_INIT(100);

	child_run(argv, 60000, &text);
	return fine(in, out);
}

static int silent(const struct check_input *in, struct findings *out)
{
	(void)in;
	(void)out;
	return 0;
}

static const struct check check_fine = { "t", "t.fine", fine, 0 };
static const struct check check_slow = { "t", "t.slow", slow, 0 };
static const struct check check_many = { "t", "t.many", many, 20000 };
static const struct check check_fails = { "t", "t.fails", fails, 0 };
static const struct check check_dies = { "t", "t.dies", dies, 0 };
static const struct check check_hangs = { "t", "t.hangs", hangs, 200 };
static const struct check check_leaves = { "t", "t.leaves", leaves, 3000 };
static const struct check check_silent = { "t", "t.silent", silent, 0 };

static void come_in_order(void)
{
	static const struct check *const list[] = { &check_slow, &check_many, &check_fine };
	const struct check_input in = { 0 };
	_cleanup_(findings_done) struct findings f = { 0 };

	REQUIRE_INT(checks_run(list, ARRAY_SIZE(list), &in, &f), 0);
	REQUIRE_UINT(f.n, 1502);
	EXPECT_STR(f.list[0].evidence, "all is well");
	EXPECT_STR(f.list[1].id, "t.many");
	EXPECT_STR(f.list[1501].id, "t.fine");
	EXPECT_INT(waitpid(-1, NULL, WNOHANG), -1);
	EXPECT_INT(errno, ECHILD);
}

static void failures_are_findings(void)
{
	static const struct check *const list[] = { &check_fails, &check_dies, &check_hangs,
						    &check_silent };
	const struct check_input in = { 0 };
	_cleanup_(findings_done) struct findings f = { 0 };
	uint64_t began_ns = clock_monotonic_ns();

	REQUIRE_INT(checks_run(list, ARRAY_SIZE(list), &in, &f), 0);
	EXPECT_INT(clock_monotonic_ns() - began_ns < 30 * NS_PER_SEC, true);
	REQUIRE_UINT(f.n, 5);
	EXPECT_INT(f.list[0].result, FINDING_FINE);
	for (size_t i = 1; i < f.n; i++)
		EXPECT_INT(f.list[i].result, FINDING_UNKNOWN);
	EXPECT_STR(f.list[1].evidence, "the check could not be done: Permission denied");
	EXPECT_STR(f.list[2].evidence, "the check ended with signal 9");
	EXPECT_STR(f.list[3].evidence, "not done within 200 ms");
	EXPECT_STR(f.list[4].evidence, "the check found nothing");
	EXPECT_INT(waitpid(-1, NULL, WNOHANG), -1);
}

static void nothing_is_left(void)
{
	static const struct check *const list[] = { &check_leaves };
	_cleanup_(buf_done) struct buf pids = BUF_INIT(100);
	_cleanup_(findings_done) struct findings f = { 0 };
	const struct check_input in = { 0 };
	const pid_t own = fork();
	int a = 0, b = 0;

	if (own == 0) {
		poll(NULL, 0, 60000);
		_exit(0);
	}
	snprintf(left_path, sizeof(left_path), "%s/left-XXXXXX", getenv("TMPDIR") ?: "/tmp");
	close(mkstemp(left_path));
	REQUIRE_INT(checks_run(list, 1, &in, &f), 0);
	REQUIRE_UINT(f.n, 1);
	EXPECT_STR(f.list[0].evidence, "not done within 3000 ms");
	REQUIRE_INT(file_read(left_path, &pids), 0);
	REQUIRE_INT(sscanf(buf_str(&pids), "%d %d", &a, &b), 2);
	EXPECT_INT(kill(a, 0), -1);
	EXPECT_INT(kill(b, 0), -1);
	/* One that was there before stays. */
	EXPECT_INT(waitpid(own, NULL, WNOHANG), 0);
	kill(own, SIGKILL);
	EXPECT_INT(waitpid(own, NULL, 0), own);
	unlink(left_path);
	EXPECT_INT(waitpid(-1, NULL, WNOHANG), -1);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "findings come in the order of the table", come_in_order },
		{ "a check that fails, dies, hangs or is silent is a finding",
		  failures_are_findings },
		{ "nothing is left of a check that was ended", nothing_is_left },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
