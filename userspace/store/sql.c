/* SPDX-License-Identifier: MIT */
/* SQLite's codes as -errno, and statements that clean up after themselves. */
#include "store/sql.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/util.h"

#define SQL_BEGIN "BEGIN IMMEDIATE"
#define SQL_COMMIT "COMMIT"
#define SQL_ROLLBACK "ROLLBACK"

/* SQLite tells only a full disk from other trouble with a file; the rest is in errno. */
static int errno_of_file(sqlite3 *db)
{
	switch (db ? sqlite3_system_errno(db) : 0) {
	case ENOSPC:
	case EDQUOT: return -ENOSPC;
	case EROFS: return -EROFS;
	case EACCES:
	case EPERM: return -EACCES;
	default: return -EIO;
	}
}

int sql_unreadable(sqlite3 *db)
{
	static const int files[] = { SQLITE_FCNTL_FILE_POINTER, SQLITE_FCNTL_JOURNAL_POINTER };

	for (size_t i = 0; db && i < ARRAY_SIZE(files); i++) {
		sqlite3_file *f = NULL;
		int last = 0;

		if (sqlite3_file_control(db, "main", files[i], &f) == SQLITE_OK && f &&
		    f->pMethods &&
		    f->pMethods->xFileControl(f, SQLITE_FCNTL_LAST_ERRNO, &last) == SQLITE_OK &&
		    (last == EIO || last == ENXIO))
			return -EIO;
	}
	return 0;
}

int sql_errno(sqlite3 *db, int code)
{
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE: return 0;
	case SQLITE_FULL: return -ENOSPC;
	case SQLITE_NOMEM: return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED: return -EBUSY;
	case SQLITE_READONLY: return -EROFS;
	case SQLITE_PERM:
	case SQLITE_AUTH: return -EACCES;
	case SQLITE_CORRUPT: return sql_unreadable(db) ?: -EUCLEAN;
	case SQLITE_NOTADB: return -EUCLEAN;
	case SQLITE_ERROR:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
	case SQLITE_RANGE:
	case SQLITE_TOOBIG: return -EPROTO;
	case SQLITE_IOERR:
		if (code == SQLITE_IOERR_NOMEM)
			return -ENOMEM;
		return errno_of_file(db);
	case SQLITE_CANTOPEN: return errno_of_file(db);
	default: return -EIO;
	}
}

void sql_donep(sqlite3_stmt **st)
{
	sqlite3_finalize(*st);
}

int sql_run(sqlite3 *db, const char *text)
{
	return sql_errno(db, sqlite3_exec(db, text, NULL, NULL, NULL));
}

int sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **ret)
{
	return sql_errno(db, sqlite3_prepare_v2(db, text, -1, ret, NULL));
}

int sql_bind(sqlite3_stmt *st, const int64_t *values, int n)
{
	int code = SQLITE_OK;

	sqlite3_reset(st);
	for (int i = 0; i < n && code == SQLITE_OK; i++)
		code = sqlite3_bind_int64(st, i + 1, values[i]);
	return sql_errno(sqlite3_db_handle(st), code);
}

int sql_step(sqlite3_stmt *st)
{
	int code = sqlite3_step(st);

	return code == SQLITE_ROW ? 1 : sql_errno(sqlite3_db_handle(st), code);
}

int sql_integer(sqlite3 *db, const char *text, int64_t *ret)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err;

	err = sql_prepare(db, text, &st);
	if (err)
		return err;
	err = sql_step(st);
	if (err < 0)
		return err;
	if (err == 0 || sqlite3_column_type(st, 0) != SQLITE_INTEGER)
		return -EUCLEAN;
	*ret = sqlite3_column_int64(st, 0);
	return 0;
}

int sql_begin(sqlite3 *db)
{
	return sql_run(db, SQL_BEGIN);
}

int sql_end(sqlite3 *db, int err)
{
	if (sqlite3_get_autocommit(db))
		return err;
	if (!err)
		err = sql_run(db, SQL_COMMIT);
	if (!sqlite3_get_autocommit(db))
		sqlite3_exec(db, SQL_ROLLBACK, NULL, NULL, NULL);
	return err;
}
