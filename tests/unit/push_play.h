/* SPDX-License-Identifier: MIT */
/*
 * A play for the pusher: a spool and a CloudWatch that do what the test says. Time is ours: the timer is fired by next(), and
 * the clock stands there then. Includes the .c files that are tried.
 */
#ifndef ISAMON_TEST_PUSH_PLAY_H
#define ISAMON_TEST_PUSH_PLAY_H

#include "unit.h"

#include <event2/event.h>

#include "nomem.h"

static int plan_event(struct event *e, const struct timeval *tv);
#undef event_add
#define event_add(e, tv) plan_event(e, tv)

#include "ship/push.c"
#include "ship/push_batch.c"
#include "ship/put_metric_data.c"

#define N_ROWS 1200
#define START 1764140040

static struct {
	uint64_t now_ms, due_ms, planned_ms; /* since the epoch; planned: how long from then */
	bool planned;
} t;

uint64_t clock_monotonic_ns(void)
{
	return t.now_ms * NS_PER_MS;
}

uint64_t clock_realtime_ns(void)
{
	return t.now_ms * NS_PER_MS;
}

static int plan_event(struct event *e, const struct timeval *tv)
{
	(void)e;
	t.planned = true;
	t.planned_ms = (uint64_t)tv->tv_sec * 1000 + (uint64_t)tv->tv_usec / 1000;
	t.due_ms = t.now_ms + t.planned_ms;
	return 0;
}

/* --- the spool */

struct row {
	int64_t id, start_s;
	bool here, under_way, maybe_sent;
	char payload[200];
};

static struct {
	struct row rows[N_ROWS];
	size_t n;
	unsigned int pushed, rejected, twice, takes;
	int take_err;
	bool no_memory; /* remove and return have none */
	struct {
		spool_take_fn fn;
		void *ctx;
		enum spool_order order;
		size_t max;
	} take; /* under way */
} sp;

static void put_row(int64_t id, const char *payload)
{
	struct row *r = &sp.rows[sp.n++];

	*r = (struct row){ .id = id, .start_s = START + 60 * id, .here = true };
	snprintf(r->payload, sizeof(r->payload), "%s", payload);
}

static void put_minute(int64_t id)
{
	char payload[200];

	snprintf(payload, sizeof(payload), "[{\"n\":\"RequestCount\",\"u\":\"Count\",\"v\":%d}]",
		 (int)id);
	put_row(id, payload);
}

static struct row *row_of(int64_t id)
{
	for (size_t i = 0; i < sp.n; i++)
		if (sp.rows[i].id == id)
			return &sp.rows[i];
	FAIL_CASE("no row %d", (int)id);
	return &sp.rows[0];
}

int spool_take(struct spool *p, enum spool_order order, size_t max_minutes, size_t max_bytes,
	       spool_take_fn fn, void *ctx)
{
	(void)p;
	EXPECT(max_bytes >= 100000 && !sp.take.fn);
	sp.takes++;
	sp.take.fn = fn;
	sp.take.ctx = ctx;
	sp.take.order = order;
	sp.take.max = max_minutes;
	return 0;
}

int spool_remove(struct spool *p, const int64_t *ids, size_t n, enum spool_end end)
{
	(void)p;
	if (sp.no_memory)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct row *r = row_of(ids[i]);

		EXPECT(r->here);
		r->here = false;
		sp.twice += end == SPOOL_PUSHED && r->maybe_sent;
	}
	*(end == SPOOL_PUSHED ? &sp.pushed : &sp.rejected) += (unsigned int)n;
	return 0;
}

int spool_return(struct spool *p, const int64_t *ids, size_t n, bool maybe_sent)
{
	(void)p;
	if (sp.no_memory)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct row *r = row_of(ids[i]);

		EXPECT(r->here && r->under_way);
		r->under_way = false;
		r->maybe_sent = r->maybe_sent || maybe_sent;
	}
	return 0;
}

struct spool_stats spool_stats(const struct spool *p)
{
	struct spool_stats s = { 0 };

	(void)p;
	for (size_t i = 0; i < sp.n; i++)
		s.minutes += sp.rows[i].here;
	return s;
}

static void give_taken(void)
{
	static struct spool_minute minutes[N_ROWS];
	spool_take_fn fn = sp.take.fn;
	size_t n = 0;

	sp.take.fn = NULL;
	for (size_t i = 0; i < sp.n && n < sp.take.max && !sp.take_err; i++) {
		struct row *r = &sp.rows[sp.take.order == SPOOL_OLDEST_FIRST ? i : sp.n - 1 - i];

		if (!r->here || r->under_way)
			continue;
		r->under_way = true;
		minutes[n++] = (struct spool_minute){ r->id, r->start_s, r->maybe_sent, r->payload,
						      strlen(r->payload) };
	}
	fn(sp.take_err, minutes, n, sp.take.ctx);
}

/* --- CloudWatch, and who we are */

static struct {
	aws_done_fn fn;
	void *ctx;
	char body[1000001];
	unsigned int calls, cancelled;
	struct aws_answer answer; /* to the next calls */
	const char *poison;       /* a body with this in it is refused */
	bool no_memory;
} cw;

static struct {
	const char *instance_id;
	bool settled;
} who;

int aws_client_call(struct aws_client *c, const struct aws_request *r, aws_done_fn fn, void *ctx,
		    struct aws_call **ret_call)
{
	(void)c;
	if (cw.no_memory)
		return -ENOMEM;
	EXPECT(!cw.fn);
	EXPECT_STR(r->operation, "PutMetricData");
	EXPECT(r->gzip && r->body_len < sizeof(cw.body));
	memcpy(cw.body, r->body, r->body_len);
	cw.body[r->body_len] = '\0';
	cw.fn = fn;
	cw.ctx = ctx;
	cw.calls++;
	*ret_call = (struct aws_call *)&cw;
	return 0;
}

void aws_call_cancel(struct aws_call *call)
{
	EXPECT(call == (struct aws_call *)&cw);
	cw.fn = NULL;
	cw.cancelled++;
}

const char *identity_instance_id(const struct identity *i)
{
	(void)i;
	return who.instance_id;
}

bool identity_settled(const struct identity *i)
{
	(void)i;
	return who.settled;
}

static void answer(void)
{
	struct aws_answer a = cw.answer;
	aws_done_fn fn = cw.fn;

	if (cw.poison)
		a.failure = strstr(cw.body, cw.poison) ? AWS_REJECTED : AWS_OK;
	a.message = a.failure == AWS_OK ? "" : "what CloudWatch said\n";
	a.attempts = a.attempts ? a.attempts : 1;
	a.sent_bytes = 100;
	cw.fn = NULL;
	fn(&a, cw.ctx);
}

/* --- the play */

static struct event_base *base;
static struct push *p;
static unsigned int n_told, n_done;

static void told(void *ctx)
{
	(void)ctx;
	n_told++;
}

static void done(void *ctx)
{
	(void)ctx;
	n_done++;
}

static const struct push_options options = {
	.put = { .metric_namespace = "AgentISA",
		 .resolution_s = 60,
		 .dimensions = { { "AutoScalingGroupName", "web" } },
		 .n_dimensions = 1 },
	.interval_s = 60,
};

static void set_up(void)
{
	memset(&sp, 0, sizeof(sp));
	memset(&cw, 0, sizeof(cw));
	memset(&t, 0, sizeof(t));
	t.now_ms = START * 1000ull + 200000000;
	who.instance_id = "i-0123456789abcdef0";
	who.settled = true;
	n_told = n_done = 0;
	log_set_level(LOG_LEVEL_ERROR);
	base = event_base_new();
	EXPECT_INT(push_new(base, NULL, NULL, NULL, &options, told, NULL, &p), 0);
}

static void tear_down(void)
{
	push_free(p);
	p = NULL;
	event_base_free(base);
}

/* Lets the next thing happen, whatever it is. */
static void next(void)
{
	if (sp.take.fn) {
		give_taken();
	} else if (cw.fn) {
		answer();
	} else if (EXPECT(t.planned)) {
		t.planned = false;
		t.now_ms = t.due_ms;
		on_timer(-1, EV_TIMEOUT, p);
	}
}

/* Until another call has been made; false if there is none for a long time. */
static bool next_call(void)
{
	unsigned int calls = cw.calls;

	for (unsigned int i = 0; i < 50 && cw.calls == calls; i++)
		next();
	return cw.calls > calls;
}

/* Until nothing waits, or @max things have happened. */
static void go_on(unsigned int max)
{
	do
		next();
	while (--max && !(p->idle && !sp.take.fn && !cw.fn));
}

#endif
