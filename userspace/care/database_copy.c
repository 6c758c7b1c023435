/* SPDX-License-Identifier: MIT */
/*
 * The online copy. Invariant: @to appears only by the rename of a file that is whole, on the disk and checked; what was
 * written before that is gone after an error.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "care/database_impl.h"
#include "store/sql.h"

#define STEP_PAGES 1000
#define STEP_PAUSE_MS 5
#define RESTARTS_MAX 3
#define TRIES 3

#define SQL_SNAPSHOT "BEGIN; SELECT count(*) FROM sqlite_schema"
/* There is no other copy of what is written that would have to survive a crash. */
#define SQL_TARGET \
	"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE"

struct copy {
	struct database from;
	sqlite3 *to;
	struct buf tmp; /* its path */
	int fd;         /* of it; locked, so that no second copy is made to the same place */
	const char *target;
	struct database_copied *result;
	bool passing; /* nobody wants it after a crash */
};

static int said(struct buf *why, const char *path, int err)
{
	if (err)
		buf_printf(why, "%s: %s", path, strerror(-err));
	return err;
}

static int make_tmp(struct copy *c, struct buf *why)
{
	const char *path = buf_str(&c->tmp);
	int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_(file_closep) int old = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	/* Of a copy that was killed: nobody holds it. */
	if (old >= 0 && flock(old, LOCK_EX | LOCK_NB)) {
		buf_printf(why, "%s: another copy is being made there", path);
		return -EBUSY;
	}
	if (old >= 0)
		unlink(path);
	c->fd = open(path, flags, 0600);
	if (c->fd < 0)
		return said(why, path, -errno);
	return flock(c->fd, LOCK_EX | LOCK_NB) ? said(why, path, -errno) : 0;
}

static int check_room(struct copy *c, struct buf *why)
{
	uint64_t need, have;
	struct statvfs fs;

	if (fstatvfs(c->fd, &fs))
		return 0;
	need = (uint64_t)c->from.st.st_size;
	have = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (have >= need)
		return 0;
	buf_printf(why, "%s: no room: the copy needs %llu MiB, there are %llu", c->target,
		   (unsigned long long)(need >> 20) + 1, (unsigned long long)(have >> 20));
	return -ENOSPC;
}

static int open_target(struct copy *c, struct buf *why)
{
	int code =
		sqlite3_open_v2(buf_str(&c->tmp), &c->to,
				SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW,
				NULL);

	if (code == SQLITE_OK)
		code = sqlite3_exec(c->to, SQL_TARGET, NULL, NULL, NULL);
	if (code == SQLITE_OK)
		return 0;
	buf_printf(why, "%s: %s", buf_str(&c->tmp), sqlite3_errstr(code));
	return sql_errno(c->to, code);
}

/* --- the steps */

static bool is_wanted(struct copy *c, sqlite3_backup *b)
{
	const struct database_progress *p = &c->from.progress;
	int n = sqlite3_backup_pagecount(b), left = sqlite3_backup_remaining(b);

	return !p->fn || !p->fn("copying", n > 0 ? (double)(n - left) / n : 0, p->ctx);
}

static int run_steps(struct copy *c, sqlite3_backup *b)
{
	bool snapshot = c->from.way != DATABASE_PLAIN;
	int code, done = 0, before;

	for (;;) {
		before = done;
		code = sqlite3_backup_step(b, c->result->restarts < RESTARTS_MAX ? STEP_PAGES : -1);
		if (code != SQLITE_OK)
			return code;
		done = sqlite3_backup_pagecount(b) - sqlite3_backup_remaining(b);
		if (done <= before)
			c->result->restarts++;
		if (!is_wanted(c, b))
			return SQLITE_INTERRUPT;
		if (!snapshot)
			poll(NULL, 0, STEP_PAUSE_MS);
	}
}

/* SQLite says of the copy only that something was wrong with one of both. */
static int explain_step(struct copy *c, int code, struct buf *why)
{
	int err;

	if (code == SQLITE_DONE)
		return 0;
	err = sql_errno(c->to, code);
	if (err != -ENOSPC && (code & 0xff) != SQLITE_IOERR)
		return database_explain(&c->from, code, why);
	buf_printf(why, "%s: %s", c->target,
		   err == -ENOSPC ? "no room left on the disk" : sqlite3_errstr(code));
	return err;
}

static int copy_pages(struct copy *c, struct buf *why)
{
	sqlite3_backup *b;
	int code = SQLITE_OK, finished;

	if (c->from.way != DATABASE_PLAIN)
		code = sqlite3_exec(c->from.sql, SQL_SNAPSHOT, NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return database_explain(&c->from, code, why);
	b = sqlite3_backup_init(c->to, "main", c->from.sql, "main");
	if (!b)
		return explain_step(c, sqlite3_errcode(c->to), why);
	code = run_steps(c, b);
	finished = sqlite3_backup_finish(b);
	if (code == SQLITE_DONE && finished != SQLITE_OK)
		code = finished;
	sqlite3_exec(c->from.sql, "COMMIT", NULL, NULL, NULL);
	return explain_step(c, code, why);
}

/* --- around them */

static int check_copy(struct copy *c, struct buf *why)
{
	_cleanup_(database_findings_done) struct database_findings found = { .n = 0 };
	_cleanup_(database_close) struct database d = { .sql = NULL };
	int err;

	buf_init(&found.text, 4096);
	err = database_open(buf_str(&c->tmp), &c->from.progress, why, &d);
	if (!err)
		err = database_find(&d, false, why, &found);
	if (err == -EFBIG)
		err = 0;
	if (!err && !found.n)
		return 0;
	if (err && err != -EUCLEAN)
		return err;
	buf_reset(why);
	buf_printf(why, "%s is damaged, so is every copy of it: %.300s", c->from.path,
		   found.text.len ? buf_str(&found.text) : "it cannot be read");
	return -EBADMSG;
}

static int dress(struct copy *c, struct buf *why)
{
	const struct stat *st = &c->from.st;

	if (fchmod(c->fd, st->st_mode & 0777))
		return said(why, buf_str(&c->tmp), -errno);
	/* The daemon's jobs are root's without CAP_CHOWN. */
	if (geteuid() == 0 && fchown(c->fd, st->st_uid, st->st_gid) && errno != EPERM)
		return said(why, buf_str(&c->tmp), -errno);
	if (!c->passing && fsync(c->fd))
		return said(why, buf_str(&c->tmp), -errno);
	return 0;
}

static int publish(struct copy *c, struct buf *why)
{
	const char *tmp = buf_str(&c->tmp);
	struct stat st;
	int err = 0;

	if (fstat(c->fd, &st) == 0)
		c->result->bytes = (uint64_t)st.st_size;
	if (renameat2(AT_FDCWD, tmp, AT_FDCWD, c->target, RENAME_NOREPLACE))
		err = -errno;
	if (err == -EINVAL) /* a file system that does not know the flag */
		err = access(c->target, F_OK) == 0 ? -EEXIST : rename(tmp, c->target) ? -errno : 0;
	if (!err && !c->passing) {
		err = database_sync_directory(c->target);
		if (err)
			unlink(c->target); /* what is said to have failed is not there */
	}
	return said(why, c->target, err);
}

static int close_both(struct copy *c, struct buf *why)
{
	int err = database_unchanged(&c->from), code = sqlite3_close(c->to);

	c->to = NULL;
	database_close(&c->from);
	if (!err && code != SQLITE_OK) {
		buf_printf(why, "%s: %s", c->target, sqlite3_errstr(code));
		err = -EIO;
	}
	return err;
}

static int copy(struct copy *c, const char *path, const struct database_progress *progress,
		struct buf *why)
{
	int err = database_open(path, progress, why, &c->from);

	if (!err)
		err = make_tmp(c, why);
	if (!err)
		err = check_room(c, why);
	if (!err)
		err = open_target(c, why);
	if (!err)
		err = copy_pages(c, why);
	if (!err)
		err = close_both(c, why);
	if (!err)
		err = dress(c, why);
	if (!err)
		err = check_copy(c, why);
	return err ? err : publish(c, why);
}

/* "DIRECTORY/NAME.tmp", the directory without symbolic links, as SQLite wants it that is to follow none. */
static int name_tmp(const char *to, struct buf *out, struct buf *why)
{
	_cleanup_(buf_done) struct buf directory = BUF_INIT(PATH_MAX);
	const char *slash = strrchr(to, '/'), *name = slash ? slash + 1 : to;
	char real[PATH_MAX];

	buf_printf(&directory, "%.*s", slash ? (int)(slash - to) + 1 : 1, slash ? to : ".");
	if (!*name)
		return said(why, to, -EISDIR);
	if (directory.err || !realpath(buf_str(&directory), real))
		return said(why, buf_str(&directory), directory.err ? directory.err : -errno);
	return said(why, to, buf_printf(out, "%s/%s.tmp", real, name));
}

static int copy_once(const char *path, const char *to, bool passing,
		     const struct database_progress *progress, struct buf *why,
		     struct database_copied *ret)
{
	struct copy c = {
		.passing = passing,
		.tmp = BUF_INIT(8192),
		.fd = -1,
		.target = to,
		.result = ret,
	};
	int err = name_tmp(to, &c.tmp, why);

	if (!err)
		err = copy(&c, path, progress, why);
	sqlite3_close(c.to);
	database_close(&c.from);
	if (err && c.fd >= 0)
		unlink(buf_str(&c.tmp));
	file_closep(&c.fd);
	buf_done(&c.tmp);
	return err;
}

static int copy_again(const char *path, const char *to, bool passing,
		      const struct database_progress *progress, struct buf *why,
		      struct database_copied *ret)
{
	int err = -EAGAIN;

	*ret = (struct database_copied){ .bytes = 0 };
	if (access(to, F_OK) == 0) {
		buf_printf(why, "%s is there already, and is not written over", to);
		return -EEXIST;
	}
	for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
		buf_reset(why);
		err = copy_once(path, to, passing, progress, why, ret);
	}
	if (err == -EAGAIN)
		buf_printf(why, "%s is opened and closed too often to be copied; try again", path);
	return err;
}

int database_copy(const char *path, const char *to, const struct database_progress *progress,
		  struct buf *why, struct database_copied *ret)
{
	return copy_again(path, to, false, progress, why, ret);
}

int database_copy_passing(const char *path, const char *to,
			  const struct database_progress *progress, struct buf *why,
			  struct database_copied *ret)
{
	return copy_again(path, to, true, progress, why, ret);
}
