/* SPDX-License-Identifier: MIT */
/* Between the files of care/database.h. */
#ifndef ISAMON_DATABASE_IMPL_H
#define ISAMON_DATABASE_IMPL_H

#include <limits.h>

#include "care/database.h"

#ifndef DATABASE_BUSY_MS /* a test waits for less */
#define DATABASE_BUSY_MS 10000
#endif

enum database_way {
	DATABASE_PLAIN,     /* rollback journals */
	DATABASE_LOG,       /* WAL, open elsewhere, or left so */
	DATABASE_IMMUTABLE, /* WAL, and nobody has it open */
};

struct database {
	sqlite3 *sql;
	const char *path;    /* real */
	char real[PATH_MAX]; /* without symbolic links: the log is beside the file itself */
	enum database_way way;
	struct stat st; /* when it was opened */
	struct database_progress progress;
	const char *doing;
};

/* For reading. @ret may not be moved. */
int database_open(const char *path, const struct database_progress *progress, struct buf *why,
		  struct database *ret);
/* Also one that was never opened; for _cleanup_(). */
void database_close(struct database *d);
/* Of one that was opened as immutable: -EAGAIN if it changed since, or somebody has it open now; otherwise 0. */
int database_unchanged(const struct database *d);
/* The -errno of @code, and what it means for @d in @why. */
int database_explain(const struct database *d, int code, struct buf *why);
/* @d->doing, and progress told by SQLite itself while statements run. */
void database_doing(struct database *d, const char *what);

/* "PATH-wal", ...; returns its size, or 0 and false if it is not there. */
bool database_side_file(const char *path, const char *suffix, uint64_t *ret_bytes);
/* fsync of the directory that @path is in. Returns 0 or -errno. */
int database_sync_directory(const char *path);

/* PRAGMA integrity_check, and for @foreign foreign_key_check, of an open one. */
int database_find(struct database *d, bool foreign, struct buf *why, struct database_findings *ret);

#endif
