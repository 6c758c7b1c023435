/* SPDX-License-Identifier: MIT */
/*
 * The steps of an update of the application. Invariants: code and environment are switched only while the service is known to be stopped; a
 * service that was stopped for it is started again, with whichever are there; what is built is removed before the journal is.
 */
#include "care/update_app.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "care/restore_tree.h"
#include "care/update_impl.h"

#define WHY_MAX 16384

static void say(const struct update *u, const char *line)
{
	if (u->o->say)
		u->o->say(line, u->o->ctx);
}

static bool is_asked(const struct update *u)
{
	return u->o->stop_asked && u->o->stop_asked(u->o->ctx);
}

/* "WHAT: the error's text", unless something stands there. */
static int failed(struct update *u, const char *what, int err)
{
	if (err && !u->why->len)
		buf_printf(u->why, "%s: %s", what, strerror(-err));
	return err;
}

/* What goes wrong on the way back is told behind what went wrong before. */
static int add_why(struct update *u, const char *what, const struct buf *why, int err)
{
	if (!err)
		return 0;
	if (u->why->len)
		buf_add_char(u->why, '\n');
	buf_printf(u->why, "%s: %s", what, why->len ? buf_str(why) : strerror(-err));
	return err;
}

/* git, with what may end it early: not while it switches. */
static struct update_run run_of(const struct update *u, unsigned int timeout_s, bool may_end)
{
	return (struct update_run){ .timeout_s = timeout_s,
				    .log_fd = u->o->log_fd,
				    .echo_fd = -1,
				    .stop_asked = may_end ? u->o->stop_asked : NULL,
				    .ctx = u->o->ctx };
}

/* --- the new code, for as long as the environment is built */

static int split(const char *path, char *parent, size_t size, const char **name)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (!slash || !slash[1] || n + 2 > size)
		return -EINVAL;
	snprintf(parent, size, "%.*s", n ? (int)n : 1, path);
	*name = slash + 1;
	return 0;
}

static int stage_parent(const struct update *u, const char **name)
{
	char parent[PATH_MAX];
	int fd, err = split(u->stage, parent, sizeof(parent), name);

	if (err)
		return err;
	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int make_stage(struct update *u)
{
	const char *name = "";
	_cleanup_(file_closep) int fd = stage_parent(u, &name);
	int err = fd < 0 ? fd : 0;

	UPDATE_STEP();
	if (!err && (mkdirat(fd, name, 0700) ||
		     fchownat(fd, name, u->git.user.as.uid, u->git.user.as.gid, AT_SYMLINK_NOFOLLOW)))
		err = -errno;
	return failed(u, u->stage, err);
}

static int remove_stage(struct update *u, struct buf *why)
{
	const char *name = "";
	_cleanup_(file_closep) int fd = stage_parent(u, &name);
	int err = fd < 0 ? fd : restore_remove_tree(fd, name);

	if (err)
		buf_printf(why, "%s: %s", u->stage, strerror(-err));
	return err;
}

/* --- back */

static int stop_for(struct update *u, const char *what)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	const struct restore_service *service = u->o->service;
	int err = service && u->ran_known ? service->stop(&why, service->ctx) : 0;

	return add_why(u, what, &why, err);
}

static int go_back(struct update *u)
{
	_cleanup_(buf_done) struct buf code = BUF_INIT(WHY_MAX), venv = BUF_INIT(WHY_MAX);
	int err, other = 0;

	if (!u->was_switched)
		return 0;
	say(u, "putting the old code and environment back");
	err = stop_for(u, "the service cannot be stopped for going back");
	if (err)
		return err;
	UPDATE_STEP();
	u->git.run = run_of(u, u->o->git_timeout_s, false);
	err = update_git_unlock(&u->git, u->from_branch, &code);
	if (!err)
		err = update_git_back(&u->git, u->from, u->from_branch, u->to, &code);
	add_why(u, "the old code cannot be put back", &code, err);
	UPDATE_STEP();
	if (u->builds)
		other = update_environment_back(&u->environment, &venv);
	add_why(u, "the old environment cannot be put back", &venv, other);
	UPDATE_STEP();
	return err ? err : other;
}

static void start_again(struct update *u)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	const struct restore_service *service = u->o->service;
	int err;

	if (!service || !u->ran_known || !u->ran)
		return;
	say(u, "starting the service as it was");
	UPDATE_STEP();
	err = service->start(&why, service->ctx);
	u->ret->service_down = err != 0;
	add_why(u, "the service does not come up as it was either", &why, err);
}

/* What is beside, and the journal. */
static int clean_up(struct update *u)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	int err = 0;

	UPDATE_STEP();
	if (u->builds)
		err = remove_stage(u, &why);
	if (!err && u->builds)
		err = update_environment_remove(&u->environment, &why);
	if (!err) {
		struct buf *outer = u->why;

		u->why = &why;
		err = update_remove_journal(u);
		u->why = outer;
	}
	return add_why(u, "cannot be removed", &why, err);
}

/* Returns @cause, or if that is 0 whether it could be done. */
static int undo(struct update *u, int cause)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct buf *outer = u->why;
	int err;

	u->why = &why;
	/* Without it, too: what was switched tells itself. */
	update_write_journal(u, UPDATE_AT_UNDO);
	u->why = outer;
	u->ret->end = RESTORE_UNFINISHED;
	err = go_back(u);
	if (err)
		return cause ? cause : err;
	start_again(u);
	err = clean_up(u);
	if (!err)
		u->ret->end = u->was_switched ? RESTORE_ROLLED_BACK : RESTORE_NOTHING;
	return cause ? cause : err;
}

/* --- forth */

static int build(struct update *u)
{
	const struct update_build b = { .user = &u->git.user,
					.tree = u->git.directory,
					.stage = u->stage,
					.requirements = u->o->requirements,
					.pip_options = u->o->pip_options,
					.n_pip_options = u->o->n_pip_options,
					.run = { .timeout_s = u->o->install_timeout_s,
						 .log_fd = u->o->log_fd,
						 .echo_fd = u->o->echo_fd,
						 .stop_asked = u->o->stop_asked,
						 .ctx = u->o->ctx } };
	int err;

	say(u, "building the new environment beside the old one");
	err = make_stage(u);
	if (!err)
		err = update_git_export(&u->git, u->to, u->stage, u->why);
	UPDATE_STEP();
	if (!err)
		err = update_environment_make(&u->environment, &u->git.user, u->why);
	u->new_ino = u->environment.new_ino;
	UPDATE_STEP();
	if (!err)
		err = update_environment_build(&u->environment, &b, u->why);
	return failed(u, u->environment.path, err);
}

static int ask_service(struct update *u)
{
	const struct restore_service *service = u->o->service;
	bool runs = false;
	int err = service ? service->runs(&runs, u->why, service->ctx) : 0;

	/* One that is told of twice was stopped by us between. */
	u->ran |= runs;
	u->ran_known = service != NULL;
	return failed(u, "the service", err);
}

static int switch_both(struct update *u)
{
	struct update_head head;
	int err;

	u->git.run = run_of(u, u->o->git_timeout_s, false);
	say(u, "switching code and environment");
	UPDATE_STEP();
	err = update_git_head(&u->git, u->why, &head);
	/* HEAD is git's last step: where it is at the new commit already, nothing is left to do. */
	if (!err && (strcmp(head.commit, u->to) != 0 || strcmp(head.branch, u->branch) != 0))
		err = update_git_switch(&u->git, u->to, u->branch, u->why);
	UPDATE_STEP();
	if (!err && u->builds)
		err = update_environment_forth(&u->environment, u->why);
	UPDATE_STEP();
	return err;
}

static int go_forth(struct update *u)
{
	const struct restore_service *service = u->o->service;
	int err = ask_service(u);

	/* Somebody may have been at it while the environment was built. */
	if (!err && !u->was_switched)
		err = update_git_is_clean(&u->git, u->why);
	if (!err && is_asked(u))
		err = failed(u, "stopped", -ECANCELED);
	if (!err)
		err = update_write_journal(u, UPDATE_AT_SWITCH);
	if (err)
		return err;
	if (service) {
		say(u, "stopping the service");
		UPDATE_STEP();
		err = service->stop(u->why, service->ctx);
	}
	if (!err)
		err = switch_both(u);
	return failed(u, "the switch", err);
}

static int start(struct update *u)
{
	const struct restore_service *service = u->o->service;
	int err = update_write_journal(u, UPDATE_AT_START);

	u->ret->not_started = service && !u->ran;
	if (err || !service || !u->ran)
		return err;
	say(u, "starting the service");
	UPDATE_STEP();
	err = service->start(u->why, service->ctx);
	UPDATE_STEP();
	return failed(u, "the service", err);
}

static void forget_old(struct update *u)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	unsigned int n;

	if (!u->builds)
		return;
	snprintf(u->ret->kept, sizeof(u->ret->kept), "%.3500s" UPDATE_BESIDE "%s",
		 u->environment.path, u->id);
	if (update_environment_prune(&u->environment, u->o->keep, &why, &n))
		say(u, buf_str(&why));
	if (!u->o->keep)
		*u->ret->kept = '\0';
}

/* From what is built on. */
static int proceed(struct update *u)
{
	int err = go_forth(u);

	if (!err)
		err = start(u);
	if (err)
		return undo(u, err);
	u->ret->end = RESTORE_UNFINISHED;
	err = clean_up(u);
	if (err)
		return err;
	u->ret->end = RESTORE_DONE;
	forget_old(u);
	return 0;
}

static int from_start(struct update *u)
{
	int err = update_write_journal(u, UPDATE_AT_BUILD);

	if (err)
		return err;
	if (u->builds)
		err = build(u);
	/* Its inodes are in the journal before anything is switched. */
	if (!err)
		err = update_write_journal(u, UPDATE_AT_BUILD);
	return err ? undo(u, err) : proceed(u);
}

/* --- the ways in */

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
	const struct update_run run = run_of(u, u->o->git_timeout_s, true);
	int err = update_git_open(u->directory, &run, u->why, &u->git);

	if (!err && (size_t)snprintf(u->stage, sizeof(u->stage), "%s" UPDATE_BESIDE "%s",
				     u->directory, u->id) >= sizeof(u->stage))
		err = failed(u, u->directory, -ENAMETOOLONG);
	if (!err && u->builds)
		err = update_environment_open(u->venv, u->id, u->why, &u->environment);
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
	return failed(u, u->o->directory, err);
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

static int begin(struct update *u, const struct update_plan *p)
{
	time_t now = time(NULL);
	struct tm tm;
	int err = update_lock(u);

	if (!err)
		err = refuse_unfinished(u);
	if (!err)
		err = take_options(u);
	if (err)
		return err;
	gmtime_r(&now, &tm);
	strftime(u->id, sizeof(u->id), "%Y%m%d-%H%M%S", &tm);
	memcpy(u->from, p->from.commit, sizeof(u->from));
	memcpy(u->from_branch, p->from.branch, sizeof(u->from_branch));
	memcpy(u->to, p->to, sizeof(u->to));
	memcpy(u->branch, p->branch, sizeof(u->branch));
	u->builds = p->environment;
	err = open_all(u);
	u->old_ino = u->environment.old_ino;
	/* What has the name is not ours to remove. */
	if (!err && u->builds && is_taken(u))
		err = failed(u, u->stage, -EEXIST);
	if (!err && u->o->backup) {
		say(u, "making a backup");
		err = u->o->backup(u->why, u->o->ctx);
	}
	if (!err && is_asked(u))
		err = -ECANCELED;
	return err ? failed(u, "before it began", err) : from_start(u);
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
		err = remove_stage(u, &why);
		if (!err)
			err = update_environment_remove(&u->environment, &why);
		u->new_ino = u->environment.new_ino = 0;
	}
	add_why(u, "what was built", &why, err);
	return err ? err : from_start(u);
}

static int resume(struct update *u)
{
	int err = open_unfinished(u);

	if (err)
		return err;
	if (u->step == UPDATE_AT_BUILD)
		return build_again(u);
	if (u->step == UPDATE_AT_UNDO) {
		err = undo(u, 0);
		if (!err)
			failed(u, "it was on its way back already, and is back", -ECANCELED);
		return err ? err : -ECANCELED;
	}
	u->git.run = run_of(u, u->o->git_timeout_s, false);
	err = update_git_unlock(&u->git, u->branch, u->why);
	/* A tree that was switched half is neither, and git would not go on from there. */
	if (!err && u->step == UPDATE_AT_SWITCH)
		err = stop_for(u, "the service cannot be stopped");
	if (!err && u->step == UPDATE_AT_SWITCH)
		err = update_git_back(&u->git, u->from, u->from_branch, u->to, u->why);
	return err ? undo(u, err) : proceed(u);
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
		err = undo(&u, 0);
	return done(&u, err);
}
