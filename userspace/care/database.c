/* SPDX-License-Identifier: MIT */
/*
 * Opening for reading, in the way that changes nothing. Invariant: this process never makes a -wal, a -shm or a journal beside a
 * database that it only reads, and never checkpoints.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "care/database_impl.h"
#include "store/sql.h"

#define HEADER_BYTES 100
#define MAGIC "SQLite format 3"
#define READ_VERSION_AT 19 /* 1: rollback journals, 2: WAL (sqlite.org/fileformat2.html) */
#define PROGRESS_STEPS 1000
#define URI_MAX 12400

#define SQL_TOUCH "SELECT count(*) FROM sqlite_schema"

bool database_has_wal_bug(int version)
{
	return version >= 3007000 && version <= 3051002;
}

bool database_side_file(const char *path, const char *suffix, uint64_t *ret_bytes)
{
	_cleanup_(buf_done) struct buf name = BUF_INIT(8192);
	struct stat st;

	*ret_bytes = 0;
	if (buf_printf(&name, "%s%s", path, suffix) || lstat(buf_str(&name), &st))
		return false;
	*ret_bytes = (uint64_t)st.st_size;
	return true;
}

int database_sync_directory(const char *path)
{
	_cleanup_(buf_done) struct buf name = BUF_INIT(8192);
	_cleanup_(file_closep) int fd = -1;
	const char *slash = strrchr(path, '/');
	int err = buf_printf(&name, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");

	if (err)
		return err;
	fd = open(slash == path ? "/" : buf_str(&name), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) ? -errno : 0;
}

/* --- errors */

int database_explain(const struct database *d, int code, struct buf *why)
{
	int err = sql_errno(d->sql, code);

	if (!err)
		return 0;
	if ((code & 0xff) == SQLITE_CORRUPT && err != -EUCLEAN) {
		buf_printf(why, "%s: %s", d->path, strerror(-err));
		return err;
	}
	if ((code & 0xff) == SQLITE_INTERRUPT) {
		buf_printf(why, "%s: interrupted", d->path);
		return -ECANCELED;
	}
	if ((code & 0xff) == SQLITE_CANTOPEN && (err == -EIO || err == -ENOENT))
		err = -EACCES;
	if (code == SQLITE_READONLY_ROLLBACK) {
		buf_printf(
			why,
			"%s: a transaction was cut off and its journal is still there: only whoever opens it for "
			"writing can undo it; start the service once",
			d->path);
		return -EBUSY;
	}
	if (err == -EBUSY)
		buf_printf(why, "%s is locked by another process for longer than %d s", d->path,
			   DATABASE_BUSY_MS / 1000);
	else if ((code & 0xff) == SQLITE_NOTADB)
		buf_printf(why, "%s is no SQLite database, or an encrypted one", d->path);
	else if (err == -EUCLEAN)
		buf_printf(why, "%s is damaged: %s", d->path, sqlite3_errmsg(d->sql));
	else
		buf_printf(why, "%s: %s (%s)", d->path, strerror(-err),
			   d->sql ? sqlite3_errmsg(d->sql) : sqlite3_errstr(code));
	return err;
}

/* --- opening */

static int say(const char *path, int err, struct buf *why)
{
	if (err == -EUCLEAN)
		buf_printf(why, "%s is no SQLite database, or an encrypted one", path);
	else if (err == -EINVAL)
		buf_printf(why, "%s is not a file", path);
	else if (err)
		buf_printf(why, "%s: %s", path, strerror(-err));
	return err;
}

/* Returns 0 and the header's read version; an empty file is a database without anything in it. */
static int read_header(const char *path, struct stat *st, int *ret_version)
{
	_cleanup_(file_closep) int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	unsigned char header[HEADER_BYTES];
	ssize_t n;

	if (fd < 0 || fstat(fd, st))
		return -errno;
	if (!S_ISREG(st->st_mode))
		return -EINVAL;
	*ret_version = 1;
	if (!st->st_size)
		return 0;
	n = pread(fd, header, sizeof(header), 0);
	if (n < 0)
		return -errno;
	if (n < (ssize_t)sizeof(header) || memcmp(header, MAGIC, sizeof(MAGIC)) != 0)
		return -EUCLEAN;
	*ret_version = header[READ_VERSION_AT];
	return 0;
}

static int choose_way(struct database *d, int version, struct buf *why)
{
	uint64_t wal, shm;
	bool has_wal = database_side_file(d->path, "-wal", &wal);
	bool has_shm = database_side_file(d->path, "-shm", &shm);

	d->way = DATABASE_PLAIN;
	if (version < 2)
		return 0;
	if (has_shm && has_wal) {
		d->way = DATABASE_LOG;
		return 0;
	}
	if (!wal && !has_shm) {
		d->way = DATABASE_IMMUTABLE;
		return 0;
	}
	buf_printf(
		why,
		"%s cannot be read without changing something: of its log (-wal) and the log's index (-shm) only one is "
		"there. Either a process has it for itself alone, or they were copied here",
		d->path);
	return -EBUSY;
}

/* A path in a URI: what means something there is escaped. */
static int add_uri(const struct database *d, struct buf *out)
{
	static const char *const options[] = {
		[DATABASE_PLAIN] = "mode=ro",
		[DATABASE_LOG] = "mode=ro&readonly_shm=1",
		[DATABASE_IMMUTABLE] = "mode=ro&immutable=1",
	};

	buf_add_str(out, "file:");
	for (const char *s = d->path; *s; s++) {
		if (strchr("%?#", *s))
			buf_printf(out, "%%%02x", (unsigned int)(unsigned char)*s);
		else
			buf_add_char(out, *s);
	}
	return buf_printf(out, "?%s", options[d->way]);
}

static int on_progress(void *ctx)
{
	struct database *d = ctx;

	return d->progress.fn(d->doing, -1, d->progress.ctx);
}

void database_doing(struct database *d, const char *what)
{
	d->doing = what;
	if (d->progress.fn)
		sqlite3_progress_handler(d->sql, PROGRESS_STEPS, on_progress, d);
}

static int set_up(struct database *d)
{
	static const char *const settings = "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;"
					    "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0";
	int on;

	sqlite3_extended_result_codes(d->sql, 1);
	sqlite3_busy_timeout(d->sql, DATABASE_BUSY_MS);
	sqlite3_db_config(d->sql, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &on);
	sqlite3_db_config(d->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, &on);
	return sqlite3_exec(d->sql, settings, NULL, NULL, NULL);
}

int database_open(const char *path, const struct database_progress *progress, struct buf *why,
		  struct database *ret)
{
	_cleanup_(buf_done) struct buf uri = BUF_INIT(URI_MAX);
	int version = 1, err, code;

	*ret = (struct database){ .path = ret->real };
	if (progress)
		ret->progress = *progress;
	err = say(path, realpath(path, ret->real) ? 0 : -errno, why);
	if (!err)
		err = say(path, read_header(ret->real, &ret->st, &version), why);
	if (!err)
		err = choose_way(ret, version, why);
	if (!err)
		err = say(path, add_uri(ret, &uri), why);
	if (err)
		return err;
	code = sqlite3_open_v2(buf_str(&uri), &ret->sql,
			       SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK)
		code = set_up(ret);
	if (code == SQLITE_OK)
		code = sqlite3_exec(ret->sql, SQL_TOUCH, NULL, NULL, NULL);
	err = database_explain(ret, code, why);
	if (err)
		database_close(ret);
	return err;
}

void database_close(struct database *d)
{
	sqlite3_close(d->sql);
	d->sql = NULL;
}

int database_unchanged(const struct database *d)
{
	uint64_t bytes;
	struct stat st;

	if (d->way != DATABASE_IMMUTABLE)
		return 0;
	if (stat(d->path, &st) || st.st_ino != d->st.st_ino || st.st_size != d->st.st_size ||
	    st.st_mtim.tv_sec != d->st.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != d->st.st_mtim.tv_nsec)
		return -EAGAIN;
	return database_side_file(d->path, "-shm", &bytes) ? -EAGAIN : 0;
}
