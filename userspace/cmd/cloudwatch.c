/* SPDX-License-Identifier: MIT */
/*
 * One timer does it all: it is due at the end of the minute, at the next look, or when something is to be tried again,
 * whichever comes first, and no later than LOOK_S from now, so that a clock that was set is noticed.
 */
#include "cmd/cloudwatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/util.h"
#include "cmd/cloudwatch_impl.h"
#include "cmd/cloudwatch_json.h"
#include "cmd/cloudwatch_options.h"

#define LOOK_S 10
#define AGAIN_S 60 /* until what could not be opened is tried again */
#define US_PER_S 1000000

static int64_t now_s(void)
{
	return (int64_t)(clock_realtime_ns() / NS_PER_SEC);
}

bool cloudwatch_enabled(const struct cloudwatch *w)
{
	return w->config->cloudwatch_enabled;
}

/* --- looking */

static double spool_age_s(const struct cloudwatch *w)
{
	struct spool_stats s = { 0 };
	int64_t now = now_s();

	if (w->parts.spool)
		s = spool_stats(w->parts.spool);
	return s.oldest_s > 0 && now > s.oldest_s ? (double)(now - s.oldest_s) : 0;
}

/* Requests whose records were lost are requests: of these only that they ended is known. @ended was read before the records
 * were, so what is missing among them will not come. */
static void make_up(struct cloudwatch *w, uint64_t ended, uint64_t lost)
{
	const struct minute_request r = { .answered = false };
	uint64_t n = lost - w->n_lost, counted = w->ended_before + w->n_told;

	w->n_lost = lost;
	for (; n && counted < ended; n--, counted++) {
		minute_request(w->parts.minute, &r);
		w->n_told++;
	}
}

static void drain(struct cloudwatch *w, bool first)
{
	uint64_t ended, lost;

	if (!w->hooks.drain(&ended, &lost, w->hooks.ctx))
		return;
	if (!first) {
		make_up(w, ended, lost);
		return;
	}
	w->ended_before = ended;
	w->n_lost = lost;
	w->n_told = 0;
}

void cloudwatch_look(struct cloudwatch *w)
{
	uint64_t interval_s = minute_interval_s(w->parts.minute);
	struct minute_look l = { .spool_age_s = spool_age_s(w) };

	drain(w, false);
	w->hooks.look(&l, w->hooks.ctx);
	l.monotonic_ns = clock_monotonic_ns();
	minute_look(w->parts.minute, &l);
	w->look_due_ns = l.monotonic_ns + (interval_s < LOOK_S ? interval_s : LOOK_S) * NS_PER_SEC;
}

void cloudwatch_observe(const struct http_observed *o, void *ctx)
{
	struct cloudwatch *w = ctx;
	const struct minute_request r = {
		.route = o->route,
		.answered = o->answered,
		.server_error = o->server_error,
		.duration_ns = o->duration_ns,
		.has_queue = o->has_queue,
		.queue_ns = o->queue_ns,
	};

	if (!w->parts.minute)
		return;
	if (o->kind == HTTP_OBSERVED_TURN)
		minute_turn(w->parts.minute, o->duration_ns);
	else
		minute_request(w->parts.minute, &r);
	w->n_told += o->kind == HTTP_OBSERVED_REQUEST;
}

/* --- opening */

/* Said again only if something has changed. */
static void say(struct cloudwatch *w, int err, const struct buf *why)
{
	if (err == -EINPROGRESS)
		return;
	if (err && strcmp(buf_str(why), buf_str(&w->why)) != 0)
		log_error("CloudWatch: %s; it is tried again each minute", buf_str(why));
	else if (!err && w->why.len)
		log_info("CloudWatch: everything is open now");
	buf_reset(&w->why);
	if (err)
		buf_add(&w->why, buf_str(why), why->len);
}

static void open_parts(struct cloudwatch *w)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(CLOUDWATCH_TEXT_MAX - 1);
	bool had_minute = w->parts.minute != NULL;
	int err = cloudwatch_parts_open(&w->parts, now_s(), &why);

	while (why.len && why.data[why.len - 1] == '\n')
		why.data[--why.len] = '\0';
	say(w, err, &why);
	w->again_due_ns = clock_monotonic_ns() + AGAIN_S * NS_PER_SEC;
	if (!had_minute && w->parts.minute) {
		drain(w, true);
		cloudwatch_look(w);
	}
	if (err || w->trimmed)
		return;
	/* libcurl's libraries have had their beginning. Later it has threads at work, which may load others. */
	memory_trim();
	w->trimmed = true;
}

/* --- the minute */

static bool is_over(const struct cloudwatch *w, int64_t now)
{
	int64_t start = minute_start_s(w->parts.minute);

	return now < start || now >= start + minute_interval_s(w->parts.minute);
}

static void keep_time(struct cloudwatch *w)
{
	bool over = is_over(w, now_s());

	if (over || clock_monotonic_ns() >= w->look_due_ns)
		cloudwatch_look(w);
	if (over)
		cloudwatch_parts_finish(&w->parts, now_s());
}

static uint64_t until(uint64_t due_ns, uint64_t now_ns)
{
	return due_ns > now_ns ? due_ns - now_ns : 0;
}

static void schedule(struct cloudwatch *w)
{
	uint64_t mono_ns = clock_monotonic_ns(), wait_ns = LOOK_S * NS_PER_SEC, us;
	struct timeval tv;

	if (w->parts.minute) {
		uint64_t end_ns = (uint64_t)(minute_start_s(w->parts.minute) +
					     minute_interval_s(w->parts.minute)) *
				  NS_PER_SEC;
		uint64_t end = until(end_ns, clock_realtime_ns());
		uint64_t next = until(w->look_due_ns, mono_ns);

		wait_ns = end < wait_ns ? end : wait_ns;
		wait_ns = next < wait_ns ? next : wait_ns;
	}
	if (w->parts.full) /* it is over, and stays so for a while */
		wait_ns = NS_PER_SEC;
	us = wait_ns / 1000 + 1;
	tv = (struct timeval){ .tv_sec = (time_t)(us / US_PER_S),
			       .tv_usec = (suseconds_t)(us % US_PER_S) };
	event_add(w->tick, &tv);
}

static void on_tick(evutil_socket_t fd, short what, void *ctx)
{
	struct cloudwatch *w = ctx;

	(void)fd;
	(void)what;
	if (!cloudwatch_parts_are_open(&w->parts) && clock_monotonic_ns() >= w->again_due_ns)
		open_parts(w);
	if (w->parts.minute)
		keep_time(w);
	schedule(w);
}

/* --- on and off */

static void begin(struct cloudwatch *w)
{
	open_parts(w);
	schedule(w);
}

static void on_changed(void *ctx)
{
	struct cloudwatch *w = ctx;

	if (cloudwatch_enabled(w))
		begin(w);
}

static void end(struct cloudwatch *w)
{
	event_del(w->tick);
	if (w->parts.minute) {
		cloudwatch_look(w);
		cloudwatch_parts_cut(&w->parts);
	}
	cloudwatch_parts_leave(&w->parts);
	config_free(w->kept);
	w->kept = NULL;
	buf_reset(&w->why);
	w->asked = w->ended = 0;
}

int cloudwatch_new(struct event_base *base, struct config *c, const struct cloudwatch_hooks *hooks,
		   struct cloudwatch **ret)
{
	struct cloudwatch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->tick = evtimer_new(base, on_tick, w);
	if (!w->tick) {
		free(w);
		return -ENOMEM;
	}
	w->hooks = *hooks;
	w->config = c;
	buf_init(&w->why, CLOUDWATCH_TEXT_MAX);
	cloudwatch_parts_init(&w->parts, base, c);
	w->parts.changed = on_changed;
	w->parts.changed_ctx = w;
	*ret = w;
	return 0;
}

void cloudwatch_start(struct cloudwatch *w)
{
	if (cloudwatch_enabled(w))
		begin(w);
}

void cloudwatch_free(struct cloudwatch *w)
{
	if (!w)
		return;
	if (cloudwatch_enabled(w))
		end(w);
	cloudwatch_parts_close(&w->parts);
	event_free(w->tick);
	buf_done(&w->why);
	free(w);
}

/* What runs on is told of new options; what cannot be told is closed. */
static void change(struct cloudwatch *w, const struct config *old, const struct config *c)
{
	struct minute_options minute;
	struct spool_limits limits;

	cloudwatch_minute_options(c, &minute);
	if (w->parts.minute && !cloudwatch_same_minute_options(&minute, &w->parts.minute_options)) {
		cloudwatch_look(w);
		cloudwatch_parts_cut(&w->parts);
		cloudwatch_parts_close_minute(&w->parts);
	}
	cloudwatch_spool_limits(c, &limits);
	if (w->parts.spool)
		spool_set_limits(w->parts.spool, &limits);
	if (w->parts.opening)
		spool_set_limits(w->parts.opening, &limits);
	if (!cloudwatch_same_aws(old, c)) {
		cloudwatch_parts_close_push(&w->parts);
		w->ended = w->asked;
	}
}

static void tell_push(struct cloudwatch *w)
{
	_cleanup_(cloudwatch_push_options_done) struct cloudwatch_push_options o;
	int err = cloudwatch_push_options(w->config, &o);

	if (!err)
		err = push_set_options(w->parts.push, &o.push);
	if (err)
		log_warning("CloudWatch: the old options stay until isamon is started again: %s",
			    strerror(-err));
}

bool cloudwatch_reload(struct cloudwatch *w, struct config *c)
{
	struct config *old = w->config;
	bool was_on = cloudwatch_enabled(w), keeps = false;

	if (was_on && !c->cloudwatch_enabled)
		end(w);
	else if (was_on)
		change(w, old, c);
	w->config = c;
	w->parts.config = c;
	if (!c->cloudwatch_enabled)
		return false;
	if (w->parts.session && !w->kept) {
		w->kept = old;
		keeps = true;
	} else if (!w->parts.session) {
		config_free(w->kept);
		w->kept = NULL;
	}
	if (w->parts.push)
		tell_push(w);
	begin(w);
	return keeps;
}
