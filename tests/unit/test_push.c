/* SPDX-License-Identifier: MIT */
/*
 * The pusher against a spool and a CloudWatch of this file: every class of answer, pauses, order, what the spool hears. Time
 * is ours: the timer is fired by next(), and the clock stands there then.
 */
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

static void a_minute(void)
{
	struct push_stats s;

	set_up();
	put_minute(1);
	EXPECT(t.planned_ms > 0 && t.planned_ms <= 60000);
	EXPECT(next_call());
	EXPECT_HAS(cw.body, "{\"Namespace\":\"AgentISA\",\"MetricData\":[");
	EXPECT_HAS(cw.body, "{\"Name\":\"InstanceId\",\"Value\":\"i-0123456789abcdef0\"}");
	EXPECT_HAS(cw.body, "{\"Name\":\"AutoScalingGroupName\",\"Value\":\"web\"}");
	go_on(20);
	EXPECT_UINT(sp.pushed, 1);
	EXPECT_UINT(cw.calls, 1);
	EXPECT_UINT(n_told, 1);
	push_stats(p, &s);
	EXPECT_UINT(s.requests, 1);
	EXPECT_UINT(s.retries + s.failures, 0);
	EXPECT_UINT(s.sent_bytes, 100);
	EXPECT_INT(s.state, AWS_OK);
	EXPECT(s.last_success_s > START);
	EXPECT(t.planned_ms > 59000 && t.planned_ms <= 60000);
	tear_down();
}

static void many_minutes(void)
{
	uint64_t began;

	set_up();
	for (unsigned int i = 0; i < 1000; i++)
		put_minute(i);
	EXPECT(next_call());
	EXPECT_HAS(cw.body, "\"Value\":999"); /* the newest first */
	EXPECT(!strstr(cw.body, "\"Value\":0}"));
	began = t.now_ms;
	EXPECT(next_call());
	EXPECT_HAS(cw.body, "\"Value\":0}");
	EXPECT(!strstr(cw.body, "\"Value\":999"));
	go_on(200);
	EXPECT_UINT(sp.pushed, 1000);
	EXPECT_UINT(sp.twice + sp.rejected, 0);
	EXPECT_UINT(cw.calls, 1 + (998 + 65) / 66);
	EXPECT(t.now_ms - began >= 250 * (cw.calls - 1));
	EXPECT(t.now_ms - began <= 250 * (cw.calls + 1));
	tear_down();
}

static const struct {
	enum aws_failure failure;
	const char *name;
	uint64_t first_ms;
} failures[] = {
	{ AWS_TRANSIENT, "transient", 1000 },
	{ AWS_THROTTLED, "throttled", 5000 },
	{ AWS_NO_CREDENTIALS, "no credentials", 1000 },
	{ AWS_NO_REGION, "no region", 1000 },
	{ AWS_DENIED, "denied", 10000 },
};

static void each_failure(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		uint64_t pause = failures[i].first_ms;
		struct push_stats s;

		unit_begin("kept and tried again, more and more slowly: %s", failures[i].name);
		set_up();
		put_minute(1);
		put_minute(2);
		put_minute(3);
		cw.answer.failure = failures[i].failure;
		EXPECT(next_call());
		for (unsigned int n = 1; n < 30; n++) {
			answer();
			EXPECT(t.planned_ms >= pause / 2 && t.planned_ms <= pause);
			pause = 2 * pause < 300000 ? 2 * pause : 300000;
			EXPECT(next_call());
			EXPECT_UINT(cw.calls, n + 1);
		}
		push_stats(p, &s);
		EXPECT_INT(s.state, failures[i].failure);
		EXPECT_STR(s.error, "what CloudWatch said?");
		EXPECT_UINT(s.failures, 29);
		EXPECT_UINT(sp.pushed + sp.rejected, 0);
		cw.answer.failure = AWS_OK;
		EXPECT_HAS(cw.body, "\"Value\":3"); /* the newest one when it comes back */
		go_on(100);
		EXPECT_UINT(sp.pushed, 3);
		EXPECT_UINT(sp.twice, 0);
		push_stats(p, &s);
		EXPECT_STR(s.error, "");
		tear_down();
	}
}

static void asked_pause(void)
{
	set_up();
	put_minute(1);
	cw.answer = (struct aws_answer){ .failure = AWS_THROTTLED, .retry_after_ms = 40000 };
	EXPECT(next_call());
	answer();
	EXPECT(t.planned_ms >= 40000 && t.planned_ms <= 50000);
	cw.answer.retry_after_ms = UINT64_MAX;
	EXPECT(next_call());
	answer();
	EXPECT(t.planned_ms >= 300000 && t.planned_ms <= 375000);
	tear_down();
}

static void unknown_outcome(void)
{
	struct push_stats s;

	set_up();
	put_minute(1);
	cw.answer = (struct aws_answer){ .failure = AWS_TRANSIENT,
					 .outcome_unknown = true,
					 .attempts = 3 };
	EXPECT(next_call());
	answer();
	EXPECT(row_of(1)->maybe_sent && !row_of(1)->under_way);
	cw.answer = (struct aws_answer){ 0 };
	go_on(20);
	EXPECT_UINT(sp.pushed, 1);
	EXPECT_UINT(sp.twice, 1);
	push_stats(p, &s);
	EXPECT_UINT(s.retries, 2);
	/* Within one call: the second attempt went well, the first may have, too. */
	put_minute(2);
	cw.answer = (struct aws_answer){ .outcome_unknown = true, .attempts = 2 };
	go_on(20);
	EXPECT_UINT(sp.pushed, 2);
	EXPECT_UINT(sp.twice, 2);
	tear_down();
}

static void rejection(void)
{
	static const unsigned int poisoned[] = { 1, 2, 7, 60 };

	for (size_t i = 0; i < ARRAY_SIZE(poisoned); i++) {
		char poison[40];
		struct push_stats s;

		unit_begin("only what is refused alone is removed: %u of 60", poisoned[i]);
		snprintf(poison, sizeof(poison), "\"Value\":%u}",
			 poisoned[i] == 60 ? 59 : poisoned[i]);
		set_up();
		for (unsigned int id = 0; id < 60; id++)
			put_minute(id);
		cw.poison = poison;
		go_on(1000);
		EXPECT_UINT(sp.pushed, 59);
		EXPECT_UINT(sp.rejected, 1);
		EXPECT_UINT(sp.twice, 0);
		EXPECT(!row_of(poisoned[i] == 60 ? 59 : poisoned[i])->here);
		push_stats(p, &s);
		EXPECT_INT(s.state, AWS_OK);
		EXPECT(s.failures >= 2);
		tear_down();
	}
}

static void all_rejected(void)
{
	struct push_stats s;

	set_up();
	for (unsigned int id = 0; id < 150; id++)
		put_minute(id);
	cw.answer.failure = AWS_REJECTED;
	go_on(2000);
	EXPECT_UINT(sp.rejected, 150);
	EXPECT_UINT(sp.pushed, 0);
	push_stats(p, &s);
	EXPECT_INT(s.state, AWS_REJECTED);
	EXPECT_STR(s.error, "what CloudWatch said?");
	tear_down();
}

static void damaged_minutes(void)
{
	set_up();
	put_row(1, "not JSON");
	put_minute(2);
	put_row(3, "[{}]");
	put_row(4, "[");
	go_on(50);
	EXPECT_UINT(sp.rejected, 3);
	EXPECT_UINT(sp.pushed, 1);
	put_row(5, "[");
	go_on(50);
	EXPECT_UINT(sp.rejected, 4);
	tear_down();
}

static void now(void)
{
	set_up();
	put_minute(1);
	EXPECT_INT(push_now(p, done, NULL), 0);
	EXPECT_INT(push_now(p, done, NULL), -EBUSY);
	EXPECT_UINT(t.planned_ms, 0);
	go_on(20);
	EXPECT_UINT(n_done, 1);
	EXPECT_UINT(sp.pushed, 1);
	/* In a pause, and it fails again. */
	put_minute(2);
	cw.answer.failure = AWS_TRANSIENT;
	EXPECT(next_call());
	answer();
	EXPECT(t.planned_ms >= 500);
	EXPECT_INT(push_now(p, done, NULL), 0);
	EXPECT_UINT(t.planned_ms, 0);
	EXPECT(next_call());
	EXPECT_UINT(n_done, 1);
	answer();
	EXPECT_UINT(n_done, 2);
	/* While a call is under way: behind it. */
	cw.answer.failure = AWS_OK;
	EXPECT(next_call());
	EXPECT_INT(push_now(p, done, NULL), 0);
	go_on(20);
	EXPECT_UINT(n_done, 3);
	EXPECT_UINT(sp.pushed, 2);
	tear_down();
}

static void wake(void)
{
	set_up();
	put_minute(1);
	push_wake(p); /* no pause: nothing happens */
	EXPECT(t.planned_ms > 0);
	cw.answer.failure = AWS_NO_CREDENTIALS;
	for (unsigned int i = 0; i < 12; i++) {
		EXPECT(next_call());
		answer();
	}
	EXPECT(t.planned_ms >= 150000);
	cw.answer.failure = AWS_OK;
	push_wake(p);
	EXPECT_UINT(t.planned_ms, 0);
	go_on(10);
	EXPECT_UINT(sp.pushed, 1);
	tear_down();
}

static void identity(void)
{
	uint64_t began;

	set_up();
	put_minute(1);
	who.instance_id = NULL;
	who.settled = false;
	EXPECT_INT(push_now(p, done, NULL), 0);
	for (unsigned int i = 0; i < 5; i++)
		next();
	EXPECT_UINT(cw.calls, 0);
	EXPECT_UINT(t.planned_ms, 1000);
	who.instance_id = "i-late";
	push_wake(p);
	EXPECT_UINT(t.planned_ms, 0);
	EXPECT(next_call());
	EXPECT_HAS(cw.body, "i-late");
	tear_down();

	set_up();
	put_minute(1);
	who.instance_id = NULL;
	who.settled = false;
	began = t.now_ms;
	for (unsigned int i = 0; i < 200 && !cw.calls; i++)
		next();
	EXPECT(t.now_ms - began >= 60000 && t.now_ms - began < 125000);
	EXPECT(!strstr(cw.body, "InstanceId"));
	go_on(10);
	EXPECT_UINT(sp.pushed, 1);
	tear_down();

	set_up(); /* asked, and not known: no EC2 */
	put_minute(1);
	who.instance_id = NULL;
	EXPECT_INT(push_now(p, done, NULL), 0);
	next();
	next();
	EXPECT_UINT(cw.calls, 1);
	tear_down();
}

static void other_options(void)
{
	struct push_options o = options;

	set_up();
	o.put.metric_namespace = "Other";
	o.put.n_dimensions = 0;
	o.interval_s = 5;
	put_minute(1);
	EXPECT(next_call());
	EXPECT_INT(push_set_options(p, &o), 0);
	EXPECT_HAS(cw.body, "AgentISA");
	go_on(10);
	EXPECT(t.planned_ms <= 5000);
	EXPECT_INT(push_set_options(p, &options), 0);
	EXPECT_INT(push_set_options(p, &o), 0);
	EXPECT(t.planned_ms <= 5000);
	put_minute(2);
	EXPECT(next_call());
	EXPECT_HAS(cw.body, "\"Other\"");
	EXPECT(!strstr(cw.body, "AutoScaling"));
	tear_down();
}

static void freed(void)
{
	set_up();
	put_minute(1);
	EXPECT(next_call());
	tear_down();
	EXPECT_UINT(cw.cancelled, 1);
	EXPECT(row_of(1)->here && row_of(1)->maybe_sent && !row_of(1)->under_way);

	set_up(); /* during a take: what it gives goes back */
	put_minute(1);
	put_minute(2);
	next();
	tear_down();
	give_taken();
	EXPECT(row_of(2)->here && !row_of(2)->maybe_sent && !row_of(2)->under_way);
	EXPECT(!row_of(1)->under_way);

	set_up(); /* in a pause */
	put_minute(1);
	cw.answer.failure = AWS_TRANSIENT;
	EXPECT(next_call());
	answer();
	tear_down();
	EXPECT(!row_of(1)->under_way && !row_of(1)->maybe_sent);
	push_free(NULL);
}

static void without_memory(void)
{
	set_up();
	put_minute(1);
	sp.take_err = -EIO;
	next();
	next();
	EXPECT_UINT(t.planned_ms, 1000);
	sp.take_err = 0;
	cw.no_memory = true;
	next();
	next();
	EXPECT(!row_of(1)->under_way);
	cw.no_memory = false;
	EXPECT(next_call());
	sp.no_memory = true;
	answer();
	EXPECT_UINT(sp.pushed, 0);
	for (unsigned int i = 0; i < 5; i++)
		next();
	EXPECT_UINT(sp.takes, 3); /* nothing is taken before that is told */
	sp.no_memory = false;
	go_on(10);
	EXPECT_UINT(sp.pushed, 1);
	EXPECT_UINT(cw.calls, 1);
	tear_down();
}

static void each_allocation(void)
{
	unsigned int n;

	for (n = 1; nomem_again(n); n++) {
		struct push *q = NULL;
		int err;

		base = event_base_new();
		err = push_new(base, NULL, NULL, NULL, &options, NULL, NULL, &q);
		EXPECT(err == 0 || (err == -ENOMEM && nomem_hit()));
		push_free(q);
		event_base_free(base);
	}
	EXPECT(n > 4);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a minute is pushed at the host's moment", a_minute },
		{ "many minutes: the newest, then the oldest, 4 requests a second", many_minutes },
		{ NULL, each_failure },
		{ "a pause that CloudWatch asks for is kept, up to 5 minutes", asked_pause },
		{ "an unknown outcome is counted when it is pushed again", unknown_outcome },
		{ NULL, rejection },
		{ "all are refused: all are removed", all_rejected },
		{ "a minute that is none is removed, the others are pushed", damaged_minutes },
		{ "at once, without regard to pauses", now },
		{ "waking ends a pause", wake },
		{ "the instance id is waited for, but not for ever", identity },
		{ "other options hold from the next request on", other_options },
		{ "what is under way at the end waits again", freed },
		{ "for lack of memory it is tried again", without_memory },
		{ "each allocation may fail", each_allocation },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
