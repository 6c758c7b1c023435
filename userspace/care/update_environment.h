/* SPDX-License-Identifier: MIT */
/*
 * The service's Python environment, made anew beside the old one, and exchanged with it.
 *
 * An environment cannot be moved: its scripts begin with its path. So the new one is built under the old one's name, in a mount namespace
 * of the builder's own in which the new directory, VENV.isamon-ID, is there (and the new code under the tree's name): every path in it is right
 * once it has that name for all. The exchange is renameat2(RENAME_EXCHANGE): there is always one. The old one is then VENV.isamon-ID, and as
 * it was: it works again as soon as it has its name again. Who is who is told by inodes.
 */
#ifndef ISAMON_UPDATE_ENVIRONMENT_H
#define ISAMON_UPDATE_ENVIRONMENT_H

#include "care/update_run.h"

#define UPDATE_ID_MAX 24
#define UPDATE_BESIDE ".isamon-" /* and the id: YYYYmmdd-HHMMSS */

struct update_environment {
	int parent_fd;                                 /* -1: not open */
	char path[PATH_MAX];                           /* without symbolic links */
	char name[NAME_MAX + 1], beside[NAME_MAX + 1]; /* in the parent */
	ino_t old_ino, new_ino;                        /* new_ino 0: there is none yet */
};

/* What a pyvenv.cfg says. */
struct update_pyvenv {
	char home[PATH_MAX], executable[PATH_MAX]; /* "": it does not say */
	bool system_site_packages;
};
/* -EBADMSG: it has no home. */
int update_pyvenv_parse(const char *text, struct update_pyvenv *ret);

/* Opens the directory above @venv, and names the one beside. Sets old_ino. -EINVAL: @venv cannot be exchanged, which @why explains. */
int update_environment_open(const char *venv, const char *id, struct buf *why,
			    struct update_environment *ret);
void update_environment_close(struct update_environment *e);

struct update_build {
	const struct update_user *user;
	const char *tree, *stage; /* what the tree's name is to show while it is built */
	const char *requirements; /* below the tree, or absolute; "": none */
	const char *const *pip_options;
	size_t n_pip_options;
	struct update_run run;
};

/* Makes an empty directory that belongs to the user, whoever owns the one above, and might exchange it meanwhile. Returns 0 or -errno. */
int update_make_directory(int parent_fd, const char *name, mode_t mode,
			  const struct update_user *user);
/* Makes the directory beside. Then it is new_ino. */
int update_environment_make(struct update_environment *e, const struct update_user *user,
			    struct buf *why);
/* Builds it: python -m venv as the old one was made, pip install -r. On the disk afterwards. -EIO: python or pip failed; another -errno. */
int update_environment_build(struct update_environment *e, const struct update_build *b,
			     struct buf *why);

/* The new one under the name, and back; from wherever they are. -ESTALE: there is neither. */
int update_environment_forth(struct update_environment *e, struct buf *why);
int update_environment_back(struct update_environment *e, struct buf *why);
/* Removes what is beside, but not the old one while the new one has its name. */
int update_environment_remove(struct update_environment *e, struct buf *why);
/* Of those that were replaced the newest @keep stay. *ret_n: how many went. */
int update_environment_prune(const struct update_environment *e, unsigned int keep, struct buf *why,
			     unsigned int *ret_n);

#endif
