/* SPDX-License-Identifier: MIT */
/*
 * Opens and closes the parts, and moves minutes from one to the next. Invariant: a minute that is over is in a file in
 * memory until it is known to be on the disk, where adding it a second time does nothing. What the minute's file still has
 * of one that was over before a kill comes into memory first, so that it cannot come when that was pushed already. Nothing is
 * pushed before what is in memory was added once, for the same reason.
 */
#include "cmd/cloudwatch_parts.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "cmd/cloudwatch_options.h"

/* On their way to the disk at the same time, of many that wait in memory. */
#define ADD_AT_ONCE 16
#define PATH_BYTES_MAX 4096
#define WHY_BYTES_MAX 8192
/* Longer than any disk that works needs to open the state file. */
#define OPENING_S 10

void cloudwatch_parts_init(struct cloudwatch_parts *p, struct event_base *base,
			   const struct config *c)
{
	p->base = base;
	p->config = c;
	buf_init(&p->store_why, WHY_BYTES_MAX);
}

bool cloudwatch_parts_are_open(const struct cloudwatch_parts *p)
{
	return p->minute && p->pending && p->push;
}

/* --- opening */

static int open_minute(struct cloudwatch_parts *p, int64_t now_s, struct buf *why)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_BYTES_MAX);
	_cleanup_(buf_done) struct buf told = BUF_INIT(PATH_BYTES_MAX);
	int err;

	cloudwatch_minute_options(p->config, &p->minute_options);
	err = buf_printf(&path, "%s/isamon.minute", p->config->runtime_directory);
	if (err)
		return err;
	err = minute_open(buf_str(&path), &p->minute_options, now_s, &told, &p->minute);
	if (err)
		buf_printf(why, "the present minute cannot be counted: %s\n", buf_str(&told));
	else if (told.len)
		log_warning("%s", buf_str(&told));
	if (!err)
		cloudwatch_parts_finish(p, now_s);
	return err;
}

static int open_pending(struct cloudwatch_parts *p, struct buf *why)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(PATH_BYTES_MAX);
	_cleanup_(buf_done) struct buf told = BUF_INIT(PATH_BYTES_MAX);
	int err = buf_printf(&path, "%s/minutes", p->config->runtime_directory);

	if (err)
		return err;
	err = pending_open(buf_str(&path), &told, &p->pending);
	if (err)
		buf_printf(why, "minutes that are over cannot be kept: %s\n", buf_str(&told));
	return err;
}

static void tell_changed(const struct cloudwatch_parts *p)
{
	if (p->changed)
		p->changed(p->changed_ctx);
}

static void on_ready(int err, const char *why, void *ctx)
{
	struct cloudwatch_parts *p = ctx;

	buf_reset(&p->store_why);
	buf_add(&p->store_why, why, strlen(why));
	p->store_err = err;
	p->store_failed = err != 0;
	if (err)
		spool_close(take(p->opening));
	else
		p->spool = take(p->opening);
	tell_changed(p);
}

static int begin_store(struct cloudwatch_parts *p)
{
	struct spool_limits limits;
	int err = 0;

	cloudwatch_spool_limits(p->config, &limits);
	if (!p->store)
		err = store_begin(p->base, p->config->state_directory, &p->store);
	if (!err)
		err = spool_begin(p->store, &limits, on_ready, p, &p->opening);
	if (!err)
		p->opening_ns = clock_monotonic_ns();
	return err;
}

static int store_state(struct cloudwatch_parts *p)
{
	bool failed = p->store_failed;
	int err;

	p->store_failed = false;
	if (!failed && !p->opening && !p->leaving) {
		err = begin_store(p);
		if (err)
			return err;
	}
	if (p->store_err)
		return p->store_err;
	if (p->opening && clock_monotonic_ns() - p->opening_ns > OPENING_S * NS_PER_SEC)
		return -ETIMEDOUT;
	return -EINPROGRESS;
}

static int open_store(struct cloudwatch_parts *p, struct buf *why)
{
	int err = store_state(p);

	if (err != -EINPROGRESS)
		buf_printf(
			why,
			"minutes wait in memory, not on the disk: %s ([daemon] state_directory)\n",
			err == -ETIMEDOUT ? "it does not answer" :
			p->store_why.len  ? buf_str(&p->store_why) :
					    strerror(-err));
	return err;
}

static void on_identity(void *ctx)
{
	struct cloudwatch_parts *p = ctx;

	if (p->push)
		push_wake(p->push);
}

static int open_push(struct cloudwatch_parts *p, struct buf *why)
{
	_cleanup_(cloudwatch_push_options_done) struct cloudwatch_push_options o;
	_cleanup_(buf_done) struct buf told = BUF_INIT(PATH_BYTES_MAX);
	int err = cloudwatch_push_options(p->config, &o);

	if (!err)
		err = aws_session_new(p->base, p->config, on_identity, p, &told, &p->session);
	if (!err)
		err = push_new(p->base, p->spool, aws_session_client(p->session),
			       aws_session_identity(p->session), &o.push, NULL, NULL, &p->push);
	if (!err)
		return 0;
	cloudwatch_parts_close_push(p);
	buf_printf(why, "nothing is pushed: %s\n", told.len ? buf_str(&told) : strerror(-err));
	return err;
}

/* An error counts more than that something is waited for. */
static void keep_first(int *err, int another)
{
	if (!*err || (*err == -EINPROGRESS && another))
		*err = another;
}

int cloudwatch_parts_open(struct cloudwatch_parts *p, int64_t now_s, struct buf *why)
{
	int err = 0;

	if (!p->pending)
		keep_first(&err, open_pending(p, why));
	if (!p->spool)
		keep_first(&err, open_store(p, why));
	if (!p->minute)
		keep_first(&err, open_minute(p, now_s, why));
	cloudwatch_parts_add(p);
	if (p->caught_up && !p->push)
		keep_first(&err, open_push(p, why));
	if (!p->push)
		keep_first(&err, -EINPROGRESS);
	return err;
}

/* --- closing */

void cloudwatch_parts_close_minute(struct cloudwatch_parts *p)
{
	minute_close(p->minute);
	p->minute = NULL;
}

void cloudwatch_parts_close_push(struct cloudwatch_parts *p)
{
	push_free(p->push);
	p->push = NULL;
	aws_session_free(p->session);
	p->session = NULL;
}

static void close_pending(struct cloudwatch_parts *p)
{
	pending_close(p->pending);
	p->pending = NULL;
}

/* All but what hears of minutes that are on their way: pending, and the spool, which is closed behind the store. */
static void close_most(struct cloudwatch_parts *p)
{
	cloudwatch_parts_close_push(p);
	cloudwatch_parts_close_minute(p);
	spool_close(take(p->opening));
	p->caught_up = false;
	p->store_err = 0;
	p->store_failed = false;
	buf_reset(&p->store_why);
	if (p->leaving)
		return;
	p->leaving = take(p->store);
	p->left = take(p->spool);
}

void cloudwatch_parts_close(struct cloudwatch_parts *p)
{
	close_most(p);
	if (!store_close_within(take(p->leaving), CLOUDWATCH_CLOSE_MS))
		log_error("%s: the disk does not answer; minutes that are over wait in %s",
			  p->config->state_directory, p->config->runtime_directory);
	spool_close(take(p->left));
	p->adding = 0;
	close_pending(p);
	buf_done(&p->store_why);
}

static void on_left(void *ctx)
{
	struct cloudwatch_parts *p = ctx;

	p->leaving = NULL;
	spool_close(take(p->left));
	if (!p->minute)
		close_pending(p);
	tell_changed(p);
}

void cloudwatch_parts_leave(struct cloudwatch_parts *p)
{
	bool leaves = p->leaving != NULL;

	close_most(p);
	if (p->leaving && !leaves)
		store_leave(p->leaving, on_left, p);
	else if (!p->leaving)
		close_pending(p);
}

/* --- the way of a minute */

/*
 * Those that a kill has left in memory and on the disk at the same time are among the oldest ADD_AT_ONCE: when these were told
 * no other can be, even if the disk does not take them.
 */
static void on_added(int err, int64_t id, void *ctx)
{
	struct cloudwatch_parts *p = ctx;
	bool was_caught_up;

	p->adding--;
	if (err)
		p->stalled = true;
	else if (p->pending)
		pending_remove(p->pending, id);
	if (p->adding || !p->spool)
		return;
	was_caught_up = p->caught_up;
	if (!p->stalled)
		cloudwatch_parts_add(p);
	if (p->adding)
		return;
	p->caught_up = true;
	if (!was_caught_up)
		tell_changed(p);
}

static int add_one(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx)
{
	struct cloudwatch_parts *p = ctx;
	int err;

	if (p->adding == ADD_AT_ONCE)
		return -EAGAIN;
	err = spool_add(p->spool, id, start_s, payload, n, on_added, p);
	p->adding += !err;
	return err == -EFBIG ? 0 : err; /* not ours; it holds up none */
}

void cloudwatch_parts_add(struct cloudwatch_parts *p)
{
	int err;

	if (!p->minute || !p->spool || !p->pending || p->adding)
		return;
	p->stalled = false;
	err = pending_each(p->pending, add_one, p);
	if (!p->adding && err != -ENOMEM)
		p->caught_up = true;
}

static void on_kept(int err, int64_t id, void *ctx)
{
	struct cloudwatch_parts *p = ctx;

	(void)id;
	p->lost += err != 0;
	if (err && !p->losing)
		log_error("CloudWatch: minutes that are over find no place in %s, nor on the disk, "
			  "and are lost: %s",
			  p->config->runtime_directory, strerror(-err));
	p->losing = err != 0;
}

/* One that finds no place in memory goes straight to the disk. */
static int keep(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx)
{
	struct cloudwatch_parts *p = ctx;
	int err = p->pending ? pending_add(p->pending, id, start_s, payload, n) : -ENOENT;

	if (err && p->spool)
		err = spool_add(p->spool, id, start_s, payload, n, on_kept, p);
	return err;
}

void cloudwatch_parts_finish(struct cloudwatch_parts *p, int64_t now_s)
{
	int err = minute_finish(p->minute, now_s, keep, p);

	if (err && !p->full)
		log_error("CloudWatch: a minute that is over finds no place in %s: %s; it goes on "
			  "until there is one",
			  p->config->runtime_directory, strerror(-err));
	p->full = err != 0;
	cloudwatch_parts_add(p);
}

void cloudwatch_parts_cut(struct cloudwatch_parts *p)
{
	cloudwatch_parts_finish(p, minute_start_s(p->minute) + minute_interval_s(p->minute));
}

uint64_t cloudwatch_parts_waiting(const struct cloudwatch_parts *p)
{
	uint64_t n = p->pending ? pending_count(p->pending) : 0;

	return n + (p->spool ? spool_stats(p->spool).minutes : 0);
}
