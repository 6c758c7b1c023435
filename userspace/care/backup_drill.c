/* SPDX-License-Identifier: MIT */
/* Restores for nothing but to see that it works. Invariant: writes in BACKUP_PART only. */
#include "care/backup_drill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "care/archive_read.h"
#include "care/restored_database.h"

/* So much of the disk is left to the service: a twentieth, within these. */
#define ROOM_LEFT_MIN ((uint64_t)16 << 20)
#define ROOM_LEFT_MAX ((uint64_t)1 << 30)
#define BLOCK 4096u /* of a small file */
#define PIECE (256u * 1024)
#define MIB (1024.0 * 1024.0)

struct drill {
	struct backup_place *place;
	const struct backup_progress *progress;
	struct buf *why;
	struct backup_drilled *ret;
	struct buf unsound; /* the first database that is damaged, and why */
	char dir[sizeof(((struct backup_place *)NULL)->scratch) + sizeof("/" BACKUP_DRILL)];
	uint64_t restored, total, room_left;
	uint64_t others; /* entries that are no directories */
	unsigned char *piece;
};

static int tell(const struct drill *d, const char *what, uint64_t done)
{
	const struct backup_progress *p = d->progress;

	if (d->total && done > d->total) /* the manifest is counted, too */
		done = d->total;
	return p->fn && p->fn(what, done, d->total, p->ctx) ? -ECANCELED : 0;
}

/* The service writes meanwhile, and goes first. */
static int check_left(struct drill *d)
{
	uint64_t room = 0;
	int err = backup_place_room(d->place, &room);

	if (err || room >= d->room_left)
		return err;
	buf_printf(d->why, "%s: no room: %.1f MiB are to be left, and are not any more",
		   d->place->directory, (double)d->room_left / MIB);
	return -ENOSPC;
}

static int member_restored(const struct archive_member *m, void *ctx)
{
	struct drill *d = ctx;
	int err;

	d->restored += m->size;
	err = check_left(d);
	return err ? err : tell(d, "restoring", d->restored);
}

static int member_going(uint64_t bytes, void *ctx)
{
	const struct drill *d = ctx;

	return tell(d, "restoring", d->restored + bytes);
}

/* --- what is there then */

static int read_file(struct drill *d, const struct file_entry *e)
{
	_cleanup_(file_closep) int fd =
		openat(e->dir_fd, e->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	uint64_t at = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		const ssize_t n = read(fd, d->piece, PIECE);
		int err;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		at += (uint64_t)n;
		d->ret->bytes += (uint64_t)n;
		err = tell(d, "looking", d->ret->bytes);
		if (err)
			return err;
	}
	return at == (uint64_t)e->st.st_size ? 0 : -EBADMSG;
}

static int look_at(const struct file_entry *e, void *ctx)
{
	struct drill *d = ctx;
	int err;

	d->ret->entries++;
	d->others += e->kind != FILE_DIRECTORY;
	if (e->kind == FILE_SKIPPED) {
		buf_printf(d->why, "%s is restored, but %s to be looked at", e->path, e->why);
		return -ENOTSUP;
	}
	if (e->kind != FILE_REGULAR)
		return 0;
	err = read_file(d, e);
	if (err && err != -ECANCELED && !d->why->len)
		buf_printf(d->why, "%s: cannot be read when it was restored: %s", e->path,
			   strerror(-err));
	return err;
}

static int database_told(const char *what, double done, void *ctx)
{
	(void)what;
	(void)done;
	return tell(ctx, "looking", ((struct drill *)ctx)->ret->bytes);
}

static int check_database(struct drill *d, const struct file_entry *e)
{
	const struct database_progress progress = { database_told, d };
	_cleanup_(buf_done) struct buf what = BUF_INIT(8192);
	int err = restored_database_check(e->dir_fd, e->name, &progress, &what);

	if (!err || err == -EBUSY) {
		d->ret->databases++;
		return 0;
	}
	if (err == -EBADMSG)
		d->ret->n_unsound++;
	if (!d->unsound.len || err != -EBADMSG)
		buf_printf(err == -EBADMSG ? &d->unsound : d->why, "the database %s %s", e->path,
			   buf_str(&what));
	return err == -EBADMSG ? 0 : err;
}

static int check_at(const struct file_entry *e, void *ctx)
{
	bool is = false;
	int err = e->kind == FILE_REGULAR ? restored_database_is(e->dir_fd, e->name, &is) : 0;

	return err || !is ? err : check_database(ctx, e);
}

/* One that was damaged when it was taken, which its manifest says, is as it should be. */
static bool is_worse(const struct drill *d, const struct catalogue_entry *e,
		     const struct archive_was *was)
{
	if (e->verdict == BACKUP_SOUND)
		return d->ret->databases < e->databases;
	return d->ret->n_unsound && !was->has_manifest;
}

static int look(struct drill *d, int dir_fd, const struct catalogue_entry *e,
		const struct archive_was *was)
{
	const struct file_list_options everything = { 0 };
	const uint64_t wanted = was->files + was->links;
	int err = file_list_walk(dir_fd, &everything, look_at, d, d->why);

	if (err)
		return err;
	/* Directories may be told twice, or not at all: tar makes those that files need. */
	if (d->others != wanted) {
		buf_printf(d->why, "%llu files and links were restored, of %llu",
			   (unsigned long long)d->others, (unsigned long long)wanted);
		return -EBADMSG;
	}
	err = file_list_walk(dir_fd, &everything, check_at, d, d->why);
	if (err || !is_worse(d, e, was))
		return err;
	if (d->unsound.len)
		buf_add_str(d->why, buf_str(&d->unsound));
	else
		buf_printf(d->why, "%llu databases are sound when they are restored, of %llu",
			   (unsigned long long)d->ret->databases, (unsigned long long)e->databases);
	return -EBADMSG;
}

/* --- all of it */

static int set_room_left(struct drill *d)
{
	struct statvfs v;
	uint64_t left;

	if (fstatvfs(d->place->dir_fd, &v))
		return -errno;
	left = (uint64_t)v.f_blocks * v.f_frsize / 20;
	d->room_left = left < ROOM_LEFT_MIN ? ROOM_LEFT_MIN :
		       left > ROOM_LEFT_MAX ? ROOM_LEFT_MAX :
					      left;
	return 0;
}

static int member_measured(const struct archive_member *m, void *ctx)
{
	struct drill *d = ctx;

	d->restored += m->size;
	return tell(d, "measuring", d->restored);
}

static int going_measured(uint64_t bytes, void *ctx)
{
	const struct drill *d = ctx;

	return tell(d, "measuring", d->restored + bytes);
}

/* How much of it are not holes, which neither catalogue nor manifest tell apart. */
static int measure(struct drill *d, int fd, uint64_t *ret_bytes)
{
	const struct archive_read_options o = {
		.scratch = d->place->scratch,
		.allow_setuid = true,
		.member = member_measured,
		.going = going_measured,
		.ctx = d,
	};
	struct archive_was was;
	int err = archive_verify(fd, &o, d->why, &was);

	*ret_bytes = was.data_bytes + was.files * BLOCK;
	archive_was_done(&was);
	d->restored = 0;
	if (!err && lseek(fd, 0, SEEK_SET) < 0)
		err = -errno;
	return err;
}

/* What nobody has looked into yet may need anything: it is found out then. */
static int check_room(struct drill *d, int fd, const struct catalogue_entry *e, uint64_t *ret_max)
{
	uint64_t room = 0, needed = e->file_bytes + e->files * BLOCK;
	int err = set_room_left(d);

	if (!err)
		err = backup_place_room(d->place, &room);
	if (!err && needed + d->room_left > room)
		err = measure(d, fd, &needed);
	if (err)
		return err;
	needed += d->room_left;
	if (needed <= room) {
		*ret_max = room - d->room_left + 1; /* 0 is no limit */
		return 0;
	}
	buf_printf(d->why, "%s: no room: %.1f MiB are needed, %.1f MiB are missing",
		   d->place->directory, (double)needed / MIB, (double)(needed - room) / MIB);
	return -ENOSPC;
}

static int restore(struct drill *d, int fd, const struct catalogue_entry *e, uint64_t data_max)
{
	_cleanup_(file_closep) int dir_fd = -1;
	const struct archive_read_options o = {
		.scratch = d->place->scratch,
		.data_max = data_max,
		.as_me = true,
		.allow_setuid = true, /* nothing becomes so, as_me */
		.member = member_restored,
		.going = member_going,
		.ctx = d,
	};
	struct archive_was was;
	int err;

	if (mkdirat(d->place->part_fd, BACKUP_DRILL, 0700))
		return -errno;
	dir_fd = openat(d->place->part_fd, BACKUP_DRILL,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	err = archive_extract(fd, dir_fd, &o, d->why, &was);
	if (err == -EFBIG) {
		buf_printf(d->why, " (%.1f MiB may be used in %s)", (double)data_max / MIB,
			   d->place->directory);
		err = -ENOSPC;
	}
	if (err == -EPERM)
		err = -EBADMSG;
	if (!err)
		err = look(d, dir_fd, e, &was);
	archive_was_done(&was);
	return err;
}

static int open_and_restore(struct drill *d, const struct catalogue_entry *e)
{
	_cleanup_(file_closep) int fd =
		openat(d->place->dir_fd, e->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint64_t data_max = 0;
	int err = fd < 0 ? -errno : check_room(d, fd, e, &data_max);

	return err ? err : restore(d, fd, e, data_max);
}

int backup_drill(struct backup_place *place, const struct catalogue_entry *e,
		 const struct backup_progress *progress, struct buf *why,
		 struct backup_drilled *ret)
{
	struct drill d = {
		.place = place,
		.progress = progress,
		.why = why,
		.ret = ret,
		.unsound = BUF_INIT(8192),
		.total = e->file_bytes,
	};
	int err, removed;

	*ret = (struct backup_drilled){ 0 };
	snprintf(d.dir, sizeof(d.dir), "%s/%s", place->scratch, BACKUP_DRILL);
	d.piece = malloc(PIECE);
	err = d.piece ? open_and_restore(&d, e) : -ENOMEM;
	removed = backup_place_remove(place, BACKUP_DRILL);
	free(d.piece);
	buf_done(&d.unsound);
	if (err && !why->len)
		buf_printf(why, "%s: cannot be restored: %s", e->file, strerror(-err));
	if (!err && removed)
		buf_printf(why, "%s: cannot be removed: %s", d.dir, strerror(-removed));
	return err ? err : removed;
}
