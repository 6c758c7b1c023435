/* SPDX-License-Identifier: MIT */
/* Shipping as it is, on files, a state file and a CloudWatch that are plays; the clock and the timers are the test's own. */
#ifndef ISAMON_TEST_LOG_PUSH_STUBS_H
#define ISAMON_TEST_LOG_PUSH_STUBS_H

#include <event2/event.h>
#include <jansson.h>

#include "base/clock.h"
#include "logs/log_push_impl.h"
#include "unit/unit.h"

static int no_timer(struct event *e, const struct timeval *tv);
#undef event_add
#define event_add(e, tv) no_timer(e, tv)
#include "logs/log_push.c"
#undef event_add

#define START_S 1764140040ull
#define LANES_MAX 6

static uint64_t now_ns;

uint64_t clock_monotonic_ns(void)
{
	return now_ns;
}

uint64_t clock_realtime_ns(void)
{
	return START_S * NS_PER_SEC + now_ns;
}

static struct event *timer_due;

/* Timers are the tests' own; one that is due at once comes with the next turn. */
UNIT_USED_ static int no_timer(struct event *e, const struct timeval *tv)
{
	if (!tv->tv_sec && !tv->tv_usec)
		timer_due = e;
	return 0;
}

/* --- files: one a log */

struct follow {
	int unused;
};

struct followed {
	struct follow_hooks hooks;
	char name[64];
	uint64_t id;
	struct buf text;
	uint64_t offset, done;
	size_t most_read_ahead;
	bool over;
	enum config_log_start start;
	void *ctx;
};

static struct followed files[LANES_MAX];
static size_t n_files;
static struct follow the_follow;
static size_t told_open_max;

void follow_set_open_max(struct follow *f, size_t n)
{
	(void)f;
	told_open_max = n;
}

static unsigned int n_quiet;

void follow_set_quiet(struct follow *f)
{
	(void)f;
	n_quiet++;
}

void followed_put_off(struct followed *d)
{
	(void)d;
}

int follow_new(struct event_base *base, const struct config_log *c, const struct position *known,
	       size_t n_known, const struct follow_hooks *hooks, struct buf *why,
	       struct follow **ret)
{
	struct followed *f = &files[n_files++];

	(void)base;
	(void)why;
	f->hooks = *hooks;
	f->id = n_files;
	f->start = c->start;
	snprintf(f->name, sizeof(f->name), "%s", c->name);
	for (size_t i = 0; i < n_known; i++)
		f->offset = f->done = known[i].offset;
	*ret = &the_follow;
	return 0;
}

void follow_free(struct follow *f)
{
	(void)f;
}

void follow_stats(const struct follow *f, struct follow_stats *ret)
{
	(void)f;
	*ret = (struct follow_stats){ .files = 1 };
}

ssize_t followed_read(struct followed *f, void *bytes, size_t size, uint64_t *ret_offset)
{
	size_t n = f->text.len - f->offset < size ? f->text.len - f->offset : size;

	*ret_offset = f->offset;
	memcpy(bytes, buf_str(&f->text) + f->offset, n);
	f->offset += n;
	if (f->offset - f->done > f->most_read_ahead)
		f->most_read_ahead = f->offset - f->done;
	return (ssize_t)n;
}

void followed_seek(struct followed *f, uint64_t offset)
{
	f->offset = offset;
}

void followed_done(struct followed *f, uint64_t offset)
{
	EXPECT(offset >= f->done);
	f->done = offset;
}

void followed_position(const struct followed *f, struct position *ret)
{
	*ret = (struct position){ .id = f->id, .offset = f->done };
	snprintf(ret->log, sizeof(ret->log), "%s", f->name);
}

bool followed_is_over(const struct followed *f)
{
	return f->over;
}

void followed_set_ctx(struct followed *f, void *ctx)
{
	f->ctx = ctx;
}

void *followed_ctx(const struct followed *f)
{
	return f->ctx;
}

/* --- the state file */

static struct {
	struct position list[LANES_MAX + 1]; /* by id, as written */
	struct position counts[LANES_MAX];   /* whose rows have no id, by name */
	size_t n_counts;
	char forgotten[8];
	bool lost;
	struct position pending[64];
	size_t n_pending;
	void (*done)(int err, void *ctx);
	void *ctx;
	unsigned int n_puts;
	int err;
} state;

int positions_each(struct positions *p, int (*fn)(const struct position *at, void *ctx), void *ctx)
{
	int err = 0;

	(void)p;
	for (size_t i = 1; i <= LANES_MAX && !err; i++)
		if (state.list[i].id)
			err = fn(&state.list[i], ctx);
	for (size_t i = 0; i < state.n_counts && !err; i++)
		err = fn(&state.counts[i], ctx);
	return err;
}

UNIT_USED_ static void put_one(const struct position *at)
{
	size_t i = 0;

	if (at->log[0] != '\2') {
		state.list[at->id] = *at;
		return;
	}
	while (i < state.n_counts && strcmp(state.counts[i].log, at->log) != 0)
		i++;
	state.counts[i] = *at;
	state.n_counts += i == state.n_counts;
}

UNIT_USED_ static void finish_put(void)
{
	void (*done)(int err, void *ctx) = state.done;

	state.done = NULL;
	if (!done)
		return;
	for (size_t i = 0; i < state.n_pending && !state.err; i++)
		put_one(&state.pending[i]);
	done(state.err, state.ctx);
}

UNIT_USED_ static void on_registered_here(int err, void *ctx)
{
	(void)err;
	(void)ctx;
}

/* A lane's is finished at once if there is another's already: only one can be looked at. */
int positions_put(struct positions *p, const struct position *list, size_t n,
		  void (*done)(int err, void *ctx), void *ctx)
{
	(void)p;
	finish_put();
	EXPECT(n <= ARRAY_SIZE(state.pending));
	memcpy(state.pending, list, n * sizeof(*list));
	state.n_pending = n;
	state.n_puts++;
	state.done = done ? done : on_registered_here;
	state.ctx = ctx;
	return 0;
}

int positions_forget(struct positions *p, int64_t seen_s)
{
	(void)p;
	(void)seen_s;
	return 0;
}

int positions_forget_logs(struct positions *p, const char *prefix)
{
	(void)p;
	snprintf(state.forgotten, sizeof(state.forgotten), "%s", prefix);
	return 0;
}

bool positions_lost(struct positions *p)
{
	(void)p;
	return take(state.lost);
}

/* --- CloudWatch */

struct aws_call {
	bool open;
	aws_done_fn fn;
	void *ctx;
	char operation[40];
	struct buf body;
};

static struct aws_call calls[64];
static size_t n_calls, n_open, most_open;

int aws_client_call(struct aws_client *c, const struct aws_request *r, aws_done_fn fn, void *ctx,
		    struct aws_call **ret_call)
{
	struct aws_call *call = &calls[n_calls++ % ARRAY_SIZE(calls)];

	(void)c;
	EXPECT_INT(r->service, AWS_LOGS);
	EXPECT(!call->open);
	buf_done(&call->body);
	*call = (struct aws_call){ true, fn, ctx, "", BUF_INIT(9 << 20) };
	snprintf(call->operation, sizeof(call->operation), "%s", r->operation);
	buf_add(&call->body, r->body, r->body_len);
	n_open++;
	most_open = n_open > most_open ? n_open : most_open;
	*ret_call = call;
	return 0;
}

void aws_call_cancel(struct aws_call *call)
{
	if (call && call->open) {
		call->open = false;
		n_open--;
	}
}

int64_t aws_client_skew_s(const struct aws_client *c)
{
	(void)c;
	return 0;
}

const char *identity_instance_id(const struct identity *i)
{
	(void)i;
	return "i-0abc";
}

bool identity_settled(const struct identity *i)
{
	(void)i;
	return true;
}

UNIT_USED_ static struct aws_call *last_call(void)
{
	return &calls[(n_calls - 1) % ARRAY_SIZE(calls)];
}

#endif
