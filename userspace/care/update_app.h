/* SPDX-License-Identifier: MIT */
/*
 * The service's application, brought to another commit: code and Python environment, so that it is healthy with the new ones, or runs with
 * the old ones as before. Data is not touched.
 *
 * Fetch, compare; the new environment is built beside the old one while the service runs (care/update_environment.h); the service is stopped,
 * code and environment are switched, it is started, and waited for until it is healthy; if it does not become so, all goes back.
 * The journal STATE_DIRECTORY/update.journal is written (fsync, rename) before each step: after a power cut update_app_resume() goes on
 * and update_app_abort() goes back. Everything blocks. One process at a time
 * (care/service_lock.h): the others get -EBUSY.
 */
#ifndef ISAMON_UPDATE_APP_H
#define ISAMON_UPDATE_APP_H

#include "care/restore.h"
#include "care/update_environment.h"
#include "care/update_git.h"

#define UPDATE_JOURNAL "update.journal"

struct update_options {
	const char *state_directory;
	const char *directory;    /* the tree */
	const char *venv;         /* "": there is none */
	const char *requirements; /* below the tree, or absolute; "": none */
	const char *remote, *ref; /* as update_git_fetch() has them */
	const char *const *pip_options;
	size_t n_pip_options;
	unsigned int keep; /* environments that were replaced */
	unsigned int git_timeout_s, install_timeout_s;
	bool rebuild; /* the environment, even if the requirements are the same */
	int log_fd;   /* what git and pip say; -1 */
	int echo_fd;  /* what pip says; -1 */
	const struct restore_service *service;     /* NULL: it is left alone */
	int (*backup)(struct buf *why, void *ctx); /* before anything is changed; NULL: none */
	void (*say)(const char *line, void *ctx);  /* told of each step; NULL */
	bool (*stop_asked)(void *ctx); /* true: end it, as long as nothing was switched; NULL */
	void *ctx;
};

struct update_plan {
	struct update_head from;
	char ref[UPDATE_REF_MAX], to[UPDATE_COMMIT_MAX];
	char branch
		[UPDATE_REF_MAX]; /* that goes along to it; "": none, the tree will be at the commit alone */
	struct update_difference difference;
	bool environment; /* a new one will be built */
	bool nothing;     /* all is as it is to be */
};

/*
 * Looks what would be changed; of the tree nothing is, but git's own knowledge of the remote. Returns 0; -EEXIST: the tree has changes of its
 * own, or a file is in the way; -EBUSY: an update is unfinished, or under way; another -errno; explained in @why. update_plan_done() is due.
 */
int update_app_plan(const struct update_options *o, struct buf *why, struct update_plan *ret);
void update_plan_done(struct update_plan *p);

struct update_result {
	enum restore_end
		end;       /* NOTHING, DONE, ROLLED_BACK or UNFINISHED, of code and environment */
	bool service_down; /* it was to be started, and does not become healthy */
	bool not_started;  /* it was stopped before, and still is */
	bool new_ran;      /* the new version was started: data may be as it has left it */
	char id[UPDATE_ID_MAX];
	char from[UPDATE_COMMIT_MAX], to[UPDATE_COMMIT_MAX];
	char kept[PATH_MAX]; /* where the old environment is; "" */
};

/*
 * Return 0: RESTORE_DONE. Otherwise -errno, explained in @why, and @ret->end says how things stand:
 *   -EIO         git, python or pip failed
 *   -EHOSTDOWN, -ETIMEDOUT  the service could not be stopped, or did not become healthy with it; or something took too long
 *   -ECANCELED   stop_asked(), or backup()
 *   -EBUSY       another one is under way, or unfinished
 */
int update_app_begin(const struct update_options *o, const struct update_plan *p, struct buf *why,
		     struct update_result *ret);
/* Goes on with an unfinished one, from its beginning if nothing was switched; one that was on its way back goes on back. -ENOENT: none. */
int update_app_resume(const struct update_options *o, struct buf *why, struct update_result *ret);
/* Brings the old code and environment back. 0: they are. -ENOENT: there is none. */
int update_app_abort(const struct update_options *o, struct buf *why, struct update_result *ret);

struct update_status {
	bool unfinished;
	bool working; /* a process is at it */
	char id[UPDATE_ID_MAX], step[16], directory[PATH_MAX];
};

/* Reads the journal in @state_directory, if there is one. Returns 0 or -errno. */
int update_app_look(const char *state_directory, struct update_status *ret);

#endif
