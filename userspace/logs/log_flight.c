/* SPDX-License-Identifier: MIT */
/*
 * A lane's batch from the moment it is closed until its positions have moved: written down, sent in one part or (if one
 * of its events is refused) in several, and settled.
 *
 * Invariant: what is called with was written down as under way, and the batch that is filled next is closed and written down only in
 * a transaction that begins behind the end of this one.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "aws/pause.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include "logs/log_push_impl.h"

#define WRITE_AGAIN_MS 2000
#define NO_MEMORY_MS 1000
/* As many events in a row that are refused by themselves are not the events' fault. */
#define REFUSED_MAX 100

static enum lane_slot flight_slot(const struct log_lane *l)
{
	return l->filling == LANE_A ? LANE_B : LANE_A;
}

struct lane_batch *log_flight(struct log_lane *l)
{
	return &l->batch[flight_slot(l)];
}

static void wait_ms(struct log_lane *l, uint64_t ms)
{
	l->due_ns = clock_monotonic_ns() + ms * NS_PER_MS;
}

void log_flight_again(struct log_lane *l)
{
	l->state = LANE_WAITING;
	l->due_ns = 0;
	log_push_soon(l->push);
}

/* --- writing positions down */

static bool is_written(const struct log_lane *l, const struct lane_file *f)
{
	return ((l->settling || l->taken_back) && f->to[flight_slot(l)]) ||
	       (l->has_next && f->to[l->filling]);
}

/* Behind a kill it may be less that is sent than what was under way then; the rest of that may have arrived all the same. */
static void set_under_way(struct position *at, uint64_t to, uint64_t maybe_to)
{
	to = to > maybe_to ? to : maybe_to;
	at->under_way = to > at->offset;
	at->under_way_to = at->under_way ? to : 0;
}

static void fill_file(struct log_lane *l, struct lane_file *f, struct position *at)
{
	if (l->settling && f->to[flight_slot(l)])
		followed_done(f->followed, f->to[flight_slot(l)]);
	followed_position(f->followed, at);
	memcpy(at->log, l->key, sizeof(l->key));
	set_under_way(at, l->has_next ? f->to[l->filling] : 0, f->maybe_to);
	f->known = true;
}

static void fill_journal(struct log_lane *l, struct position *at)
{
	const struct lane_batch *next = log_lane_filling(l);

	if (l->settling && *log_flight(l)->cursor)
		memcpy(l->cursor, log_flight(l)->cursor, sizeof(l->cursor));
	log_journal_position(l, at);
	l->journal_known = true;
	set_under_way(at, l->has_next ? next->n_records : 0, next->n_maybe + l->journal_maybe);
}

static void on_written(int err, void *ctx);

static int write_down(struct log_lane *l)
{
	struct lane_file *f;
	const bool counts = l->count != COUNT_NOT && l->settling;
	size_t n = (l->journal != NULL) + counts;
	int err;

	TAILQ_FOREACH(f, &l->files, entry)
	n += is_written(l, f);
	free(l->list);
	l->list = calloc(n + !n, sizeof(*l->list));
	if (!l->list)
		return -ENOMEM;
	n = 0;
	if (l->journal)
		fill_journal(l, &l->list[n++]);
	TAILQ_FOREACH(f, &l->files, entry)
	if (is_written(l, f))
		fill_file(l, f, &l->list[n++]);
	if (counts)
		log_count_fill(l, &log_flight(l)->counts, &l->list[n++]);
	err = positions_put(l->push->positions, l->list, n, on_written, l);
	free(take(l->list));
	return err;
}

static void begin_writing(struct log_lane *l)
{
	if (l->state != LANE_WRITING)
		l->writing_ns = clock_monotonic_ns();
	l->state = LANE_WRITING;
	l->write_failed = write_down(l) != 0;
	if (l->write_failed)
		wait_ms(l, WRITE_AGAIN_MS);
}

/* The batch that was filled is the flight now. */
static void take_off(struct log_lane *l)
{
	l->filling = flight_slot(l);
	l->has_next = false;
	l->has_flight = true;
	l->at = 0;
	l->len = log_flight(l)->put.n;
	l->unknown = l->maybe_before = false;
}

static void on_written(int err, void *ctx)
{
	struct log_lane *l = ctx;

	if (err) { /* told by the store */
		l->write_failed = true;
		wait_ms(l, WRITE_AGAIN_MS);
		return;
	}
	if (l->settling) {
		log_lane_count(l, &log_flight(l)->counts);
		log_count_settle(l, &log_flight(l)->counts);
		log_lane_batch_reset(l, flight_slot(l));
		l->settling = l->has_flight = false;
	}
	l->state = LANE_IDLE;
	if (l->has_next) {
		take_off(l);
		l->state = LANE_WAITING;
		l->due_ns = 0;
	}
	log_push_soon(l->push);
}

/* Closes the batch that is filled, if it is due. */
static void close_next(struct log_lane *l)
{
	struct lane_batch *b = log_lane_filling(l);

	if (l->has_next || l->push->stopping || !log_lane_is_due(l))
		return;
	if (b->put.n && put_logs_end(&b->put))
		return; /* no memory: it stays due */
	l->has_next = true;
}

static void settle(struct log_lane *l)
{
	l->settling = true;
	close_next(l);
	begin_writing(l);
}

/* --- the end of a call */

void log_flight_fail(struct log_lane *l, const struct aws_answer *a)
{
	struct log_push *p = l->push;
	bool others = false;

	for (size_t i = 0; i < p->n_lanes; i++)
		others |= p->lanes[i] != l && p->lanes[i]->said == a->failure;
	if (l->said != a->failure)
		log_words_state(l, a, others);
	l->said = a->failure;
	utf8_make_plain(a->message, strlen(a->message), l->problem, sizeof(l->problem));
	p->n[LOGS_FAILURES]++;
	l->n_failures++;
	l->state = LANE_WAITING;
	wait_ms(l, aws_pause_ms(a, l->n_failures, log_push_random(p)));
}

static void succeed(struct log_lane *l, const struct aws_answer *a)
{
	struct log_push *p = l->push;
	const enum aws_failure before = l->said;
	bool others = false;

	l->said = AWS_OK;
	for (size_t i = 0; i < p->n_lanes; i++)
		others |= p->lanes[i]->said == before;
	if (before != AWS_OK)
		log_words_state(l, a, others);
	l->n_failures = l->n_refused = 0;
	l->created = false;
	l->succeeded = true;
	p->n[LOGS_LAST_SUCCESS_S] = clock_realtime_ns() / NS_PER_SEC;
}

static size_t index_of(const json_t *info, const char *name, size_t otherwise, size_t n)
{
	const json_t *value = json_object_get(info, name);
	const json_int_t i = json_integer_value(value);

	if (!json_is_integer(value) || i < 0)
		return otherwise;
	return (size_t)i < n ? (size_t)i : n;
}

/* How many of @n events the answer refuses, which are counted and told. */
static size_t count_rejected(struct log_lane *l, const struct aws_answer *a, size_t n)
{
	_cleanup_(json_freep) json_t *root = json_loadb(a->body, a->body_len, 0, NULL);
	const json_t *info = json_object_get(root, "rejectedLogEventsInfo");
	const size_t old = index_of(info, "tooOldLogEventEndIndex", 0, n);
	const size_t expired = index_of(info, "expiredLogEventEndIndex", 0, n);
	const size_t fresh = index_of(info, "tooNewLogEventStartIndex", n, n);
	const size_t first = expired > old ? expired : old;
	const size_t rejected = first + (fresh > first ? n - fresh : n - first);

	l->push->n[LOGS_TOO_OLD] += old;
	l->push->n[LOGS_EXPIRED] += first - old;
	l->push->n[LOGS_TOO_NEW] += rejected - first;
	if (rejected && !l->said_rejected)
		log_warning(
			"log \"%s\": CloudWatch Logs has refused %zu of %zu events: %zu too old, %zu"
			" older than the group keeps them, %zu too new; they are counted, and left"
			" behind",
			l->config->name, rejected, n, old, first - old, rejected - first);
	l->said_rejected = rejected != 0;
	return rejected;
}

/* The part is done; the next one is not larger than twice as large. */
static void go_on(struct log_lane *l)
{
	const size_t left = log_flight(l)->put.n - l->at - l->len;

	l->at += l->len;
	l->len = left < 2 * l->len ? left : 2 * l->len;
	l->unknown = false;
	if (left)
		log_flight_again(l);
	else
		settle(l);
}

static void took(struct log_lane *l, const struct aws_answer *a)
{
	const struct lane_batch *b = log_flight(l);
	const size_t taken = l->len - count_rejected(l, a, l->len);

	l->push->n[LOGS_EVENTS] += taken;
	l->push->n[LOGS_BYTES] += b->put.cost * taken / b->put.n;
	if (l->unknown || l->maybe_before)
		l->push->n[LOGS_MAYBE_TWICE] += taken;
	succeed(l, a);
	go_on(l);
}

/* Something of the part is wrong: it is halved; of one event, which would be left behind, it must be the fault. */
static void refused(struct log_lane *l, const struct aws_answer *a)
{
	l->maybe_before |= l->unknown;
	l->unknown = false;
	if (l->len > 1) {
		l->len /= 2;
		log_flight_again(l);
		return;
	}
	if (!l->succeeded || l->n_refused >= REFUSED_MAX) {
		log_flight_fail(l, a);
		return;
	}
	if (!l->n_refused++)
		log_warning(
			"log \"%s\": CloudWatch Logs refuses an event: %s; it is counted, and left"
			" behind",
			l->config->name, a->message);
	l->push->n[LOGS_REFUSED]++;
	go_on(l);
}

/* Group and stream were just made, and are not known everywhere. */
static void not_there_yet(struct log_lane *l, const struct aws_answer *a)
{
	l->created = false;
	log_flight_fail(l, a);
}

static void on_answer(const struct aws_answer *a, void *ctx)
{
	struct log_lane *l = ctx;
	struct log_push *p = l->push;

	l->call = NULL;
	p->n_calls--;
	p->n[LOGS_REQUESTS]++;
	p->n[LOGS_RETRIES] += a->attempts > 1 ? a->attempts - 1 : 0;
	p->n[LOGS_SENT_BYTES] += a->sent_bytes;
	l->unknown |= a->outcome_unknown;
	if (a->failure == AWS_OK)
		took(l, a);
	else if (a->failure != AWS_REJECTED)
		log_flight_fail(l, a);
	else if (strcmp(a->code, "ResourceNotFoundException") != 0)
		refused(l, a);
	else if (!l->created)
		log_create_begin(l);
	else
		not_there_yet(l, a);
	log_push_soon(p);
}

/* --- the call */

static int call(struct log_lane *l)
{
	const struct put_logs *put = &log_flight(l)->put;
	_cleanup_(buf_done) struct buf part = BUF_INIT(PUT_LOGS_BODY_MAX + 1024);
	const struct buf *body = &put->body;
	struct aws_request r = { .service = AWS_LOGS, .operation = "PutLogEvents" };
	int err = 0;

	if (l->len < put->n) {
		err = put_logs_part(put, l->at, l->len, &part);
		body = &part;
	}
	if (err)
		return -ENOMEM;
	r.body = body->data;
	r.body_len = body->len;
	r.gzip = l->push->options.compress;
	return aws_client_call(l->push->client, &r, on_answer, l, &l->call);
}

static void begin_call(struct log_lane *l)
{
	if (!log_flight(l)->put.n) { /* nothing of it is to be sent */
		settle(l);
		return;
	}
	if (l->push->n_calls >= LOG_PUSH_CALLS || l->push->stopping)
		return;
	if (call(l)) {
		wait_ms(l, NO_MEMORY_MS);
		return;
	}
	l->push->n_calls++;
	l->state = LANE_CALLING;
}

/* It waits, and nothing of it, nor of what a process before sent, can have arrived. */
static bool has_surely_not_arrived(struct log_lane *l)
{
	const struct lane_batch *b = log_flight(l);

	return l->state == LANE_WAITING && b->put.n && !l->at && !l->unknown && !l->maybe_before &&
	       !b->counts.maybe_twice;
}

void log_flight_step(struct log_lane *l)
{
	const bool due = clock_monotonic_ns() >= l->due_ns;

	if (l->push->stopping && !l->taken_back && has_surely_not_arrived(l)) {
		l->taken_back = true;
		begin_writing(l);
		return;
	}

	if (l->state == LANE_WRITING && l->write_failed && due)
		begin_writing(l);
	if (l->state == LANE_IDLE) {
		close_next(l);
		if (l->has_next)
			begin_writing(l);
	}
	if (l->state == LANE_WAITING && due)
		begin_call(l);
}
