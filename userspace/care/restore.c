/* SPDX-License-Identifier: MIT */
/*
 * The steps of a restore. Invariants: the trees are exchanged only while the service is known to be stopped, because a process that has
 * a database open makes its side files by name; a service that was stopped for it is started again, with whichever tree is there.
 */
#include "care/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "care/restore_impl.h"

#define WHY_MAX 8192

static const struct restore_service *service_of(const struct restore *r)
{
	return r->alone ? NULL : r->o->service;
}

/* --- back */

/* What goes wrong on the way back is told behind what went wrong before. */
static void add_why(struct restore *r, const char *what, const struct buf *why, int err)
{
	if (r->why->len)
		buf_add_char(r->why, '\n');
	buf_printf(r->why, "%s: %s", what, why->len ? buf_str(why) : strerror(-err));
}

static int go_back(struct restore *r)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	const struct restore_service *service = service_of(r);
	struct buf *outer = r->why;
	int err = 0;

	if (restore_is_untouched(r)) {
		if (!restore_is_at_target(r, r->old_ino))
			restore_say(
				r,
				"what is in its place is not what was there when the restore began, and stays");
		return 0;
	}
	if (!restore_is_at_target(r, r->old_ino)) {
		restore_say(r, "putting the old directory back");
		RESTORE_STEP();
		if (service && r->ran_known)
			err = service->stop(&why, service->ctx);
		if (err) {
			add_why(r, "the service cannot be stopped for going back", &why, err);
			return err;
		}
	}
	r->why = &why;
	err = restore_backward(r);
	r->why = outer;
	if (err)
		add_why(r, "the old directory cannot be put back", &why, err);
	return err;
}

static void start_again(struct restore *r)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	const struct restore_service *service = service_of(r);
	int err;

	if (!service || !r->ran_known || !r->ran)
		return;
	restore_say(r, "starting the service with the old directory");
	RESTORE_STEP();
	err = service->start(&why, service->ctx);
	RESTORE_STEP();
	r->ret->service_down = err != 0;
	if (err)
		add_why(r, "the service does not come up with the old directory either", &why, err);
}

static int clean_up(struct restore *r)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct buf *outer = r->why;
	int err;

	r->why = &why;
	err = restore_remove_work(r);
	r->why = outer;
	if (err)
		add_why(r, "cannot be removed", &why, err);
	return err;
}

/* Returns @cause, or if that is 0 whether it could be done. */
static int undo(struct restore *r, int cause)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	bool was_exchanged = !restore_is_untouched(r) && !restore_is_at_target(r, r->old_ino);
	struct buf *outer = r->why;
	int err;

	/* Without it, too: where the trees are tells itself. */
	r->why = &why;
	restore_write_journal(r, RESTORE_AT_UNDO);
	r->why = outer;
	r->ret->end = RESTORE_UNFINISHED;
	err = go_back(r);
	if (err)
		return cause ? cause : err;
	start_again(r);
	err = clean_up(r);
	if (!err)
		r->ret->end = was_exchanged ? RESTORE_ROLLED_BACK : RESTORE_NOTHING;
	return cause ? cause : err;
}

/* --- forth */

static int ask_service(struct restore *r)
{
	const struct restore_service *service = service_of(r);
	bool runs = false;
	int err = service ? service->runs(&runs, r->why, service->ctx) : 0;

	if (err)
		return restore_failed(r, "the service", err);
	/* One that is told of twice was stopped by us between. */
	r->ran |= runs;
	r->ran_known = service != NULL;
	return 0;
}

static int exchange(struct restore *r)
{
	const struct restore_service *service = service_of(r);
	int err;

	if (restore_is_at_target(r, r->new_ino))
		return restore_forward(r);
	err = ask_service(r);
	if (!err)
		err = restore_write_journal(r, RESTORE_AT_EXCHANGE);
	if (err)
		return err;
	if (service) {
		restore_say(r, "stopping the service");
		RESTORE_STEP();
		err = service->stop(r->why, service->ctx);
		RESTORE_STEP();
	}
	if (!err && restore_is_asked(r))
		err = -ECANCELED;
	if (err)
		return restore_failed(r, "before the exchange", err);
	restore_say(r, "exchanging the directories");
	return restore_forward(r);
}

static int start(struct restore *r)
{
	const struct restore_service *service = service_of(r);
	int err = restore_write_journal(r, RESTORE_AT_START);

	r->ret->not_started = service && !r->ran;
	if (err || !service || !r->ran)
		return err;
	restore_say(r, "starting the service");
	RESTORE_STEP();
	err = service->start(r->why, service->ctx);
	RESTORE_STEP();
	return restore_failed(r, "the service", err);
}

static void name_kept(struct restore *r)
{
	size_t n = strlen(r->o->target);

	while (r->o->target[n - 1] == '/')
		n--;
	snprintf(r->ret->kept, sizeof(r->ret->kept), "%.*s" RESTORE_BEFORE "%s", (int)n,
		 r->o->target, r->id);
}

/* From a checked tree on. */
static int proceed(struct restore *r)
{
	int err = exchange(r);

	if (!err)
		err = start(r);
	if (err)
		return undo(r, err);
	r->ret->end = RESTORE_UNFINISHED;
	/* That it cannot be leaves it with the day of its exchange. */
	if (r->old_ino)
		(void)restore_touch_kept(r);
	err = clean_up(r);
	if (!err)
		r->ret->end = RESTORE_DONE;
	if (r->old_ino)
		name_kept(r);
	return err;
}

static int from_archive(struct restore *r)
{
	int err = restore_stage(r);

	if (!err && restore_is_asked(r))
		err = restore_failed(r, "stopped", -ECANCELED);
	if (!err)
		err = restore_write_journal(r, RESTORE_AT_STAGED);
	return err ? undo(r, err) : proceed(r);
}

/* --- the ways in */

static struct restore restore_of(const struct restore_options *o, struct buf *why,
				 struct restore_result *ret)
{
	*ret = (struct restore_result){ .end = RESTORE_NOTHING };
	return (struct restore){ .o = o,
				 .why = why,
				 .ret = ret,
				 .parent_fd = -1,
				 .work_fd = -1,
				 .alone = !o->service,
				 .owner_of_target = o->owner_of_target,
				 .allow_setuid = o->allow_setuid };
}

/* By the second, in UTC; another one if that is taken. */
static int make_id(struct restore *r)
{
	time_t now = time(NULL);
	struct tm tm;
	struct stat st;

	for (int i = 0; i < 100; i++, now++) {
		gmtime_r(&now, &tm);
		strftime(r->id, sizeof(r->id), "%Y%m%d-%H%M%S", &tm);
		snprintf(r->before, sizeof(r->before), "%s" RESTORE_BEFORE "%s", r->name, r->id);
		if (fstatat(r->parent_fd, r->before, &st, AT_SYMLINK_NOFOLLOW) && errno == ENOENT)
			return 0;
	}
	return restore_failed(r, r->before, -EEXIST);
}

static int refuse_unfinished(struct restore *r)
{
	struct restore old = *r;
	int err = restore_read_journal(&old);

	if (err)
		return err == -ENOENT ? 0 : err;
	r->ret->end = RESTORE_UNFINISHED;
	buf_printf(
		r->why,
		"a restore of it is unfinished, since %s (UTC): isamon restore --resume, or --abort",
		old.id);
	return -EBUSY;
}

static int begin(struct restore *r)
{
	int err = restore_open_parent(r);

	if (!err)
		err = restore_look_at_target(r);
	if (!err)
		err = make_id(r);
	if (!err && (*r->o->archive != '/' || strlen(r->o->archive) >= sizeof(r->archive)))
		err = restore_failed(r, "the archive's is no absolute path", -EINVAL);
	if (err)
		return err;
	memcpy(r->archive, r->o->archive, strlen(r->o->archive) + 1);
	memcpy(r->ret->id, r->id, sizeof(r->ret->id));
	err = restore_open_work(r, true);
	if (!err)
		err = refuse_unfinished(r);
	if (!err)
		err = restore_empty_work(r); /* of one that was killed before its journal */
	if (err)
		return err;
	if (!r->o->dry_run)
		err = restore_write_journal(r, RESTORE_AT_STAGE);
	if (!err && !r->o->dry_run)
		return from_archive(r);
	if (!err)
		err = restore_stage(r);
	return clean_up(r) && !err ? -EIO : err;
}

int restore_begin(const struct restore_options *o, struct buf *why, struct restore_result *ret)
{
	struct restore r = restore_of(o, why, ret);
	int err = begin(&r);

	restore_close(&r);
	return err;
}

static int open_unfinished(struct restore *r)
{
	bool alone = r->alone;
	int err = restore_open_parent(r);

	if (!err)
		err = restore_open_work(r, false);
	if (!err)
		err = restore_read_journal(r);
	if (err == -ENOENT && r->work_fd >= 0)
		restore_remove_work(r);
	if (err == -ENOENT && !r->why->len)
		buf_printf(r->why, "no restore of %s is unfinished", r->o->target);
	else if (err && err != -ENOENT && err != -EINVAL)
		r->ret->end = RESTORE_UNFINISHED; /* as far as anybody knows */
	if (err)
		return err;
	r->alone |= alone;
	memcpy(r->ret->id, r->id, sizeof(r->ret->id));
	return 0;
}

static int resume(struct restore *r)
{
	ino_t was;
	int err = open_unfinished(r);

	if (err)
		return err;
	r->ret->end = RESTORE_UNFINISHED;
	if (r->step == RESTORE_AT_UNDO) {
		err = undo(r, 0);
		if (!err)
			restore_failed(r, "it was on its way back already, and is back",
				       -ECANCELED);
		return err ? err : -ECANCELED;
	}
	if (r->step != RESTORE_AT_STAGE)
		return proceed(r);
	was = r->old_ino;
	err = restore_look_at_target(r);
	if (!err && was != r->old_ino)
		err = restore_failed(r, "another directory was put in the target's place since",
				     -ESTALE);
	if (!err)
		err = restore_empty_work(r);
	return err ? err : from_archive(r);
}

int restore_resume(const struct restore_options *o, struct buf *why, struct restore_result *ret)
{
	struct restore r = restore_of(o, why, ret);
	int err = resume(&r);

	restore_close(&r);
	return err;
}

int restore_abort(const struct restore_options *o, struct buf *why, struct restore_result *ret)
{
	struct restore r = restore_of(o, why, ret);
	int err = open_unfinished(&r);

	if (!err)
		err = undo(&r, 0);
	restore_close(&r);
	return err;
}
