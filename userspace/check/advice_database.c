/* SPDX-License-Identifier: MIT */
/* The service's SQLite databases as they are now, beside what the service does at once. */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "check/advice_impl.h"

#define FREE_SHARE 0.25
#define FREE_BYTES (64u << 20)
#define LOG_BYTES (64u << 20)

static int advise_wal(const struct advice_case *c, const struct advice_database *b,
		      struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const double at_once = advice_most(c->minutes, advice_in_flight);

	if (strcmp(b->figures.journal_mode, "delete") != 0 &&
	    strcmp(b->figures.journal_mode, "truncate") != 0 &&
	    strcmp(b->figures.journal_mode, "persist") != 0)
		return 0;
	if (at_once <= 1)
		return 0;
	buf_printf(&d.evidence, "%s has a rollback journal (journal_mode = %s), ", b->path,
		   b->figures.journal_mode);
	advice_bytes(&d.evidence, (double)b->figures.file_bytes);
	buf_printf(
		&d.evidence,
		"\nup to %.0f requests were under way at once: with this journal whoever writes waits for whoever "
		"reads, and the other way round\n",
		at_once);
	buf_add_str(&d.change, "isamon service stop\nsqlite3 ");
	advice_quoted(&d.change, b->path);
	buf_add_str(&d.change, " 'PRAGMA journal_mode = WAL'\nisamon service start\n");
	buf_add_str(
		&d.effect,
		"reading and writing do not wait for each other any more; a commit is cheaper. The database is "
		"three files from then on, all on one local disk (isamon's backups know that). SQLite up to "
		"3.51.2 has a rare race by which a database with such a log can be damaged if several processes "
		"write to it: with more than one worker see first that the application's is newer (python -c "
		"'import sqlite3; print(sqlite3.sqlite_version)')");
	buf_printf(&d.undo, "the same with 'PRAGMA journal_mode = %s'", b->figures.journal_mode);
	return advice_draft_add(ret, &d, "database.wal", "A write-ahead log for the database",
				false);
}

static int advise_vacuum(const struct advice_database *b, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;
	const double share = b->figures.n_pages > 0 ?
				     (double)b->figures.n_free / (double)b->figures.n_pages :
				     0,
		     bytes = (double)b->figures.n_free * (double)b->figures.page_size;

	if (share < FREE_SHARE || bytes < FREE_BYTES)
		return 0;
	buf_printf(&d.evidence, "%s: ", b->path);
	advice_bytes(&d.evidence, bytes);
	buf_add_str(&d.evidence, " of ");
	advice_bytes(&d.evidence, (double)b->figures.file_bytes);
	buf_add_str(&d.evidence, " are free pages (");
	advice_percent(&d.evidence, share);
	buf_add_str(&d.evidence, ")\n");
	buf_add_str(&d.change, "isamon db vacuum\n");
	buf_add_str(
		&d.effect,
		"the file, its backups and what reads all of it become smaller by that; the service stands "
		"while it lasts");
	buf_printf(&d.undo, "nothing to undo: the contents are the same");
	return advice_draft_add(ret, &d, "database.vacuum", "Free pages in the database", false);
}

static int advise_log(const struct advice_database *b, struct advices *ret)
{
	_cleanup_(advice_draft_done) struct advice_draft d = ADVICE_DRAFT_INIT;

	if (b->figures.wal_bytes < LOG_BYTES || b->figures.wal_bytes < b->figures.file_bytes / 4)
		return 0;
	buf_printf(&d.evidence, "%s-wal has ", b->path);
	advice_bytes(&d.evidence, (double)b->figures.wal_bytes);
	buf_add_str(&d.evidence, ", the database ");
	advice_bytes(&d.evidence, (double)b->figures.file_bytes);
	buf_add_str(
		&d.evidence,
		": somebody reads without end, so that the log cannot be written back; or a large "
		"transaction made it so, after which it keeps its size\n");
	buf_add_str(
		&d.change,
		"# in the application: end each read (close cursors and transactions), and for each connection:\n"
		"PRAGMA journal_size_limit = 67108864\n");
	buf_add_str(
		&d.effect,
		"the log is written back and becomes short again; reading does not have to look through all of "
		"it");
	buf_add_str(&d.undo, "PRAGMA journal_size_limit = -1");
	return advice_draft_add(ret, &d, "database.log", "The database's log only grows", false);
}

int advice_database_journal(const struct advice_case *c, struct advices *ret)
{
	int err = 0;

	for (size_t i = 0; i < c->host->n_databases && !err; i++)
		if (c->host->databases[i].known)
			err = advise_wal(c, &c->host->databases[i], ret);
	return err;
}

int advice_database_space(const struct advice_case *c, struct advices *ret)
{
	int err = 0;

	for (size_t i = 0; i < c->host->n_databases && !err; i++) {
		const struct advice_database *b = &c->host->databases[i];

		if (!b->known)
			continue;
		err = advise_vacuum(b, ret);
		if (!err)
			err = advise_log(b, ret);
	}
	return err;
}
