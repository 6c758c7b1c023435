/* SPDX-License-Identifier: MIT */
/*
 * What wakes the daemon's loop: signals, records in the ring, and the second. Records are drained by a timer whose period follows
 * the load.
 */
#include "cmd/daemon_impl.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/util.h"
#include "cmd/setup.h"

#define DRAIN_MIN_US 5000
#define DRAIN_MAX_US 100000
/* So many drains in a row that found nothing, and only that of each second is left; the ring still wakes us when it
 * is half full, and pages drain it by themselves. */
#define DRAINS_QUIET 10
/* Records of the shortest path; a drain that finds fewer than this share of a ring slows down. */
#define DRAIN_RECORD_BYTES 72

static void schedule(struct daemon *d, int event, unsigned int us)
{
	const struct timeval tv = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };

	event_add(d->events[event], &tv);
}

/* Twice as often when a quarter of the ring had filled, half as often when next to nothing came. */
static void drain(struct daemon *d)
{
	const size_t ring = d->config->ring_kib * 1024;
	int n = http_probe_drain(d->probe);
	size_t bytes = n > 0 ? (size_t)n * DRAIN_RECORD_BYTES : 0;

	if (bytes > ring / 4 && d->drain_us > DRAIN_MIN_US)
		d->drain_us /= 2;
	else if (bytes < ring / 32 && d->drain_us < DRAIN_MAX_US)
		d->drain_us *= 2;
	if (n)
		d->quiet = 0;
	else if (d->quiet < DRAINS_QUIET)
		d->quiet++;
	if (d->quiet < DRAINS_QUIET)
		schedule(d, EVENT_DRAIN, d->drain_us);
}

static void on_drain(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	drain(ctx);
}

static void on_second(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *d = ctx;
	uint64_t now = clock_monotonic_ns();

	(void)fd;
	(void)what;
	if (d->quiet == DRAINS_QUIET)
		drain(d);
	http_metrics_tick(d->metrics);
	daemon_look_for_service(d);
	service_state_second(d->state);
	schedule_tick(d->schedule, daemon_now_s());
	history_watch_second(d->history, daemon_now_s(), now);
	restore_watch_second(&d->restore, d->config, now);
	if (d->watchdog_ns && now >= d->watchdog_due_ns) {
		notify_watchdog();
		d->watchdog_due_ns = now + d->watchdog_ns / 2;
	}
	schedule(d, EVENT_SECOND, 1000000);
}

static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
	struct daemon *d = ctx;

	(void)fd;
	(void)what;
	event_base_loopbreak(d->base);
}

static void on_reload(evutil_socket_t fd, short what, void *ctx)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(64 * 1024);
	struct daemon *d = ctx;
	struct route_patterns *patterns;
	struct config *c;

	(void)fd;
	(void)what;
	notify_reloading();
	if (options_load(d->options, &why, &c, &patterns) != 0) {
		log_error("the configuration was not taken; the old one stays: %s", buf_str(&why));
		d->self.config_reloads[0]++;
		notify_ready();
		return;
	}
	options_keep_fixed(d->config, c);
	http_probe_set_ports(d->probe, c->ports, c->n_ports);
	http_metrics_set_patterns(d->metrics, patterns);
	setup_streams(c, d->metrics);
	log_set_level(c->log_level);
	service_state_reload(d->state, c);
	schedule_use(d->schedule, c, daemon_now_s());
	history_watch_reload(d->history, c);
	if (!cloudwatch_reload(d->cloudwatch, c))
		config_free(d->config);
	d->config = c;
	log_child_use(d->logs, c);
	d->service.known = false;
	d->self.config_reloads[1]++;
	daemon_look_for_service(d);
	restore_watch_look(&d->restore, c, clock_monotonic_ns());
	log_info("configuration read again");
	notify_ready();
}

int daemon_start_events(struct daemon *d)
{
	static const struct {
		int signal;
		event_callback_fn fn;
	} signals[] = {
		[EVENT_TERM] = { SIGTERM, on_stop },
		[EVENT_INT] = { SIGINT, on_stop },
		[EVENT_HUP] = { SIGHUP, on_reload },
	};

	for (int i = EVENT_TERM; i <= EVENT_HUP; i++)
		d->events[i] = evsignal_new(d->base, signals[i].signal, signals[i].fn, d);
	d->events[EVENT_RING] =
		event_new(d->base, http_probe_fd(d->probe), EV_READ | EV_PERSIST, on_drain, d);
	d->events[EVENT_DRAIN] = evtimer_new(d->base, on_drain, d);
	d->events[EVENT_SECOND] = evtimer_new(d->base, on_second, d);
	for (int i = 0; i < EVENT_N; i++)
		if (!d->events[i] || (i <= EVENT_RING && event_add(d->events[i], NULL) != 0))
			return -ENOMEM;
	d->drain_us = DRAIN_MAX_US / 2;
	drain(d);
	schedule(d, EVENT_SECOND, 1000000);
	return 0;
}
