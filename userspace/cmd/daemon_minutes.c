/* SPDX-License-Identifier: MIT */
/* Minutes in the daemon, CloudWatch's and those of the history: what they are filled from. */
#include "cmd/daemon_impl.h"

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

static void look_at_jobs(struct daemon *d, struct minute_jobs *ret)
{
	const struct jobs_page *page = schedule_page(d->schedule, daemon_now_s());
	struct schedule_failures f;

	schedule_failures(d->schedule, &f);
	*ret = (struct minute_jobs){ .known = f.known,
				     .lasting = f.lasting,
				     .counter = f.counter,
				     .first = f.first,
				     .now = f.now };
	for (size_t i = 0; i < page->n; i++)
		ret->overdue += page->list[i].overdue;
}

static void look_for_minute(struct minute_look *l, void *ctx)
{
	struct daemon *d = ctx;
	struct service_usage usage;

	service_state_usage(d->state, &usage);
	daemon_refresh_probes(d);
	cloudwatch_fill_look(&usage, &d->self, l);
	log_child_counted(d->logs, &l->logs);
	look_at_jobs(d, &l->jobs);
}

static void on_observed(const struct http_observed *o, void *ctx)
{
	struct daemon *d = ctx;

	cloudwatch_observe(o, d->cloudwatch);
	/* What the history drains at the end is told, what comes behind is CloudWatch's alone. */
	if (d->history)
		history_watch_observe(o, d->history);
}

int daemon_start_cloudwatch(struct daemon *d)
{
	const struct cloudwatch_hooks hooks = { drain_for_minute, look_for_minute, d };
	int err = cloudwatch_new(d->base, d->config, &hooks, &d->cloudwatch);

	if (err)
		return err;
	http_metrics_observe(d->metrics, on_observed, d);
	cloudwatch_targets(d->cloudwatch, d->targets);
	cloudwatch_start(d->cloudwatch);
	return 0;
}

/* --- the history */

static void glance_for_history(struct history_glance *g, void *ctx)
{
	struct daemon *d = ctx;
	struct http_totals t;

	if (http_probe_totals(d->probe, &t))
		return;
	*g = (struct history_glance){
		.known = true,
		.ended = http_totals_ended(&t),
		.in_flight = http_totals_in_flight(&t),
		.connections = t.connections,
		.websockets = t.ws_opened,
		.open_connections = http_totals_open_connections(&t),
		.open_websockets = t.ws_opened > t.ws_closed ? t.ws_opened - t.ws_closed : 0,
	};
}

static uint64_t listen_drops(const struct pressure_figures *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->n_ports; i++)
		n += p->ports[i].drops;
	return n;
}

static void look_for_history(struct history_look *l, void *ctx)
{
	struct daemon *d = ctx;
	struct http_chat_stats chat;
	struct service_usage usage;

	http_probe_drain(d->probe);
	service_state_refresh(d->state);
	service_state_usage(d->state, &usage);
	http_metrics_chat(d->metrics, &chat);
	l->streams = chat.streams;
	l->listen_drops = listen_drops(service_state_pressure(d->state));
	l->restarts = usage.restarts;
	l->has_processes = usage.known;
	l->cpu_ns = usage.cpu_ns;
	l->processes = usage.processes;
	l->workers = usage.workers;
	l->memory_bytes = usage.memory_bytes;
	l->open_fds = usage.open_fds;
	l->free_fds = usage.least_free_fds;
	l->has_delay = usage.has_delay;
	l->delay_ns = usage.delay_ns;
	l->cpus = usage.cpus;
}

int daemon_start_history(struct daemon *d)
{
	const struct history_watch_hooks hooks = { glance_for_history, look_for_history, d };

	return history_watch_new(d->base, d->config, &hooks, &d->history);
}
