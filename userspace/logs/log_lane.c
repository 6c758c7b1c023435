/* SPDX-License-Identifier: MIT */
/* A lane's next batch: what goes into it, with which time and under which name, and when it is to be sent. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "logs/log_push_impl.h"

/* Less than CloudWatch's 14 days and 2 hours by what a batch may wait. */
#define PAST_MAX_MS ((int64_t)(14 * 24 - 6) * 3600 * 1000)
#define FUTURE_MAX_MS ((int64_t)110 * 60 * 1000)

_Static_assert(LOGS_LEVELS == RECORD_LEVELS, "levels of records are those of the figures");

struct lane_batch *log_lane_filling(struct log_lane *l)
{
	return &l->batch[l->filling];
}

static struct log_names names_of(const struct log_lane *l)
{
	return (struct log_names){
		.name = l->config->name,
		.instance_id = identity_instance_id(l->push->identity),
		.host = l->push->host,
	};
}

static int begin(struct log_lane *l, struct lane_batch *b, int64_t time_ms)
{
	const char *group = *l->config->group ? l->config->group : l->push->options.group;
	const struct log_names names = names_of(l);
	int err;

	log_names_group(group, &names, b->group);
	log_names_stream(l->config->stream, &names, time_ms, b->stream);
	err = put_logs_begin(&b->put, b->group, b->stream, log_names_have_date(l->config->stream));
	b->begun = !err;
	if (err)
		put_logs_done(&b->put);
	return err;
}

static int64_t usable_time(const struct log_push *p, int64_t time_ms, bool *ret_other)
{
	const int64_t now = log_push_now_ms(p);

	*ret_other = time_ms < now - PAST_MAX_MS || time_ms > now + FUTURE_MAX_MS || time_ms < 0;
	return *ret_other ? now : time_ms;
}

/* Returns as put_logs_add(). */
static int add_event(struct log_lane *l, struct lane_batch *b, const struct record *r)
{
	bool other;
	const int64_t time_ms = usable_time(l->push, r->time_ms, &other);
	int err = b->begun ? 0 : begin(l, b, time_ms);

	if (!err)
		err = put_logs_add(&b->put, r->text, r->len, time_ms, log_push_share(l->push));
	if (!err)
		b->counts.retimed += other;
	return err;
}

static void count_exception(struct log_lane *l, struct lane_batch *b, const struct record *r)
{
	char type[LOGS_NAME_MAX];
	size_t i;

	utf8_make_plain(r->exception, r->exception_len, type, sizeof(type));
	for (i = 0; i < l->n_types && strcmp(l->types[i], type) != 0;)
		i++;
	if (i == l->n_types && i < LOGS_EXCEPTIONS - 1)
		memcpy(l->types[l->n_types++], type, sizeof(type));
	b->counts.exceptions[i]++;
}

int log_lane_take(struct log_lane *l, const struct record *r, enum record_level level, bool maybe)
{
	struct lane_batch *b = log_lane_filling(l);
	int err = 0;

	if (b->full)
		return 1;
	if (r->shipped && l->config->ship)
		err = add_event(l, b, r);
	if (err == 1)
		b->full = true;
	if (err == -EINVAL) { /* masked, it is longer than an event may be */
		l->push->n[LOGS_REFUSED]++;
		err = 0;
	}
	if (err)
		return err;
	if (!b->any)
		b->began_ns = clock_monotonic_ns();
	b->any = true;
	b->n_records++;
	b->n_maybe += maybe;
	if (!r->shipped)
		return 0;
	b->counts.maybe_twice += maybe && l->config->ship;
	b->counts.levels[level]++;
	if (r->exception)
		count_exception(l, b, r);
	return 0;
}

void log_lane_count(struct log_lane *l, const struct lane_counts *c)
{
	l->push->n[LOGS_MAYBE_TWICE] += c->maybe_twice;
	l->push->n[LOGS_RETIMED] += c->retimed;
	for (size_t i = 0; i < RECORD_LEVELS; i++)
		l->log.levels[i] += c->levels[i];
	for (size_t i = 0; i < LOGS_EXCEPTIONS; i++) {
		const char *type = i < l->n_types ? l->types[i] : "other";

		logs_log_exception(&l->log, type, strlen(type), c->exceptions[i]);
	}
}

void log_lane_add_counts(struct record_counts *sum, const struct record_counts *now,
			 struct record_counts *counted)
{
#define ADD(member) sum->member += now->member - counted->member
	ADD(lines);
	ADD(records);
	ADD(filtered);
	ADD(without_time);
	ADD(empty);
	ADD(cut);
	ADD(invalid_utf8);
	ADD(nul);
#undef ADD
	*counted = *now;
}

void log_lane_batch_reset(struct log_lane *l, enum lane_slot slot)
{
	struct lane_file *f;

	put_logs_done(&l->batch[slot].put);
	l->batch[slot] = (struct lane_batch){ 0 };
	TAILQ_FOREACH(f, &l->files, entry)
	f->to[slot] = 0;
}

bool log_lane_is_due(struct log_lane *l)
{
	const struct lane_batch *b = log_lane_filling(l);

	return b->any &&
	       (b->full || clock_monotonic_ns() - b->began_ns >= LANE_FLUSH_MS * NS_PER_MS);
}

/* A stream that is named after the instance waits for its id as long as IMDS has not spoken. */
static bool waits_for_name(const struct log_lane *l)
{
	const struct log_push *p = l->push;

	return l->config->ship && strstr(l->config->stream, "{instance_id}") &&
	       !identity_instance_id(p->identity) && !identity_settled(p->identity) &&
	       clock_monotonic_ns() - p->began_ns < 60 * NS_PER_SEC;
}

bool log_lane_fill(struct log_lane *l)
{
	if (l->push->stopping || l->has_next || log_lane_filling(l)->full || waits_for_name(l))
		return false;
	return l->journal ? log_journal_fill(l) : log_files_fill(l);
}

/* --- the lane itself */

static void log_lane_freep(struct log_lane **l)
{
	log_lane_free(*l);
}

struct loading {
	const char *key;
	struct position *list;
	size_t n, room;
};

static int load(const struct position *at, void *ctx)
{
	struct loading *o = ctx;

	if (strcmp(at->log, o->key) != 0)
		return 0;
	if (o->n == o->room) {
		const size_t room = o->room ? 2 * o->room : 8;
		struct position *list = reallocarray(o->list, room, sizeof(*list));

		if (!list)
			return -ENOMEM;
		o->list = list;
		o->room = room;
	}
	o->list[o->n++] = *at;
	return 0;
}

static int keep_under_way(struct log_lane *l, const struct loading *o)
{
	l->known = calloc(o->n + 1, sizeof(*l->known));
	if (!l->known)
		return -ENOMEM;
	for (size_t i = 0; i < o->n; i++)
		l->known[l->n_known++] =
			(struct lane_known){ o->list[i].id,
					     o->list[i].under_way ? o->list[i].under_way_to : 0 };
	return 0;
}

static int open_source(struct log_lane *l, struct buf *why)
{
	struct loading o = { .key = l->key };
	int err = positions_each(l->push->positions, load, &o);

	if (!err)
		err = keep_under_way(l, &o);
	if (!err && *l->config->unit)
		err = log_journal_open(l, o.list, o.n, why);
	else if (!err)
		err = log_files_open(l, o.list, o.n, why);
	free(o.list);
	return err;
}

int log_lane_new(struct log_push *p, const struct config_log *c, enum log_count count,
		 struct buf *why, struct log_lane **ret)
{
	_cleanup_(log_lane_freep) struct log_lane *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->push = p;
	l->config = c;
	log_count_lane(l, count);
	TAILQ_INIT(&l->files);
	utf8_make_plain(c->name, strlen(c->name), l->log.name, sizeof(l->log.name));
	err = record_rules_new(c, why, &l->rules);
	if (!err)
		err = open_source(l, why);
	if (err)
		return err;
	*ret = take(l);
	return 0;
}

void log_lane_free(struct log_lane *l)
{
	if (!l)
		return;
	aws_call_cancel(l->call);
	log_files_close(l);
	log_journal_close(l);
	record_rules_free(l->rules);
	for (size_t i = 0; i < LANE_SLOTS; i++)
		put_logs_done(&l->batch[i].put);
	free(l->list);
	free(l->known);
	free(l);
}
