/* SPDX-License-Identifier: MIT */
/*
 * The lanes and what they share: calls, memory, time. Everything happens in one event (soon), which asks each lane to
 * read and to go on, and comes again as long as one has more to do; and in a tick for what only time brings.
 */
#include "logs/log_push.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "logs/log_push_impl.h"

#define TICK_MS 1000
#define TICK_BUSY_MS 100
#define SEEN_EVERY_NS (3600 * NS_PER_SEC)
#define FDS_OTHERS 48
#define FDS_SHARE_MIN 4
#define FORGET_S ((int64_t)60 * 86400)

void log_push_soon(struct log_push *p)
{
	event_active(p->soon, 0, 0);
}

size_t log_push_share(const struct log_push *p)
{
	size_t share = LOG_PUSH_BYTES / LANE_SLOTS / (p->n_shipping ? p->n_shipping : 1);

	if (share < LOG_PUSH_SHARE_MIN)
		share = LOG_PUSH_SHARE_MIN;
	return share < PUT_LOGS_BYTES_MAX ? share : PUT_LOGS_BYTES_MAX;
}

int64_t log_push_now_ms(const struct log_push *p)
{
	return (int64_t)(clock_realtime_ns() / NS_PER_MS) + aws_client_skew_s(p->client) * 1000;
}

uint32_t log_push_random(struct log_push *p)
{
	p->random ^= p->random << 13; /* Marsaglia 2003, xorshift */
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return (uint32_t)(p->random >> 32);
}

/* --- stopping */

static bool is_quiet(const struct log_push *p)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		const struct log_lane *l = p->lanes[i];

		if (l->state == LANE_CALLING || l->state == LANE_CREATING ||
		    (l->state == LANE_WRITING && !l->write_failed))
			return false;
	}
	return true;
}

void log_push_stop(struct log_push *p, void (*done)(void *ctx), void *ctx)
{
	p->stopping = true;
	p->stopped = done;
	p->stopped_ctx = ctx;
	log_push_soon(p);
}

/* --- the loop */

static bool step(struct log_lane *l)
{
	bool more = log_lane_fill(l);

	log_files_register(l);
	log_journal_register(l);
	log_flight_step(l);
	return more && !log_lane_filling(l)->full && !l->has_next;
}

static void on_soon(evutil_socket_t fd, short what, void *ctx)
{
	const struct timeval now = { 0 };
	struct log_push *p = ctx;
	void (*stopped)(void *ctx) = p->stopped;
	bool more = false;

	(void)fd;
	(void)what;
	p->turn++;
	for (size_t i = 0; i < p->n_lanes; i++)
		more |= step(p->lanes[(p->turn + i) % p->n_lanes]);
	if (more)
		event_add(p->soon, &now); /* behind what else the loop has to do */
	if (p->stopping && stopped && is_quiet(p)) {
		p->stopped = NULL;
		stopped(p->stopped_ctx);
	}
}

static bool is_busy(struct log_push *p)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		struct log_lane *l = p->lanes[i];

		assert(l);
		if (l->state != LANE_IDLE || log_lane_filling(l)->any || log_files_wait(l) ||
		    log_journal_waits(l))
			return true;
	}
	return false;
}

static void plan_tick(struct log_push *p)
{
	const unsigned int ms = is_busy(p) ? TICK_BUSY_MS : TICK_MS;
	const struct timeval in = { ms / 1000, ms % 1000 * 1000 };

	event_add(p->tick, &in);
}

/* Of a file that nothing is written to for months it is still known that it is there. */
static void see_again(struct log_push *p)
{
	struct lane_file *f;

	p->seen_ns = clock_monotonic_ns();
	for (size_t i = 0; i < p->n_lanes; i++) {
		p->lanes[i]->journal_known = false;
		TAILQ_FOREACH(f, &p->lanes[i]->files, entry)
		if (!f->to[LANE_A] && !f->to[LANE_B] && !f->maybe_to)
			f->known = false;
	}
	(void)positions_forget(p->positions,
			       (int64_t)(clock_realtime_ns() / NS_PER_SEC) - FORGET_S);
}

static void write_all_again(struct log_push *p)
{
	struct lane_file *f;

	if (!positions_lost(p->positions))
		return;
	for (size_t i = 0; i < p->n_lanes; i++) {
		p->lanes[i]->journal_known = false;
		TAILQ_FOREACH(f, &p->lanes[i]->files, entry)
		f->known = false;
	}
	log_count_write_all(p);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct log_push *p = ctx;

	(void)fd;
	(void)what;
	if (clock_monotonic_ns() - p->seen_ns >= SEEN_EVERY_NS)
		see_again(p);
	write_all_again(p);
	for (size_t i = 0; i < p->n_lanes; i++)
		log_files_tick(p->lanes[i]);
	log_push_soon(p);
	plan_tick(p);
}

void log_push_wake(struct log_push *p)
{
	for (size_t i = 0; i < p->n_lanes; i++) {
		struct log_lane *l = p->lanes[i];

		if (l->state == LANE_WAITING) {
			l->n_failures = 0;
			l->due_ns = 0;
		}
	}
	log_push_soon(p);
}

/* --- new and free */

static void log_push_freep(struct log_push **p)
{
	log_push_free(*p);
}

static int open_lane(struct log_push *p, const struct config_log *c, enum log_count count)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	struct log_lane *l = NULL;
	int err = log_lane_new(p, c, count, &why, &l);

	if (err == -ENOMEM)
		return err;
	if (err && count != COUNT_ONLY) /* which is the second to say so */
		log_error("log \"%s\" is not shipped: %s", c->name, buf_str(&why));
	if (!l)
		return 0;
	if (l->follow)
		follow_set_open_max(l->follow, p->open_max);
	if (l->follow && count == COUNT_ONLY) /* the log's first lane says it */
		follow_set_quiet(l->follow);
	p->lanes[p->n_lanes++] = l;
	p->n_shipping += l->config->ship;
	return 0;
}

/* How many files each of @n_logs may hold open: what else needs descriptors (calls, state file, inotify, journalctl) leaves. */
static size_t open_share(size_t n_logs)
{
	const size_t others = FDS_OTHERS + 3 * n_logs;
	struct rlimit limit;
	size_t share;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return FOLLOW_OPEN_MAX;
	share = limit.rlim_cur > others ? (limit.rlim_cur - others) / n_logs : 0;
	if (share > FOLLOW_OPEN_MAX)
		return FOLLOW_OPEN_MAX;
	return share > FDS_SHARE_MIN ? share : FDS_SHARE_MIN;
}

static int open_lanes(struct log_push *p, const struct config_log *const *logs, size_t n)
{
	const bool count = p->options.count;
	int err = 0;

	p->lanes = calloc(2 * n + 1, sizeof(struct log_lane *));
	if (!p->lanes)
		return -ENOMEM;
	p->open_max = open_share(count ? 2 * n : n);
	for (size_t i = 0; i < n && i < LOGS_LOGS_MAX && !err; i++) {
		err = open_lane(p, logs[i], count && !logs[i]->ship ? COUNT_TOO : COUNT_NOT);
		if (!err && count && logs[i]->ship)
			err = open_lane(p, logs[i], COUNT_ONLY);
	}
	return err ? err : log_count_open(p);
}

int log_push_new(struct event_base *base, struct positions *positions, struct aws_client *client,
		 struct identity *identity, const struct config_log *const *logs, size_t n_logs,
		 const struct log_push_options *o, struct log_push **ret)
{
	_cleanup_(log_push_freep) struct log_push *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->base = base;
	p->positions = positions;
	p->client = client;
	p->identity = identity;
	p->options = *o;
	p->began_ns = p->seen_ns = clock_monotonic_ns();
	if (gethostname(p->host, sizeof(p->host) - 1) || !*p->host)
		snprintf(p->host, sizeof(p->host), "localhost");
	if (getrandom(&p->random, sizeof(p->random), GRND_NONBLOCK) != sizeof(p->random))
		p->random = clock_realtime_ns();
	p->random |= 1;
	p->soon = event_new(base, -1, 0, on_soon, p);
	p->tick = event_new(base, -1, 0, on_tick, p);
	if (!p->soon || !p->tick)
		return -ENOMEM;
	err = open_lanes(p, logs, n_logs);
	if (err)
		return err;
	plan_tick(p);
	*ret = take(p);
	return 0;
}

void log_push_free(struct log_push *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_lanes; i++)
		log_lane_free(p->lanes[i]);
	free(p->lanes);
	if (p->soon)
		event_free(p->soon);
	if (p->tick)
		event_free(p->tick);
	free(p);
}

/* --- figures */

static void gather_counts(struct log_lane *l, struct logs_figures *ret)
{
	struct lane_file *f;

	TAILQ_FOREACH(f, &l->files, entry)
	log_lane_add_counts(&l->counts, records_counts(f->records), &f->counted);
	if (l->journal_records)
		log_lane_add_counts(&l->counts,
				    records_counts(journal_records_of(l->journal_records)),
				    &l->journal_counted);
	if (l->journal)
		ret->n[LOGS_REFUSED] += journal_lost(l->journal);
	ret->n[LOGS_LINES] += l->counts.lines;
	ret->n[LOGS_FILTERED] += l->counts.filtered;
	ret->n[LOGS_EMPTY] += l->counts.empty;
	ret->n[LOGS_CUT] += l->counts.cut;
	ret->n[LOGS_INVALID_UTF8] += l->counts.invalid_utf8;
	ret->n[LOGS_NUL] += l->counts.nul;
	ret->n[LOGS_WITHOUT_TIME] += l->counts.without_time;
}

static void gather_files(const struct log_lane *l, struct logs_figures *ret)
{
	struct follow_stats s;

	if (!l->follow)
		return;
	follow_stats(l->follow, &s);
	ret->n[LOGS_FILES] += s.files;
	ret->n[LOGS_UNREADABLE] += s.unreadable;
	ret->n[LOGS_BACKLOG_BYTES] += s.backlog_bytes;
}

static void gather_oldest(const struct log_lane *l, struct logs_figures *ret)
{
	for (size_t i = 0; i < LANE_SLOTS; i++) {
		const struct put_logs *put = &l->batch[i].put;
		const uint64_t s = (uint64_t)(put->first_ms / 1000);

		if (put->n && (!ret->n[LOGS_OLDEST_S] || s < ret->n[LOGS_OLDEST_S]))
			ret->n[LOGS_OLDEST_S] = s;
	}
}

int log_push_figures(struct log_push *p, struct logs_figures *ret)
{
	memcpy(ret->n, p->n, sizeof(ret->n));
	ret->up = true;
	log_count_figures(p, ret);
	for (size_t i = 0; i < p->n_lanes; i++) {
		struct log_lane *l = p->lanes[i];
		struct logs_log *log;

		if (l->count == COUNT_ONLY)
			continue;
		log = logs_figures_log(ret, l->log.name);
		if (!log)
			return -ENOMEM;
		*log = l->log;
		gather_counts(l, ret);
		gather_files(l, ret);
		gather_oldest(l, ret);
		if (l->said == AWS_OK)
			continue;
		if (l->said != AWS_TRANSIENT && l->said != AWS_THROTTLED)
			ret->up = false;
		snprintf(ret->problem, sizeof(ret->problem), "%s", l->problem);
	}
	return 0;
}
