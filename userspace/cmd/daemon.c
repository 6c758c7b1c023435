/* SPDX-License-Identifier: MIT */
/*
 * One thread, one loop, nothing in it that waits: records are drained by a timer whose period follows the load, pages are
 * written piece by piece, everything else happens once a second.
 * Here is what is started in which order, and freed. What wakes the loop: daemon_events.c; what is asked: daemon_answers.c.
 */
#include "cmd/daemon_impl.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/notify.h"
#include "base/util.h"
#include "cmd/setup.h"

static void on_record(const struct http_record *r, size_t size, void *ctx)
{
	struct daemon *d = ctx;

	http_metrics_add(d->metrics, r, size);
	d->answers += r->kind == HTTP_KIND_TURN ||
		      (r->kind == HTTP_KIND_REQUEST &&
		       (r->end == HTTP_END_COMPLETE || r->end == HTTP_END_UPGRADE));
}

static int start_probe(struct daemon *d, struct route_patterns *patterns, struct buf *why)
{
	const struct http_probe_options options = { .ring_bytes = d->config->ring_kib * 1024 };
	int err;

	err = http_metrics_new(patterns, d->config->max_series, &d->metrics);
	if (err)
		return err;
	setup_streams(d->config, d->metrics);
	err = http_probe_open(&options, on_record, d, why, &d->probe);
	if (err)
		return err;
	http_probe_set_ports(d->probe, d->config->ports, d->config->n_ports);
	return 0;
}

/* Until there is something to reload, a SIGHUP waits. */
static void hold_reload(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(how, &set, NULL);
}

static void daemon_freep(struct daemon **d)
{
	daemon_free(*d);
}

int daemon_start(const struct options *o, struct buf *why, struct daemon **ret_daemon)
{
	_cleanup_(daemon_freep) struct daemon *d = calloc(1, sizeof(*d));
	struct route_patterns *patterns;
	int err;

	if (!d)
		return -ENOMEM;
	hold_reload(SIG_BLOCK);
	d->options = o;
	d->lock_fd = -1;
	d->since_ns = clock_monotonic_ns();
	err = options_load(o, why, &d->config, &patterns);
	if (err)
		return err;
	log_set_level(d->config->log_level);
	err = daemon_lock(d, why);
	if (err) {
		route_patterns_free(patterns);
		return err;
	}
	err = start_probe(d, patterns, why);
	if (err)
		return err;
	d->base = event_base_new();
	if (!d->base)
		return -ENOMEM;
	err = service_state_new(d->base, d->config, &d->state);
	if (err)
		return err;
	service_state_use_http(d->state, d->metrics);
	err = log_child_new(d->base, "/proc/self/exe", &d->logs);
	if (err)
		return err;
	err = schedule_new(d->base, "/proc/self/exe", o->config_path, &d->schedule);
	if (err)
		return err;
	err = daemon_start_history(d);
	if (err)
		return err;
	err = daemon_start_cloudwatch(d);
	if (err)
		return err;
	err = daemon_start_listeners(d, why);
	if (err)
		return err;
	err = daemon_start_events(d);
	if (err)
		return err;
	log_child_use(d->logs, d->config);
	schedule_use(d->schedule, d->config, daemon_now_s());
	daemon_look_for_service(d);
	restore_watch_look(&d->restore, d->config, clock_monotonic_ns());
	memory_trim();     /* loading the programs took megabytes, for a moment */
	daemon_refresh(d); /* the beginning of what is counted from now on */
	history_watch_second(d->history, daemon_now_s(), clock_monotonic_ns());
	*ret_daemon = take(d);
	return 0;
}

int daemon_loop(struct daemon *d)
{
	const char *address = d->config->listen_address;
	int err;

	d->watchdog_ns = notify_watchdog_ns();
	notify_ready();
	log_info(strchr(address, ':') ? "metrics on http://[%s]:%u/metrics" :
					"metrics on http://%s:%u/metrics",
		 address, listener_port(d->http));
	hold_reload(SIG_UNBLOCK);
	err = event_base_dispatch(d->base);
	notify_stopping();
	log_info("stopped");
	return err < 0 ? -EIO : 0;
}

void daemon_free(struct daemon *d)
{
	if (!d)
		return;
	schedule_stop(d->schedule);
	listener_close(d->control);
	listener_close(d->http);
	history_watch_free(d->history);
	d->history = NULL;
	cloudwatch_free(d->cloudwatch);
	log_child_free(d->logs);
	schedule_free(d->schedule);
	for (int i = 0; i < EVENT_N; i++)
		if (d->events[i])
			event_free(d->events[i]);
	service_state_free(d->state);
	if (d->base)
		event_base_free(d->base);
	http_probe_close(d->probe);
	http_metrics_free(d->metrics);
	config_free(d->config);
	file_closep(&d->lock_fd);
	free(d);
}
