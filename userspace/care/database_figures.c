/* SPDX-License-Identifier: MIT */
/* Sizes. dbstat (sqlite.org/dbstat.html) is not compiled into every SQLite: without it tables have rows only. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/util.h"
#include "care/database_impl.h"
#include "store/sql.h"

#define SQL_SIZES \
	"SELECT d.name, sum(d.pgsize), s.type FROM dbstat d LEFT JOIN sqlite_schema s ON s.name = d.name " \
	"GROUP BY d.name ORDER BY 2 DESC, 1 LIMIT 201"
#define SQL_NAMES \
	"SELECT name, NULL, type FROM sqlite_schema WHERE type = 'table' ORDER BY name LIMIT 201"

static int unread(struct database *d, int err, struct buf *why)
{
	int explained = database_explain(d, sqlite3_errcode(d->sql), why);

	return explained ? explained : err;
}

static int read_integers(struct database *d, struct buf *why, struct database_figures *ret)
{
	const struct {
		const char *sql;
		int64_t *to;
	} rows[] = {
		{ "PRAGMA page_size", &ret->page_size },
		{ "PRAGMA page_count", &ret->n_pages },
		{ "PRAGMA freelist_count", &ret->n_free },
		{ "PRAGMA user_version", &ret->user_version },
		{ "PRAGMA application_id", &ret->application_id },
		{ "PRAGMA auto_vacuum", &ret->auto_vacuum },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int err = sql_integer(d->sql, rows[i].sql, rows[i].to);

		if (err)
			return unread(d, err, why);
	}
	return 0;
}

static int read_text(struct database *d, const char *sql, struct buf *why, char *to, size_t size)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	const unsigned char *s = NULL;
	int err = sql_prepare(d->sql, sql, &st);

	to[0] = '\0';
	if (!err && sql_step(st) == 1)
		s = sqlite3_column_text(st, 0);
	if (!s)
		return unread(d, err ? err : -ENOMEM, why);
	utf8_make_plain((const char *)s, strlen((const char *)s), to, size);
	return 0;
}

static int64_t count_rows(struct database *d, const char *name)
{
	char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", name);
	int64_t n = -1;

	if (sql && sql_integer(d->sql, sql, &n))
		n = -1;
	sqlite3_free(sql);
	return n;
}

static int add_table(struct database *d, sqlite3_stmt *st, struct database_figures *ret)
{
	const char *name = (const char *)sqlite3_column_text(st, 0);
	const char *type = (const char *)sqlite3_column_text(st, 2);
	struct database_table *t, *more;

	if (!name)
		return 0;
	more = realloc(ret->tables, (ret->n_tables + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	ret->tables = more;
	t = &more[ret->n_tables++];
	*t = (struct database_table){ .rows = -1 };
	utf8_make_plain(name, strlen(name), t->name, sizeof(t->name));
	t->has_bytes = sqlite3_column_type(st, 1) == SQLITE_INTEGER;
	t->bytes = (uint64_t)sqlite3_column_int64(st, 1);
	if (!type || strcmp(type, "table") == 0)
		t->rows = count_rows(d, name);
	return 0;
}

static int find_tables(struct database *d, struct buf *why, struct database_figures *ret)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int code, err = 0;

	database_doing(d, "reading");
	code = sqlite3_prepare_v2(d->sql, SQL_SIZES, -1, &st, NULL);
	if (code == SQLITE_ERROR) /* there is no such table */
		code = sqlite3_prepare_v2(d->sql, SQL_NAMES, -1, &st, NULL);
	if (code != SQLITE_OK)
		return database_explain(d, code, why);
	while ((code = sqlite3_step(st)) == SQLITE_ROW && !err) {
		ret->more_tables = ret->n_tables == DATABASE_TABLES_MAX;
		if (ret->more_tables)
			return 0;
		err = add_table(d, st, ret);
	}
	return err ? err : database_explain(d, code, why);
}

int database_figures(const char *path, bool tables, const struct database_progress *progress,
		     struct buf *why, struct database_figures *ret)
{
	_cleanup_(database_close) struct database d = { .sql = NULL };
	bool wal, shm;
	int err;

	*ret = (struct database_figures){ .n_tables = 0 };
	err = database_open(path, progress, why, &d);
	if (err)
		return err;
	wal = database_side_file(d.path, "-wal", &ret->wal_bytes);
	shm = database_side_file(d.path, "-shm", &ret->shm_bytes);
	ret->in_use = wal && shm;
	ret->file_bytes = (uint64_t)d.st.st_size;
	err = read_integers(&d, why, ret);
	if (!err)
		err = read_text(&d, "PRAGMA encoding", why, ret->encoding, sizeof(ret->encoding));
	/* Of one that is read as immutable SQLite does not say it. */
	if (d.way != DATABASE_PLAIN)
		snprintf(ret->journal_mode, sizeof(ret->journal_mode), "wal");
	else if (!err)
		err = read_text(&d, "PRAGMA journal_mode", why, ret->journal_mode,
				sizeof(ret->journal_mode));
	if (err)
		return err;
	return tables ? find_tables(&d, why, ret) : 0;
}

void database_figures_done(struct database_figures *f)
{
	free(f->tables);
	f->tables = NULL;
	f->n_tables = 0;
}
