/* SPDX-License-Identifier: MIT */
/* Between the files of the update of the application. */
#ifndef ISAMON_UPDATE_IMPL_H
#define ISAMON_UPDATE_IMPL_H

#include "care/update_app.h"

/* Before everything that changes something: for tests that end the process there. */
#ifndef UPDATE_STEP
#define UPDATE_STEP() ((void)0)
#endif

enum update_step { UPDATE_AT_BUILD, UPDATE_AT_SWITCH, UPDATE_AT_START, UPDATE_AT_UNDO };

struct update {
	const struct update_options *o;
	struct buf *why;
	struct update_result *ret;
	int lock_fd;
	struct update_git git;
	struct update_environment environment; /* .path is "" if there is none */
	char stage[PATH_MAX]; /* where the new code is while the environment is built */
	/* The journal. */
	enum update_step step;
	char id[UPDATE_ID_MAX];
	char from[UPDATE_COMMIT_MAX], to[UPDATE_COMMIT_MAX];
	char from_branch[UPDATE_REF_MAX], branch[UPDATE_REF_MAX];
	bool builds;         /* an environment */
	bool was_switched;   /* before it went back */
	bool ran_known, ran; /* whether the service is to be started */
	ino_t old_ino, new_ino;
	char directory[PATH_MAX], venv[PATH_MAX];
};

/* --- update_journal.c; the errors are explained in u->why */

int update_write_journal(struct update *u, enum update_step step);
/* -ENOENT: there is none. */
int update_read_journal(struct update *u);
int update_remove_journal(struct update *u);
/* Its name only, with nothing said: 0, also if there is none, or -errno. */
int update_unlink_journal(const struct update *u);
/* Until update_unlock(). -EBUSY: another process. */
int update_lock(struct update *u);
void update_unlock(struct update *u);

/* --- update_steps.c */

void update_say(const struct update *u, const char *line);
/* Whether the one who ordered it wants it ended. */
bool update_is_asked(const struct update *u);
/* "WHAT: the error's text", unless something stands in u->why. Returns @err. */
int update_failed(struct update *u, const char *what, int err);
/* Behind what stands there. Returns @err. */
int update_add_why(struct update *u, const char *what, const struct buf *why, int err);
/* How git is run; @may_end: stop_asked() ends it early. */
struct update_run update_run_of(const struct update *u, unsigned int timeout_s, bool may_end);
int update_remove_stage(struct update *u, struct buf *why);
/* Stops the service, if it is ours to stop. @what: why it is stopped, for u->why. */
int update_stop_for(struct update *u, const char *what);

/* All of it, from the building on. */
int update_from_start(struct update *u);
/* From what is built on. */
int update_proceed(struct update *u);
/* Back, from wherever it is. Returns @cause, or if that is 0 whether it could be done. */
int update_undo(struct update *u, int cause);

#endif
