/* SPDX-License-Identifier: MIT */
/* What the daemon answers on its listeners: pages, top, status; and what is brought up to date for each. */
#include "cmd/daemon_impl.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/util.h"
#include "cmd/status_fill.h"
#include "metrics/top_json.h"

int64_t daemon_now_s(void)
{
	return (int64_t)(clock_realtime_ns() / NS_PER_SEC);
}

void daemon_refresh_probes(struct daemon *d)
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

void daemon_refresh(void *ctx)
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
	daemon_refresh_probes(d);
	d->cloudwatch_figures = *cloudwatch_figures(d->cloudwatch);
	log_child_page(d->logs);
	schedule_page(d->schedule, daemon_now_s());
	d->self.restores_unfinished = d->restore.n;
	d->self.updates_unfinished = d->restore.update;
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

	daemon_refresh(d);
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

void daemon_look_for_service(struct daemon *d)
{
	service_watch_look(&d->service, d->config, d->answers);
	d->self.service_up = d->service.up;
}

static int write_status(struct buf *out, void *ctx)
{
	struct daemon *d = ctx;
	struct status s;
	uint64_t now_ns;

	daemon_refresh(d);          /* may take a reading, and now is not before that */
	daemon_look_for_service(d); /* who waited a second ago may have been taken */
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
	snprintf(s.restore_unfinished, sizeof(s.restore_unfinished), "%s", d->restore.target);
	snprintf(s.update_unfinished, sizeof(s.update_unfinished), "%s", d->restore.app);
	status_fill_jobs(schedule_page(d->schedule, daemon_now_s()), &s);
	return status_json_write(&s, out);
}

static bool is_ready(struct buf *why, void *ctx)
{
	(void)why;
	(void)ctx;
	return true; /* there is a daemon only when its probe is attached */
}

int daemon_start_listeners(struct daemon *d, struct buf *why)
{
	const struct listener_limits limits = {
		.max_connections = (unsigned int)d->config->listen_max_connections,
		.timeout_s = (unsigned int)d->config->listen_timeout_s,
	};
	struct listener_source source = {
		.page = &d->page,
		.before_page = daemon_refresh,
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
	page_add(&d->page, jobs_page_collect, schedule_page(d->schedule, daemon_now_s()));
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
