/* SPDX-License-Identifier: MIT */
/*
 * The spool as the loop sees it: each call becomes a job for the store's thread, and its end a call in the loop.
 * Invariant: rows belongs to the thread, everything else to the loop, but limits, which are atomic. Jobs hold a reference, so a
 * spool that was closed lives until the last of them has ended; it tells nobody any more.
 */
#include "store/spool.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "store/spool_pack.h"
#include "store/spool_work.h"

struct spool {
	struct store *store;
	struct spool_stats stats;
	_Atomic uint64_t max_age_s, max_bytes;
	unsigned int refs;
	bool closed;
	struct spool_rows rows;
};

struct job {
	struct spool *spool;
	int (*run)(struct job *j, sqlite3 *db);
	void (*tell)(struct job *j, int err);
	struct spool_limits limits;
	struct spool_stats stats; /* when it was done */
	bool ran;
	void *ctx;
	union {
		struct {
			int64_t id, start_s;
			void *payload;
			size_t n;
			void (*done)(int err, int64_t id, void *ctx);
		} add;
		spool_ready_fn ready;
		struct {
			enum spool_order order;
			size_t max_minutes, max_bytes;
			spool_take_fn fn;
			struct spool_taken taken;
		} take;
		struct {
			int64_t *ids;
			size_t n;
			enum spool_gone gone;
			bool maybe_sent;
		} end;
	};
};

static void spool_unref(struct spool *p)
{
	if (--p->refs)
		return;
	spool_rows_done(&p->rows);
	free(p);
}

static struct spool_limits limits_of(struct spool *p)
{
	return (struct spool_limits){ .max_age_s = p->max_age_s, .max_bytes = p->max_bytes };
}

/* --- jobs */

static int job_work(sqlite3 *db, void *arg)
{
	struct job *j = arg;
	struct spool *p = j->spool;
	int err;

	j->limits = limits_of(p);
	err = spool_rows_load(&p->rows, db, store_births(p->store));
	if (!err) {
		err = j->run(j, db);
		j->ran = err != -EUCLEAN;
	}
	j->stats = p->rows.stats;
	return err;
}

static void job_done(int err, void *arg)
{
	struct job *j = arg;

	j->spool->stats = j->stats;
	j->tell(j, err);
	spool_unref(j->spool);
	free(j);
}

/* The job is gone if it cannot be handed over. */
static int job_start(struct job *j)
{
	int err;

	j->spool->refs++;
	err = store_do(j->spool->store, job_work, job_done, j);
	if (err)
		j->spool->refs--;
	return err;
}

static struct job *job_new(struct spool *p, int (*run)(struct job *, sqlite3 *),
			   void (*tell)(struct job *, int))
{
	struct job *j = calloc(1, sizeof(*j));

	if (j)
		*j = (struct job){ .spool = p, .run = run, .tell = tell };
	return j;
}

/* --- open and close */

static int run_nothing(struct job *j, sqlite3 *db)
{
	return spool_work_limit(&j->spool->rows, db, &j->limits);
}

static void spool_closep(struct spool **p)
{
	spool_close(*p);
}

static int spool_new(struct store *s, const struct spool_limits *limits, struct spool **ret)
{
	_cleanup_(spool_closep) struct spool *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->store = s;
	p->refs = 1;
	spool_set_limits(p, limits);
	err = spool_rows_init(&p->rows);
	if (!err)
		*ret = take(p);
	return err;
}

int spool_open(struct store *s, const struct spool_limits *limits, struct buf *why,
	       struct spool **ret)
{
	_cleanup_(spool_closep) struct spool *p = NULL;
	struct job j = { .run = run_nothing };
	int err;

	err = spool_new(s, limits, &p);
	if (!err) {
		j.spool = p;
		err = store_wait(s, job_work, &j);
	}
	if (err && !(j.ran && p->rows.loaded)) {
		buf_printf(why, "cannot read the spool: %s", strerror(-err));
		return err;
	}
	p->stats = j.stats;
	*ret = take(p);
	return 0;
}

static void begin_tell(struct job *j, int err)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(8192);
	struct spool *p = j->spool;

	if (p->closed)
		return;
	if (err && j->ran && p->rows.loaded)
		err = 0;
	if (err)
		store_why(p->store, &why);
	if (err && !why.len)
		buf_printf(&why, "cannot read the spool: %s", strerror(-err));
	j->ready(err, buf_str(&why), j->ctx);
}

int spool_begin(struct store *s, const struct spool_limits *limits, spool_ready_fn ready, void *ctx,
		struct spool **ret)
{
	_cleanup_(spool_closep) struct spool *p = NULL;
	struct job *j;
	int err;

	err = spool_new(s, limits, &p);
	if (err)
		return err;
	j = job_new(p, run_nothing, begin_tell);
	if (!j)
		return -ENOMEM;
	j->ready = ready;
	j->ctx = ctx;
	err = job_start(j);
	if (err) {
		free(j);
		return err;
	}
	*ret = take(p);
	return 0;
}

void spool_close(struct spool *p)
{
	if (!p)
		return;
	p->closed = true;
	spool_unref(p);
}

void spool_set_limits(struct spool *p, const struct spool_limits *limits)
{
	p->max_age_s = limits->max_age_s;
	p->max_bytes = limits->max_bytes;
}

struct spool_stats spool_stats(const struct spool *p)
{
	return p->stats;
}

/* --- add */

static int add_run(struct job *j, sqlite3 *db)
{
	return spool_work_add(&j->spool->rows, db, &j->limits, j->add.id, j->add.start_s,
			      j->add.payload, j->add.n);
}

static void add_tell(struct job *j, int err)
{
	if (j->add.done && !j->spool->closed)
		j->add.done(err, j->add.id, j->ctx);
	free(j->add.payload);
}

int spool_add(struct spool *p, int64_t id, int64_t start_s, const void *payload, size_t n,
	      void (*done)(int err, int64_t id, void *ctx), void *ctx)
{
	struct job *j;
	int err = -ENOMEM;

	if (n > SPOOL_PACK_MAX)
		return -EFBIG;
	j = job_new(p, add_run, add_tell);
	if (!j)
		return err;
	j->ctx = ctx;
	j->add.id = id;
	j->add.start_s = start_s;
	j->add.done = done;
	j->add.n = n;
	j->add.payload = malloc(n ? n : 1);
	if (j->add.payload) {
		if (n)
			memcpy(j->add.payload, payload, n);
		err = job_start(j);
	}
	if (err) {
		free(j->add.payload);
		free(j);
	}
	return err;
}

/* --- take */

static int take_run(struct job *j, sqlite3 *db)
{
	return spool_work_take(&j->spool->rows, db, &j->limits, j->take.order, j->take.max_minutes,
			       j->take.max_bytes, &j->take.taken);
}

static void take_tell(struct job *j, int err)
{
	const struct spool_taken *t = &j->take.taken;

	if (!j->spool->closed)
		j->take.fn(j->ran ? t->err : err, t->minutes, t->n, j->ctx);
	spool_taken_done(&j->take.taken);
}

int spool_take(struct spool *p, enum spool_order order, size_t max_minutes, size_t max_bytes,
	       spool_take_fn fn, void *ctx)
{
	struct job *j = job_new(p, take_run, take_tell);
	int err;

	if (!j)
		return -ENOMEM;
	j->ctx = ctx;
	j->take.order = order;
	j->take.max_minutes = max_minutes;
	j->take.max_bytes = max_bytes;
	j->take.fn = fn;
	err = job_start(j);
	if (err)
		free(j);
	return err;
}

/* --- ends */

static int end_run(struct job *j, sqlite3 *db)
{
	return spool_work_end(&j->spool->rows, db, j->end.ids, j->end.n, j->end.gone,
			      j->end.maybe_sent);
}

static void end_tell(struct job *j, int err)
{
	(void)err; /* told by the store; tried again with the next job */
	free(j->end.ids);
}

static int end(struct spool *p, const int64_t *ids, size_t n, enum spool_gone gone, bool maybe_sent)
{
	struct job *j = job_new(p, end_run, end_tell);
	int err = -ENOMEM;

	if (!j)
		return err;
	j->end.gone = gone;
	j->end.maybe_sent = maybe_sent;
	j->end.n = n;
	j->end.ids = calloc(n ? n : 1, sizeof(*ids));
	if (j->end.ids) {
		memcpy(j->end.ids, ids, n * sizeof(*ids));
		err = job_start(j);
	}
	if (err) {
		free(j->end.ids);
		free(j);
	}
	return err;
}

int spool_remove(struct spool *p, const int64_t *ids, size_t n, enum spool_end how)
{
	return end(p, ids, n, how == SPOOL_PUSHED ? SPOOL_GONE_PUSHED : SPOOL_GONE_REJECTED, false);
}

int spool_return(struct spool *p, const int64_t *ids, size_t n, bool maybe_sent)
{
	return end(p, ids, n, SPOOL_STAYS, maybe_sent);
}
