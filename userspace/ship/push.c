/* SPDX-License-Identifier: MIT */
/*
 * The pusher: a timer begins a take from the spool, the take a call, and the call's end sets the timer again.
 *
 * Invariant: what was taken is in the batch until the spool has heard of its end, and nothing is taken before that. So each
 * minute that left the spool waits under way, waits again, or was removed because CloudWatch said so.
 */
#include "ship/push.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "aws/pause.h"
#include "base/clock.h"
#include "base/utf8.h"
#include "ship/push_batch.h"
#include "ship/push_state.h"
#include "ship/push_time.h"

#define TAKE_BYTES_MAX (300u << 10) /* of payloads, which are longer in a body */
#define NEWEST_MAX 2                /* a minute has hardly more than two parts */
/* CloudWatch takes 500 requests/s of an account in a region. With 4 each, 125 hosts may drain days of minutes at once; more
 * are throttled, and spread themselves by their pauses. */
#define PACE_MS 250
#define IDENTITY_WAIT_MS 60000
#define AGAIN_MS 1000 /* what could not be begun for lack of memory, or is waited for */

enum doing { WAITING, TAKING, CALLING };

/* What a take knows, which cannot be called off: without a push it gives everything back. */
struct ticket {
	struct push *push;
	struct spool *spool;
};

struct push {
	struct spool *spool;
	struct aws_client *client;
	struct identity *identity;
	struct push_options options; /* its texts are ours */
	void (*told)(void *ctx);
	void *told_ctx;
	struct event *timer;
	enum doing doing;
	struct ticket *ticket; /* of the take under way */
	struct aws_call *call; /* under way */

	struct push_batch batch; /* what was taken */
	enum spool_order order;  /* of the last take */
	size_t alone;            /* so many are still to be taken one by one, in that order */
	bool newest_first;       /* the next take */
	bool idle;               /* nothing waits: until the next interval */
	bool pausing;            /* for a failure, or for the identity */
	unsigned int n_failures; /* in a row */
	uint64_t began_ns, paced_ns;
	uint64_t random;
	void (*now_done)(void *ctx);
	void *now_ctx;
	struct push_stats stats;
	bool said;
	enum aws_failure said_state;
};

/* --- time */

static void plan(struct push *p, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
			      .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(p->timer, &tv);
}

static uint32_t random_bits(struct push *p)
{
	p->random ^= p->random << 13; /* Marsaglia 2003, xorshift */
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return (uint32_t)(p->random >> 32);
}

/* At our own moment of the next interval. */
static void plan_interval(struct push *p)
{
	const char *host = identity_instance_id(p->identity);
	char name[256] = "";

	if (!host && gethostname(name, sizeof(name) - 1) == 0)
		host = name;
	plan(p, push_delay_ms(host ? host : "", p->options.interval_s,
			      clock_realtime_ns() / NS_PER_MS));
}

/* As soon as the pace allows. */
static void plan_more(struct push *p)
{
	uint64_t now = clock_monotonic_ns();

	plan(p, p->paced_ns > now ? (p->paced_ns - now + NS_PER_MS - 1) / NS_PER_MS : 0);
}

static void now_is_done(struct push *p)
{
	void (*done)(void *ctx) = p->now_done;

	p->now_done = NULL;
	if (done)
		done(p->now_ctx);
}

/* --- the end of a call */

static void keep_error(struct push *p, const struct aws_answer *a)
{
	const char *message = a->failure == AWS_OK ? "" : a->message;

	p->stats.state = a->failure;
	utf8_make_plain(message, strlen(message), p->stats.error, sizeof(p->stats.error));
}

static void say_state(struct push *p, const struct aws_answer *a)
{
	/* While minutes are sent alone some are taken and some refused: one word for all. */
	if (p->alone && a->failure == AWS_OK)
		return;
	if (!p->said || a->failure != p->said_state)
		push_log_state(a, !p->said, spool_stats(p->spool).minutes);
	p->said = true;
	p->said_state = a->failure;
}

static void one_less_alone(struct push *p)
{
	p->alone -= p->alone > 0;
}

static void took(struct push *p, const struct aws_answer *a)
{
	push_batch_end(&p->batch, a->outcome_unknown ? PUSH_PUSHED_MAYBE_TWICE : PUSH_PUSHED);
	one_less_alone(p);
	p->n_failures = 0;
	p->newest_first = false;
	p->stats.last_success_s = (int64_t)(clock_realtime_ns() / NS_PER_SEC);
	plan_more(p);
}

static void refused(struct push *p, const struct aws_answer *a)
{
	p->newest_first = false;
	p->stats.failures++;
	if (p->batch.n_sent == 1) {
		push_batch_end(&p->batch, PUSH_REJECTED);
		one_less_alone(p);
	} else {
		p->alone = p->batch.n_sent;
		push_batch_end(&p->batch, a->outcome_unknown ? PUSH_MAYBE_SENT : PUSH_RETURNED);
	}
	plan_more(p);
}

static void failed(struct push *p, const struct aws_answer *a)
{
	push_batch_end(&p->batch, a->outcome_unknown ? PUSH_MAYBE_SENT : PUSH_RETURNED);
	p->newest_first = true;
	p->stats.failures++;
	p->n_failures++;
	p->pausing = true;
	plan(p, aws_pause_ms(a, p->n_failures, random_bits(p)));
}

static void on_answer(const struct aws_answer *a, void *ctx)
{
	struct push *p = ctx;

	p->call = NULL;
	p->doing = WAITING;
	p->stats.requests++;
	p->stats.retries += a->attempts > 1 ? a->attempts - 1 : 0;
	p->stats.sent_bytes += a->sent_bytes;
	keep_error(p, a);
	if (a->failure == AWS_OK)
		took(p, a);
	else if (a->failure == AWS_REJECTED)
		refused(p, a);
	else
		failed(p, a);
	say_state(p, a);
	if (p->told)
		p->told(p->told_ctx);
	if (p->pausing)
		now_is_done(p);
}

/* --- a call */

static int send_request(struct push *p, const struct put_request *body)
{
	struct aws_request r = { .service = AWS_CLOUDWATCH,
				 .operation = "PutMetricData",
				 .body = body->body.data,
				 .body_len = body->body.len,
				 .gzip = true };
	int err = aws_client_call(p->client, &r, on_answer, p, &p->call);

	if (err)
		return err;
	p->doing = CALLING;
	p->paced_ns = clock_monotonic_ns() + PACE_MS * NS_PER_MS;
	return 0;
}

/* For lack of memory, or because the spool could not be read; it says so itself. */
static void could_not_begin(struct push *p)
{
	push_batch_end(&p->batch, PUSH_RETURNED);
	plan(p, AGAIN_MS);
	now_is_done(p);
}

static void nothing_waits(struct push *p)
{
	p->alone = 0;
	p->idle = true;
	plan_interval(p);
	now_is_done(p);
}

static struct put_options with_identity(const struct push *p)
{
	struct put_options o = p->options.put;

	o.instance_id = identity_instance_id(p->identity);
	return o;
}

static void send_minutes(struct push *p, const struct spool_minute *minutes, size_t n)
{
	_cleanup_(put_done) struct put_request body;
	struct put_options o = with_identity(p);
	int err = push_batch_fill(&p->batch, &o, minutes, n, &body);

	if (!err && !p->batch.n_sent) { /* all of them were dropped */
		(void)push_batch_settle(&p->batch);
		plan(p, 0);
		return;
	}
	if (!err)
		err = send_request(p, &body);
	if (err)
		could_not_begin(p);
}

static void on_taken(int err, const struct spool_minute *minutes, size_t n, void *ctx)
{
	struct ticket *t = ctx;
	struct push *p = t->push;

	if (!p) {
		for (size_t i = 0; i < n; i++)
			(void)spool_return(t->spool, &minutes[i].id, 1, false);
		free(t);
		return;
	}
	free(t);
	p->ticket = NULL;
	p->doing = WAITING;
	if (err)
		could_not_begin(p);
	else if (n == 0)
		nothing_waits(p);
	else
		send_minutes(p, minutes, n);
}

/* --- a take */

static size_t choose(struct push *p, enum spool_order *ret_order)
{
	struct put_options o = with_identity(p);

	*ret_order = p->order;
	if (p->alone)
		return 1;
	*ret_order = SPOOL_NEWEST_FIRST;
	if (p->newest_first && spool_stats(p->spool).minutes > NEWEST_MAX)
		return NEWEST_MAX;
	*ret_order = SPOOL_OLDEST_FIRST;
	return PUT_METRICS_MAX / (5 * put_sets(&o)); /* of the five metrics: a full request */
}

static int take_minutes(struct push *p)
{
	size_t n = choose(p, &p->order);
	struct ticket *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	*t = (struct ticket){ p, p->spool };
	err = spool_take(p->spool, p->order, n, TAKE_BYTES_MAX, on_taken, t);
	if (err) {
		free(t);
		return err;
	}
	p->ticket = t;
	p->doing = TAKING;
	return 0;
}

static bool waits_for_identity(const struct push *p)
{
	return !identity_instance_id(p->identity) && !identity_settled(p->identity) &&
	       clock_monotonic_ns() - p->began_ns < IDENTITY_WAIT_MS * NS_PER_MS;
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct push *p = ctx;

	(void)fd;
	(void)what;
	p->idle = false;
	p->pausing = waits_for_identity(p);
	if (p->pausing || !push_batch_settle(&p->batch))
		plan(p, AGAIN_MS);
	else if (take_minutes(p))
		could_not_begin(p);
}

/* --- from outside */

int push_new(struct event_base *base, struct spool *spool, struct aws_client *client,
	     struct identity *identity, const struct push_options *o, void (*told)(void *ctx),
	     void *ctx, struct push **ret)
{
	struct push *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->spool = p->batch.spool = spool;
	p->client = client;
	p->identity = identity;
	p->told = told;
	p->told_ctx = ctx;
	p->newest_first = true;
	p->began_ns = clock_monotonic_ns();
	if (getrandom(&p->random, sizeof(p->random), GRND_NONBLOCK) != sizeof(p->random))
		p->random = clock_realtime_ns();
	p->random |= 1;
	p->timer = event_new(base, -1, 0, on_timer, p);
	if (!p->timer || push_set_options(p, o)) {
		push_free(p);
		return -ENOMEM;
	}
	p->idle = true;
	plan_interval(p);
	*ret = p;
	return 0;
}

void push_free(struct push *p)
{
	if (!p)
		return;
	if (p->timer)
		event_free(p->timer);
	if (p->ticket)
		p->ticket->push = NULL;
	if (p->doing == CALLING) {
		aws_call_cancel(p->call);
		p->batch.end = PUSH_MAYBE_SENT;
	}
	(void)push_batch_settle(&p->batch);
	put_options_done(&p->options.put);
	free(p);
}

int push_set_options(struct push *p, const struct push_options *o)
{
	struct put_options copy;
	int err = put_options_copy(&o->put, &copy);

	assert(o->interval_s);
	if (err)
		return err;
	put_options_done(&p->options.put);
	p->options = (struct push_options){ .put = copy, .interval_s = o->interval_s };
	if (p->idle)
		plan_interval(p);
	return 0;
}

int push_now(struct push *p, void (*done)(void *ctx), void *ctx)
{
	if (p->now_done)
		return -EBUSY;
	p->now_done = done;
	p->now_ctx = ctx;
	if (p->doing == WAITING) {
		p->idle = false;
		plan(p, 0);
	}
	return 0;
}

void push_wake(struct push *p)
{
	if (p->doing != WAITING || !p->pausing)
		return;
	p->n_failures = 0;
	plan(p, 0);
}

void push_stats(const struct push *p, struct push_stats *ret)
{
	*ret = p->stats;
}
