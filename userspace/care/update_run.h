/* SPDX-License-Identifier: MIT */
/*
 * Other programs for an update: git and pip as the user to whom the service's tree belongs, apt-get and dnf as root. Without a shell,
 * by a fixed PATH, with nothing to ask on a terminal, and with a time limit. The environment has nothing of ours but the proxies.
 */
#ifndef ISAMON_UPDATE_RUN_H
#define ISAMON_UPDATE_RUN_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/child.h"

#define UPDATE_ARGS_MAX 32

struct update_user {
	struct child_user as;
	char name[64]; /* "": it has none */
};

/* The user to whom @st belongs, with the group of @st. Returns 0 or -errno; one without a name is fine: its home is /. */
int update_user_of(const struct stat *st, struct update_user *ret);

#define UPDATE_BINDS_MAX 4

/* What the program, and nobody else, sees under another name: directories, absolute, in this order; at most UPDATE_BINDS_MAX. Each @from is the
 * user's own. Needs CAP_SYS_ADMIN. */
struct update_bind {
	const char *from, *to;
};

struct update_run {
	const struct update_user *user; /* NULL: whoever we are */
	const char *directory;          /* where it works, after the binds; NULL: / */
	const struct update_bind *binds;
	size_t n_binds;
	const char *const
		*environment; /* "NAME=value" beside the usual ones, NULL behind them; NULL: none */
	unsigned int timeout_s;
	int log_fd;  /* what it says goes there, too, without control characters; -1: nowhere */
	int echo_fd; /* and there */
	bool tail;   /* of more than @out holds the end is kept */
	bool (*stop_asked)(void *ctx); /* true: it is ended; NULL */
	void *ctx;
};

/*
 * Runs @argv (the name of a program in CHILD_PATH, or its absolute path) to its end, and appends what it said, both ways, to @out. Blocks
 * for the time limit at most. Returns its exit status (126: it could not be begun, and said why), 128 + a signal, or -ENOENT: there is no
 * such program; -ETIMEDOUT; -ECANCELED: stop_asked(); -EFBIG: it said more than @out holds; another -errno.
 */
int update_run(const struct update_run *how, const char *const argv[], struct buf *out);

/* "WHAT: why": of what update_run() returned, with the last lines of what was said. Returns @result if that is negative, else -EIO. */
int update_run_failed(const char *what, int result, const struct buf *out, struct buf *why);
/* Adds the remedy, if git said in @out that something in @directory, which belongs to @user, is not that user's. */
void update_run_advise_owner(const struct update_user *user, const char *directory,
			     const struct buf *out, struct buf *why);

#endif
