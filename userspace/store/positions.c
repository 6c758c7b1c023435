/* SPDX-License-Identifier: MIT */
/*
 * Positions of logs as rows of log_position; each call is a job for the store's thread.
 * Invariant: only jobs touch the database. A job holds a reference, so positions that were closed live until the last of them
 * has ended; they tell nobody any more.
 */
#include "store/positions.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "store/sql.h"

#define SQL_COLUMNS \
	"log, id, path, device, inode, fingerprint, fingerprint_len, offset, tail, tail_len," \
	" cursor, seen_s, under_way, under_way_to"
#define SQL_NEXT \
	"SELECT " SQL_COLUMNS \
	" FROM log_position WHERE (log, id) > (?1, ?2) ORDER BY log, id LIMIT ?3"
#define SQL_PUT \
	"REPLACE INTO log_position (" SQL_COLUMNS \
	") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
/* A journal that is silent for months is none that is gone. */
#define SQL_FORGET "DELETE FROM log_position WHERE seen_s < ?1 AND length(cursor) = 0"
#define SQL_COUNT "SELECT count(*) FROM log_position"
#define SQL_TRIM \
	"DELETE FROM log_position WHERE (log, id) IN (SELECT log, id FROM (SELECT log, id," \
	" row_number() OVER (PARTITION BY log ORDER BY seen_s DESC, id DESC) AS n" \
	" FROM log_position) WHERE n > ?1)"
#define SQL_FORGET_LOGS "DELETE FROM log_position WHERE substr(log, 1, length(?1)) = ?1"

/* How many are read at once: a position is some KiB. */
#define READ_AT_ONCE 32

struct positions {
	struct store *store;
	unsigned int refs;
	bool closed;
	_Atomic unsigned int births; /* as the last job saw it */
	unsigned int births_told;
};

struct put_job {
	struct positions *positions;
	size_t n;
	void (*done)(int err, void *ctx);
	void *ctx;
	struct position list[];
};

struct forget_job {
	struct positions *positions;
	int64_t seen_s;
	char prefix[POSITION_NAME_MAX]; /* "": by seen_s */
};

struct read_job {
	struct positions *positions;
	struct position *list; /* the last of which comes before those that are read */
	size_t n;
};

static void positions_unref(struct positions *p)
{
	if (--p->refs == 0)
		free(p);
}

static void births_note(struct positions *p)
{
	p->births = store_births(p->store);
}

/* --- rows */

static int bind_bytes(sqlite3_stmt *st, int at, const void *bytes, size_t n)
{
	return sqlite3_bind_blob(st, at, n ? bytes : "", (int)n, SQLITE_STATIC);
}

static int row_bind(sqlite3_stmt *st, const struct position *p)
{
	const struct {
		const void *bytes; /* NULL: an integer */
		size_t n;
		int64_t value;
	} columns[] = {
		{ .bytes = p->log, .n = strnlen(p->log, sizeof(p->log)) },
		{ .value = (int64_t)p->id },
		{ .bytes = p->path, .n = strnlen(p->path, sizeof(p->path)) },
		{ .value = (int64_t)p->device },
		{ .value = (int64_t)p->inode },
		{ .bytes = p->fingerprint, .n = sizeof(p->fingerprint) },
		{ .value = p->fingerprint_len },
		{ .value = (int64_t)p->offset },
		{ .bytes = p->tail, .n = sizeof(p->tail) },
		{ .value = p->tail_len },
		{ .bytes = p->cursor, .n = strnlen(p->cursor, sizeof(p->cursor)) },
		{ .value = p->seen_s },
		{ .value = p->under_way },
		{ .value = (int64_t)p->under_way_to },
	};
	int code = sqlite3_reset(st);

	for (size_t i = 0; i < ARRAY_SIZE(columns) && code == SQLITE_OK; i++)
		code = columns[i].bytes ?
			       bind_bytes(st, (int)i + 1, columns[i].bytes, columns[i].n) :
			       sqlite3_bind_int64(st, (int)i + 1, columns[i].value);
	return code;
}

static void text_read(sqlite3_stmt *st, int at, char *ret, size_t size)
{
	const void *bytes = sqlite3_column_blob(st, at);
	size_t n = (size_t)sqlite3_column_bytes(st, at);

	if (n >= size)
		n = size - 1;
	if (bytes)
		memcpy(ret, bytes, n);
	ret[bytes ? n : 0] = '\0';
}

static void hash_read(sqlite3_stmt *st, int at, unsigned char ret[POSITION_FINGERPRINT_BYTES])
{
	const void *bytes = sqlite3_column_blob(st, at);

	memset(ret, 0, POSITION_FINGERPRINT_BYTES);
	if (bytes && sqlite3_column_bytes(st, at) == POSITION_FINGERPRINT_BYTES)
		memcpy(ret, bytes, POSITION_FINGERPRINT_BYTES);
}

static void row_read(sqlite3_stmt *st, struct position *p)
{
	text_read(st, 0, p->log, sizeof(p->log));
	p->id = (uint64_t)sqlite3_column_int64(st, 1);
	text_read(st, 2, p->path, sizeof(p->path));
	p->device = (uint64_t)sqlite3_column_int64(st, 3);
	p->inode = (uint64_t)sqlite3_column_int64(st, 4);
	hash_read(st, 5, p->fingerprint);
	p->fingerprint_len = (uint32_t)sqlite3_column_int64(st, 6);
	p->offset = (uint64_t)sqlite3_column_int64(st, 7);
	hash_read(st, 8, p->tail);
	p->tail_len = (uint32_t)sqlite3_column_int64(st, 9);
	if (p->tail_len > POSITION_TAIL_MAX || p->tail_len > p->offset)
		p->tail_len = 0;
	text_read(st, 10, p->cursor, sizeof(p->cursor));
	p->seen_s = sqlite3_column_int64(st, 11);
	p->under_way = sqlite3_column_int64(st, 12) != 0;
	p->under_way_to = (uint64_t)sqlite3_column_int64(st, 13);
}

/* --- open and close */

/* Who makes a file a minute would have a hundred thousand of them in two months. */
static int trim(sqlite3 *db)
{
	const int64_t most = POSITION_LOG_MAX;
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int64_t n;
	int err;

	err = sql_integer(db, SQL_COUNT, &n);
	if (err || n <= most)
		return err;
	err = sql_prepare(db, SQL_TRIM, &st);
	if (!err)
		err = sql_bind(st, &most, 1);
	return err ? err : sql_step(st);
}

static int open_work(sqlite3 *db, void *arg)
{
	int64_t n;
	int err;

	births_note(arg);
	err = sql_integer(db, SQL_COUNT, &n);
	if (!err)
		(void)trim(db); /* a full disk is no reason not to read */
	return err;
}

int positions_open(struct store *s, struct buf *why, struct positions **ret)
{
	struct positions *p = calloc(1, sizeof(*p));
	int err = -ENOMEM;

	if (p) {
		*p = (struct positions){ .store = s, .refs = 1 };
		err = store_wait(s, open_work, p);
	}
	if (err) {
		buf_printf(why, "cannot read the positions of the logs: %s", strerror(-err));
		free(p);
		return err;
	}
	p->births_told = p->births;
	*ret = p;
	return 0;
}

void positions_close(struct positions *p)
{
	if (!p)
		return;
	p->closed = true;
	positions_unref(p);
}

bool positions_lost(struct positions *p)
{
	const unsigned int births = p->births;
	const bool lost = births != p->births_told;

	p->births_told = births;
	return lost;
}

/* --- each */

static int read_work(sqlite3 *db, void *arg)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	struct read_job *j = arg;
	struct position last = j->list[READ_AT_ONCE - 1];
	int err;

	births_note(j->positions);
	j->n = 0;
	err = sql_prepare(db, SQL_NEXT, &st);
	if (err)
		return err;
	if (bind_bytes(st, 1, last.log, strlen(last.log)) ||
	    sqlite3_bind_int64(st, 2, (int64_t)last.id) || sqlite3_bind_int64(st, 3, READ_AT_ONCE))
		return -ENOMEM;
	while (j->n < READ_AT_ONCE && (err = sql_step(st)) > 0)
		row_read(st, &j->list[j->n++]);
	return err < 0 ? err : 0;
}

int positions_each(struct positions *p, int (*fn)(const struct position *at, void *ctx), void *ctx)
{
	struct read_job j = { .positions = p, .n = READ_AT_ONCE };
	int err = 0;

	j.list = calloc(READ_AT_ONCE, sizeof(*j.list));
	if (!j.list)
		return -ENOMEM;
	while (!err && j.n == READ_AT_ONCE) {
		err = store_wait(p->store, read_work, &j);
		for (size_t i = 0; i < j.n && !err; i++)
			err = fn(&j.list[i], ctx);
	}
	free(j.list);
	return err;
}

/* --- put */

static int put_work(sqlite3 *db, void *arg)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	struct put_job *j = arg;
	int err;

	births_note(j->positions);
	err = sql_begin(db);
	if (err)
		return err;
	err = sql_prepare(db, SQL_PUT, &st);
	for (size_t i = 0; i < j->n && !err; i++) {
		err = sql_errno(db, row_bind(st, &j->list[i]));
		if (!err)
			err = sql_step(st);
	}
	/* A statement that is not reset keeps the transaction open. */
	sqlite3_reset(st);
	return sql_end(db, err);
}

static void put_done(int err, void *arg)
{
	struct put_job *j = arg;

	if (j->done && !j->positions->closed)
		j->done(err, j->ctx);
	positions_unref(j->positions);
	free(j);
}

int positions_put(struct positions *p, const struct position *list, size_t n,
		  void (*done)(int err, void *ctx), void *ctx)
{
	struct put_job *j = calloc(1, sizeof(*j) + n * sizeof(*list));
	int err;

	if (!j)
		return -ENOMEM;
	*j = (struct put_job){ .positions = p, .n = n, .done = done, .ctx = ctx };
	if (n)
		memcpy(j->list, list, n * sizeof(*list));
	p->refs++;
	err = store_do(p->store, put_work, put_done, j);
	if (err) {
		p->refs--;
		free(j);
	}
	return err;
}

/* --- forget */

static int forget_work(sqlite3 *db, void *arg)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	struct forget_job *j = arg;
	int err;

	births_note(j->positions);
	err = sql_prepare(db, *j->prefix ? SQL_FORGET_LOGS : SQL_FORGET, &st);
	if (!err && *j->prefix)
		err = sql_errno(db, bind_bytes(st, 1, j->prefix, strlen(j->prefix)));
	else if (!err)
		err = sql_bind(st, &j->seen_s, 1);
	if (!err)
		err = sql_step(st);
	return err ? err : trim(db);
}

static void forget_done(int err, void *arg)
{
	struct forget_job *j = arg;

	(void)err; /* told by the store; forgotten another time */
	positions_unref(j->positions);
	free(j);
}

static int forget(const struct forget_job *what)
{
	struct forget_job *j = calloc(1, sizeof(*j));
	struct positions *p = what->positions;
	int err;

	if (!j)
		return -ENOMEM;
	*j = *what;
	p->refs++;
	err = store_do(p->store, forget_work, forget_done, j);
	if (err) {
		p->refs--;
		free(j);
	}
	return err;
}

int positions_forget(struct positions *p, int64_t seen_s)
{
	const struct forget_job j = { .positions = p, .seen_s = seen_s };

	return forget(&j);
}

int positions_forget_logs(struct positions *p, const char *prefix)
{
	struct forget_job j = { .positions = p };

	snprintf(j.prefix, sizeof(j.prefix), "%s", prefix);
	return forget(&j);
}
