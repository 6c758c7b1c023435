/* SPDX-License-Identifier: MIT */
/* The update of the application: the ways into its steps. Invariant: whatever is done is done with the lock held. */
#include "care/update_app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "care/update_impl.h"

#define WHY_MAX 16384

static struct update update_of(const struct update_options *o, struct buf *why,
			       struct update_result *ret)
{
	*ret = (struct update_result){ .end = RESTORE_NOTHING };
	return (struct update){
		.o = o, .why = why, .ret = ret, .lock_fd = -1, .environment = { .parent_fd = -1 }
	};
}

static int done(struct update *u, int err)
{
	if (u->ret) {
		memcpy(u->ret->id, u->id, sizeof(u->ret->id));
		memcpy(u->ret->from, u->from, sizeof(u->ret->from));
		memcpy(u->ret->to, u->to, sizeof(u->ret->to));
	}
	update_environment_close(&u->environment);
	update_unlock(u);
	return err;
}

/* The tree, and what is beside it: of u->directory, u->venv and u->id. */
static int open_all(struct update *u)
{
	const struct update_run run = update_run_of(u, u->o->git_timeout_s, true);
	int err = update_git_open(u->directory, &run, u->why, &u->git);

	if (!err && (size_t)snprintf(u->stage, sizeof(u->stage), "%s" UPDATE_BESIDE "%s",
				     u->directory, u->id) >= sizeof(u->stage))
		err = update_failed(u, u->directory, -ENAMETOOLONG);
	if (!err && u->builds)
		err = update_environment_open(u->venv, u->id, &u->git.user, u->why,
					      &u->environment);
	return err;
}

static int take_path(const char *from, char to[PATH_MAX])
{
	size_t n = strlen(from);

	while (n > 1 && from[n - 1] == '/')
		n--;
	if (n >= PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(to, from, n);
	to[n] = '\0';
	return 0;
}

static int take_options(struct update *u)
{
	int err = take_path(u->o->directory, u->directory);

	if (!err)
		err = take_path(u->o->venv, u->venv);
	return update_failed(u, u->o->directory, err);
}

static int refuse_unfinished(struct update *u)
{
	struct update old = *u;
	int err = update_read_journal(&old);

	if (err)
		return err == -ENOENT ? 0 : err;
	u->ret->end = RESTORE_UNFINISHED;
	buf_printf(
		u->why,
		"an update of %s is unfinished, since %s (UTC): isamon update app --resume goes on, --abort goes back",
		old.directory, old.id);
	return -EBUSY;
}

static int make_plan(struct update *u, struct update_plan *p)
{
	int err = update_git_head(&u->git, u->why, &p->from);

	if (!err)
		err = update_git_is_clean(&u->git, u->why);
	if (!err)
		err = update_git_fetch(&u->git, u->o->remote, u->o->ref, &p->from, u->why, p->ref,
				       p->to);
	if (!err)
		err = update_git_compare(&u->git, p->from.commit, p->to, u->o->requirements, u->why,
					 &p->difference);
	if (err)
		return err;
	/* A branch goes along if it loses nothing; otherwise it stays where it is. */
	if (!p->difference.n_back)
		memcpy(p->branch, p->from.branch, sizeof(p->branch));
	p->environment = *u->venv && (u->o->rebuild || p->difference.requirements);
	p->nothing = !p->environment && strcmp(p->from.commit, p->to) == 0;
	return 0;
}

int update_app_plan(const struct update_options *o, struct buf *why, struct update_plan *ret)
{
	struct update_result ignored;
	struct update u = update_of(o, why, &ignored);
	int err = update_lock(&u);

	*ret = (struct update_plan){ .nothing = false };
	if (!err)
		err = refuse_unfinished(&u);
	if (!err)
		err = take_options(&u);
	if (!err)
		err = open_all(&u);
	if (!err)
		err = make_plan(&u, ret);
	return done(&u, err);
}

void update_plan_done(struct update_plan *p)
{
	update_difference_done(&p->difference);
}

static bool is_taken(const struct update *u)
{
	struct stat st;

	return lstat(u->stage, &st) == 0 || fstatat(u->environment.parent_fd, u->environment.beside,
						    &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* By the second, in UTC; another one if that is taken: what has the name is not ours to remove. */
static int open_new(struct update *u)
{
	time_t now = time(NULL);
	struct tm tm;
	int err;

	for (int i = 0; i < 100; i++, now++) {
		gmtime_r(&now, &tm);
		strftime(u->id, sizeof(u->id), "%Y%m%d-%H%M%S", &tm);
		err = open_all(u);
		if (err || !u->builds || !is_taken(u))
			return err;
		update_environment_close(&u->environment);
	}
	return update_failed(u, u->stage, -EEXIST);
}

static int begin(struct update *u, const struct update_plan *p)
{
	int err = update_lock(u);

	if (!err)
		err = refuse_unfinished(u);
	if (!err)
		err = take_options(u);
	if (err)
		return err;
	memcpy(u->from, p->from.commit, sizeof(u->from));
	memcpy(u->from_branch, p->from.branch, sizeof(u->from_branch));
	memcpy(u->to, p->to, sizeof(u->to));
	memcpy(u->branch, p->branch, sizeof(u->branch));
	u->builds = p->environment;
	err = open_new(u);
	u->old_ino = u->environment.old_ino;
	if (!err && u->o->backup) {
		update_say(u, "making a backup");
		err = u->o->backup(u->why, u->o->ctx);
	}
	if (!err && update_is_asked(u))
		err = -ECANCELED;
	return err ? update_failed(u, "before it began", err) : update_from_start(u);
}

int update_app_begin(const struct update_options *o, const struct update_plan *p, struct buf *why,
		     struct update_result *ret)
{
	struct update u = update_of(o, why, ret);

	return done(&u, begin(&u, p));
}

static int open_unfinished(struct update *u)
{
	char directory[PATH_MAX];
	int err = update_lock(u);

	if (!err)
		err = update_read_journal(u);
	if (err == -ENOENT)
		buf_add_str(u->why, "no update is unfinished");
	if (!err)
		err = take_path(u->o->directory, directory);
	if (err)
		return err;
	u->ret->end = RESTORE_UNFINISHED;
	u->ret->new_ran = u->ran && (u->step == UPDATE_AT_START ||
				     (u->step == UPDATE_AT_UNDO && u->was_switched));
	if (strcmp(directory, u->directory) != 0) {
		buf_printf(u->why,
			   "the update that is unfinished is of %s, and [app] directory is %s",
			   u->directory, directory);
		return -EINVAL;
	}
	err = open_all(u);
	if (u->builds) {
		u->environment.old_ino = u->old_ino;
		u->environment.new_ino = u->new_ino;
	}
	return err;
}

/* Begins anew: what was built may be half. */
static int build_again(struct update *u)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	int err = 0;

	if (u->builds) {
		err = update_remove_stage(u, &why);
		if (!err)
			err = update_environment_remove(&u->environment, &why);
		u->new_ino = u->environment.new_ino = 0;
	}
	update_add_why(u, "what was built", &why, err);
	return err ? err : update_from_start(u);
}

static int resume(struct update *u)
{
	int err = open_unfinished(u);

	if (err)
		return err;
	if (u->step == UPDATE_AT_BUILD)
		return build_again(u);
	if (u->step == UPDATE_AT_UNDO) {
		err = update_undo(u, 0);
		if (!err)
			update_failed(u, "it was on its way back already, and is back", -ECANCELED);
		return err ? err : -ECANCELED;
	}
	u->git.run = update_run_of(u, u->o->git_timeout_s, false);
	err = update_git_unlock(&u->git, u->branch, u->why);
	/* A tree that was switched half is neither, and git would not go on from there. */
	if (!err && u->step == UPDATE_AT_SWITCH)
		err = update_stop_for(u, "the service cannot be stopped");
	if (!err && u->step == UPDATE_AT_SWITCH)
		err = update_git_back(&u->git, u->from, u->from_branch, u->to, u->why);
	return err ? update_undo(u, err) : update_proceed(u);
}

int update_app_resume(const struct update_options *o, struct buf *why, struct update_result *ret)
{
	struct update u = update_of(o, why, ret);

	return done(&u, resume(&u));
}

int update_app_abort(const struct update_options *o, struct buf *why, struct update_result *ret)
{
	struct update u = update_of(o, why, ret);
	int err = open_unfinished(&u);

	if (!err)
		err = update_undo(&u, 0);
	return done(&u, err);
}
