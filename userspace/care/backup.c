/* SPDX-License-Identifier: MIT */
/* Makes a backup. Invariant: it gets its name after it was read back from the disk and found to be what was written, and is in the
 * catalogue after that; so whatever ends this in between leaves what is not listed, or is listed as not verified. */
#include "care/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"
#include "base/util.h"
#include "care/archive_read.h"
#include "care/backup_name.h"
#include "care/database.h"

/* A test ends the process, or lets it fail, between any two steps. */
#ifndef BACKUP_STEP
#define BACKUP_STEP()
#endif

#define ROOM_LEFT (16u << 20) /* is not used up */
#define HEADER_BYTES 1024     /* of a member, and its line in the manifest */
#define MIB (1024.0 * 1024.0)
#define NAMES_TRIED 60

struct size {
	uint64_t bytes, largest, members;
	const struct backup_progress *progress;
};

struct making {
	struct backup_place *place;
	const struct backup_create_options *o;
	struct buf *why;
	struct backup_made *ret;
	struct file_list_options list;
	struct size size;
	int fd;            /* of the archive; -1 */
	char database[40]; /* the name of the one that is copied, plain; enough of it for a line */
	uint64_t database_bytes; /* its size */
};

static int tell(const struct backup_progress *p, const char *what, uint64_t done, uint64_t total)
{
	if (total && done > total) /* holes, a manifest, what has grown */
		done = total;
	return p->fn && p->fn(what, done, total, p->ctx) ? -ECANCELED : 0;
}

/* --- whether there is room */

static int add_size(const struct file_entry *e, void *ctx)
{
	struct size *s = ctx;
	uint64_t bytes;

	s->members++;
	if (s->members % 1024 == 0 && tell(s->progress, "looking", s->members, 0))
		return -ECANCELED;
	if (e->kind != FILE_REGULAR)
		return 0;
	bytes = (uint64_t)e->st.st_blocks * 512;
	if (bytes > (uint64_t)e->st.st_size)
		bytes = (uint64_t)e->st.st_size;
	s->bytes += bytes;
	if (bytes > s->largest)
		s->largest = bytes;
	return 0;
}

/* As the last one was compressed, and half as much again; without one, as if nothing could be compressed. */
static uint64_t expected_bytes(const struct making *m)
{
	const struct backup_create_options *o = m->o;
	double ratio = 1;

	if (o->last_file_bytes && o->last_archive_bytes)
		ratio = 1.5 * (double)o->last_archive_bytes / (double)o->last_file_bytes;
	return (uint64_t)((double)m->size.bytes * (ratio < 1 ? ratio : 1)) +
	       m->size.members * HEADER_BYTES;
}

/* The archive, and beside it a copy of one database at a time, when it is made and when it is read back. */
static int check_room(struct making *m, int source_fd)
{
	uint64_t needed, room = 0;
	int err;

	m->size.progress = &m->o->progress;
	err = file_list_walk(source_fd, &m->list, add_size, &m->size, m->why);
	if (err)
		return err;
	err = backup_place_room(m->place, &room);
	if (err) {
		buf_printf(m->why, "%s: cannot be measured: %s", m->place->directory,
			   strerror(-err));
		return err;
	}
	needed = expected_bytes(m) + m->size.largest + ROOM_LEFT;
	if (needed <= room)
		return 0;
	buf_printf(
		m->why,
		"%s: no room: %.1f MiB may be needed for %s, there are %.1f MiB, so %.1f MiB are "
		"missing; make room, or leave something out ([backup] exclude)",
		m->place->directory, (double)needed / MIB, m->o->source, (double)room / MIB,
		(double)(needed - room) / MIB);
	return -ENOSPC;
}

/* --- writing */

static int database_told(const char *what, double done, void *ctx)
{
	const struct making *m = ctx;
	char doing[80];

	snprintf(doing, sizeof(doing), "%.30s %s", what, m->database);
	return tell(&m->o->progress, doing,
		    done < 0 ? 0 : (uint64_t)(done * (double)m->database_bytes),
		    done < 0 ? 0 : m->database_bytes);
}

static int copy_database(const char *path, const char *to, struct buf *why, void *ctx)
{
	const struct database_progress progress = { database_told, ctx };
	struct making *m = ctx;
	struct database_copied copied;
	struct stat st;
	const char *slash = strrchr(path, '/');

	BACKUP_STEP();
	slash = slash ? slash + 1 : path;
	utf8_make_plain(slash, strlen(slash), m->database, sizeof(m->database));
	m->database_bytes = stat(path, &st) ? 0 : (uint64_t)st.st_size;
	return database_copy_passing(path, to, &progress, why, &copied);
}

static int member_told(const char *path, uint64_t bytes, void *ctx)
{
	const struct making *m = ctx;

	(void)path;
	BACKUP_STEP();
	return tell(&m->o->progress, "reading", bytes, m->size.bytes);
}

static int write_archive(struct making *m)
{
	const struct archive_write_options o = {
		.list = &m->list,
		.scratch = m->place->scratch,
		.level = m->o->level,
		.host = m->o->host,
		.copy_database = copy_database,
		.progress = member_told,
		.ctx = m,
	};
	int err = archive_write_tree(m->o->source, m->fd, &o, m->why, &m->ret->written);

	if (err)
		return err;
	BACKUP_STEP();
	if (fsync(m->fd)) {
		err = -errno;
		buf_printf(m->why, "%s: cannot be synced: %s", m->place->scratch, strerror(-err));
		return err;
	}
	/* What is read back comes from the disk, where the kernel lets go of what it has in memory. */
	posix_fadvise(m->fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

/* --- reading back */

static void set_entry(struct making *m)
{
	struct catalogue_entry *e = &m->ret->entry;
	const struct archive_written *w = &m->ret->written;

	snprintf(e->sha256, sizeof(e->sha256), "%s", w->sha256);
	e->archive_bytes = w->archive_bytes;
	e->files = w->files;
	e->file_bytes = w->file_bytes;
	e->databases = w->databases;
	e->n_skipped = w->n_skipped;
	e->n_changed = w->n_changed;
	e->local = true;
	utf8_make_plain(m->o->host, sizeof(e->host) - 1, e->host, sizeof(e->host));
	if (m->o->note)
		utf8_make_plain(m->o->note, CATALOGUE_NOTE_MAX, e->note, sizeof(e->note));
}

/* One that was damaged as it was copied may be sound without the log that stood beside it. */
static bool is_what_was_written(const struct catalogue_entry *e, const struct archive_written *w)
{
	return e->archive_bytes == w->archive_bytes && e->files == w->files &&
	       e->file_bytes == w->file_bytes && e->databases >= w->databases &&
	       e->databases + e->n_damaged == w->databases + w->n_damaged;
}

static int read_back(struct making *m)
{
	struct catalogue_entry *e = &m->ret->entry;
	const struct archive_written *w = &m->ret->written;
	int err;

	BACKUP_STEP();
	set_entry(m);
	err = backup_verify(m->fd, m->place->scratch, &m->o->progress, m->o->now_s, e, m->why);
	if (err)
		return err;
	if (e->verdict == BACKUP_SOUND && is_what_was_written(e, w)) {
		e->n_damaged = w->n_damaged;
		return 0;
	}
	if (e->verdict == BACKUP_SOUND)
		snprintf(e->why, sizeof(e->why), "it has not what was put into it");
	buf_printf(m->why, "%s: what was read back is not what was written: %s", e->file, e->why);
	return -EBADMSG;
}

/* --- all of it */

/* The first moment from now on of which there is none. */
static int find_name(struct making *m)
{
	const struct backup_create_options *o = m->o;
	struct catalogue_entry *e = &m->ret->entry;
	struct stat st;

	for (int64_t s = o->now_s; s < o->now_s + NAMES_TRIED; s++) {
		char file[sizeof(e->file)];

		if (backup_name_make(o->name, o->kind, s, file, sizeof(file)) ||
		    !backup_name_parse(o->name, file, e)) {
			buf_printf(m->why, "%s: no name for an archive", o->name);
			return -ENAMETOOLONG;
		}
		e->created_s = s;
		if (fstatat(m->place->dir_fd, file, &st, AT_SYMLINK_NOFOLLOW) && errno == ENOENT)
			return 0;
	}
	buf_printf(m->why, "%s: backups of this minute are all there already", o->name);
	return -EEXIST;
}

static int make(struct making *m, int source_fd)
{
	const char *file = m->ret->entry.file;
	int err = find_name(m);

	if (!err)
		err = check_room(m, source_fd);
	if (err)
		return err;
	m->fd = backup_place_begin(m->place, file, m->why);
	if (m->fd < 0)
		return m->fd;
	err = write_archive(m);
	if (!err)
		err = read_back(m);
	if (!err)
		err = backup_place_finish(m->place, file, m->why);
	if (err)
		unlinkat(m->place->part_fd, file, 0);
	return err;
}

int backup_create(struct backup_place *place, const struct backup_create_options *o,
		  struct catalogue *c, struct buf *why, struct backup_made *ret)
{
	_cleanup_(file_closep) int source_fd = -1;
	struct making m = {
		.place = place,
		.o = o,
		.why = why,
		.ret = ret,
		.list = { .exclude = o->exclude,
			  .n_exclude = o->n_exclude,
			  .exclude_dev = place->st.st_dev,
			  .exclude_ino = place->st.st_ino },
		.fd = -1,
	};
	int err;

	*ret = (struct backup_made){ .catalogue_why = BUF_INIT(4096) };
	source_fd = open(o->source, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (source_fd < 0) {
		err = -errno;
		buf_printf(why, "%s: cannot be read: %s ([backup] %s says where it is)", o->source,
			   strerror(-err), backup_kind_names[o->kind]);
		return err;
	}
	err = make(&m, source_fd);
	file_closep(&m.fd);
	if (err && !why->len)
		buf_printf(why, "%s: no backup: %s", o->source, strerror(-err));
	if (err || !c)
		return err;
	ret->catalogue_err = catalogue_put(c, &ret->entry, &ret->catalogue_why);
	BACKUP_STEP();
	return 0;
}

void backup_made_done(struct backup_made *m)
{
	archive_written_done(&m->written);
	buf_done(&m->catalogue_why);
}
