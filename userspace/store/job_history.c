/* SPDX-License-Identifier: MIT */
/* Hands the rows of job histories to a store's thread. Invariant: what waits there has a copy of all it needs, and is counted. */
#include "store/job_history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "store/job_rows.h"
#include "store/store.h"

#define WAITING_MAX 64

struct job_history {
	struct store *store;
	unsigned int waiting;
};

struct job_work {
	struct job_history *history;
	int (*rows)(sqlite3 *db, struct job_work *w);
	job_history_fn done;
	job_history_look_fn looked;
	void *ctx;
	struct job_run run;
	int64_t seen_to_s;
	struct job_state *list;
	size_t n;
	uint64_t failures;
	char output[];
};

struct each {
	const char *job;
	unsigned int max;
	int (*fn)(const struct job_run *r, void *ctx);
	void *ctx;
};

struct look {
	struct job_state *list;
	size_t n;
};

const char *const job_result_names[JOB_RESULTS] = {
	[JOB_RUNNING] = "running",         [JOB_OK] = "ok",
	[JOB_FAILED] = "failed",           [JOB_SIGNAL] = "signal",
	[JOB_TIME_LIMIT] = "time_limit",   [JOB_NOT_STARTED] = "not_started",
	[JOB_INTERRUPTED] = "interrupted",
};

void job_result_describe(enum job_result result, int code, struct buf *out)
{
	switch (result) {
	case JOB_FAILED: buf_printf(out, "exit status %d", code); return;
	case JOB_SIGNAL: buf_printf(out, "signal %d (%s)", code, strsignal(code)); return;
	case JOB_TIME_LIMIT: buf_add_str(out, "ended by its time limit"); return;
	case JOB_NOT_STARTED: buf_printf(out, "not started: %s", strerror(code)); return;
	default: buf_add_str(out, job_result_names[result]); return;
	}
}

int job_history_new(struct event_base *base, const char *directory, struct job_history **ret)
{
	struct job_history *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	err = store_begin_shared(base, directory, JOB_HISTORY_FILE, &h->store);
	if (err)
		free(h);
	else
		*ret = h;
	return err;
}

void job_history_close(struct job_history *h, unsigned int ms)
{
	if (!h)
		return;
	store_close_within(h->store, ms);
	free(h);
}

void job_history_why(struct job_history *h, struct buf *why)
{
	store_why(h->store, why);
}

static int settled(sqlite3 *db, void *arg)
{
	(void)db;
	(void)arg;
	return 0;
}

void job_history_settle(struct job_history *h)
{
	store_wait(h->store, settled, NULL);
}

/* --- behind the loop's back */

static int work_do(sqlite3 *db, void *arg)
{
	struct job_work *w = arg;

	return w->rows(db, w);
}

static void work_done(int err, void *arg)
{
	struct job_work *w = arg;

	w->history->waiting--;
	if (w->done)
		w->done(err, w->ctx);
	if (w->looked)
		w->looked(err, w->list, w->n, w->failures, w->ctx);
	free(w->list);
	free(w);
}

static struct job_work *work_new(struct job_history *h,
				 int (*rows)(sqlite3 *db, struct job_work *w),
				 const struct job_run *r)
{
	struct job_work *w = calloc(1, sizeof(*w) + r->output_len);

	if (!w)
		return NULL;
	w->history = h;
	w->rows = rows;
	w->run = *r;
	w->run.output = w->output;
	if (r->output_len)
		memcpy(w->output, r->output, r->output_len);
	return w;
}

/* Frees what cannot be handed over. */
static int hand_over(struct job_work *w)
{
	struct job_history *h = w->history;
	int err = h->waiting < WAITING_MAX ? 0 : -EAGAIN;

	if (!err)
		err = store_do(h->store, work_do, work_done, w);
	if (!err) {
		h->waiting++;
		return 0;
	}
	free(w->list);
	free(w);
	return err;
}

static int begin_rows(sqlite3 *db, struct job_work *w)
{
	return job_rows_begin(db, &w->run, w->seen_to_s);
}

int job_history_begin(struct job_history *h, const struct job_run *r, int64_t seen_to_s,
		      job_history_fn done, void *ctx)
{
	struct job_work *w = work_new(h, begin_rows, r);

	if (!w)
		return -ENOMEM;
	w->seen_to_s = seen_to_s;
	w->done = done;
	w->ctx = ctx;
	return hand_over(w);
}

static int end_rows(sqlite3 *db, struct job_work *w)
{
	return job_rows_end(db, &w->run);
}

int job_history_end(struct job_history *h, const struct job_run *r, job_history_fn done, void *ctx)
{
	struct job_work *w = work_new(h, end_rows, r);

	if (!w)
		return -ENOMEM;
	w->done = done;
	w->ctx = ctx;
	return hand_over(w);
}

static int seen_rows(sqlite3 *db, struct job_work *w)
{
	return job_rows_seen(db, w->run.job, w->seen_to_s);
}

static int interrupted_rows(sqlite3 *db, struct job_work *w)
{
	return job_rows_interrupted(db, w->run.job);
}

static struct job_work *work_of(struct job_history *h, int (*rows)(sqlite3 *db, struct job_work *w),
				const char *job)
{
	struct job_run r = { 0 };

	snprintf(r.job, sizeof(r.job), "%s", job);
	return work_new(h, rows, &r);
}

int job_history_seen(struct job_history *h, const char *job, int64_t seen_to_s)
{
	struct job_work *w = work_of(h, seen_rows, job);

	if (!w)
		return -ENOMEM;
	w->seen_to_s = seen_to_s;
	return hand_over(w);
}

int job_history_interrupted(struct job_history *h, const char *job)
{
	struct job_work *w = work_of(h, interrupted_rows, job);

	return w ? hand_over(w) : -ENOMEM;
}

static int look_rows(sqlite3 *db, struct job_work *w)
{
	return job_rows_look(db, w->list, w->n, true, &w->failures);
}

int job_history_look(struct job_history *h, const struct job_state *list, size_t n,
		     job_history_look_fn done, void *ctx)
{
	struct job_work *w = work_of(h, look_rows, "");

	if (!w)
		return -ENOMEM;
	w->list = calloc(n ? n : 1, sizeof(*list));
	if (!w->list) {
		free(w);
		return -ENOMEM;
	}
	if (n)
		memcpy(w->list, list, n * sizeof(*list));
	w->n = n;
	w->looked = done;
	w->ctx = ctx;
	return hand_over(w);
}

/* --- at once */

static int look_now(sqlite3 *db, void *arg)
{
	struct look *l = arg;

	return job_rows_look(db, l->list, l->n, false, NULL);
}

int job_history_look_wait(struct job_history *h, struct job_state *list, size_t n)
{
	struct look l = { list, n };

	return store_wait(h->store, look_now, &l);
}

static int each_now(sqlite3 *db, void *arg)
{
	struct each *e = arg;

	return job_rows_each(db, e->job, e->max, e->fn, e->ctx);
}

int job_history_each(struct job_history *h, const char *job, unsigned int max,
		     int (*fn)(const struct job_run *r, void *ctx), void *ctx)
{
	struct each e = { job, max, fn, ctx };

	return store_wait(h->store, each_now, &e);
}
