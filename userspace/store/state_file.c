/* SPDX-License-Identifier: MIT */
/*
 * Opens the state file. What it is, is asked before anything is written to it: only a file that is empty or ours is
 * changed. SQLite's own lock is exclusive, so the log's index is in our memory and there is no isamon.db-shm.
 */
#include "store/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "store/migrations.h"
#include "store/room.h"
#include "store/sql.h"

#define SQL_LOCK "PRAGMA locking_mode = EXCLUSIVE"
#define SQL_VERSION "PRAGMA user_version"
#define SQL_APPLICATION "PRAGMA application_id"
#define SQL_N_TABLES "SELECT count(*) FROM sqlite_schema"
#define SQL_FRESH "PRAGMA page_size = 4096; PRAGMA auto_vacuum = NONE"
#define SQL_WAL "PRAGMA journal_mode = WAL"
/* A commit is on the disk when it is told; 128 pages in the log, then they go into the file; the log is never shortened. */
#define SQL_SETTINGS \
	"PRAGMA synchronous = FULL;" \
	"PRAGMA wal_autocheckpoint = 128;" \
	"PRAGMA journal_size_limit = -1;" \
	"PRAGMA cache_size = -512;" \
	"PRAGMA mmap_size = 0;" \
	"PRAGMA temp_store = MEMORY;" \
	"PRAGMA secure_delete = OFF;" \
	"PRAGMA cell_size_check = ON;" \
	"PRAGMA trusted_schema = OFF"

#define BLOB_MAX (32 << 20)

int state_file_path(const char *directory, const char *name, struct buf *why, char **ret_path)
{
	char real[PATH_MAX], path[PATH_MAX + NAME_MAX + 2];
	int err;

	err = file_make_directory(directory, 0750);
	if (!err && !realpath(directory, real))
		err = -errno;
	if (err) {
		buf_printf(why, "cannot make the directory %s: %s", directory, strerror(-err));
		return err;
	}
	snprintf(path, sizeof(path), "%s/%s", real, name);
	*ret_path = strdup(path);
	return *ret_path ? 0 : -ENOMEM;
}

/* SQLite would make it for everybody to read. The descriptor is the caller's, -1 if that fails. */
static int file_make(const char *path, struct buf *why, int *ret_fd)
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat st;
	int err = 0;

	*ret_fd = fd;
	if (fd < 0 || fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	if (err == -ELOOP)
		buf_printf(why, "%s is a symbolic link, and is not followed", path);
	else if (err == -EINVAL)
		buf_printf(why, "%s is not a file", path);
	else if (err)
		buf_printf(why, "cannot open %s: %s", path, strerror(-err));
	return err;
}

static int sql_say(sqlite3 *db, int err, const char *path, struct buf *why)
{
	if (err == -EBUSY)
		buf_printf(why, "%s is open in another process", path);
	else if (err == -EUCLEAN)
		buf_printf(why, "%s is damaged: %s", path, sqlite3_errmsg(db));
	else if (err)
		buf_printf(why, "cannot use %s: %s (%s)", path, strerror(-err), sqlite3_errmsg(db));
	return err;
}

int state_file_reserve(const char *path, struct buf *why, int *ret_fd)
{
	_cleanup_(file_closep) int fd = -1;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
	int err = file_make(path, why, &fd);

	if (err)
		return err;
	/* The first byte is none of those that SQLite locks. A file system that has no locks is SQLite's to refuse. */
	if (fcntl(fd, F_OFD_SETLK, &lock) && (errno == EAGAIN || errno == EACCES))
		return sql_say(NULL, -EBUSY, path, why);
	*ret_fd = fd;
	fd = -1;
	return 0;
}

/* Whose it is. A database of somebody else is not moved out of the way: it is more likely that our configuration is wrong. */
static int identify(sqlite3 *db, const char *path, bool *ret_fresh, struct buf *why)
{
	int64_t application = 0, n_tables = 0;
	int err;

	err = sql_run(db, SQL_LOCK);
	if (!err)
		err = sql_integer(db, SQL_APPLICATION, &application);
	if (!err)
		err = sql_integer(db, SQL_N_TABLES, &n_tables);
	if (err)
		return sql_say(db, err, path, why);
	*ret_fresh = application == 0 && n_tables == 0;
	if (*ret_fresh || application == MIGRATIONS_APPLICATION_ID)
		return 0;
	buf_printf(why,
		   "%s is a database of another application (application_id %lld), and is left "
		   "alone: move it away, or name another directory",
		   path, (long long)application);
	return -EEXIST;
}

static int log_begin(sqlite3 *db)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	const char *mode;
	int err;

	err = sql_prepare(db, SQL_WAL, &st);
	if (err)
		return err;
	err = sql_step(st);
	if (err < 0)
		return err;
	mode = err ? (const char *)sqlite3_column_text(st, 0) : NULL;
	return mode && strcmp(mode, "wal") == 0 ? 0 : -EIO;
}

/* A newer one is refused before anything is set. */
static int check_version(sqlite3 *db, const char *path, struct buf *why)
{
	int64_t version = 0;
	size_t n;
	int err;

	migrations_list(&n);
	err = sql_integer(db, SQL_VERSION, &version);
	if (err)
		return sql_say(db, err, path, why);
	if (version <= (int64_t)n)
		return 0;
	buf_printf(why,
		   "%s was made by a newer isamon (version %lld of its schema, this one knows up "
		   "to %zu), and is left alone: use that one, or move the file away",
		   path, (long long)version, n);
	return -ENOTSUP;
}

/* For a file that may be changed. */
static int make_ready(sqlite3 *db, bool fresh)
{
	size_t n;
	const char *const *list = migrations_list(&n);
	int64_t version;
	int err = 0;

	if (fresh)
		err = sql_run(db, SQL_FRESH);
	if (!err)
		err = log_begin(db);
	if (!err)
		err = sql_run(db, SQL_SETTINGS);
	return err ? err : migrations_run(db, list, n, &version);
}

static int set_up(sqlite3 *db, const char *path, struct buf *why)
{
	bool fresh = false;
	int err;

	err = identify(db, path, &fresh, why);
	if (!err)
		err = check_version(db, path, why);
	if (err)
		return err;
	err = make_ready(db, fresh);
	if (err)
		return sql_say(db, err, path, why);
	err = room_open(db);
	return err == -EUCLEAN ? sql_say(db, err, path, why) : 0;
}

static int limits_set(sqlite3 *db)
{
	int keep_log = 1, on = 0;

	sqlite3_extended_result_codes(db, 1);
	/* It would wait with a shared lock in its hand: several that did so would keep each other from the exclusive one. */
	sqlite3_busy_timeout(db, 0);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, BLOB_MAX);
	sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, &on);
	/* Until we know that it is ours. */
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, &on);
	return sql_errno(db, sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep_log));
}

int state_file_open(const char *path, struct buf *why, sqlite3 **ret)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	sqlite3 *db = NULL;
	int fd, err;

	err = file_make(path, why, &fd);
	file_closep(&fd);
	if (err)
		return err;
	err = sql_errno(NULL, sqlite3_open_v2(path, &db, flags, NULL));
	if (!err)
		err = limits_set(db);
	if (err)
		sql_say(db, err, path, why);
	else
		err = set_up(db, path, why);
	if (err) {
		state_file_close(db, true);
		return err;
	}
	*ret = db;
	return 0;
}

int state_file_look(const char *path, struct buf *why, sqlite3 **ret)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	bool fresh = false;
	sqlite3 *db = NULL;
	int err = sql_errno(NULL, sqlite3_open_v2(path, &db, flags, NULL));

	if (!err)
		err = limits_set(db);
	if (err)
		sql_say(db, err, path, why);
	else
		err = identify(db, path, &fresh, why);
	if (!err)
		err = fresh ? -ENODATA : check_version(db, path, why);
	if (err) {
		state_file_close(db, true);
		return err;
	}
	*ret = db;
	return 0;
}

void state_file_close(sqlite3 *db, int damaged)
{
	sqlite3_stmt *st;
	int now;

	if (!db)
		return;
	while ((st = sqlite3_next_stmt(db, NULL)))
		sqlite3_finalize(st);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, damaged, &now);
	sqlite3_close(db);
}
