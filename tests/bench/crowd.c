/* SPDX-License-Identifier: MIT */
/*
 * crowd N    N idle processes, until its input ends
 *
 * Says "ready" when they are all there. Each waits for the end of a pipe that only this process holds, so none
 * outlives it, however it ends. It is gone itself when all of them are.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/number.h"

#define CROWD_MAX 100000

/* Never returns. */
static void wait_as_child(const int *ends, pid_t parent)
{
	char byte;

	close(ends[1]);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == parent)
		while (read(ends[0], &byte, 1) < 0 && errno == EINTR)
			;
	_exit(0);
}

/* Returns how many came into being. */
static uint64_t start(const int *ends, uint64_t n)
{
	const pid_t parent = getpid();

	for (uint64_t i = 0; i < n; i++) {
		pid_t child = fork();

		if (child == 0)
			wait_as_child(ends, parent);
		if (child < 0) {
			fprintf(stderr, "crowd: only %ju of %ju processes: %s\n", (uintmax_t)i,
				(uintmax_t)n, strerror(errno));
			return i;
		}
	}
	return n;
}

static void wait_for_end_of_input(void)
{
	ssize_t n = 1;
	char byte;

	while (n > 0 || (n < 0 && errno == EINTR))
		n = read(STDIN_FILENO, &byte, 1);
}

int main(int argc, char **argv)
{
	int ends[2];
	uint64_t n;
	bool whole;

	if (argc != 2 || number_parse_u64(argv[1], 1, CROWD_MAX, &n) != 0) {
		fprintf(stderr, "usage: crowd N\n");
		return 1;
	}
	if (pipe(ends) != 0)
		return 1;
	whole = start(ends, n) == n;
	if (whole) {
		printf("ready\n");
		fflush(stdout);
		signal(SIGTERM, SIG_IGN); /* its input ends as well, and somebody must bury them */
		wait_for_end_of_input();
	}
	close(ends[1]);
	while (wait(NULL) > 0 || errno == EINTR)
		;
	return !whole;
}
