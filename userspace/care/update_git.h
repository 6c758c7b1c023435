/* SPDX-License-Identifier: MIT */
/*
 * The service's tree, as git sees it. git runs as the user to whom the tree belongs, without hooks, and never asks anything. Everything
 * blocks, at most for the time limit of @run a call; returns 0 or -errno, explained in @why.
 */
#ifndef ISAMON_UPDATE_GIT_H
#define ISAMON_UPDATE_GIT_H

#include "care/update_run.h"

#define UPDATE_COMMIT_MAX 65 /* of SHA-256, with the NUL */
#define UPDATE_REF_MAX 256

struct update_git {
	const char *directory;
	struct update_user user;
	struct update_run run; /* of each call; .user is set */
	bool own_ssh; /* its configuration has an ssh of its own, with a key of the host perhaps: core.sshCommand */
};

/* What @directory is: a directory that is the top of a git tree. -ENOENT: there is no such directory; -EINVAL: it is none; -EPERM: it
 * is root's, but not in root's hands alone (care/update_way.h). */
int update_git_open(const char *directory, const struct update_run *run, struct buf *why,
		    struct update_git *ret);

struct update_head {
	char commit[UPDATE_COMMIT_MAX];
	char branch[UPDATE_REF_MAX]; /* "": none, the commit alone */
};
int update_git_head(const struct update_git *g, struct buf *why, struct update_head *ret);

/* Whether there is anything that git does not know, but for what it is to ignore. -EEXIST: yes, and what is explained. */
int update_git_is_clean(const struct update_git *g, struct buf *why);

/*
 * Fetches @remote, and finds the commit of @ref: a branch of it, with or without its name before, a tag, or a commit. "": what the branch of
 * @head follows, else the remote's own. @ret_ref: by which name it was found. -ENOENT: there is no such thing.
 */
int update_git_fetch(const struct update_git *g, const char *remote, const char *ref,
		     const struct update_head *head, struct buf *why, char ret_ref[UPDATE_REF_MAX],
		     char ret_commit[UPDATE_COMMIT_MAX]);

struct update_difference {
	unsigned int n_commits; /* that are new */
	unsigned int n_back;    /* that the tree has now, and not then */
	unsigned int n_files;
	bool requirements;  /* they, or what a package is built by, are others */
	struct buf commits; /* the first of the new ones, one a line: hash, subject */
};

/*
 * From one commit to another, with the @requirements (in the tree; "": none). Refuses what cannot be done safely: -EEXIST: a file
 * that git ignores now is in the way of one of the new commit; -ENOTSUP: submodules. update_difference_done() is due in either case.
 */
int update_git_compare(const struct update_git *g, const char *from, const char *to,
		       const char *requirements, struct buf *why, struct update_difference *ret);
void update_difference_done(struct update_difference *d);

/* Writes all files of @commit into the directory @stage, which belongs to the user, and is empty. The tree and its index stay. */
int update_git_export(const struct update_git *g, const char *commit, const char *stage,
		      struct buf *why);

/* Brings the tree to @commit, and HEAD with it: the branch, where one is given. Overwrites nothing that git does not know. */
int update_git_switch(const struct update_git *g, const char *commit, const char *branch,
		      struct buf *why);
/*
 * Brings the tree back to @commit, from wherever a switch to @other that was cut off has left it. What differs is overwritten, files that
 * only @other has are removed; what git ignores stays.
 */
int update_git_back(const struct update_git *g, const char *commit, const char *branch,
		    const char *other, struct buf *why);
/* Removes the locks that a git has left which was killed. None may be running. */
int update_git_unlock(const struct update_git *g, const char *branch, struct buf *why);

#endif
