/* SPDX-License-Identifier: MIT */
/*
 * Rows come and go in transactions that also write the counters. Invariant: stats is what the file has; a transaction works on a
 * copy of it, which takes its place with the commit. What marks say that the file does not (dirty) is written first.
 */
#include "store/spool_rows.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "store/room.h"
#include "store/spool_pack.h"
#include "store/sql.h"

#define SQL_RECOVER "UPDATE spool SET under_way = 0, maybe_sent = 1 WHERE under_way != 0"
#define SQL_COUNT "SELECT count(*), coalesce(sum(stored), 0), coalesce(min(start_s), 0) FROM spool"
#define SQL_COUNTERS \
	"SELECT dropped_age, dropped_size, dropped_full, damaged, pushed, rejected, maybe_twice" \
	" FROM spool_counter WHERE one = 1"
#define SQL_SET_COUNTERS \
	"UPDATE spool_counter SET dropped_age = ?1, dropped_size = ?2, dropped_full = ?3," \
	" damaged = ?4, pushed = ?5, rejected = ?6, maybe_twice = ?7 WHERE one = 1"
#define SQL_OLDEST "SELECT coalesce(min(start_s), 0) FROM spool"
#define SQL_NEWEST "SELECT coalesce(max(start_s), 0) FROM spool"
#define SQL_COLUMNS "SELECT seq, id, start_s, size, stored, maybe_sent FROM spool"
#define SQL_FIND SQL_COLUMNS " WHERE id = ?1"
#define SQL_OLDEST_FIRST SQL_COLUMNS " ORDER BY start_s ASC, seq ASC"
#define SQL_NEWEST_FIRST SQL_COLUMNS " ORDER BY start_s DESC, seq DESC"
#define SQL_PAYLOAD "SELECT bytes FROM spool_payload WHERE seq = ?1"
#define SQL_ADD "INSERT INTO spool (id, start_s, size, stored) VALUES (?1, ?2, ?3, ?4)"
#define SQL_ADD_PAYLOAD "INSERT INTO spool_payload (seq, bytes) VALUES (?1, ?2)"
#define SQL_DELETE "DELETE FROM spool WHERE seq = ?1"
#define SQL_DELETE_PAYLOAD "DELETE FROM spool_payload WHERE seq = ?1"
#define SQL_MARK "UPDATE spool SET under_way = ?2, maybe_sent = max(maybe_sent, ?3) WHERE id = ?1"

/* So that a transaction fits into the log, also when the disk is full. */
#define ROWS_AT_ONCE 128
#define TAKE_MAX 1024
/* Pages of the tables and indexes beside the payload's own. */
#define ADD_EXTRA_BYTES (16u << 10)
#define TELL_EACH_S 3600

struct row {
	int64_t seq, id, start_s, size, stored, maybe_sent;
};

static int64_t boot_s(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec;
}

int spool_rows_init(struct spool_rows *r)
{
	*r = (struct spool_rows){ 0 };
	return spool_marks_init(&r->marks);
}

void spool_rows_done(struct spool_rows *r)
{
	spool_marks_done(&r->marks);
}

/* --- transactions */

static int counters_write(sqlite3 *db, const struct spool_stats *s)
{
	const int64_t values[] = {
		(int64_t)s->dropped_age, (int64_t)s->dropped_size, (int64_t)s->dropped_full,
		(int64_t)s->damaged,     (int64_t)s->pushed,       (int64_t)s->rejected,
		(int64_t)s->maybe_twice,
	};
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err;

	err = sql_prepare(db, SQL_SET_COUNTERS, &st);
	if (!err)
		err = sql_bind(st, values, ARRAY_SIZE(values));
	return err ? err : sql_step(st);
}

static int change_begin(const struct spool_rows *r, sqlite3 *db, struct spool_stats *next)
{
	*next = r->stats;
	return sql_begin(db);
}

static int change_end(struct spool_rows *r, sqlite3 *db, struct spool_stats *next, int err)
{
	if (!err)
		err = sql_integer(db, SQL_OLDEST, &next->oldest_s);
	if (!err && memcmp(&r->stats.dropped_age, &next->dropped_age,
			   sizeof(*next) - offsetof(struct spool_stats, dropped_age)) != 0)
		err = counters_write(db, next);
	err = sql_end(db, err);
	if (!err)
		r->stats = *next;
	return err;
}

static int run_with(sqlite3 *db, const char *text, const int64_t *values, int n)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err;

	err = sql_prepare(db, text, &st);
	if (!err)
		err = sql_bind(st, values, n);
	return err ? err : sql_step(st);
}

static int row_delete(sqlite3 *db, struct spool_stats *next, const struct row *row)
{
	int err;

	err = run_with(db, SQL_DELETE_PAYLOAD, &row->seq, 1);
	if (!err)
		err = run_with(db, SQL_DELETE, &row->seq, 1);
	if (err)
		return err;
	if (next->minutes == 0 || row->stored < 0 || next->bytes < (uint64_t)row->stored)
		return -EUCLEAN;
	next->minutes--;
	next->bytes -= (uint64_t)row->stored;
	return 0;
}

static void row_read(sqlite3_stmt *st, struct row *row)
{
	*row = (struct row){
		.seq = sqlite3_column_int64(st, 0),
		.id = sqlite3_column_int64(st, 1),
		.start_s = sqlite3_column_int64(st, 2),
		.size = sqlite3_column_int64(st, 3),
		.stored = sqlite3_column_int64(st, 4),
		.maybe_sent = sqlite3_column_int64(st, 5),
	};
}

/* 1: it is there; 0; -errno. */
static int row_find(sqlite3 *db, int64_t id, struct row *row)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err;

	err = sql_prepare(db, SQL_FIND, &st);
	if (!err)
		err = sql_bind(st, &id, 1);
	if (!err)
		err = sql_step(st);
	if (err == 1)
		row_read(st, row);
	return err;
}

/* Up to @max rows that wait. */
static int rows_pick(const struct spool_rows *r, sqlite3 *db, enum spool_order order, size_t max,
		     struct row *rows, size_t *ret_n)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err;

	*ret_n = 0;
	err = sql_prepare(db, order == SPOOL_OLDEST_FIRST ? SQL_OLDEST_FIRST : SQL_NEWEST_FIRST,
			  &st);
	if (err)
		return err;
	while (*ret_n < max && (err = sql_step(st)) == 1) {
		row_read(st, &rows[*ret_n]);
		if (spool_marks_waits(&r->marks, rows[*ret_n].id))
			(*ret_n)++;
	}
	return err < 0 ? err : 0;
}

/* --- what is there at the start */

static int counters_read(sqlite3 *db, struct spool_stats *s)
{
	uint64_t *const to[] = { &s->dropped_age, &s->dropped_size, &s->dropped_full, &s->damaged,
				 &s->pushed,      &s->rejected,     &s->maybe_twice };
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err;

	err = sql_prepare(db, SQL_COUNTERS, &st);
	if (!err)
		err = sql_step(st);
	if (err != 1)
		return err ? err : -EUCLEAN;
	for (size_t i = 0; i < ARRAY_SIZE(to); i++)
		*to[i] = (uint64_t)sqlite3_column_int64(st, (int)i);
	return 0;
}

static int rows_count(sqlite3 *db, struct spool_stats *s)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err;

	err = sql_prepare(db, SQL_COUNT, &st);
	if (!err)
		err = sql_step(st);
	if (err != 1)
		return err ? err : -EUCLEAN;
	s->minutes = (uint64_t)sqlite3_column_int64(st, 0);
	s->bytes = (uint64_t)sqlite3_column_int64(st, 1);
	s->oldest_s = sqlite3_column_int64(st, 2);
	return 0;
}

int spool_rows_load(struct spool_rows *r, sqlite3 *db, unsigned int births)
{
	const uint64_t lost = r->stats.minutes;
	int err;

	if (r->loaded && r->births == births)
		return 0;
	if (r->births != births && lost)
		log_error(
			"%llu minutes that waited for CloudWatch are in the damaged state file, and are "
			"not sent",
			(unsigned long long)lost);
	r->loaded = false;
	r->births = births;
	r->stats = (struct spool_stats){ 0 };
	spool_marks_clear(&r->marks);
	err = sql_run(db, SQL_RECOVER);
	if (!err)
		err = rows_count(db, &r->stats);
	if (!err)
		err = counters_read(db, &r->stats);
	r->loaded = !err;
	return err;
}

/* --- marks */

static int row_end(sqlite3 *db, struct spool_stats *next, const struct spool_mark *mark)
{
	struct row row;
	int err;

	err = row_find(db, mark->id, &row);
	if (err != 1)
		return err;
	err = row_delete(db, next, &row);
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
	return run_with(db, SQL_MARK, values, ARRAY_SIZE(values));
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
	err = change_begin(r, db, &next);
	for (mark = from; mark && n < max; mark = TAILQ_NEXT(mark, entry)) {
		n++;
		if (!err && mark->dirty)
			err = mark_write(db, &next, mark);
	}
	*ret_next = mark;
	err = change_end(r, db, &next, err);
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
	size_t max = ROWS_AT_ONCE;
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

/* --- dropping */

static void tell_drop(struct spool_rows *r, enum spool_drop why, size_t n)
{
	static const char *const words[] = {
		[SPOOL_DROP_AGE] = "they are too old for CloudWatch",
		[SPOOL_DROP_SIZE] = "the spool is as large as it may be",
		[SPOOL_DROP_FULL] = "the disk is full",
	};
	const int64_t now_s = boot_s();

	if (r->told_s[why] && now_s - r->told_s[why] < TELL_EACH_S)
		return;
	r->told_s[why] = now_s;
	log_warning("the oldest minutes that wait for CloudWatch are dropped (%zu now): %s", n,
		    words[why]);
}

static int drop_rows(struct spool_rows *r, sqlite3 *db, const struct row *rows, size_t n,
		     enum spool_drop why)
{
	struct spool_stats next;
	int err;

	err = change_begin(r, db, &next);
	for (size_t i = 0; i < n && !err; i++)
		err = row_delete(db, &next, &rows[i]);
	next.dropped_age += why == SPOOL_DROP_AGE ? n : 0;
	next.dropped_size += why == SPOOL_DROP_SIZE ? n : 0;
	next.dropped_full += why == SPOOL_DROP_FULL ? n : 0;
	err = change_end(r, db, &next, err);
	if (!err)
		tell_drop(r, why, n);
	return err;
}

/* How many of the rows, the oldest of all that wait, have to go so that @more bytes fit. */
static size_t count_beyond(const struct row *rows, size_t n, uint64_t bytes, uint64_t max_bytes)
{
	size_t i;

	for (i = 0; i < n && bytes > max_bytes; i++)
		bytes -= bytes < (uint64_t)rows[i].stored ? bytes : (uint64_t)rows[i].stored;
	return i;
}

static size_t count_before(const struct row *rows, size_t n, int64_t horizon_s)
{
	size_t i;

	for (i = 0; i < n && rows[i].start_s < horizon_s; i++)
		;
	return i;
}

static int horizon(struct spool_rows *r, sqlite3 *db, uint64_t max_age_s, int64_t *ret)
{
	const int64_t now_s = (int64_t)(clock_realtime_ns() / NS_PER_SEC);
	int64_t newest_s = 0;
	int err;

	err = sql_integer(db, SQL_NEWEST, &newest_s);
	if (!err)
		*ret = spool_age_horizon(&r->age, now_s, boot_s(), newest_s, max_age_s);
	return err;
}

/* @more: bytes that are to be added. */
static int limits_keep(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits,
		       uint64_t more)
{
	struct row rows[ROWS_AT_ONCE / 2];
	int64_t horizon_s = INT64_MIN;
	size_t n, n_age, n_size;
	int err;

	err = horizon(r, db, limits->max_age_s, &horizon_s);
	while (!err) {
		if (r->stats.minutes == 0 ||
		    (r->stats.oldest_s >= horizon_s && r->stats.bytes + more <= limits->max_bytes))
			return 0;
		err = rows_pick(r, db, SPOOL_OLDEST_FIRST, ARRAY_SIZE(rows), rows, &n);
		if (err)
			return err;
		n_age = count_before(rows, n, horizon_s);
		n_size = count_beyond(rows, n, r->stats.bytes + more, limits->max_bytes);
		if (n_age)
			err = drop_rows(r, db, rows, n_age, SPOOL_DROP_AGE);
		else if (n_size)
			err = drop_rows(r, db, rows, n_size, SPOOL_DROP_SIZE);
		else
			return 0; /* what is left is under way */
	}
	return err;
}

int spool_rows_limit(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits)
{
	int err;

	err = marks_write(r, db);
	return err ? err : limits_keep(r, db, limits, 0);
}

/* The oldest @n; -ENOSPC if there is none. */
static int drop_for_room(struct spool_rows *r, sqlite3 *db, size_t n)
{
	struct row rows[ROWS_AT_ONCE];
	size_t n_rows;
	int err;

	err = rows_pick(r, db, SPOOL_OLDEST_FIRST, n < ARRAY_SIZE(rows) ? n : ARRAY_SIZE(rows),
			rows, &n_rows);
	if (err)
		return err;
	return n_rows ? drop_rows(r, db, rows, n_rows, SPOOL_DROP_FULL) : -ENOSPC;
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
	err = change_begin(r, db, &next);
	if (!err)
		err = run_with(db, SQL_ADD, values, ARRAY_SIZE(values));
	if (!err)
		err = payload_add(db, p);
	next.minutes++;
	next.bytes += p->n;
	return change_end(r, db, &next, err);
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
		err = drop_for_room(r, db, n_drop);
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

int spool_rows_add(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits, int64_t id,
		   int64_t start_s, const void *payload, size_t n)
{
	_cleanup_(packed_done) struct packed p = { .id = id, .start_s = start_s, .size = n };
	struct row row;
	int err;

	err = marks_write(r, db);
	if (err == -EUCLEAN)
		return err;
	err = row_find(db, id, &row);
	if (err)
		return err < 0 ? err : 0;
	err = spool_pack(payload, n, &p.bytes, &p.n);
	if (err)
		return err;
	err = limits_keep(r, db, limits, p.n);
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
static int payload_read(sqlite3 *db, const struct row *row, void **ret)
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
static int pass_over(struct spool_rows *r, const struct row *row, int err)
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
	log_error("the minute of %lld (since the epoch) cannot be read from the spool, and is not "
		  "sent: %s",
		  (long long)row->start_s, err == -EIO ? strerror(EIO) : "it is damaged");
	return 0;
}

static int take_one(struct spool_rows *r, sqlite3 *db, const struct row *row, struct spool_taken *t)
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
static int take_rows(struct spool_rows *r, sqlite3 *db, const struct row *rows, size_t n,
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
	struct row *rows = calloc(max, sizeof(*rows));
	size_t n = 0;
	int err = 0;

	t->minutes = calloc(max, sizeof(*t->minutes));
	t->payloads = calloc(max, sizeof(*t->payloads));
	if (!rows || !t->minutes || !t->payloads)
		err = -ENOMEM;
	/* Again, if none of them could be read: they are passed over then. */
	while (!err && t->n == 0) {
		err = rows_pick(r, db, order, max, rows, &n);
		if (err || n == 0)
			break;
		err = take_rows(r, db, rows, n, max_bytes, t);
	}
	free(rows);
	return err;
}

int spool_rows_take(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits,
		    enum spool_order order, size_t max_minutes, size_t max_bytes,
		    struct spool_taken *ret)
{
	const size_t max = max_minutes < TAKE_MAX ? max_minutes : TAKE_MAX;
	int err, write_err;

	*ret = (struct spool_taken){ 0 };
	write_err = spool_rows_limit(r, db, limits);
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

int spool_rows_end(struct spool_rows *r, sqlite3 *db, const int64_t *ids, size_t n,
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
