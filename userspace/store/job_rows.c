/* SPDX-License-Identifier: MIT */
/* The SQL of job histories. Invariant: a job has one run under way at most, the one that was begun last. */
#include "store/job_rows.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/sql.h"

#define STRING_OF(n) #n
#define NUMBER_OF(n) STRING_OF(n)

#define SQL_RUN_COLUMNS \
	"job, scheduled_s, started_ms, ended_ms, result, code, cpu_ms, peak_rss, bytes," \
	" output_bytes, output"
#define SQL_PUT_RUN \
	"INSERT INTO job_run (" SQL_RUN_COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)" \
	" ON CONFLICT (job, started_ms) DO UPDATE SET ended_ms = excluded.ended_ms," \
	" result = excluded.result, code = excluded.code, cpu_ms = excluded.cpu_ms," \
	" peak_rss = excluded.peak_rss, bytes = excluded.bytes," \
	" output_bytes = excluded.output_bytes, output = excluded.output"
/* What was under way is no more: 6 is JOB_INTERRUPTED, 0 JOB_RUNNING. */
#define SQL_INTERRUPT "UPDATE job_run SET result = 6 WHERE job = ?1 AND result = 0"
#define SQL_COUNT \
	"INSERT INTO job_total (job, result, n) VALUES (?1, ?2, ?3)" \
	" ON CONFLICT (job, result) DO UPDATE SET n = n + excluded.n"
#define SQL_KEEP_LAST \
	"DELETE FROM job_run WHERE job = ?1 AND id <= (SELECT id FROM job_run WHERE job = ?1" \
	" ORDER BY id DESC LIMIT 1 OFFSET " NUMBER_OF(JOB_RUNS_MAX) ")"
#define SQL_PUT_STATE \
	"INSERT INTO job_state (job, schedule, seen_to_s, success_ms) VALUES (?1, ?2, ?3, 0)" \
	" ON CONFLICT (job) DO UPDATE SET schedule = excluded.schedule," \
	" seen_to_s = excluded.seen_to_s"
#define SQL_SEEN "UPDATE job_state SET seen_to_s = ?2 WHERE job = ?1"
#define SQL_SUCCESS \
	"INSERT INTO job_state (job, schedule, seen_to_s, success_ms) VALUES (?1, '', 0, ?2)" \
	" ON CONFLICT (job) DO UPDATE SET success_ms = excluded.success_ms"
#define SQL_STATE "SELECT schedule, seen_to_s, success_ms FROM job_state WHERE job = ?1"
#define SQL_TOTALS "SELECT result, n FROM job_total WHERE job = ?1"
/* 0 is JOB_RUNNING, 1 JOB_OK. */
#define SQL_FAILURES "SELECT coalesce(sum(n), 0) FROM job_total WHERE result NOT IN (0, 1)"
#define SQL_LAST \
	"SELECT " SQL_RUN_COLUMNS " FROM job_run WHERE (?1 IS NULL OR job = ?1)" \
	" ORDER BY id DESC LIMIT ?2"

_Static_assert(JOB_RUNNING == 0 && JOB_OK == 1 && JOB_INTERRUPTED == 6, "as the SQL has them");

static int bind_text(sqlite3_stmt *st, int at, const char *text)
{
	return sqlite3_bind_text(st, at, text, -1, SQLITE_STATIC);
}

/* A statement with a job's name and numbers behind it. */
static int run_with(sqlite3 *db, const char *sql, const char *job, const int64_t *numbers, int n)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err = sql_prepare(db, sql, &st), code;

	if (err)
		return err;
	code = bind_text(st, 1, job);
	for (int i = 0; i < n && code == SQLITE_OK; i++)
		code = sqlite3_bind_int64(st, i + 2, numbers[i]);
	err = sql_errno(db, code);
	return err ? err : sql_step(st);
}

static int put_run(sqlite3 *db, const struct job_run *r)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	const int64_t numbers[] = { r->scheduled_s,
				    r->started_ms,
				    r->ended_ms,
				    r->result,
				    r->code,
				    (int64_t)r->cpu_ms,
				    (int64_t)r->peak_rss_bytes,
				    r->bytes,
				    (int64_t)r->output_bytes };
	const int n = (int)ARRAY_SIZE(numbers);
	int err = sql_prepare(db, SQL_PUT_RUN, &st), code;

	if (err)
		return err;
	code = bind_text(st, 1, r->job);
	for (int i = 0; i < n && code == SQLITE_OK; i++)
		code = sqlite3_bind_int64(st, i + 2, numbers[i]);
	if (code == SQLITE_OK)
		code = sqlite3_bind_blob(st, n + 2, r->output_len ? r->output : "",
					 (int)r->output_len, SQLITE_STATIC);
	err = sql_errno(db, code);
	return err ? err : sql_step(st);
}

static int count(sqlite3 *db, const char *job, enum job_result result, int64_t n)
{
	const int64_t numbers[] = { result, n };

	return n ? run_with(db, SQL_COUNT, job, numbers, 2) : 0;
}

static int interrupt(sqlite3 *db, const char *job)
{
	int err = run_with(db, SQL_INTERRUPT, job, NULL, 0);

	return err ? err : count(db, job, JOB_INTERRUPTED, sqlite3_changes(db));
}

int job_rows_begin(sqlite3 *db, const struct job_run *r, int64_t seen_to_s)
{
	int err = sql_begin(db);

	if (!err)
		err = interrupt(db, r->job);
	if (!err)
		err = put_run(db, r);
	if (!err && seen_to_s)
		err = run_with(db, SQL_SEEN, r->job, &seen_to_s, 1);
	return sql_end(db, err);
}

int job_rows_end(sqlite3 *db, const struct job_run *r)
{
	int err = sql_begin(db);

	if (!err)
		err = put_run(db, r);
	if (!err)
		err = count(db, r->job, r->result, 1);
	if (!err && r->result == JOB_OK)
		err = run_with(db, SQL_SUCCESS, r->job, &r->ended_ms, 1);
	if (!err)
		err = run_with(db, SQL_KEEP_LAST, r->job, NULL, 0);
	return sql_end(db, err);
}

int job_rows_seen(sqlite3 *db, const char *job, int64_t seen_to_s)
{
	return run_with(db, SQL_SEEN, job, &seen_to_s, 1);
}

int job_rows_interrupted(sqlite3 *db, const char *job)
{
	int err = sql_begin(db);

	if (!err)
		err = interrupt(db, job);
	return sql_end(db, err);
}

/* --- reading */

static void copy_text(sqlite3_stmt *st, int column, char *to, size_t size)
{
	const unsigned char *text = sqlite3_column_text(st, column);

	snprintf(to, size, "%s", text ? (const char *)text : "");
}

static enum job_result result_of(int64_t v)
{
	return v >= 0 && v < JOB_RESULTS ? (enum job_result)v : JOB_FAILED;
}

/* The output is the statement's. */
static void read_run(sqlite3_stmt *st, struct job_run *r)
{
	*r = (struct job_run){
		.scheduled_s = sqlite3_column_int64(st, 1),
		.started_ms = sqlite3_column_int64(st, 2),
		.ended_ms = sqlite3_column_int64(st, 3),
		.result = result_of(sqlite3_column_int64(st, 4)),
		.code = sqlite3_column_int(st, 5),
		.cpu_ms = (uint64_t)sqlite3_column_int64(st, 6),
		.peak_rss_bytes = (uint64_t)sqlite3_column_int64(st, 7),
		.bytes = sqlite3_column_int64(st, 8),
		.output_bytes = (uint64_t)sqlite3_column_int64(st, 9),
	};
	copy_text(st, 0, r->job, sizeof(r->job));
	/* Only text and blobs have bytes, so that the pointer holds as long as the row. */
	r->output = (char *)(uintptr_t)sqlite3_column_blob(st, 10);
	r->output_len = (size_t)sqlite3_column_bytes(st, 10);
}

int job_rows_each(sqlite3 *db, const char *job, unsigned int max,
		  int (*fn)(const struct job_run *r, void *ctx), void *ctx)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err = sql_prepare(db, SQL_LAST, &st);

	if (!err && job)
		err = sql_errno(db, bind_text(st, 1, job));
	if (!err)
		err = sql_errno(db, sqlite3_bind_int64(st, 2, max));
	if (err)
		return err;
	while ((err = sql_step(st)) == 1) {
		struct job_run r;

		read_run(st, &r);
		err = fn(&r, ctx);
		if (err)
			return err;
	}
	return err;
}

static int take_last(const struct job_run *r, void *ctx)
{
	struct job_run *last = ctx;

	*last = *r;
	last->output = NULL;
	last->output_len = 0;
	return 0;
}

static int read_totals(sqlite3 *db, struct job_state *s)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err = sql_prepare(db, SQL_TOTALS, &st);

	if (!err)
		err = sql_errno(db, bind_text(st, 1, s->job));
	if (err)
		return err;
	while ((err = sql_step(st)) == 1)
		s->runs[result_of(sqlite3_column_int64(st, 0))] =
			(uint64_t)sqlite3_column_int64(st, 1);
	return err;
}

/* 1: the file has something else to begin with. */
static int read_state(sqlite3 *db, struct job_state *s)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	char schedule[sizeof(s->schedule)];
	int err = sql_prepare(db, SQL_STATE, &st);

	if (!err)
		err = sql_errno(db, bind_text(st, 1, s->job));
	if (!err)
		err = sql_step(st);
	if (err < 0)
		return err;
	if (err == 0)
		return 1;
	s->success_ms = sqlite3_column_int64(st, 2);
	copy_text(st, 0, schedule, sizeof(schedule));
	if (strcmp(schedule, s->schedule) != 0)
		return 1;
	s->seen_to_s = sqlite3_column_int64(st, 1);
	return 0;
}

static int put_state(sqlite3 *db, const struct job_state *s)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err = sql_prepare(db, SQL_PUT_STATE, &st), code;

	if (err)
		return err;
	code = bind_text(st, 1, s->job);
	if (code == SQLITE_OK)
		code = bind_text(st, 2, s->schedule);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(st, 3, s->seen_to_s);
	err = sql_errno(db, code);
	return err ? err : sql_step(st);
}

static int look(sqlite3 *db, struct job_state *s, bool change)
{
	int err;

	s->success_ms = 0;
	s->last = (struct job_run){ 0 };
	memset(s->runs, 0, sizeof(s->runs));
	err = read_state(db, s);
	if (err == 1)
		err = change ? put_state(db, s) : 0;
	if (!err)
		err = read_totals(db, s);
	return err ? err : job_rows_each(db, s->job, 1, take_last, &s->last);
}

static int read_failures(sqlite3 *db, uint64_t *ret)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err = sql_prepare(db, SQL_FAILURES, &st);

	if (!err)
		err = sql_step(st);
	if (err != 1)
		return err < 0 ? err : -EIO;
	*ret = (uint64_t)sqlite3_column_int64(st, 0);
	return 0;
}

int job_rows_look(sqlite3 *db, struct job_state *list, size_t n, bool change,
		  uint64_t *ret_failures)
{
	int err = change ? sql_begin(db) : 0;

	for (size_t i = 0; i < n && !err; i++)
		err = look(db, &list[i], change);
	if (!err && ret_failures)
		err = read_failures(db, ret_failures);
	return change ? sql_end(db, err) : err;
}
