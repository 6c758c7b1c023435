/* SPDX-License-Identifier: MIT */
/*
 * SQLite databases of the service: checked, copied, measured, vacuumed.
 *
 * Whatever reads leaves everything of the database as it is: it is opened for reading only, no -wal or -shm appears that
 * was not there, and its log is never written back (checkpointed): SQLite 3.7.0 to 3.51.2 can corrupt a database when that meets the
 * writer's own (sqlite.org/wal.html, "the WAL-reset bug"). Three ways of opening (database_open()):
 *   - no log (rollback journals): as usual; the writer's commits wait while a read is under way;
 *   - a log and its index: with readonly_shm (sqlite.org/uri.html), so that the index is not written to;
 *   - in WAL mode with neither: nobody has it open; as immutable, and what was read counts only if the file is the same after it.
 * Everything blocks on the disk. Not for the daemon's loop.
 */
#ifndef ISAMON_DATABASE_H
#define ISAMON_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"

/* Told now and then while something lasts: what it does, "checking", and how much of it is done, 0 to 1; less than 0: not known.
 * An answer other than 0 ends it with -ECANCELED. */
typedef int (*database_progress_fn)(const char *what, double done, void *ctx);

struct database_progress {
	database_progress_fn fn; /* NULL: nobody wants to know */
	void *ctx;
};

/*
 * All return 0 or -errno with the reason in @why, one line for a person that names the file: -ENOENT; -EACCES; -EINVAL: not a
 * file; -EUCLEAN: no SQLite database (or an encrypted one), or so damaged that it cannot be read; -EBUSY: locked for longer
 * than 10 s, or held by a process that lets nobody else in; -EAGAIN: it changed too often while it was read; -ENOSPC; -ECANCELED;
 * others.
 */

#define DATABASE_PROBLEMS_MAX 100

struct database_findings {
	size_t n;         /* problems; more than DATABASE_PROBLEMS_MAX are not looked for */
	struct buf text;  /* one a line, plain */
	size_t n_foreign; /* of them: rows whose foreign key points nowhere */
};

/* integrity_check and foreign_key_check. Findings are no error. Always fills @ret in, for database_findings_done(). */
int database_check(const char *path, const struct database_progress *progress, struct buf *why,
		   struct database_findings *ret);
void database_findings_done(struct database_findings *f);

struct database_copied {
	uint64_t bytes;
	unsigned int restarts; /* because another process wrote */
};

/*
 * Copies the database @path, one moment of it, to @to, while others write to it: online backup into @to.tmp in steps, fsync,
 * integrity check of the copy, rename, fsync of the directory. Mode and, for root (with CAP_CHOWN), owner are the database's. In WAL mode the steps read one
 * snapshot; otherwise the copy is begun anew when another process has written between two steps, and after three such
 * times made in one step, during which writers wait.
 * -EEXIST: @to is there already; -EBADMSG: the copy is not sound (the database itself is damaged). On an error there is no
 * new file.
 */
int database_copy(const char *path, const char *to, const struct database_progress *progress,
		  struct buf *why, struct database_copied *ret);
/* The same for a copy that is read and removed at once: nothing of it is synced, so that it may never reach the disk. */
int database_copy_passing(const char *path, const char *to,
			  const struct database_progress *progress, struct buf *why,
			  struct database_copied *ret);

struct database_table {
	char name[128];
	bool has_bytes;
	uint64_t bytes; /* with its indexes' pages not: each has its own */
	int64_t rows;   /* -1: not counted (an index) */
};

#define DATABASE_TABLES_MAX 200

struct database_figures {
	uint64_t file_bytes, wal_bytes, shm_bytes;
	int64_t page_size, n_pages, n_free;
	char journal_mode[16], encoding[16];
	int64_t user_version, application_id, auto_vacuum;
	bool in_use; /* its log's index is there: somebody has it open, or did not close it */
	struct database_table
		*tables; /* tables and indexes, the largest first; only if they were asked for */
	size_t n_tables;
	bool more_tables;
};

/* @tables: reads the whole database for the size and the rows of each. Always fills @ret in, for database_figures_done(). */
int database_figures(const char *path, bool tables, const struct database_progress *progress,
		     struct buf *why, struct database_figures *ret);
void database_figures_done(struct database_figures *f);

struct database_vacuumed {
	uint64_t before_bytes, after_bytes;
	char kept[4096]; /* the copy that was made before, if it was kept; "" */
};

/*
 * How much VACUUM of @path needs in its directory: three times the database (a copy of it, SQLite's temporary file, its journal).
 * Returns 0, or -ENOSPC with both numbers in @why; -EROFS, -EACCES: it, or its directory, may not be written to here; another -errno.
 */
int database_vacuum_fits(const char *path, struct buf *why);

/*
 * VACUUM, for a database that nobody else uses: the caller has stopped the service. First a copy of it, PATH.before-vacuum, that is
 * removed when the check after it is fine. -EBUSY: somebody has it open, nothing was done. On an error the database is as it was:
 * SQLite has rolled it back; -EBADMSG: it was damaged before, or the check after it found something, and the copy was put in
 * its place.
 */
int database_vacuum(const char *path, const struct database_progress *progress, struct buf *why,
		    struct database_vacuumed *ret);

/* Whether SQLite's @version (sqlite3_libversion_number()) has the WAL-reset bug, 3.7.0 to 3.51.2. */
bool database_has_wal_bug(int version);

#endif
