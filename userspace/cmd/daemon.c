/* SPDX-License-Identifier: MIT */
/*
 * One thread, one loop, nothing in it that waits: records are drained by a timer whose period follows the
 * load, pages are written piece by piece, everything else happens once a second.
 */
#include "cmd/daemon.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/notify.h"
#include "base/util.h"
#include "cmd/cloudwatch.h"
#include "cmd/cloudwatch_look.h"
#include "cmd/log_child.h"
#include "cmd/service_state.h"
#include "cmd/service_watch.h"
#include "cmd/setup.h"
#include "cmd/status_watch.h"
#include "metrics/http_metrics.h"
#include "metrics/page.h"
#include "metrics/self.h"
#include "metrics/top_json.h"
#include "probe/http_probe.h"
#include "serve/listener.h"

#define DRAIN_MIN_US 5000
#define DRAIN_MAX_US 100000
/* So many drains in a row that found nothing, and only that of each second is left; the ring still wakes us when it
 * is half full, and pages drain it by themselves. */
#define DRAINS_QUIET 10
/* Records of the shortest path; a drain that finds fewer than this share of a ring slows down. */
#define DRAIN_RECORD_BYTES 72

enum { EVENT_TERM, EVENT_INT, EVENT_HUP, EVENT_RING, EVENT_DRAIN, EVENT_SECOND, EVENT_N };

struct daemon {
	const struct options *options;
	struct config *config;
	struct http_probe *probe;
	struct http_metrics *metrics;
	struct listener *http, *control;
	struct event_base *base;
	struct event *events[EVENT_N];
	struct page page;
	struct self self;
	uint64_t since_ns;
	uint64_t watchdog_ns, watchdog_due_ns;
	unsigned int drain_us;
	unsigned int quiet; /* drains in a row that found nothing, DRAINS_QUIET at most */
	uint64_t answers;   /* requests, and turns of WebSockets, that were answered */
	struct service_watch service;
	struct service_state *state;
	struct status_watch status;
	struct cloudwatch *cloudwatch;
	struct cloudwatch_figures cloudwatch_figures;
	struct log_child *logs;
	struct listener_target targets[CLOUDWATCH_TARGETS];
	int lock_fd;
};

static void on_record(const struct http_record *r, size_t size, void *ctx)
{
	struct daemon *d = ctx;

	http_metrics_add(d->metrics, r, size);
	d->answers += r->kind == HTTP_KIND_TURN ||
		      (r->kind == HTTP_KIND_REQUEST &&
		       (r->end == HTTP_END_COMPLETE || r->end == HTTP_END_UPGRADE));
}

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

static void refresh_probes(struct daemon *d)
{
	self_probe(&d->self, "http", true);
	self_probe(&d->self, "http_close", http_probe_sees_close(d->probe));
	self_probe(&d->self, "queue", http_probe_sees_reads(d->probe));
	service_state_probes(d->state, &d->self);
	if (cloudwatch_enabled(d->cloudwatch))
		self_probe(&d->self, "cloudwatch", cloudwatch_up(d->cloudwatch));
	else
		self_forget_probe(&d->self, "cloudwatch");
	if (log_child_enabled(d->logs))
		self_probe(&d->self, "logs", log_child_up(d->logs));
	else
		self_forget_probe(&d->self, "logs");
}

static void refresh(void *ctx)
{
	struct daemon *d = ctx;
	struct http_totals totals;

	/* Totals after records: what a page counts as ended is never ahead of what began. */
	http_probe_drain(d->probe);
	if (http_probe_totals(d->probe, &totals) == 0) {
		http_metrics_set_totals(d->metrics, &totals);
		self_lost(&d->self, "http", totals.records_lost);
	}
	service_state_refresh(d->state);
	refresh_probes(d);
	d->cloudwatch_figures = *cloudwatch_figures(d->cloudwatch);
	log_child_page(d->logs);
	status_watch_look(&d->status, d->metrics, service_state_pressure(d->state),
			  clock_monotonic_ns());
	if (d->http) {
		const struct listener_stats stats = listener_stats(d->http);

		d->self.listener_refused = stats.refused;
		d->self.listener_timeouts = stats.timeouts;
	}
}

static void page_sent(double seconds, void *ctx)
{
	struct daemon *d = ctx;

	d->self.scrapes++;
	d->self.last_scrape_s = seconds;
}

static int write_top(struct buf *out, void *ctx)
{
	struct daemon *d = ctx;
	struct top_source s = {
		.service = d->config->service_name,
		.service_up = d->self.service_up,
		.monotonic_ns = clock_monotonic_ns(),
		.since_ns = d->since_ns,
		.metrics = d->metrics,
		.processes = service_state_write_processes,
		.processes_ctx = d->state,
	};

	refresh(d);
	return top_json_write(&s, out);
}

static void fill_probes(const struct self *self, struct status *s)
{
	for (; s->n_probes < self->n_probes && s->n_probes < STATUS_PROBES_MAX; s->n_probes++) {
		struct status_probe *p = &s->probes[s->n_probes];

		snprintf(p->name, sizeof(p->name), "%s", self->probes[s->n_probes].name);
		p->up = self->probes[s->n_probes].up;
	}
}

static void look_for_service(struct daemon *d)
{
	service_watch_look(&d->service, d->config, d->answers);
	d->self.service_up = d->service.up;
}

static int write_status(struct buf *out, void *ctx)
{
	struct daemon *d = ctx;
	struct status s;
	uint64_t now_ns;

	refresh(d);          /* may take a reading, and now is not before that */
	look_for_service(d); /* who waited a second ago may have been taken */
	now_ns = clock_monotonic_ns();
	status_init(&s);
	snprintf(s.service, sizeof(s.service), "%s", d->config->service_name);
	s.now_s = (double)clock_realtime_ns() / (double)NS_PER_SEC;
	s.isamon_since_s = s.now_s - (double)(now_ns - d->since_ns) / (double)NS_PER_SEC;
	service_watch_status(&d->service, d->config, &s);
	service_state_status(d->state, &s);
	status_watch_fill(&d->status, d->metrics, service_state_pressure(d->state), now_ns, &s);
	fill_probes(&d->self, &s);
	cloudwatch_status(d->cloudwatch, &s);
	log_child_status(d->logs, &s);
	return status_json_write(&s, out);
}

/* --- CloudWatch's minutes */

static bool drain_for_minute(uint64_t *ret_ended, uint64_t *ret_lost, void *ctx)
{
	struct daemon *d = ctx;
	struct http_totals t;
	int err = http_probe_totals(d->probe, &t);

	if (!err) {
		*ret_lost = t.records_lost;
		*ret_ended = http_totals_ended(&t);
	}
	http_probe_drain(d->probe);
	return !err;
}

static void look_for_minute(struct minute_look *l, void *ctx)
{
	struct daemon *d = ctx;
	struct service_usage usage;

	service_state_usage(d->state, &usage);
	refresh_probes(d);
	cloudwatch_fill_look(&usage, &d->self, l);
	log_child_counted(d->logs, &l->logs);
}

static int start_cloudwatch(struct daemon *d)
{
	const struct cloudwatch_hooks hooks = { drain_for_minute, look_for_minute, d };
	int err = cloudwatch_new(d->base, d->config, &hooks, &d->cloudwatch);

	if (err)
		return err;
	http_metrics_observe(d->metrics, cloudwatch_observe, d->cloudwatch);
	cloudwatch_targets(d->cloudwatch, d->targets);
	cloudwatch_start(d->cloudwatch);
	return 0;
}

static bool is_ready(struct buf *why, void *ctx)
{
	(void)why;
	(void)ctx;
	return true; /* there is a daemon only when its probe is attached */
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
	look_for_service(d);
	service_state_second(d->state);
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
	if (!cloudwatch_reload(d->cloudwatch, c))
		config_free(d->config);
	d->config = c;
	log_child_use(d->logs, c);
	d->service.known = false;
	d->self.config_reloads[1]++;
	look_for_service(d);
	log_info("configuration read again");
	notify_ready();
}

static int start_events(struct daemon *d)
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
	drain(d);
	schedule(d, EVENT_SECOND, 1000000);
	return 0;
}

static int start_listeners(struct daemon *d, struct buf *why)
{
	const struct listener_limits limits = {
		.max_connections = (unsigned int)d->config->listen_max_connections,
		.timeout_s = (unsigned int)d->config->listen_timeout_s,
	};
	struct listener_source source = {
		.page = &d->page,
		.before_page = refresh,
		.after_page = page_sent,
		.top = write_top,
		.status = write_status,
		.targets = d->targets,
		.n_targets = CLOUDWATCH_TARGETS,
		.ready = is_ready,
		.ctx = d,
	};
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);
	int err;

	http_metrics_add_pages(&d->page, d->metrics);
	service_state_add_pages(d->state, &d->page);
	page_add(&d->page, cloudwatch_page_collect, &d->cloudwatch_figures);
	page_add(&d->page, logs_page_collect, log_child_page(d->logs));
	page_add(&d->page, self_collect, &d->self);
	err = listener_open_tcp(d->base, d->config->listen_address, d->config->listen_port, &limits,
				&source, why, &d->http);
	if (err)
		return err;
	err = buf_printf(&path, "%s/isamon.sock", d->config->runtime_directory);
	if (err)
		return err;
	return listener_open_unix(d->base, buf_str(&path), &limits, &source, why, &d->control);
}

/* What may be done about a file of the runtime directory that cannot be made. */
static const char *remedy(int err)
{
	if (err == -ENOSPC || err == -EDQUOT)
		return "make room there";
	if (err == -EACCES || err == -EPERM)
		return "run isamon as root";
	return "see to it that this can be written to";
}

/* One daemon for each runtime directory. */
static int lock(struct daemon *d, struct buf *why)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);
	const char *directory = d->config->runtime_directory;
	pid_t holder = 0;
	int err;

	err = file_make_directory(directory, 0755);
	if (err) {
		buf_printf(why,
			   "cannot make the runtime directory %s: %s; %s, or set "
			   "[daemon] runtime_directory to another",
			   directory, strerror(-err), remedy(err));
		return err;
	}
	err = buf_printf(&path, "%s/isamon.lock", directory);
	if (err)
		return err;
	err = file_lock(buf_str(&path), &d->lock_fd, &holder);
	if (err == -EBUSY)
		buf_printf(
			why,
			"isamon runs already (process %d); stop that one, or give this one another "
			"[daemon] runtime_directory",
			(int)holder);
	else if (err)
		buf_printf(why,
			   "cannot lock %s: %s; %s, or set [daemon] runtime_directory "
			   "to a directory of its own",
			   buf_str(&path), strerror(-err), remedy(err));
	return err;
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
	d->drain_us = DRAIN_MAX_US / 2;
	err = options_load(o, why, &d->config, &patterns);
	if (err)
		return err;
	log_set_level(d->config->log_level);
	err = lock(d, why);
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
	err = log_child_new(d->base, "/proc/self/exe", o->config_path, &d->logs);
	if (err)
		return err;
	err = start_cloudwatch(d);
	if (err)
		return err;
	err = start_listeners(d, why);
	if (err)
		return err;
	err = start_events(d);
	if (err)
		return err;
	log_child_use(d->logs, d->config);
	look_for_service(d);
	memory_trim(); /* loading the programs took megabytes, for a moment */
	refresh(d);    /* the beginning of what is counted from now on */
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
	listener_close(d->control);
	listener_close(d->http);
	cloudwatch_free(d->cloudwatch);
	log_child_free(d->logs);
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
