/* SPDX-License-Identifier: MIT */
/*
 * What is done with the spool. Invariant: what marks say and the file does not know yet (dirty) is written before anything
 * else; where it cannot be, that alone keeps nobody from going on.
 */
#include "store/spool_work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "store/room.h"
#include "store/spool_drop.h"
#include "store/spool_pack.h"
#include "store/sql.h"

#define SQL_PAYLOAD "SELECT bytes FROM spool_payload WHERE seq = ?1"
#define SQL_ADD "INSERT INTO spool (id, start_s, size, stored) VALUES (?1, ?2, ?3, ?4)"
#define SQL_ADD_PAYLOAD "INSERT INTO spool_payload (seq, bytes) VALUES (?1, ?2)"
#define SQL_MARK "UPDATE spool SET under_way = ?2, maybe_sent = max(maybe_sent, ?3) WHERE id = ?1"

#define TAKE_MAX 1024
/* Pages of the tables and indexes beside the payload's own. */
#define ADD_EXTRA_BYTES (16u << 10)

/* --- marks */

static int row_end(sqlite3 *db, struct spool_stats *next, const struct spool_mark *mark)
{
	struct spool_row row;
	int err;

	err = spool_rows_find(db, mark->id, &row);
	if (err != 1)
		return err;
	err = spool_rows_delete(db, next, &row);
	if (err)
		return err;
	next->pushed += mark->gone == SPOOL_GONE_PUSHED;
	next->rejected += mark->gone == SPOOL_GONE_REJECTED;
	next->damaged += mark->gone == SPOOL_GONE_DAMAGED;
	if (mark->gone == SPOOL_GONE_PUSHED && (row.maybe_sent || mark->maybe_sent))
		next->maybe_twice++;
	return 0;
}

static int mark_write(sqlite3 *db, struct spool_stats *next, const struct spool_mark *mark)
{
	const int64_t values[] = { mark->id, mark->under_way, mark->maybe_sent };

	if (mark->gone != SPOOL_STAYS)
		return row_end(db, next, mark);
	return spool_rows_run(db, SQL_MARK, values, ARRAY_SIZE(values));
}

/* Writes up to @max dirty marks from @from on, in one transaction; *ret_next: the mark behind them. */
static int marks_write_some(struct spool_rows *r, sqlite3 *db, struct spool_mark *from, size_t max,
			    struct spool_mark **ret_next)
{
	struct spool_mark *mark, *following;
	struct spool_stats next;
	size_t n = 0;
	int err;

	*ret_next = NULL;
	err = spool_rows_begin(r, db, &next);
	for (mark = from; mark && n < max; mark = TAILQ_NEXT(mark, entry)) {
		n++;
		if (!err && mark->dirty)
			err = mark_write(db, &next, mark);
	}
	*ret_next = mark;
	err = spool_rows_end(r, db, &next, err);
	if (err)
		return err;
	for (mark = from; mark != *ret_next; mark = following) {
		following = TAILQ_NEXT(mark, entry);
		if (mark->dirty)
			spool_marks_written(&r->marks, mark);
	}
	return 0;
}

static bool marks_dirty(const struct spool_rows *r)
{
	struct spool_mark *mark;

	TAILQ_FOREACH(mark, &r->marks.list, entry)
	if (mark->dirty)
		return true;
	return false;
}

/* One row that the disk does not give must not hold up the others, hence one by one after -EIO. */
static int marks_write(struct spool_rows *r, sqlite3 *db)
{
	struct spool_mark *at, *next;
	size_t max = SPOOL_ROWS_AT_ONCE;
	int err = 0, one_err;

	if (!marks_dirty(r))
		return 0;
	for (at = TAILQ_FIRST(&r->marks.list); at; at = next) {
		one_err = marks_write_some(r, db, at, max, &next);
		if (one_err == -EIO && max > 1) {
			max = 1;
			next = at;
			continue;
		}
		if (one_err)
			err = one_err;
		if (err && err != -EIO)
			return err;
	}
	return err;
}

int spool_work_limit(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits)
{
	int err;

	err = marks_write(r, db);
	return err ? err : spool_drop_beyond(r, db, limits, 0);
}

/* --- adding */

struct packed {
	int64_t id, start_s;
	size_t size;
	void *bytes;
	size_t n;
};

static int payload_add(sqlite3 *db, const struct packed *p)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int64_t seq = sqlite3_last_insert_rowid(db);
	int err;

	err = sql_prepare(db, SQL_ADD_PAYLOAD, &st);
	if (!err)
		err = sql_bind(st, &seq, 1);
	if (!err)
		err = sql_errno(db, sqlite3_bind_blob64(st, 2, p->bytes, p->n, SQLITE_STATIC));
	return err ? err : sql_step(st);
}

static int add_try(struct spool_rows *r, sqlite3 *db, const struct packed *p)
{
	const int64_t values[] = { p->id, p->start_s, (int64_t)p->size, (int64_t)p->n };
	struct spool_stats next;
	uint64_t left = 0;
	int err;

	err = room_left(db, &left);
	if (err)
		return err;
	if (left < p->n + ADD_EXTRA_BYTES + ROOM_LAST_BYTES)
		return -ENOSPC;
	err = spool_rows_begin(r, db, &next);
	if (!err)
		err = spool_rows_run(db, SQL_ADD, values, ARRAY_SIZE(values));
	if (!err)
		err = payload_add(db, p);
	next.minutes++;
	next.bytes += p->n;
	return spool_rows_end(r, db, &next, err);
}

static int add_packed(struct spool_rows *r, sqlite3 *db, const struct packed *p)
{
	size_t n_drop = 1;
	bool grown = false;
	int err;

	while ((err = add_try(r, db, p)) == -ENOSPC) {
		if (!grown && room_keep(db) == 0) {
			grown = true;
			continue;
		}
		if (p->n > r->stats.bytes + ROOM_LOW_BYTES)
			return err;
		err = spool_drop_oldest(r, db, n_drop);
		if (err)
			return err;
		n_drop *= 2;
	}
	return err;
}

static void packed_done(struct packed *p)
{
	free(p->bytes);
}

int spool_work_add(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits, int64_t id,
		   int64_t start_s, const void *payload, size_t n)
{
	_cleanup_(packed_done) struct packed p = { .id = id, .start_s = start_s, .size = n };
	struct spool_row row;
	int err;

	err = marks_write(r, db);
	if (err == -EUCLEAN)
		return err;
	err = spool_rows_find(db, id, &row);
	if (err)
		return err < 0 ? err : 0;
	err = spool_pack(payload, n, &p.bytes, &p.n);
	if (err)
		return err;
	err = spool_drop_beyond(r, db, limits, p.n);
	return err == -EUCLEAN ? err : add_packed(r, db, &p);
}

/* --- taking */

void spool_taken_done(struct spool_taken *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->payloads[i]);
	free(t->payloads);
	free(t->minutes);
	*t = (struct spool_taken){ 0 };
}

/* -EBADMSG: it is not what was written. */
static int payload_read(sqlite3 *db, const struct spool_row *row, void **ret)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	const void *bytes;
	int err;

	err = sql_prepare(db, SQL_PAYLOAD, &st);
	if (!err)
		err = sql_bind(st, &row->seq, 1);
	if (!err)
		err = sql_step(st);
	if (err != 1)
		return err ? err : -EBADMSG;
	bytes = sqlite3_column_blob(st, 0);
	if (!bytes)
		return sqlite3_errcode(db) == SQLITE_NOMEM ? -ENOMEM : -EBADMSG;
	return row->size < 0 ? -EBADMSG :
			       spool_unpack(bytes, (size_t)sqlite3_column_bytes(st, 0),
					    (size_t)row->size, ret);
}

/* A minute that cannot be had is passed over from now on: if its bytes are wrong it leaves the spool; if the disk or SQLite does
 * not give them, it may some day. */
static int pass_over(struct spool_rows *r, const struct spool_row *row, int err)
{
	struct spool_mark *mark = spool_marks_put(&r->marks, row->id);

	if (!mark)
		return -ENOMEM;
	if (err == -EBADMSG) {
		mark->gone = SPOOL_GONE_DAMAGED;
		mark->dirty = true;
	} else {
		mark->unreadable = true;
	}
	if (spool_rows_tells(r, SPOOL_TELL_UNREADABLE))
		log_error(
			"the minute of %lld (since the epoch), and maybe others, cannot be read from the "
			"spool and are not sent: %s",
			(long long)row->start_s, err == -EIO ? strerror(EIO) : "damaged");
	return 0;
}

static int take_one(struct spool_rows *r, sqlite3 *db, const struct spool_row *row,
		    struct spool_taken *t)
{
	struct spool_mark *mark;
	void *payload;
	int err;

	err = payload_read(db, row, &payload);
	if (err == -EBADMSG || err == -EIO || err == -EUCLEAN)
		return pass_over(r, row, err);
	if (err)
		return err;
	mark = spool_marks_put(&r->marks, row->id);
	if (!mark) {
		free(payload);
		return -ENOMEM;
	}
	t->payloads[t->n] = payload;
	t->minutes[t->n++] = (struct spool_minute){
		.id = row->id,
		.start_s = row->start_s,
		.maybe_sent = row->maybe_sent || mark->maybe_sent,
		.payload = payload,
		.payload_len = (size_t)row->size,
	};
	mark->under_way = true;
	mark->dirty = true;
	return 0;
}

/* Of @rows, as many as fit into @max_bytes, but one at least. */
static int take_rows(struct spool_rows *r, sqlite3 *db, const struct spool_row *rows, size_t n,
		     size_t max_bytes, struct spool_taken *t)
{
	size_t bytes = 0;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		if (t->n && (rows[i].size < 0 || bytes + (uint64_t)rows[i].size > max_bytes))
			break;
		err = take_one(r, db, &rows[i], t);
		if (t->n)
			bytes += (size_t)rows[i].size;
	}
	return t->n ? 0 : err;
}

static int take_all(struct spool_rows *r, sqlite3 *db, enum spool_order order, size_t max,
		    size_t max_bytes, struct spool_taken *t)
{
	struct spool_row *rows = calloc(max, sizeof(*rows));
	size_t n = 0;
	int err = 0;

	t->minutes = calloc(max, sizeof(*t->minutes));
	t->payloads = calloc(max, sizeof(*t->payloads));
	if (!rows || !t->minutes || !t->payloads)
		err = -ENOMEM;
	/* Again, if none of them could be read: they are passed over then. */
	while (!err && t->n == 0) {
		err = spool_rows_pick(r, db, order, max, rows, &n);
		if (err || n == 0)
			break;
		err = take_rows(r, db, rows, n, max_bytes, t);
	}
	free(rows);
	return err;
}

int spool_work_take(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits,
		    enum spool_order order, size_t max_minutes, size_t max_bytes,
		    struct spool_taken *ret)
{
	const size_t max = max_minutes < TAKE_MAX ? max_minutes : TAKE_MAX;
	int err, write_err;

	*ret = (struct spool_taken){ 0 };
	write_err = spool_work_limit(r, db, limits);
	if (write_err == -EUCLEAN)
		return write_err;
	err = take_all(r, db, order, max ? max : 1, max_bytes, ret);
	if (err == -EUCLEAN) {
		spool_taken_done(ret);
		return err;
	}
	ret->err = err;
	err = marks_write(r, db);
	if (err == -EUCLEAN)
		spool_taken_done(ret);
	return err ? err : write_err;
}

int spool_work_end(struct spool_rows *r, sqlite3 *db, const int64_t *ids, size_t n,
		   enum spool_gone gone, bool maybe_sent)
{
	struct spool_mark *mark;

	for (size_t i = 0; i < n; i++) {
		mark = spool_marks_put(&r->marks, ids[i]);
		if (!mark)
			return -ENOMEM;
		mark->under_way = false;
		mark->gone = gone;
		mark->maybe_sent |= maybe_sent;
		mark->dirty = true;
	}
	return marks_write(r, db);
}
