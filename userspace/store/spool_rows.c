/* SPDX-License-Identifier: MIT */
/*
 * Rows come and go in transactions that also write the counters. Invariant: stats is what the file has; a transaction works on a
 * copy of it, which takes its place with the commit.
 */
#include "store/spool_rows.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "base/util.h"
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
#define SQL_COLUMNS "SELECT seq, id, start_s, size, stored, maybe_sent FROM spool"
#define SQL_FIND SQL_COLUMNS " WHERE id = ?1"
#define SQL_OLDEST_FIRST SQL_COLUMNS " ORDER BY start_s ASC, seq ASC"
#define SQL_NEWEST_FIRST SQL_COLUMNS " ORDER BY start_s DESC, seq DESC"
#define SQL_DELETE "DELETE FROM spool WHERE seq = ?1"
#define SQL_DELETE_PAYLOAD "DELETE FROM spool_payload WHERE seq = ?1"

#define TELL_EACH_S 3600

int spool_rows_init(struct spool_rows *r)
{
	*r = (struct spool_rows){ 0 };
	return spool_marks_init(&r->marks);
}

void spool_rows_done(struct spool_rows *r)
{
	spool_marks_done(&r->marks);
}

int64_t spool_rows_boot_s(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec;
}

bool spool_rows_tells(struct spool_rows *r, enum spool_tell what)
{
	const int64_t now_s = spool_rows_boot_s();

	if (r->told_s[what] && now_s - r->told_s[what] < TELL_EACH_S)
		return false;
	r->told_s[what] = now_s;
	return true;
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

int spool_rows_begin(const struct spool_rows *r, sqlite3 *db, struct spool_stats *next)
{
	*next = r->stats;
	return sql_begin(db);
}

int spool_rows_end(struct spool_rows *r, sqlite3 *db, struct spool_stats *next, int err)
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

int spool_rows_run(sqlite3 *db, const char *text, const int64_t *values, int n)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err;

	err = sql_prepare(db, text, &st);
	if (!err)
		err = sql_bind(st, values, n);
	return err ? err : sql_step(st);
}

int spool_rows_delete(sqlite3 *db, struct spool_stats *next, const struct spool_row *row)
{
	int err;

	err = spool_rows_run(db, SQL_DELETE_PAYLOAD, &row->seq, 1);
	if (!err)
		err = spool_rows_run(db, SQL_DELETE, &row->seq, 1);
	if (err)
		return err;
	if (next->minutes == 0 || row->stored < 0 || next->bytes < (uint64_t)row->stored)
		return -EUCLEAN;
	next->minutes--;
	next->bytes -= (uint64_t)row->stored;
	return 0;
}

static void row_read(sqlite3_stmt *st, struct spool_row *row)
{
	*row = (struct spool_row){
		.seq = sqlite3_column_int64(st, 0),
		.id = sqlite3_column_int64(st, 1),
		.start_s = sqlite3_column_int64(st, 2),
		.size = sqlite3_column_int64(st, 3),
		.stored = sqlite3_column_int64(st, 4),
		.maybe_sent = sqlite3_column_int64(st, 5),
	};
}

int spool_rows_find(sqlite3 *db, int64_t id, struct spool_row *row)
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

int spool_rows_pick(const struct spool_rows *r, sqlite3 *db, enum spool_order order, size_t max,
		    struct spool_row *rows, size_t *ret_n)
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
	/* The file says that its tables are those of our version: what refuses to be read has rotted in the text of the schema. */
	if (err == -EPROTO)
		err = -EUCLEAN;
	r->loaded = !err;
	return err;
}
