/* SPDX-License-Identifier: MIT */
/*
 * Other programs, run as children: an argv array, found in a fixed PATH, without a shell, with a small environment of our own
 * (PATH, LC_ALL=C, TZ; nothing of ours that may be secret), standard input from /dev/null.
 */
#ifndef ISAMON_CHILD_H
#define ISAMON_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

#define CHILD_PATH "/usr/sbin:/usr/bin:/sbin:/bin"

struct child {
	pid_t pid; /* 0: none */
	int fd;    /* what it writes; -1 */
};

#define CHILD_NONE \
	{ \
		.pid = 0, .fd = -1 \
	}

/* Whether @program (a name) is in CHILD_PATH; its path in @ret, which may be NULL. */
bool child_find(const char *program, struct buf *ret);

#define CHILD_GROUPS_MAX 256

/* Who a child becomes: a user with the group and all groups that it is in. Plain values. */
struct child_user {
	uid_t uid;
	gid_t gid;
	gid_t groups[CHILD_GROUPS_MAX];
	size_t n_groups;
	char home[256]; /* "/" if it is not known */
};

/* @user and @group by their names; @group NULL or "": the user's own. Asks NSS, which may block. Returns 0; -ENOENT: there is no
 * such user or group; -E2BIG: it is in more than CHILD_GROUPS_MAX; another -errno. */
int child_user_find(const char *user, const char *group, struct child_user *ret);

/* What may be otherwise than child_start() does it. */
struct child_how {
	const char *path;         /* of the program, absolute; NULL: argv[0] is looked for */
	char *const *environment; /* the whole of it; NULL: the small one */
	bool errors;              /* as for child_start() */
	int pass_fd;              /* becomes descriptor CHILD_PASS_FD; -1: none */
	const struct child_user *
		user; /* whom it becomes, for ever (no_new_privs); NULL: nobody else. For root only */
	const char *directory; /* where it begins; NULL: where we are */
	bool low_priority; /* nice 10, the last of best-effort for the disk, and early to go when memory runs out */
	/* Called in the child, before it becomes the user. After fork(2): system calls only. What it writes to descriptor 2 goes where errors go.
	 * Not 0: the child ends with CHILD_NOT_BEGUN, as it does, and says so there, if it cannot go to the directory. NULL: nothing. */
	int (*prepare)(void *ctx);
	void *ctx;
};

#define CHILD_PASS_FD 3
#define CHILD_NOT_BEGUN 126
#define CHILD_NOT_ALLOWED 125 /* it cannot become the user, and says so */

/*
 * Starts argv[0], a name. It has the default signals, none blocked, and gets SIGTERM when the thread that
 * started it ends. @errors: its standard error goes the same way as its
 * output; otherwise to /dev/null. Returns 0; -ENOENT: there is no such program; another -errno.
 */
int child_start(const char *const argv[], bool errors, struct child *ret);

/* The same, otherwise. */
int child_start_as(const struct child_how *how, const char *const argv[], struct child *ret);

/* Waits until it has ended. Returns its exit status, 128 + the signal that ended it, or -errno. */
int child_wait(struct child *c);
/* Ends it, and what it has started in its process group, with SIGTERM (with SIGKILL after two seconds; of the others what is left when it has
 * ended), and waits. One that is none is fine, for _cleanup_(). */
void child_end(struct child *c);

/*
 * Runs it to its end, at most @timeout_ms, even if it closes its output before, and appends what it wrote, both ways, to @out as far as there is room. Returns as
 * child_wait(), -ETIMEDOUT when it was ended because of the time, or as child_start().
 */
int child_run(const char *const argv[], int timeout_ms, struct buf *out);
/* The same, otherwise. */
int child_run_as(const struct child_how *how, const char *const argv[], int timeout_ms,
		 struct buf *out);

#endif
