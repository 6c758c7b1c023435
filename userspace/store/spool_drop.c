/* SPDX-License-Identifier: MIT */
/* Rows leave the spool unsent. Invariant: each is counted in the transaction that deletes it, and none is under way. */
#include "store/spool_drop.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "store/sql.h"

#define SQL_NEWEST "SELECT coalesce(max(start_s), 0) FROM spool"

static void tell_drop(struct spool_rows *r, enum spool_tell why, size_t n)
{
	static const char *const words[SPOOL_TELLS] = {
		[SPOOL_TELL_AGE] = "they are too old for CloudWatch",
		[SPOOL_TELL_SIZE] = "the spool is as large as it may be",
		[SPOOL_TELL_FULL] = "the disk is full",
	};

	if (spool_rows_tells(r, why))
		log_warning("the oldest minutes that wait for CloudWatch are dropped (%zu now): %s",
			    n, words[why]);
}

static int drop_rows(struct spool_rows *r, sqlite3 *db, const struct spool_row *rows, size_t n,
		     enum spool_tell why)
{
	struct spool_stats next;
	int err;

	err = spool_rows_begin(r, db, &next);
	for (size_t i = 0; i < n && !err; i++)
		err = spool_rows_delete(db, &next, &rows[i]);
	next.dropped_age += why == SPOOL_TELL_AGE ? n : 0;
	next.dropped_size += why == SPOOL_TELL_SIZE ? n : 0;
	next.dropped_full += why == SPOOL_TELL_FULL ? n : 0;
	err = spool_rows_end(r, db, &next, err);
	if (!err)
		tell_drop(r, why, n);
	return err;
}

/* How many of the rows, the oldest of all that wait, have to go so that @more bytes fit. */
static size_t count_beyond(const struct spool_row *rows, size_t n, uint64_t bytes,
			   uint64_t max_bytes)
{
	size_t i;

	for (i = 0; i < n && bytes > max_bytes; i++)
		bytes -= bytes < (uint64_t)rows[i].stored ? bytes : (uint64_t)rows[i].stored;
	return i;
}

static size_t count_before(const struct spool_row *rows, size_t n, int64_t horizon_s)
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
		*ret = spool_age_horizon(&r->age, now_s, spool_rows_boot_s(), newest_s, max_age_s);
	return err;
}

int spool_drop_beyond(struct spool_rows *r, sqlite3 *db, const struct spool_limits *limits,
		      uint64_t more)
{
	struct spool_row rows[SPOOL_ROWS_AT_ONCE / 2];
	int64_t horizon_s = INT64_MIN;
	size_t n, n_age, n_size;
	int err;

	err = horizon(r, db, limits->max_age_s, &horizon_s);
	while (!err) {
		if (r->stats.minutes == 0 ||
		    (r->stats.oldest_s >= horizon_s && r->stats.bytes + more <= limits->max_bytes))
			return 0;
		err = spool_rows_pick(r, db, SPOOL_OLDEST_FIRST, ARRAY_SIZE(rows), rows, &n);
		if (err)
			return err;
		n_age = count_before(rows, n, horizon_s);
		n_size = count_beyond(rows, n, r->stats.bytes + more, limits->max_bytes);
		if (n_age)
			err = drop_rows(r, db, rows, n_age, SPOOL_TELL_AGE);
		else if (n_size)
			err = drop_rows(r, db, rows, n_size, SPOOL_TELL_SIZE);
		else
			return 0; /* what is left is under way */
	}
	return err;
}

int spool_drop_oldest(struct spool_rows *r, sqlite3 *db, size_t n)
{
	struct spool_row rows[SPOOL_ROWS_AT_ONCE];
	size_t n_rows;
	int err;

	err = spool_rows_pick(r, db, SPOOL_OLDEST_FIRST,
			      n < ARRAY_SIZE(rows) ? n : ARRAY_SIZE(rows), rows, &n_rows);
	if (err)
		return err;
	return n_rows ? drop_rows(r, db, rows, n_rows, SPOOL_TELL_FULL) : -ENOSPC;
}
