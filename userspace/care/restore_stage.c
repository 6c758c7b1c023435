/* SPDX-License-Identifier: MIT */
/*
 * From the archive to a checked tree in the work directory, on the disk. Invariant: nothing outside of the work directory is written to;
 * nobody else can reach into it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"
#include "base/util.h"
#include "care/archive_read.h"
#include "care/file_list.h"
#include "care/restore_impl.h"
#include "care/restored_database.h"

#define SPARE_BYTES (16u << 20)
#define BLOCK_BYTES 4096
#define LEVELS_MAX 2048

struct stage {
	struct restore *r;
	int fd;       /* of the archive */
	int stage_fd; /* of what is unpacked */
	uid_t uid;
	gid_t gid;
	bool has_top; /* the archive says how the top itself is */
	char scratch[40];
	const char *what; /* is done with the archive now */
	uint64_t archive_bytes;
};

static void stage_done(struct stage *s)
{
	file_closep(&s->stage_fd);
	file_closep(&s->fd);
}

static int on_member(const struct archive_member *m, void *ctx)
{
	struct stage *s = ctx;

	RESTORE_STEP();
	s->has_top |= strcmp(m->path, ".") == 0;
	return restore_is_asked(s->r) ? -ECANCELED : 0;
}

static int on_going(uint64_t bytes, void *ctx)
{
	struct stage *s = ctx;
	const struct restore_options *o = s->r->o;
	off_t at;

	(void)bytes;
	if (o->far) {
		at = lseek(s->fd, 0, SEEK_CUR);
		o->far(s->what, at < 0 ? 0 : (uint64_t)at, s->archive_bytes, o->ctx);
	}
	return restore_is_asked(s->r) ? -ECANCELED : 0;
}

/* --- before */

/* Whether the directory @path is the target, or lies in it. It is fine if there is none. */
static int is_in_target(const char *path, const struct stat *target, bool *ret)
{
	_cleanup_(file_closep) int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st, last = { 0 };

	*ret = false;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	for (int i = 0; i < LEVELS_MAX; i++) {
		int next;

		if (fd < 0 || fstat(fd, &st))
			return -errno;
		*ret = st.st_ino == target->st_ino && st.st_dev == target->st_dev;
		if (*ret || (st.st_ino == last.st_ino && st.st_dev == last.st_dev))
			return 0;
		last = st;
		next = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	return -ELOOP;
}

/* Replacing the target would take the archive with it, which a second try needs, and what else is in it: the other backups. */
static int look_what_is_in_target(struct stage *s)
{
	const struct restore *r = s->r;
	char above[RESTORE_PATH_MAX];
	struct stat target;
	char *slash;
	bool in = false;
	int err;

	if (!r->old_ino)
		return 0;
	if (fstatat(r->parent_fd, r->name, &target, AT_SYMLINK_NOFOLLOW))
		return -errno;
	snprintf(above, sizeof(above), "%s", r->archive);
	slash = strrchr(above, '/');
	if (!slash)
		return -EINVAL;
	slash[slash == above] = '\0';
	err = is_in_target(above, &target, &in);
	if (!err && in)
		buf_printf(r->why, "the archive lies in the directory that it would replace");
	if (!err && !in && r->o->backups) {
		err = is_in_target(r->o->backups, &target, &in);
		if (!err && in)
			buf_printf(
				r->why,
				"the backups lie in the directory that would be replaced, and would go with it");
	}
	return err ? err : in ? -EINVAL : 0;
}

static int open_archive(struct stage *s)
{
	struct stat st;
	int err;

	s->fd = open(s->r->archive, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (s->fd < 0 || fstat(s->fd, &st))
		return restore_failed(s->r, s->r->archive, -errno);
	if (!S_ISREG(st.st_mode)) {
		restore_failed(s->r, "the archive is not a file", -EINVAL);
		return -EINVAL;
	}
	s->archive_bytes = (uint64_t)st.st_size;
	err = look_what_is_in_target(s);
	return restore_failed(s->r, s->r->archive, err);
}

static int look_for_room(const struct stage *s, const struct archive_was *was)
{
	uint64_t names = was->files + was->directories + was->links;
	uint64_t need = was->data_bytes + names * BLOCK_BYTES + SPARE_BYTES, have;
	struct statvfs st;

	if (fstatvfs(s->r->work_fd, &st))
		return restore_failed(s->r, s->r->work, -errno);
	have = (uint64_t)st.f_bavail * st.f_frsize;
	if (have < need) {
		buf_printf(s->r->why,
			   "there is not enough room beside the target: %" PRIu64
			   " MiB are needed, %" PRIu64 " MiB are free",
			   (need >> 20) + 1, have >> 20);
		return -ENOSPC;
	}
	if (st.f_files && st.f_favail < names) {
		buf_printf(s->r->why,
			   "there are not enough free inodes beside the target: %" PRIu64
			   " are needed, %" PRIu64 " are free",
			   names, (uint64_t)st.f_favail);
		return -ENOSPC;
	}
	return 0;
}

static struct archive_read_options read_options(struct stage *s)
{
	return (struct archive_read_options){ .scratch = s->scratch,
					      .allow_setuid = s->r->allow_setuid,
					      .member = on_member,
					      .going = on_going,
					      .ctx = s };
}

static int verify(struct stage *s)
{
	const struct archive_read_options o = read_options(s);
	struct restore_result *ret = s->r->ret;
	struct archive_was was;
	int err;

	s->what = "verifying";
	restore_say(s->r, "verifying the archive");
	err = archive_verify(s->fd, &o, s->r->why, &was);
	if (!err) {
		ret->files = was.files;
		ret->directories = was.directories;
		ret->links = was.links;
		ret->bytes = was.file_bytes;
		ret->has_manifest = was.has_manifest;
		err = look_for_room(s, &was);
	}
	archive_was_done(&was);
	return restore_failed(s->r, "the archive", err);
}

/* --- unpacked */

static int unpack(struct stage *s)
{
	const struct archive_read_options o = read_options(s);
	struct restore *r = s->r;
	struct archive_was was;
	int err;

	s->what = "unpacking";
	restore_say(r, "unpacking it beside the target");
	RESTORE_STEP();
	if (mkdirat(r->work_fd, RESTORE_STAGE, 0700))
		return restore_failed(r, RESTORE_STAGE, -errno);
	RESTORE_STEP();
	s->stage_fd =
		openat(r->work_fd, RESTORE_STAGE, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (s->stage_fd < 0 || lseek(s->fd, 0, SEEK_SET))
		return restore_failed(r, RESTORE_STAGE, -errno);
	s->has_top = false;
	err = archive_extract(s->fd, s->stage_fd, &o, r->why, &was);
	archive_was_done(&was);
	if (!err)
		err = restore_inode(r->work_fd, RESTORE_STAGE, &r->new_ino);
	return restore_failed(r, RESTORE_STAGE, err);
}

static int own_one(const struct file_entry *e, void *ctx)
{
	struct stage *s = ctx;

	if (e->kind == FILE_SKIPPED)
		return -ENOTSUP;
	RESTORE_STEP();
	return fchownat(e->dir_fd, e->name, s->uid, s->gid, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

/* As the target is: what an archive without a manifest does not say, or what its own numbers mean on another host. */
static int set_owners(struct stage *s)
{
	const struct file_list_options all = { .cross_mounts = false };
	struct restore *r = s->r;
	struct stat st = { .st_mode = 0750, .st_uid = geteuid(), .st_gid = getegid() };
	int err = 0;

	if (r->old_ino && fstatat(r->parent_fd, r->name, &st, AT_SYMLINK_NOFOLLOW))
		return restore_failed(r, r->o->target, -errno);
	if (!s->has_top &&
	    (fchown(s->stage_fd, st.st_uid, st.st_gid) || fchmod(s->stage_fd, st.st_mode & 0777)))
		err = -errno;
	if (!err && r->owner_of_target && !r->ret->has_manifest && r->old_ino && geteuid() == 0) {
		restore_say(r, "giving it the owner of the target");
		s->uid = st.st_uid;
		s->gid = st.st_gid;
		err = file_list_walk(s->stage_fd, &all, own_one, s, r->why);
	}
	return restore_failed(r, "owners", err);
}

/* --- its databases */

static int database_told(const char *what, double done, void *ctx)
{
	struct stage *s = ctx;
	const struct restore_options *o = s->r->o;

	(void)done; /* a check does not know */
	if (o->far)
		o->far(what, 0, 0, o->ctx);
	return restore_is_asked(s->r) ? -ECANCELED : 0;
}

static int check_one(struct stage *s, const struct file_entry *e)
{
	const struct database_progress progress = { database_told, s };
	_cleanup_(buf_done) struct buf what = BUF_INIT(8192);
	char plain[FILE_LIST_PATH_MAX];
	int err = restored_database_check(e->dir_fd, e->name, &progress, &what);

	if (!err)
		return 0;
	utf8_make_plain(e->path, strlen(e->path), plain, sizeof(plain));
	if (err == -EBUSY) {
		_cleanup_(buf_done) struct buf line = BUF_INIT(2 * FILE_LIST_PATH_MAX);

		buf_printf(&line, "%s %s", plain, buf_str(&what));
		restore_say(s->r, buf_str(&line));
		return 0;
	}
	if (err != -ECANCELED)
		buf_printf(s->r->why, "the database %s %s", plain, buf_str(&what));
	return err;
}

static int check_entry(const struct file_entry *e, void *ctx)
{
	struct stage *s = ctx;
	bool is = false;
	int err = 0;

	if (restore_is_asked(s->r))
		return -ECANCELED;
	if (e->kind == FILE_REGULAR)
		err = restored_database_is(e->dir_fd, e->name, &is);
	if (err || !is)
		return err;
	RESTORE_STEP();
	s->r->ret->databases++;
	return check_one(s, e);
}

static int check(struct stage *s)
{
	const struct file_list_options all = { .cross_mounts = false };
	int err;

	restore_say(s->r, "checking its databases");
	err = file_list_walk(s->stage_fd, &all, check_entry, s, s->r->why);
	RESTORE_STEP();
	if (!err && syncfs(s->stage_fd))
		err = -errno;
	RESTORE_STEP();
	return restore_failed(s->r, RESTORE_STAGE, err);
}

int restore_stage(struct restore *r)
{
	_cleanup_(stage_done) struct stage s = { .r = r, .fd = -1, .stage_fd = -1 };
	int err;

	snprintf(s.scratch, sizeof(s.scratch), "/proc/self/fd/%d", r->work_fd);
	err = open_archive(&s);
	if (!err)
		err = verify(&s);
	if (!err)
		err = unpack(&s);
	if (!err)
		err = set_owners(&s);
	return err ? err : check(&s);
}
