/* SPDX-License-Identifier: MIT */
/*
 * The rows of the history, handed to a store's thread, or read at once.
 * Invariant: what waits there has a copy of all it needs, and is counted; a row and what goes for it are one transaction.
 */
#include "store/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "store/sql.h"
#include "store/store.h"

#define NAMED(name, how) ", " #name
#define ASKED(name, how) ", ?"
#define MERGED(name, how) ", " MERGED_##how(#name)
#define MERGED_ADD(name) \
	name " = coalesce(" name " + excluded." name ", " name ", excluded." name ")"
#define MERGED_MAX(name) \
	name " = coalesce(max(" name ", excluded." name "), " name ", excluded." name ")"
#define MERGED_MIN(name) \
	name " = coalesce(min(" name ", excluded." name "), " name ", excluded." name ")"
#define MERGED_LAST(name) name " = coalesce(excluded." name ", " name ")"

#define SQL_PUT \
	"INSERT INTO history (start_s" HISTORY_COLUMNS( \
		NAMED) ")" \
		       " VALUES (?" HISTORY_COLUMNS( \
			       ASKED) ")" \
				      " ON CONFLICT (start_s) DO UPDATE SET start_s = excluded.start_s" HISTORY_COLUMNS( \
					      MERGED)
#define SQL_FORGET_OLD \
	"DELETE FROM history WHERE start_s IN" \
	" (SELECT start_s FROM history WHERE start_s <= ? ORDER BY start_s LIMIT 60)"
#define SQL_FORGET_WRONG \
	"DELETE FROM history WHERE start_s IN" \
	" (SELECT start_s FROM history WHERE start_s > ? ORDER BY start_s DESC LIMIT 60)"
#define SQL_EACH \
	"SELECT start_s" HISTORY_COLUMNS( \
		NAMED) " FROM history WHERE start_s >= ? AND start_s < ? ORDER BY start_s"

#define WAITING_MAX 60

#define MEMBER(name, how) &m->name,

struct history {
	struct store *store;
	unsigned int waiting;
};

struct history_work {
	struct history *history;
	struct history_minute minute;
	history_fn done;
	void *ctx;
	char disk[]; /* "": none */
};

struct reading {
	int64_t from_s, until_s;
	int (*fn)(const struct history_minute *m, void *ctx);
	void *ctx;
};

void history_minute_init(struct history_minute *m, int64_t start_s)
{
	int64_t *const members[] = { HISTORY_COLUMNS(MEMBER) };

	m->start_s = start_s;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		*members[i] = HISTORY_UNKNOWN;
}

int history_new(struct event_base *base, const char *directory, struct history **ret)
{
	struct history *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	err = store_begin_shared(base, directory, HISTORY_FILE, &h->store);
	if (err)
		free(h);
	else
		*ret = h;
	return err;
}

void history_close(struct history *h, unsigned int ms)
{
	if (!h)
		return;
	store_close_within(h->store, ms);
	free(h);
}

void history_why(struct history *h, struct buf *why)
{
	store_why(h->store, why);
}

/* --- in the store's thread */

static int put(sqlite3 *db, struct history_minute *m)
{
	int64_t *const members[] = { HISTORY_COLUMNS(MEMBER) };
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err = sql_prepare(db, SQL_PUT, &st), code;

	if (err)
		return err;
	code = sqlite3_bind_int64(st, 1, m->start_s);
	for (size_t i = 0; i < ARRAY_SIZE(members) && code == SQLITE_OK; i++)
		if (*members[i] >= 0) /* else it stays NULL */
			code = sqlite3_bind_int64(st, (int)i + 2, *members[i]);
	err = sql_errno(db, code);
	return err ? err : sql_step(st);
}

static int forget(sqlite3 *db, const char *text, int64_t start_s)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err = sql_prepare(db, text, &st);

	if (!err)
		err = sql_bind(st, &start_s, 1);
	return err ? err : sql_step(st);
}

static void look_at_disk(sqlite3 *db, const char *path, struct history_minute *m)
{
	const char *own = sqlite3_db_filename(db, "main");
	struct statvfs fs;

	if (!*path || (statvfs(path, &fs) && (!own || statvfs(own, &fs))))
		return;
	m->disk_bytes = (int64_t)(fs.f_blocks * fs.f_frsize);
	m->disk_free_bytes = (int64_t)(fs.f_bavail * fs.f_frsize);
}

static int add_row(sqlite3 *db, void *arg)
{
	struct history_work *w = arg;
	const int64_t start_s = w->minute.start_s;
	int err;

	look_at_disk(db, w->disk, &w->minute);
	err = sql_begin(db);
	if (!err)
		err = forget(db, SQL_FORGET_OLD, start_s - (int64_t)HISTORY_DAYS * DAY_S);
	if (!err)
		err = forget(db, SQL_FORGET_WRONG, start_s + DAY_S);
	if (!err)
		err = put(db, &w->minute);
	return sql_end(db, err);
}

/* Integers are all that we write; what is none, or cannot be, is not known. */
static void read_row(sqlite3_stmt *st, struct history_minute *m)
{
	int64_t *const members[] = { HISTORY_COLUMNS(MEMBER) };

	history_minute_init(m, sqlite3_column_int64(st, 0));
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		const int at = (int)i + 1;

		if (sqlite3_column_type(st, at) == SQLITE_INTEGER &&
		    sqlite3_column_int64(st, at) >= 0)
			*members[i] = sqlite3_column_int64(st, at);
	}
	/* The clock was put back into a minute that was written already. */
	if (m->watched_s > HISTORY_MINUTE_S)
		m->watched_s = HISTORY_MINUTE_S;
}

static int each_row(sqlite3 *db, void *arg)
{
	const struct reading *r = arg;
	const int64_t window[] = { r->from_s, r->until_s };
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	struct history_minute m;
	int err = sql_prepare(db, SQL_EACH, &st);

	if (!err)
		err = sql_bind(st, window, ARRAY_SIZE(window));
	while (!err) {
		const int row = sql_step(st);

		if (row <= 0)
			return row;
		read_row(st, &m);
		err = r->fn(&m, r->ctx);
	}
	return err;
}

/* --- behind the loop's back */

static void work_done(int err, void *arg)
{
	struct history_work *w = arg;

	w->history->waiting--;
	if (w->done)
		w->done(err, w->ctx);
	free(w);
}

int history_add(struct history *h, const struct history_minute *m, const char *disk,
		history_fn done, void *ctx)
{
	const size_t len = disk ? strlen(disk) : 0;
	struct history_work *w;
	int err;

	if (h->waiting >= WAITING_MAX)
		return -EAGAIN;
	w = calloc(1, sizeof(*w) + len + 1);
	if (!w)
		return -ENOMEM;
	w->history = h;
	w->minute = *m;
	w->done = done;
	w->ctx = ctx;
	if (len)
		memcpy(w->disk, disk, len);
	err = store_do(h->store, add_row, work_done, w);
	if (err)
		free(w);
	else
		h->waiting++;
	return err;
}

/* --- at once */

static int explain(struct store *s, const char *path, int err, struct buf *why)
{
	_cleanup_(buf_done) struct buf told = BUF_INIT(4096);

	if (err < 0) {
		store_why(s, &told);
		buf_printf(why, "the history %s cannot be read: %s", path,
			   told.len ? buf_str(&told) : strerror(-err));
	}
	return err;
}

static int read_all(struct event_base *base, const char *directory, const char *path,
		    struct reading *r, struct buf *why)
{
	struct store *s = NULL;
	int err = store_begin_shared(base, directory, HISTORY_FILE, &s);

	if (err) {
		buf_printf(why, "the history %s cannot be read: %s", path, strerror(-err));
		return err;
	}
	err = explain(s, path, store_wait(s, each_row, r), why);
	store_close(s);
	return err;
}

int history_read(const char *directory, int64_t from_s, int64_t until_s,
		 int (*fn)(const struct history_minute *m, void *ctx), void *ctx, struct buf *why)
{
	struct reading r = { from_s, until_s, fn, ctx };
	struct event_base *base;
	char path[4096];
	int err;

	snprintf(path, sizeof(path), "%s/%s", directory, HISTORY_FILE);
	if (access(path, F_OK)) {
		err = -errno;
		buf_printf(why, "there is no history %s: %s", path, strerror(-err));
		return err;
	}
	base = event_base_new();
	if (!base)
		return -ENOMEM;
	err = read_all(base, directory, path, &r, why);
	event_base_free(base);
	return err;
}
