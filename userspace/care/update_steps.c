/* SPDX-License-Identifier: MIT */
/*
 * The steps of an update of the application. Invariants: code and environment are switched only while the service is known to be stopped; a
 * service that was stopped for it is started again, with whichever are there; what is built is removed before the journal is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "care/restore_tree.h"
#include "care/update_impl.h"

#define WHY_MAX 16384

void update_say(const struct update *u, const char *line)
{
	if (u->o->say)
		u->o->say(line, u->o->ctx);
}

bool update_is_asked(const struct update *u)
{
	return u->o->stop_asked && u->o->stop_asked(u->o->ctx);
}

/* "WHAT: the error's text", unless something stands there. */
int update_failed(struct update *u, const char *what, int err)
{
	if (err && !u->why->len)
		buf_printf(u->why, "%s: %s", what, strerror(-err));
	return err;
}

/* What goes wrong on the way back is told behind what went wrong before. */
int update_add_why(struct update *u, const char *what, const struct buf *why, int err)
{
	if (!err)
		return 0;
	if (u->why->len)
		buf_add_char(u->why, '\n');
	buf_printf(u->why, "%s: %s", what, why->len ? buf_str(why) : strerror(-err));
	return err;
}

/* git, with what may end it early: not while it switches. */
struct update_run update_run_of(const struct update *u, unsigned int timeout_s, bool may_end)
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
	if (!err)
		err = update_make_directory(fd, name, 0700, &u->git.user);
	return update_failed(u, u->stage, err);
}

int update_remove_stage(struct update *u, struct buf *why)
{
	const char *name = "";
	_cleanup_(file_closep) int fd = stage_parent(u, &name);
	int err = fd < 0 ? fd : restore_remove_tree(fd, name);

	if (err)
		buf_printf(why, "%s: %s", u->stage, strerror(-err));
	return err;
}

/* --- back */

int update_stop_for(struct update *u, const char *what)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	const struct restore_service *service = u->o->service;
	int err = service && u->ran_known ? service->stop(&why, service->ctx) : 0;

	return update_add_why(u, what, &why, err);
}

static int go_back(struct update *u)
{
	_cleanup_(buf_done) struct buf code = BUF_INIT(WHY_MAX), venv = BUF_INIT(WHY_MAX);
	int err, other = 0;

	if (!u->was_switched)
		return 0;
	update_say(u, "putting the old code and environment back");
	err = update_stop_for(u, "the service cannot be stopped for going back");
	if (err)
		return err;
	UPDATE_STEP();
	u->git.run = update_run_of(u, u->o->git_timeout_s, false);
	err = update_git_unlock(&u->git, u->from_branch, &code);
	if (!err)
		err = update_git_back(&u->git, u->from, u->from_branch, u->to, &code);
	update_add_why(u, "the old code cannot be put back", &code, err);
	UPDATE_STEP();
	if (u->builds)
		other = update_environment_back(&u->environment, &venv);
	update_add_why(u, "the old environment cannot be put back", &venv, other);
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
	update_say(u, "starting the service as it was");
	UPDATE_STEP();
	err = service->start(&why, service->ctx);
	u->ret->service_down = err != 0;
	update_add_why(u, "the service does not come up as it was either", &why, err);
}

/* What is beside, and the journal. */
static int clean_up(struct update *u)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	int err = 0;

	UPDATE_STEP();
	if (u->builds)
		err = update_remove_stage(u, &why);
	if (!err && u->builds)
		err = update_environment_remove(&u->environment, &why);
	if (!err) {
		struct buf *outer = u->why;

		u->why = &why;
		err = update_remove_journal(u);
		u->why = outer;
	}
	return update_add_why(u, "cannot be removed", &why, err);
}

/* Returns @cause, or if that is 0 whether it could be done. */
int update_undo(struct update *u, int cause)
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

	update_say(u, "building the new environment beside the old one");
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
	return update_failed(u, u->environment.path, err);
}

static int ask_service(struct update *u)
{
	const struct restore_service *service = u->o->service;
	bool runs = false;
	int err = service ? service->runs(&runs, u->why, service->ctx) : 0;

	/* One that is told of twice was stopped by us between. */
	u->ran |= runs;
	u->ran_known = service != NULL;
	return update_failed(u, "the service", err);
}

static int switch_both(struct update *u)
{
	struct update_head head;
	int err;

	u->git.run = update_run_of(u, u->o->git_timeout_s, false);
	update_say(u, "switching code and environment");
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

/* Somebody may have been at it since it was planned: a commit that is new would be lost to its branch. */
static int is_as_planned(struct update *u)
{
	struct update_head head;
	int err = update_git_is_clean(&u->git, u->why);

	if (!err)
		err = update_git_head(&u->git, u->why, &head);
	if (err || (strcmp(head.commit, u->from) == 0 && strcmp(head.branch, u->from_branch) == 0))
		return err;
	buf_printf(u->why, "%s: is at another commit than when this began, %.12s: begin again",
		   u->directory, head.commit);
	return -EEXIST;
}

static int go_forth(struct update *u)
{
	const struct restore_service *service = u->o->service;
	int err = ask_service(u);

	if (!err && !u->was_switched)
		err = is_as_planned(u);
	if (!err && update_is_asked(u))
		err = update_failed(u, "stopped", -ECANCELED);
	if (!err)
		err = update_write_journal(u, UPDATE_AT_SWITCH);
	if (err)
		return err;
	if (service) {
		update_say(u, "stopping the service");
		UPDATE_STEP();
		err = service->stop(u->why, service->ctx);
	}
	if (!err)
		err = switch_both(u);
	return update_failed(u, "the switch", err);
}

static int start(struct update *u)
{
	const struct restore_service *service = u->o->service;
	int err = update_write_journal(u, UPDATE_AT_START);

	u->ret->not_started = service && !u->ran;
	if (err || !service || !u->ran)
		return err;
	update_say(u, "starting the service");
	u->ret->new_ran = true;
	UPDATE_STEP();
	err = service->start(u->why, service->ctx);
	UPDATE_STEP();
	return update_failed(u, "the service", err);
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
		update_say(u, buf_str(&why));
	if (!u->o->keep)
		*u->ret->kept = '\0';
}

/* From what is built on. */
int update_proceed(struct update *u)
{
	int err = go_forth(u);

	if (!err)
		err = start(u);
	if (err)
		return update_undo(u, err);
	u->ret->end = RESTORE_UNFINISHED;
	err = clean_up(u);
	if (err)
		return err;
	u->ret->end = RESTORE_DONE;
	forget_old(u);
	return 0;
}

int update_from_start(struct update *u)
{
	int err = update_write_journal(u, UPDATE_AT_BUILD);

	/* It may be there all the same, if only its directory could not be synced; nothing else is. */
	if (err && u->ret->end == RESTORE_NOTHING && update_unlink_journal(u))
		u->ret->end = RESTORE_UNFINISHED;
	if (err)
		return err;
	if (u->builds)
		err = build(u);
	/* Its inodes are in the journal before anything is switched. */
	if (!err)
		err = update_write_journal(u, UPDATE_AT_BUILD);
	return err ? update_undo(u, err) : update_proceed(u);
}
