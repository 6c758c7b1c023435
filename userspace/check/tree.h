/* SPDX-License-Identifier: MIT */
/*
 * The trees of the service: whose they are, and who may do what in them.
 *
 *   data     the user's; nobody else may write
 *   logs     the directory the user's, for he writes there; files his or root's (supervisord makes some)
 *   backups  his or root's; others see nothing of the archives, which hold what is secret in the configuration
 *   config   his or root's; others may not write, and not read what ends in .env
 *   code     his or root's; others may not write
 * Symbolic links are not followed, nor judged; what else is neither file nor directory is passed over.
 */
#ifndef ISAMON_TREE_H
#define ISAMON_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/child.h"
#include "config/config.h"

#define TREES_MAX 8

enum tree_kind { TREE_DATA, TREE_LOGS, TREE_BACKUPS, TREE_CONFIG, TREE_CODE };

struct tree {
	enum tree_kind kind;
	const char *path; /* of the configuration */
};

/* Those that are configured; one that lies in another stands by itself all the same. Returns how many. */
size_t trees_list(const struct config *c, struct tree ret[static TREES_MAX]);

/* Whether @path, whatever way it is written, is a directory that every host has (FHS 3.0), and others than one service use: nothing in it is judged
 * by whose the service is, let alone changed. */
bool tree_is_of_system(const char *path);

enum tree_wrong {
	TREE_OWNER = 1 << 0,    /* user or group */
	TREE_WRITABLE = 1 << 1, /* by everybody */
	TREE_READABLE = 1 << 2, /* by everybody, and should not be */
	TREE_CLOSED = 1 << 3,   /* a directory in which its own owner may not do all */
};

/* What it is, if anything is wrong, and what it should be. */
struct tree_item {
	unsigned int wrong;
	uid_t uid;
	gid_t gid;
	mode_t mode; /* of the lowest 12 bits */
};

/* @path: from the top, "." is the top. @user: whose the service is. Returns whether anything is wrong; then *ret is filled in. */
bool tree_judge(enum tree_kind kind, const char *path, const struct stat *st,
		const struct child_user *user, struct tree_item *ret);

/* Told of what is wrong; an answer other than 0 ends the walk. @st as it is, @item as it should be. */
typedef int (*tree_fn)(const char *path, const struct stat *st, const struct tree_item *item,
		       void *ctx);

struct tree_limits {
	uint64_t max;    /* of files and directories; 0: any number */
	uint64_t end_ns; /* CLOCK_MONOTONIC; 0: none */
	uint64_t seen;   /* counted on */
	bool reached;    /* set if one of them ended the walk */
};

/*
 * Opens the directory @path, which is absolute, if no part of it is a symbolic link: who owns a directory on the way could point to
 * anywhere. Returns a descriptor; -ENOENT; -ELOOP: it has a symbolic link; another -errno.
 */
int tree_open(const char *path);

/* Tells @fn all that is wrong in the tree whose top is @fd. Returns 0, also at a limit; what @fn returned; or -errno, explained in @why. */
int tree_walk(int fd, enum tree_kind kind, const struct child_user *user,
	      struct tree_limits *limits, tree_fn fn, void *ctx, struct buf *why);

#endif
