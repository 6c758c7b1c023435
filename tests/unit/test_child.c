/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "base/child.h"
#include "base/clock.h"

static void finds(void)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(100);

	EXPECT(child_find("sh", &path));
	EXPECT_HAS(buf_str(&path), "/sh");
	EXPECT(!child_find("no-such-program-anywhere", &path));
}

static void rows(void)
{
	static const struct {
		const char *name, *script;
		int status;
		const char *out;
	} table[] = {
		{ "both outputs", "echo a; echo b >&2", 0, "a\nb\n" },
		{ "an exit status", "exit 3", 3, "" },
		{ "a signal", "kill -9 $$", 137, "" },
		{ "input is empty", "cat; echo end", 0, "end\n" },
		{ "the environment is ours", "echo \"$SECRET$LC_ALL$PATH\"", 0,
		  "C" CHILD_PATH "\n" },
		{ "what does not fit is left out", "printf %0100d 1", 0,
		  "00000000000000000000000000000000000000000000000000000000000000000000000000000000" },
	};

	setenv("SECRET", "secret", 1);
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(80);
		const char *argv[] = { "sh", "-c", table[i].script, NULL };

		unit_begin("%s", table[i].name);
		EXPECT_INT(child_run(argv, 10000, &out), table[i].status);
		EXPECT_STR(buf_str(&out), table[i].out);
		EXPECT_INT(out.err, 0);
	}
}

static void is_not_there(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(80);
	const char *argv[] = { "no-such-program-anywhere", NULL };

	EXPECT_INT(child_run(argv, 10000, &out), -ENOENT);
}

static void too_long(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(80);
	const char *argv[] = { "sh", "-c", "trap '' TERM; echo begun; while :; do sleep 60; done",
			       NULL };
	uint64_t begun = clock_monotonic_ns();

	EXPECT_INT(child_run(argv, 300, &out), -ETIMEDOUT);
	EXPECT(clock_monotonic_ns() - begun < 20 * NS_PER_SEC);
}

/* Blocked and ignored signals are not handed on; children of the child end with it. */
static void is_ended(void)
{
	const char *argv[] = { "sh", "-c", "sleep 1000 & echo $!; wait", NULL };
	struct child c = CHILD_NONE;
	char text[32] = "";
	pid_t grandchild;
	sigset_t blocked;

	signal(SIGTERM, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	REQUIRE_INT(child_start(argv, false, &c), 0);
	EXPECT(fcntl(c.fd, F_GETFD) & FD_CLOEXEC);
	EXPECT(read(c.fd, text, sizeof(text) - 1) > 0);
	child_end(&c);
	EXPECT_INT(c.pid, 0);
	EXPECT_INT(c.fd, -1);
	grandchild = (pid_t)strtol(text, NULL, 10);
	REQUIRE(grandchild > 1);
	for (int i = 0; i < 1000 && kill(grandchild, 0) == 0; i++)
		usleep(5000);
	EXPECT_INT(kill(grandchild, 0), -1);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	signal(SIGTERM, SIG_DFL);
	child_end(&c);
}

static bool has_gone(pid_t pid)
{
	for (int i = 0; i < 2000 && kill(pid, 0) == 0; i++)
		usleep(5000);
	return kill(pid, 0) != 0;
}

/* The child itself ends at SIGTERM, what it started does not. */
static void ends_who_ignores(void)
{
	const char *argv[] = { "sh", "-c",
			       "sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1; done' & wait",
			       NULL };
	struct child c = CHILD_NONE;
	char text[32] = "";
	pid_t grandchild;

	REQUIRE_INT(child_start(argv, false, &c), 0);
	REQUIRE(read(c.fd, text, sizeof(text) - 1) > 0);
	grandchild = (pid_t)strtol(text, NULL, 10);
	REQUIRE(grandchild > 1);
	child_end(&c);
	EXPECT(has_gone(grandchild));
}

/* Its output is at its end, and it is not. */
static void closes_its_output(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(80);
	const char *late[] = { "sh", "-c", "exec >&- 2>&-; sleep 1000", NULL };
	const char *soon[] = { "sh", "-c", "echo a; exec >&- 2>&-; sleep 0.2; exit 5", NULL };
	uint64_t begun = clock_monotonic_ns();

	alarm(60);
	EXPECT_INT(child_run(late, 300, &out), -ETIMEDOUT);
	EXPECT(clock_monotonic_ns() - begun < 20 * NS_PER_SEC);
	EXPECT_INT(child_run(soon, 20000, &out), 5);
	EXPECT_STR(buf_str(&out), "a\n");
	alarm(0);
}

static void is_somebody_else(void)
{
	static char path[] = "PATH=" CHILD_PATH;
	char *environment[] = { path, NULL };
	_cleanup_(buf_done) struct buf out = BUF_INIT(200);
	const char *argv[] = {
		"sh", "-c",
		"id -un; id -gn; pwd; sed -n 's/^NoNewPrivs:.//p; s/^CapEff:.//p' /proc/self/status",
		NULL
	};
	struct child_user user;
	const struct child_how how = { .errors = true,
				       .pass_fd = -1,
				       .user = &user,
				       .directory = "/usr",
				       .environment = environment };

	REQUIRE_INT(child_user_find("daemon", "mail", &user), 0);
	if (geteuid() != 0) {
		EXPECT_INT(child_run_as(&how, argv, 10000, &out), 126);
		return;
	}
	EXPECT_INT(child_run_as(&how, argv, 10000, &out), 0);
	EXPECT_STR(buf_str(&out), "daemon\nmail\n/usr\n0000000000000000\n1\n");
}

/* Of somebody who may not: its exit status, and what it says, in @out. */
static int begin_as(const struct child_user *user, const char *directory, struct buf *out)
{
	const char *argv[] = { "true", NULL };
	const struct child_how how = {
		.errors = true, .pass_fd = -1, .user = user, .directory = directory
	};

	return child_run_as(&how, argv, 10000, out);
}

static void says_why_it_cannot_begin(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(200);
	struct child_user user;
	int status = -1;
	pid_t pid;

	EXPECT_INT(begin_as(NULL, "/nowhere", &out), CHILD_NOT_BEGUN);
	EXPECT_STR(buf_str(&out), "/nowhere: No such file or directory\n");
	buf_reset(&out);
	REQUIRE_INT(child_user_find("daemon", NULL, &user), 0);
	pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && setresuid(2, 2, 2))
			_exit(2);
		if (begin_as(&user, NULL, &out) != CHILD_NOT_ALLOWED)
			_exit(3);
		_exit(strstr(buf_str(&out), "cannot become its user (") ? 0 : 4);
	}
	REQUIRE_INT(waitpid(pid, &status, 0), pid);
	EXPECT(WIFEXITED(status));
	EXPECT_INT(WEXITSTATUS(status), 0);
}

static void users_are_found(void)
{
	struct child_user user;

	REQUIRE_INT(child_user_find("daemon", NULL, &user), 0);
	EXPECT_UINT(user.uid, 1);
	EXPECT_UINT(user.gid, 1);
	EXPECT(user.n_groups >= 1);
	EXPECT_INT(child_user_find("no-such-user", NULL, &user), -ENOENT);
	EXPECT_INT(child_user_find("daemon", "no-such-group", &user), -ENOENT);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a program is found in the fixed PATH", finds },
		{ NULL, rows },
		{ "a program that is not there", is_not_there },
		{ "one that does not end is ended", too_long },
		{ "ended with all that it started", is_ended },
		{ "ended with what ignores the signal it ended by", ends_who_ignores },
		{ "one that closes its output has its time limit all the same", closes_its_output },
		{ "users and groups are found by name", users_are_found },
		{ "one that becomes another user, somewhere else", is_somebody_else },
		{ "one that cannot begin says why", says_why_it_cannot_begin },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
