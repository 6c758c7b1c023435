/* SPDX-License-Identifier: MIT */
/* Whom the probe "life" follows, in both of its tiers: members and their children, nobody who got the id of one, and
 * the next main process. */
#include "life_test.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static void strangers(void)
{
	pid_t other = fork(), self = getpid();
	struct life_totals t;

	if (!other) {
		for (;;)
			pause();
	}
	if (begin(other)) {
		/* children of ours are none of the member's */
		if (!fork())
			_exit(1);
		wait(NULL);
		/* we are one from now on, and it is not: it is let go of by the next call */
		life_probe_set_members(probe, &self, 1);
		life_probe_set_members(probe, &self, 1);
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
		if (!fork())
			_exit(0);
		wait(NULL);
		wait_for_tails(1);
		EXPECT_INT(life_probe_totals(probe, &t), 0);
		EXPECT_UINT(t.forks, 1);
		EXPECT_UINT(t.exits[LIFE_EXIT_ZERO], 1);
		EXPECT_UINT(t.exits[LIFE_EXIT_ERROR] + t.exits[LIFE_EXIT_SIGNAL], 0);
		end();
	} else {
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
}

/* Makes a process with the id @pid, which ends with status 1. Returns whether that could be done. */
static bool take_pid(pid_t pid)
{
	for (int i = 0; i < 50; i++) {
		FILE *f = fopen("/proc/sys/kernel/ns_last_pid", "w");
		pid_t child;

		if (!f)
			return false;
		fprintf(f, "%d", (int)pid - 1);
		if (fclose(f) != 0)
			return false;
		child = fork();
		if (!child)
			_exit(1);
		waitpid(child, NULL, 0);
		if (child == pid)
			return true;
	}
	return false;
}

/* User space named a process that was gone already; then somebody else got its id. */
static void pid_reuse(void)
{
	pid_t gone = fork(), self = getpid(), both[2];
	struct life_totals t;

	if (!gone)
		_exit(0);
	waitpid(gone, NULL, 0);
	if (!begin(gone))
		return;
	if (!take_pid(gone)) {
		unit_skip("a process with a certain id cannot be made here");
		end();
		return;
	}
	life_probe_drain(probe);
	EXPECT_UINT(n_got, 0);
	/* But a child of a member is one, whoever had its id before. */
	both[0] = self;
	both[1] = gone;
	life_probe_set_members(probe, both, 2);
	if (!take_pid(gone))
		unit_skip("a process with a certain id cannot be made here");
	EXPECT_INT(life_probe_totals(probe, &t), 0);
	EXPECT(t.exits[LIFE_EXIT_ERROR] >= 1);
	usleep(100000);
	life_probe_drain(probe);
	EXPECT_UINT(find(LIFE_EXIT, gone)->start_ns, find(LIFE_FORK, gone)->start_ns);
	end();
}

/* The service's command line with another name before it, or the same one; it ends when @input does. */
static pid_t start(const char *name, int input, int output)
{
	pid_t pid = fork();

	if (!pid) {
		dup2(input, STDIN_FILENO);
		dup2(output, STDOUT_FILENO);
		execl("/bin/cat", name, "-", NULL);
		_exit(127);
	}
	return pid;
}

/* The same, until the end of *ret_input; it has been executed whole, for it has answered. */
static pid_t start_and_wait(const char *name, int *ret_input)
{
	int in[2], out[2];
	char c = 'x';
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		abort();
	pid = start(name, in[0], out[1]);
	EXPECT_INT(write(in[1], &c, 1), 1);
	EXPECT_INT(read(out[0], &c, 1), 1);
	close(in[0]);
	close(out[0]);
	close(out[1]);
	*ret_input = in[1];
	return pid;
}

/* A child of the supervisor, by another command line than before, turns out to be the service all the same; the
 * next one is known by that, whatever it calls itself meanwhile. */
static void renamed(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), hold;
	pid_t main = fork(), again;

	REQUIRE(main >= 0);
	if (!main) { /* tells who starts the service */
		for (;;)
			pause();
	}
	if (!begin(main)) {
		kill(main, SIGKILL);
		waitpid(main, NULL, 0);
		return;
	}
	EXPECT_INT(life_probe_set_main(probe, main, main), 0);
	kill(main, SIGKILL);
	waitpid(main, NULL, 0);
	wait_for_tails(1);
	n_got = 0;
	main = start_and_wait("new-service", &hold);
	life_probe_set_members(probe, &main, 1);
	EXPECT_INT(life_probe_set_main(probe, main, main), 0);
	close(hold);
	waitpid(main, NULL, 0);
	again = start("new-service", null, null);
	waitpid(again, NULL, 0);
	close(null);
	wait_for_tails(2);
	EXPECT_UINT(find(LIFE_EXIT, main)->flags & LIFE_FLAG_MAIN, LIFE_FLAG_MAIN);
	EXPECT_UINT(find(LIFE_EXEC, again)->flags, LIFE_FLAG_MAIN);
	end();
}

/* The member is our child, and we are its supervisor. */
static void successor(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), hold;
	pid_t main, again;

	main = start_and_wait("the-service", &hold);
	if (!begin(main)) {
		close(hold);
		waitpid(main, NULL, 0);
		return;
	}
	EXPECT_INT(life_probe_set_main(probe, main, main), 0);
	waitpid(start("the-service", null, null), NULL,
		0); /* it has not ended: this is another one */
	close(hold);
	waitpid(main, NULL, 0);
	waitpid(start("other-service", null, null), NULL, 0);
	again = start("the-service", null, null);
	waitpid(again, NULL, 0);
	close(null);
	wait_for_tails(2);
	EXPECT_UINT(find(LIFE_EXIT, main)->flags & LIFE_FLAG_MAIN, LIFE_FLAG_MAIN);
	EXPECT_UINT(count(LIFE_EXEC), 1);
	EXPECT_UINT(find(LIFE_EXEC, again)->flags, LIFE_FLAG_MAIN);
	EXPECT_STR(find(LIFE_EXEC, again)->comm, "cat");
	EXPECT_UINT(find(LIFE_EXIT, again)->flags & LIFE_FLAG_MAIN, LIFE_FLAG_MAIN);
	EXPECT_INT(life_probe_set_main(probe, main, main), -ESRCH);
	end();
}

/* We are the wrapper, a script that starts the service again: what we start is a member before it is the service. */
static void started_again(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), hold;
	pid_t both[2] = { 0, getpid() }, again;

	both[0] = start_and_wait("the-service", &hold);
	if (!begin(both[0])) {
		close(hold);
		waitpid(both[0], NULL, 0);
		return;
	}
	life_probe_set_members(probe, both, 2);
	EXPECT_INT(life_probe_set_main(probe, both[0], both[1]), 0);
	close(hold);
	waitpid(both[0], NULL, 0);
	waitpid(start("other-service", null, null), NULL, 0);
	again = start("the-service", null, null);
	waitpid(again, NULL, 0);
	close(null);
	wait_for_tails(3);
	EXPECT_UINT(find(LIFE_EXIT, both[0])->flags & LIFE_FLAG_MAIN, LIFE_FLAG_MAIN);
	EXPECT_UINT(count(LIFE_EXEC), 2);
	EXPECT_UINT(find(LIFE_EXEC, again)->flags, LIFE_FLAG_MAIN);
	EXPECT_UINT(find(LIFE_EXIT, again)->flags & LIFE_FLAG_MAIN, LIFE_FLAG_MAIN);
	end();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "who is no member is not seen", strangers },
		{ "a process that got the id of another is not that one", pid_reuse },
		{ "the next main process is known by its command line", successor },
		{ "the next main process of a script that starts it again is known, too",
		  started_again },
		{ "a service that is started otherwise is followed, and known from then on",
		  renamed },
	};

	return life_main(argc, argv, cases, ARRAY_SIZE(cases));
}
