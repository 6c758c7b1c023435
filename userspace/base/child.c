/* SPDX-License-Identifier: MIT */
/* Children, each a process group of its own, so that a terminal's Ctrl-C reaches us only. Invariant: a struct child with a pid has
 * not been waited for, so that the number is its own. */
#include "base/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/ioprio.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

#define GRACE_MS 2000
#define PATH_BYTES 512
#define LOW_NICE 10
#define LOW_OOM "500"
#define LOW_IO IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, 7)

bool child_find(const char *program, struct buf *ret)
{
	const char *at = CHILD_PATH;

	assert(!strchr(program, '/'));
	while (*at) {
		size_t n = strcspn(at, ":");
		char path[PATH_BYTES];
		int len = snprintf(path, sizeof(path), "%.*s/%s", (int)n, at, program);

		if (len > 0 && (size_t)len < sizeof(path) && access(path, X_OK) == 0) {
			if (ret)
				buf_add_str(ret, path);
			return true;
		}
		at += n + (at[n] == ':');
	}
	return false;
}

int child_user_find(const char *user, const char *group, struct child_user *ret)
{
	struct passwd *p;
	struct group *g;
	int n = CHILD_GROUPS_MAX;

	errno = 0;
	p = getpwnam(user);
	if (!p)
		return errno ? -errno : -ENOENT;
	*ret = (struct child_user){ .uid = p->pw_uid, .gid = p->pw_gid };
	snprintf(ret->home, sizeof(ret->home), "%s", p->pw_dir && *p->pw_dir ? p->pw_dir : "/");
	if (group && *group) {
		errno = 0;
		g = getgrnam(group);
		if (!g)
			return errno ? -errno : -ENOENT;
		ret->gid = g->gr_gid;
	}
	if (getgrouplist(user, ret->gid, ret->groups, &n) < 0)
		return -E2BIG;
	ret->n_groups = (size_t)n;
	return 0;
}

/* After fork(2): only what is safe for signals. Whoever is that user already has no right to set groups, and needs none. */
static bool become_user(const struct child_user *u)
{
	if (!u)
		return true;
	if (geteuid() != u->uid || getegid() != u->gid || getuid() != u->uid) {
		if (setgroups(u->n_groups, u->groups) || setresgid(u->gid, u->gid, u->gid) ||
		    setresuid(u->uid, u->uid, u->uid))
			return false;
	}
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

/* After fork(2): only what is safe for signals. What is not to be had is done without. */
static void become_low(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t written = fd < 0 ? -1 : write(fd, LOW_OOM, sizeof(LOW_OOM) - 1);

	(void)written;
	if (fd >= 0)
		close(fd);
	setpriority(PRIO_PROCESS, 0, LOW_NICE);
	syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, LOW_IO);
}

/* What is passed may be number 3 already, and is then to stay open. */
static bool pass(int fd)
{
	if (fd < 0)
		return true;
	return fd == CHILD_PASS_FD ? fcntl(fd, F_SETFD, 0) == 0 : dup2(fd, CHILD_PASS_FD) >= 0;
}

/* As what it runs would, on its standard error. */
static void __attribute__((noreturn)) give_up(const char *what)
{
	const char *const parts[] = { what, ": ", strerrordesc_np(errno), "\n" };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0)
			break;
	_exit(CHILD_NOT_BEGUN);
}

/* A change of users takes PR_SET_PDEATHSIG away. */
static bool be_it(const struct child_how *how, pid_t parent)
{
	if (how->prepare && how->prepare(how->ctx))
		_exit(CHILD_NOT_BEGUN);
	if (!become_user(how->user))
		give_up("cannot become its user (CAP_SETUID and CAP_SETGID are needed)");
	if (how->directory && chdir(how->directory))
		give_up(how->directory);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	return getppid() == parent;
}

static void __attribute__((noreturn))
become(const struct child_how *how, const char *const argv[], int out, pid_t parent)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0);
	if (how->low_priority)
		become_low();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent && null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	    dup2(out, STDOUT_FILENO) >= 0 && dup2(how->errors ? out : null, STDERR_FILENO) >= 0 &&
	    pass(how->pass_fd) && be_it(how, parent)) {
		/* What somebody else opened without O_CLOEXEC. */
		close_range(how->pass_fd < 0 ? CHILD_PASS_FD : CHILD_PASS_FD + 1, ~0u, 0);
		execve(how->path, (char *const *)(uintptr_t)argv, how->environment);
	}
	_exit(127);
}

static int spawn(const struct child_how *how, const char *const argv[], int out, pid_t *ret)
{
	static char path_variable[] = "PATH=" CHILD_PATH, locale[] = "LC_ALL=C";
	const char *tz = getenv("TZ");
	char zone[PATH_BYTES];
	char *environment[] = { path_variable, locale, NULL, NULL };
	struct child_how as = *how;
	pid_t parent = getpid(), pid;

	if (tz && (size_t)snprintf(zone, sizeof(zone), "TZ=%s", tz) < sizeof(zone))
		environment[2] = zone;
	if (!as.environment)
		as.environment = environment;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(&as, argv, out, parent);
	setpgid(pid, pid); /* whoever of both comes first */
	*ret = pid;
	return 0;
}

int child_start_as(const struct child_how *how, const char *const argv[], struct child *ret)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_BYTES);
	_cleanup_(file_closep) int out = -1, in = -1;
	struct child_how as = *how;
	int ends[2], err;
	pid_t pid = 0;

	if (!as.path && !child_find(argv[0], &path))
		return -ENOENT;
	if (path.err)
		return path.err;
	if (!as.path)
		as.path = buf_str(&path);
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	out = ends[0];
	in = ends[1];
	err = spawn(&as, argv, in, &pid);
	if (err)
		return err;
	ret->pid = pid;
	ret->fd = out;
	out = -1;
	return 0;
}

int child_start(const char *const argv[], bool errors, struct child *ret)
{
	const struct child_how how = { .errors = errors, .pass_fd = -1 };

	return child_start_as(&how, argv, ret);
}

static void close_output(struct child *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static int exit_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int child_wait(struct child *c)
{
	pid_t pid = 0;
	int status;

	close_output(c);
	do
		pid = waitpid(c->pid, &status, 0);
	while (pid < 0 && errno == EINTR);
	c->pid = 0;
	return pid < 0 ? -errno : exit_of(status);
}

void child_end(struct child *c)
{
	uint64_t end_ns = clock_monotonic_ns() + GRACE_MS * NS_PER_MS;
	int status;

	close_output(c);
	if (c->pid <= 0)
		return;
	kill(-c->pid, SIGTERM);
	while (waitpid(c->pid, &status, WNOHANG) == 0) {
		if (clock_monotonic_ns() > end_ns)
			kill(-c->pid, SIGKILL);
		poll(NULL, 0, 5);
	}
	c->pid = 0;
}

/* Until its output is at its end: 0; -ETIMEDOUT; another -errno. */
static int drain(struct child *c, int timeout_ms, struct buf *out)
{
	uint64_t end_ns = clock_monotonic_ns() + (uint64_t)timeout_ms * NS_PER_MS, now_ns;
	struct pollfd fd = { .fd = c->fd, .events = POLLIN };
	char piece[4096];

	while ((now_ns = clock_monotonic_ns()) < end_ns) {
		ssize_t n;

		if (poll(&fd, 1, (int)((end_ns - now_ns) / NS_PER_MS) + 1) <= 0)
			continue;
		n = read(c->fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		buf_add(out, piece,
			(size_t)n < out->max - out->len ? (size_t)n : out->max - out->len);
	}
	return -ETIMEDOUT;
}

int child_run(const char *const argv[], int timeout_ms, struct buf *out)
{
	const struct child_how how = { .errors = true, .pass_fd = -1 };

	return child_run_as(&how, argv, timeout_ms, out);
}

int child_run_as(const struct child_how *how, const char *const argv[], int timeout_ms,
		 struct buf *out)
{
	_cleanup_(child_end) struct child c = CHILD_NONE;
	int err = child_start_as(how, argv, &c);

	if (!err)
		err = drain(&c, timeout_ms, out);
	return err ? err : child_wait(&c);
}
