/* SPDX-License-Identifier: MIT */
/* Programs for an update. Invariant: what runs as another user has that user's groups only, and cannot get back. */
#include "care/update_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/utf8.h"

#define LOOK_MS 200 /* how soon it is seen that an end is asked for */
#define ENVIRONMENT_MAX 32
#define ENVIRONMENT_BYTES 16384
#define PASSWD_BYTES 16384
#define SHOWN_LINES 12
#define READ_BYTES 4096
#define SHOWN_BYTES 2000

int update_user_of(const struct stat *st, struct update_user *ret)
{
	char *text = malloc(PASSWD_BYTES);
	struct passwd pw, *found = NULL;
	int err = 0;

	if (!text)
		return -ENOMEM;
	*ret = (struct update_user){ .as = { .uid = st->st_uid, .home = "/" } };
	if (getpwuid_r(st->st_uid, &pw, text, PASSWD_BYTES, &found) == 0 && found) {
		snprintf(ret->name, sizeof(ret->name), "%s", pw.pw_name);
		err = child_user_find(pw.pw_name, NULL, &ret->as);
	}
	free(text);
	ret->as.gid = st->st_gid;
	if (!err && !ret->as.n_groups)
		ret->as.groups[ret->as.n_groups++] = st->st_gid;
	return err;
}

/* --- in the child */

static int complain(const char *what, const char *name)
{
	const char *const parts[] = { what, " ", name, ": ", strerrordesc_np(errno), "\n" };

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0)
			break;
	return -1;
}

/* Whoever owns the directory above could have led us anywhere, also to what only root can come to. */
static int open_place(const struct update_run *r, const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || (fstat(fd, &st) == 0 && (!r->user || st.st_uid == r->user->as.uid)))
		return fd;
	close(fd);
	errno = EPERM;
	return -1;
}

/* One place may hide the source of another, so all of them are opened first; in the new namespace, for a mount stays in its own. */
static int bind_all(const struct update_run *r)
{
	int fds[UPDATE_BINDS_MAX];
	char from[40];

	if (!r->n_binds)
		return 0;
	if (r->n_binds > UPDATE_BINDS_MAX || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return complain("a mount namespace of its own", "(CAP_SYS_ADMIN)");
	for (size_t i = 0; i < r->n_binds; i++) {
		fds[i] = open_place(r, r->binds[i].from);
		if (fds[i] < 0)
			return complain("bind", r->binds[i].from);
	}
	for (size_t i = 0; i < r->n_binds; i++) {
		snprintf(from, sizeof(from), "/proc/self/fd/%d", fds[i]);
		if (mount(from, r->binds[i].to, NULL, MS_BIND, NULL))
			return complain("bind to", r->binds[i].to);
	}
	return 0;
}

static int prepare(void *ctx)
{
	umask(022);
	return bind_all(ctx);
}

/* --- its environment */

struct environment {
	struct buf text; /* the strings, with the NUL of each */
	size_t at[ENVIRONMENT_MAX], n;
	char *list[ENVIRONMENT_MAX + 1];
};

static void _printf_(2, 3) add(struct environment *e, const char *format, ...)
{
	va_list args;
	char *one = NULL;

	va_start(args, format);
	if (vasprintf(&one, format, args) < 0)
		one = NULL;
	va_end(args);
	if (!one || e->n == ENVIRONMENT_MAX) {
		e->text.err = one ? -E2BIG : -ENOMEM;
	} else {
		e->at[e->n++] = e->text.len;
		buf_add(&e->text, one, strlen(one) + 1);
	}
	free(one);
}

static int fill(struct environment *e, const struct update_run *r)
{
	static const char *const passed[] = { "TZ",          "http_proxy", "https_proxy",
					      "no_proxy",    "all_proxy",  "HTTP_PROXY",
					      "HTTPS_PROXY", "NO_PROXY",   "ALL_PROXY" };

	add(e, "PATH=" CHILD_PATH);
	add(e, "LC_ALL=C.UTF-8");
	add(e, "HOME=%s", r->user ? r->user->as.home : "/root");
	if (r->user && *r->user->name) {
		add(e, "USER=%s", r->user->name);
		add(e, "LOGNAME=%s", r->user->name);
	}
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		if (getenv(passed[i]))
			add(e, "%s=%s", passed[i], getenv(passed[i]));
	for (size_t i = 0; r->environment && r->environment[i]; i++)
		add(e, "%s", r->environment[i]);
	for (size_t i = 0; !e->text.err && i < e->n; i++)
		e->list[i] = e->text.data + e->at[i];
	return e->text.err;
}

/* --- what it says */

static void pass_on(int fd, const char *piece, size_t n)
{
	while (fd >= 0 && n) {
		ssize_t put = write(fd, piece, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return;
		piece += put;
		n -= (size_t)put;
	}
}

/* It is strangers' text, and may reach a terminal: only lines of it, no control characters (of UTF-8's C1 ones, too). */
static void tell(const struct update_run *r, char *last, const char *piece, size_t n)
{
	char plain[READ_BYTES];

	for (size_t i = 0; i < n; i++) {
		const unsigned char c = (unsigned char)piece[i];
		const bool control = (c < ' ' && !strchr("\n\r\t", c)) || c == 0x7f ||
				     (c >= 0x80 && c < 0xa0 && *last == '\xc2');

		plain[i] = control || !c ? '?' : piece[i];
		*last = piece[i];
	}
	pass_on(r->log_fd, plain, n);
	pass_on(r->echo_fd, plain, n);
}

static int keep(const struct update_run *r, struct buf *out, const char *piece, size_t n)
{
	if (out->len + n > out->max && r->tail) {
		size_t gone = out->len / 2 > n ? out->len / 2 : out->len;

		if (out->len)
			memmove(out->data, out->data + gone, out->len - gone + 1);
		out->len -= gone;
	}
	return buf_add(out, piece, n);
}

static bool has_ended(const struct child *c)
{
	siginfo_t seen = { .si_pid = 0 };

	return waitid(P_PID, (id_t)c->pid, &seen, WEXITED | WNOHANG | WNOWAIT) == 0 && seen.si_pid;
}

/* Until its output is at its end, or it has ended and nothing more comes: what it leaves behind (an ssh for the next time) may keep that open. */
static int follow(const struct update_run *r, struct child *c, struct buf *out)
{
	uint64_t end_ns = clock_monotonic_ns() + r->timeout_s * NS_PER_SEC;
	struct pollfd fd = { .fd = c->fd, .events = POLLIN };
	char piece[READ_BYTES], last = '\0';
	int err = 0;

	while (!err && clock_monotonic_ns() < end_ns) {
		bool ended = has_ended(c); /* before it is asked for what it said last */
		ssize_t n;

		if (r->stop_asked && r->stop_asked(r->ctx))
			return -ECANCELED;
		n = poll(&fd, 1, LOOK_MS);
		if (n == 0 && ended)
			return 0;
		if (n <= 0)
			continue;
		n = read(c->fd, piece, sizeof(piece));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		tell(r, &last, piece, (size_t)n);
		err = keep(r, out, piece, (size_t)n);
	}
	return err ? err : -ETIMEDOUT;
}

static void log_command(const struct update_run *r, const char *const argv[])
{
	pass_on(r->log_fd, "$", 1);
	for (size_t i = 0; argv[i]; i++) {
		pass_on(r->log_fd, " ", 1);
		pass_on(r->log_fd, argv[i], strlen(argv[i]));
	}
	pass_on(r->log_fd, "\n", 1);
}

int update_run(const struct update_run *how, const char *const argv[], struct buf *out)
{
	struct environment e = { .text = BUF_INIT(ENVIRONMENT_BYTES) };
	struct update_run r = *how;
	const struct child_how as = { .path = *argv[0] == '/' ? argv[0] : NULL,
				      .environment = e.list,
				      .errors = true,
				      .pass_fd = -1,
				      .user = how->user ? &how->user->as : NULL,
				      .directory = how->directory ? how->directory : "/",
				      .prepare = prepare,
				      .ctx = &r };
	_cleanup_(child_end) struct child c = CHILD_NONE;
	int err = fill(&e, how);

	if (!err) {
		log_command(how, argv);
		err = child_start_as(&as, argv, &c);
	}
	buf_done(&e.text);
	if (!err)
		err = follow(how, &c, out);
	return err ? err : child_wait(&c);
}

/* The last lines, indented. */
static void add_end(const struct buf *out, struct buf *why)
{
	const char *text = buf_str(out);
	size_t end = out->len, at, lines = 0;

	while (end && text[end - 1] == '\n')
		end--;
	for (at = end; at && end - at < SHOWN_BYTES; at--)
		if (text[at - 1] == '\n' && ++lines == SHOWN_LINES)
			break;
	while (at < end) {
		size_t n = strcspn(text + at, "\n");
		char plain[SHOWN_BYTES + 1];

		if (n > end - at)
			n = end - at;
		utf8_make_plain(text + at, n, plain, sizeof(plain));
		buf_printf(why, "\n  %s", plain);
		at += n + 1;
	}
}

int update_run_failed(const char *what, int result, const struct buf *out, struct buf *why)
{
	if (result == -ETIMEDOUT)
		buf_printf(why, "%s: not done in its time, and ended", what);
	else if (result == -ECANCELED)
		buf_printf(why, "%s: stopped", what);
	else if (result < 0)
		buf_printf(why, "%s: %s", what, strerror(-result));
	else if (result > 128)
		buf_printf(why, "%s: ended by signal %d", what, result - 128);
	else
		buf_printf(why, "%s: failed with status %d", what, result);
	add_end(out, why);
	return result < 0 ? result : -EIO;
}
