/* SPDX-License-Identifier: MIT */
/* What SQLite itself finds wrong with a database. Its words hold names of tables, which strangers may have chosen. */
#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "base/util.h"
#include "care/database_impl.h"
#include "store/sql.h"

#define SQL_INTEGRITY "PRAGMA integrity_check(100)"
#define SQL_FOREIGN "PRAGMA foreign_key_check"

#define TEXT_MAX (64 * 1024)
#define LINE_BYTES 400
#define TRIES 3

static void add_line(struct database_findings *f, const char *text)
{
	char line[LINE_BYTES];

	utf8_make_plain(text, strlen(text), line, sizeof(line));
	buf_printf(&f->text, "%s\n", line);
	f->n++;
}

/* SQLite gives several problems in one row, a line each; the first is the name of the database, of which there is one only. */
static void add_lines(struct database_findings *f, const char *text)
{
	while (*text && f->n < DATABASE_PROBLEMS_MAX) {
		_cleanup_(buf_done) struct buf line = BUF_INIT(TEXT_MAX);
		size_t n = strcspn(text, "\n");

		buf_add(&line, text, n);
		if (strncmp(text, "*** in database ", 16) != 0)
			add_line(f, buf_str(&line));
		text += n + (text[n] == '\n');
	}
}

static const char *text_of(sqlite3_stmt *st, int column)
{
	const unsigned char *text = sqlite3_column_text(st, column);

	return text ? (const char *)text : "?";
}

/* A database that is too damaged for the check to go on is a finding, not an error. */
static int end_of_rows(struct database *d, int code, struct buf *why, struct database_findings *f)
{
	int err = sql_errno(d->sql, code);

	if (code == SQLITE_DONE || code == SQLITE_ROW)
		return 0;
	if (err != -EUCLEAN)
		return database_explain(d, code, why);
	add_line(f, sqlite3_errmsg(d->sql));
	return 0;
}

static int find_broken(struct database *d, struct buf *why, struct database_findings *f)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int code = sqlite3_prepare_v2(d->sql, SQL_INTEGRITY, -1, &st, NULL);

	if (code != SQLITE_OK)
		return end_of_rows(d, code, why, f);
	while ((code = sqlite3_step(st)) == SQLITE_ROW && f->n < DATABASE_PROBLEMS_MAX)
		if (strcmp(text_of(st, 0), "ok") != 0)
			add_lines(f, text_of(st, 0));
	return end_of_rows(d, code, why, f);
}

static int find_foreign(struct database *d, struct buf *why, struct database_findings *f)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int code = sqlite3_prepare_v2(d->sql, SQL_FOREIGN, -1, &st, NULL);

	if (code != SQLITE_OK)
		return end_of_rows(d, code, why, f);
	while ((code = sqlite3_step(st)) == SQLITE_ROW && f->n < DATABASE_PROBLEMS_MAX) {
		_cleanup_(buf_done) struct buf line = BUF_INIT(TEXT_MAX);

		buf_printf(&line, "row %lld of %s: a foreign key points to nothing in %s",
			   sqlite3_column_int64(st, 1), text_of(st, 0), text_of(st, 2));
		add_line(f, buf_str(&line));
		f->n_foreign++;
	}
	return end_of_rows(d, code, why, f);
}

int database_find(struct database *d, bool foreign, struct buf *why, struct database_findings *ret)
{
	int err;

	database_doing(d, "checking");
	err = find_broken(d, why, ret);
	if (!err && foreign && ret->n < DATABASE_PROBLEMS_MAX)
		err = find_foreign(d, why, ret);
	if (!err && ret->n && sql_unreadable(d->sql)) {
		err = sql_unreadable(d->sql);
		buf_printf(why, "%s: %s", d->path, strerror(-err));
	}
	return err ? err : ret->text.err;
}

static int check_once(const char *path, const struct database_progress *progress, struct buf *why,
		      struct database_findings *ret)
{
	_cleanup_(database_close) struct database d = { .sql = NULL };
	int err;

	*ret = (struct database_findings){ .text = BUF_INIT(TEXT_MAX) };
	err = database_open(path, progress, why, &d);
	if (err)
		return err;
	err = database_find(&d, true, why, ret);
	return database_unchanged(&d) ?: err;
}

int database_check(const char *path, const struct database_progress *progress, struct buf *why,
		   struct database_findings *ret)
{
	int err = -EAGAIN;

	for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
		if (i)
			database_findings_done(ret);
		buf_reset(why);
		err = check_once(path, progress, why, ret);
	}
	if (err == -EAGAIN)
		buf_printf(why, "%s is opened and closed too often to be read; try again", path);
	return err;
}

void database_findings_done(struct database_findings *f)
{
	buf_done(&f->text);
}
