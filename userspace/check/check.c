/* SPDX-License-Identifier: MIT */
/*
 * Each check runs in a child, a process group of its own, and writes its findings as JSON to a pipe. Invariant: whatever becomes of the child, there
 * is at least one finding for its check, and no process of it is left.
 */
#include "check/check.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#define OUTPUT_MAX (2u << 20)

struct running {
	const struct check *check;
	pid_t pid; /* 0: none */
	int fd;    /* -1: its output is at its end */
	uint64_t end_ns;
	bool late;
	struct buf output;
};

static void end(struct running *r)
{
	if (r->pid > 0) {
		kill(-r->pid, SIGKILL);
		while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (r->fd >= 0)
		close(r->fd);
	buf_done(&r->output);
}

/* In the child. */
static void __attribute__((noreturn))
work(const struct check *c, const struct check_input *in, int out, pid_t parent)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(OUTPUT_MAX);
	struct findings found = { 0 };
	json_t *j = NULL;
	int err;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	err = c->run(in, &found);
	if (err)
		err = findings_add(&found,
				   &(struct finding_text){ .id = c->id, .result = FINDING_UNKNOWN },
				   "the check could not be done: %s", strerror(-err));
	if (!err)
		j = findings_to_json(&found);
	if (!j || json_add_text(j, JSON_COMPACT, &text) || file_write(out, text.data, text.len))
		_exit(1);
	_exit(0);
}

static int start(struct running *r, const struct check_input *in)
{
	int ends[2];
	pid_t parent = getpid();

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	r->fd = ends[0];
	r->end_ns = clock_monotonic_ns() + (r->check->timeout_ms ?: CHECK_TIMEOUT_MS) * NS_PER_MS;
	r->pid = fork();
	if (r->pid == 0)
		work(r->check, in, ends[1], parent);
	close(ends[1]);
	if (r->pid < 0) {
		r->pid = 0;
		return -errno;
	}
	setpgid(r->pid, r->pid); /* whoever of both comes first */
	return 0;
}

static void take_output(struct running *r)
{
	char bytes[16384];
	ssize_t n = read(r->fd, bytes, sizeof(bytes));

	if (n < 0 && errno == EINTR)
		return;
	if (n > 0 && buf_add(&r->output, bytes, (size_t)n) == 0)
		return;
	close(r->fd);
	r->fd = -1;
}

/* Waits for the next thing that happens to one of them. Returns whether there is one left that runs. */
static bool wait_for(struct running *list, struct pollfd *fds, size_t n)
{
	uint64_t now_ns = clock_monotonic_ns(), next_ns = UINT64_MAX;

	for (size_t i = 0; i < n; i++) {
		struct running *r = &list[i];

		if (r->fd >= 0 && now_ns >= r->end_ns) {
			r->late = true;
			close(r->fd);
			r->fd = -1;
		}
		fds[i] = (struct pollfd){ .fd = r->fd, .events = POLLIN };
		if (r->fd >= 0 && r->end_ns < next_ns)
			next_ns = r->end_ns;
	}
	if (next_ns == UINT64_MAX)
		return false;
	if (poll(fds, n, (int)((next_ns - now_ns) / NS_PER_MS) + 1) > 0)
		for (size_t i = 0; i < n; i++)
			if (list[i].fd >= 0 && fds[i].revents)
				take_output(&list[i]);
	return true;
}

static int collect(struct running *r, struct findings *ret)
{
	const struct finding_text unknown = { .id = r->check->id, .result = FINDING_UNKNOWN };
	_cleanup_(findings_done) struct findings found = { 0 };
	_cleanup_(json_freep) json_t *j = NULL;
	siginfo_t seen;
	int status = 0, err;

	if (r->late)
		return findings_add(ret, &unknown, "not done within %u ms",
				    r->check->timeout_ms ?: CHECK_TIMEOUT_MS);
	/* While it is not waited for, the group's number is its own: what it may have left goes first. */
	while (waitid(P_PID, (id_t)r->pid, &seen, WEXITED | WNOWAIT) && errno == EINTR)
		;
	kill(-r->pid, SIGKILL);
	while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
		;
	r->pid = 0;
	if (status)
		return findings_add(ret, &unknown, "the check ended with %s %d",
				    WIFSIGNALED(status) ? "signal" : "status",
				    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	j = json_loadb(buf_str(&r->output), r->output.len, 0, NULL);
	err = j ? findings_from_json(j, &found) : -EINVAL;
	if (!err && !found.n)
		return findings_add(ret, &unknown, "the check found nothing");
	if (err)
		return findings_add(ret, &unknown, "what the check said could not be read");
	return findings_move(ret, &found);
}

int checks_run(const struct check *const checks[], size_t n, const struct check_input *in,
	       struct findings *ret)
{
	struct running *list = calloc(n ?: 1, sizeof(*list));
	struct pollfd *fds = calloc(n ?: 1, sizeof(*fds));
	int err = list && fds ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && !err; i++) {
		list[i] = (struct running){ .check = checks[i],
					    .fd = -1,
					    .output = BUF_INIT(OUTPUT_MAX) };
		err = start(&list[i], in);
	}
	while (!err && wait_for(list, fds, n))
		;
	for (size_t i = 0; i < n && !err; i++)
		err = collect(&list[i], ret);
	for (size_t i = 0; list && i < n; i++)
		if (list[i].check)
			end(&list[i]);
	free(list);
	free(fds);
	return err;
}
