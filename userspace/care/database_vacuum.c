/* SPDX-License-Identifier: MIT */
/*
 * VACUUM with a way back. Invariant: from the first change until the database was found sound after the last, a checked copy
 * of it is beside it. No other descriptor of the database is closed by this process while SQLite has its locks (fcntl(2)).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/util.h"
#include "care/database_impl.h"
#include "store/sql.h"

#define KEPT_SUFFIX ".before-vacuum"
#define NEEDS_TIMES 3
#define BUSY_MS 2000

/* In WAL mode this fails if anybody else has it open, doing something or not. */
#define SQL_ALONE "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT"
#define SQL_VACUUM "VACUUM"

static int directory_of(const char *path, struct buf *out)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return buf_add_str(out, ".");
	return buf_add(out, path, slash == path ? 1 : (size_t)(slash - path));
}

static int make_real(const char *path, char real[static PATH_MAX], struct buf *why)
{
	int err = realpath(path, real) ? 0 : -errno;

	if (err)
		buf_printf(why, "%s: %s", path, strerror(-err));
	return err;
}

int database_vacuum_fits(const char *path, struct buf *why)
{
	char real[PATH_MAX];
	_cleanup_(buf_done) struct buf directory = BUF_INIT(4096);
	uint64_t need, have, wal;
	struct statvfs fs = { .f_bavail = 0 };
	struct stat st = { .st_size = 0 };
	int err;

	err = make_real(path, real, why);
	if (err)
		return err;
	path = real;
	err = directory_of(path, &directory);
	if (!err && (stat(path, &st) || statvfs(buf_str(&directory), &fs)))
		err = -errno;
	if (err) {
		buf_printf(why, "%s: %s", path, strerror(-err));
		return err;
	}
	if (access(path, W_OK) || access(buf_str(&directory), W_OK)) {
		err = -errno;
		buf_printf(
			why, "%s: may not be written to here: %s%s", path, strerror(-err),
			err == -EROFS ?
				" (to isamon's own unit it always is: run it from a root shell)" :
				"");
		return err;
	}
	database_side_file(path, "-wal", &wal);
	need = NEEDS_TIMES * ((uint64_t)st.st_size + wal);
	have = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (have >= need)
		return 0;
	buf_printf(why,
		   "%s: no room: VACUUM and the copy before it need %llu MiB in %s, there are %llu",
		   path, (unsigned long long)(need >> 20) + 1, buf_str(&directory),
		   (unsigned long long)(have >> 20));
	return -ENOSPC;
}

/* SQLite's temporary file is as large as the database: beside it, where the room was looked for. */
static int set_temporary(const char *path)
{
	_cleanup_(buf_done) struct buf directory = BUF_INIT(4096);
	int err = directory_of(path, &directory);

	if (!err)
		sqlite3_temp_directory = sqlite3_mprintf("%s", buf_str(&directory));
	return err || sqlite3_temp_directory ? err : -ENOMEM;
}

static void unset_temporary(void)
{
	sqlite3_free(sqlite3_temp_directory);
	sqlite3_temp_directory = NULL;
}

/* Of a process that was killed. Whoever has it alone keeps the index in memory, and would leave this one lying there. */
static void remove_index(const char *path)
{
	_cleanup_(buf_done) struct buf name = BUF_INIT(8192);

	if (buf_printf(&name, "%s-shm", path) == 0)
		unlink(buf_str(&name));
}

static int vacuum(const char *path, const struct database_progress *progress, struct buf *why)
{
	_cleanup_(database_close) struct database d = { .path = path };
	int code;

	if (progress)
		d.progress = *progress;
	code = sqlite3_open_v2(path, &d.sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK) {
		sqlite3_extended_result_codes(d.sql, 1);
		sqlite3_busy_timeout(d.sql, BUSY_MS);
		code = sqlite3_exec(d.sql, SQL_ALONE, NULL, NULL, NULL);
	}
	if ((code & 0xff) == SQLITE_BUSY) {
		buf_printf(why, "%s: another process has it open", path);
		return -EBUSY;
	}
	if (code == SQLITE_OK) {
		remove_index(path);
		database_doing(&d, "vacuuming");
		code = sqlite3_exec(d.sql, SQL_VACUUM, NULL, NULL, NULL);
		sqlite3_progress_handler(d.sql, 0, NULL, NULL);
	}
	return database_explain(&d, code, why);
}

/* Its log, if there is one, belongs to what is thrown away, and would be taken for that of the copy. */
static int remove_logs(const char *path)
{
	static const char *const suffixes[] = { "-wal", "-shm", "-journal" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		_cleanup_(buf_done) struct buf name = BUF_INIT(8192);
		int err = buf_printf(&name, "%s%s", path, suffixes[i]);

		if (err)
			return err;
		if (unlink(buf_str(&name)) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

/* The copy takes the database's place. */
static int put_back(const char *path, const char *kept, struct buf *why)
{
	int err = remove_logs(path);

	if (!err && rename(kept, path))
		err = -errno;
	if (err) {
		buf_printf(why, "; the copy from before it is %s: put it back", kept);
		return err;
	}
	(void)database_sync_directory(path); /* else a power cut brings back both */
	buf_add_str(why, "; the copy from before it was put in its place");
	return 0;
}

/* What SQLite could not undo at once, as when there was no room for a moment, whoever opens it for writing undoes. */
static void undo_cut_off(const char *path)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ==
	    SQLITE_OK)
		sqlite3_exec(db, "SELECT count(*) FROM sqlite_schema", NULL, NULL, NULL);
	sqlite3_close(db);
}

static int remove_copy(struct database_vacuumed *ret, struct buf *why)
{
	int err = unlink(ret->kept) ? -errno : 0;

	if (err)
		buf_printf(why, "%sthe copy from before, which is kept, cannot be removed: %s: %s",
			   why->len ? "; " : "", ret->kept, strerror(-err));
	else
		ret->kept[0] = '\0';
	return err;
}

/* @err: of the VACUUM. What it is after it decides about the copy. */
static int settle(const char *path, int err, const struct database_progress *progress,
		  struct buf *why, struct database_vacuumed *ret)
{
	_cleanup_(database_findings_done) struct database_findings found;
	_cleanup_(buf_done) struct buf check_why = BUF_INIT(2048);
	const struct database_progress silent = { .fn = NULL };
	int check_err = database_check(path, err ? &silent : progress, &check_why, &found);

	if (!check_err && found.n == found.n_foreign)
		return remove_copy(ret, why) ?: err;
	if (check_err && check_err != -EUCLEAN) {
		buf_printf(
			why,
			"%s%s could not be checked after it (%s); the copy from before is kept: %s",
			why->len ? "; " : "", path, buf_str(&check_why), ret->kept);
		return err ? err : check_err;
	}
	buf_printf(why, "%s%s is damaged after it: %.300s", why->len ? "; " : "", path,
		   found.n ? buf_str(&found.text) : buf_str(&check_why));
	if (put_back(path, ret->kept, why) == 0)
		ret->kept[0] = '\0';
	return -EBADMSG;
}

int database_vacuum(const char *path, const struct database_progress *progress, struct buf *why,
		    struct database_vacuumed *ret)
{
	struct database_copied copied;
	char real[PATH_MAX];
	struct stat st;
	bool has_begun;
	int err;

	*ret = (struct database_vacuumed){ .before_bytes = 0 };
	err = make_real(path, real, why);
	if (err)
		return err;
	path = real;
	if ((size_t)snprintf(ret->kept, sizeof(ret->kept), "%s" KEPT_SUFFIX, path) >=
	    sizeof(ret->kept))
		return -ENAMETOOLONG;
	err = database_vacuum_fits(path, why);
	if (!err)
		err = database_copy(path, ret->kept, progress, why, &copied);
	if (err) {
		ret->kept[0] = '\0';
		return err;
	}
	if (stat(path, &st) == 0)
		ret->before_bytes = (uint64_t)st.st_size;
	err = set_temporary(path);
	has_begun = !err;
	if (has_begun) {
		err = vacuum(path, progress, why);
		unset_temporary();
	}
	if (!has_begun || err == -EBUSY) {
		remove_copy(ret, why);
		return err;
	}
	if (err)
		undo_cut_off(path);
	err = settle(path, err, progress, why, ret);
	if (stat(path, &st) == 0)
		ret->after_bytes = (uint64_t)st.st_size;
	return err;
}
