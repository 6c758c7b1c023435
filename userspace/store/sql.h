/* SPDX-License-Identifier: MIT */
/* SQLite, spoken with -errno. Everything blocks on the disk, and runs in the store's thread. */
#ifndef ISAMON_SQL_H
#define ISAMON_SQL_H

#include <sqlite3.h>
#include <stdint.h>

/*
 * The -errno of SQLite's @code, which @db gave (NULL: not known): -ENOSPC for a full disk or a full quota; -ENOMEM; -EBUSY;
 * -EROFS; -EIO. -EUCLEAN says that the file is damaged: SQLITE_CORRUPT and NOTADB, and nothing else, because it is set aside then,
 * with all that waits in it. -EPROTO: SQLite refuses a statement of ours, which is our mistake, or the work of somebody who
 * changed the schema.
 */
int sql_errno(sqlite3 *db, int code);

/*
 * -EIO: the system could not read a part of the database or its log (EIO, ENXIO), which SQLite reports as SQLITE_CORRUPT, or among the
 * findings of an integrity check; it is not known to be damaged. 0: it could. sql_errno() knows this.
 */
int sql_unreadable(sqlite3 *db);

/* For _cleanup_(sql_donep) sqlite3_stmt *st = NULL; */
void sql_donep(sqlite3_stmt **st);

/* Runs statements that give nothing, or what they give is not wanted. Returns 0 or -errno. */
int sql_run(sqlite3 *db, const char *text);

int sql_prepare(sqlite3 *db, const char *text, sqlite3_stmt **ret);

/* Binds @n integers, from the first parameter on, after a reset. Returns 0 or -errno. */
int sql_bind(sqlite3_stmt *st, const int64_t *values, int n);

/* 1: there is a row; 0: there is none (any more); -errno. */
int sql_step(sqlite3_stmt *st);

/* The one integer that @text gives; -EUCLEAN if it gives none. */
int sql_integer(sqlite3 *db, const char *text, int64_t *ret);

/* Begins a transaction that writes. */
int sql_begin(sqlite3 *db);

/* Ends the transaction that is open, if one is: commits, if @err is 0. Returns @err, or the commit's error, after which
 * everything is rolled back. */
int sql_end(sqlite3 *db, int err);

#endif
