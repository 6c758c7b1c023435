/* SPDX-License-Identifier: MIT */
/* CloudWatch in the daemon: what its minutes are filled from. */
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

int daemon_start_cloudwatch(struct daemon *d)
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
