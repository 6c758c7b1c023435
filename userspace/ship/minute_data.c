/* SPDX-License-Identifier: MIT */
/*
 * The metrics of a minute, one after the other into payloads of a limited number of them. One list of values is enough: a datum
 * is text before the next one is begun.
 */
#include "ship/minute_data.h"

#include <errno.h>

#define PART_BYTES_MAX (1u << 20)

struct writing {
	struct buf part;
	size_t n_part; /* elements in it */
	size_t number; /* of the part */
	size_t first;  /* part that is wanted */
	int err;
	int (*fn)(size_t part, const void *payload, size_t n, void *ctx);
	void *ctx;
	struct values_list list;
};

static void end_part(struct writing *w)
{
	if (!w->n_part || w->err)
		return;
	w->err = buf_add_char(&w->part, ']');
	if (!w->err && w->number >= w->first)
		w->err = w->fn(w->number, w->part.data, w->part.len, w->ctx);
	w->number++;
	w->n_part = 0;
	buf_reset(&w->part);
}

static void add(struct writing *w, const struct datum *d)
{
	if (w->err)
		return;
	buf_add_char(&w->part, w->n_part ? ',' : '[');
	w->err = datum_encode_one(d, &w->part);
	if (++w->n_part == MINUTE_PART_MAX)
		end_part(w);
}

static void add_value(struct writing *w, const char *name, const char *unit, double value)
{
	struct datum d = { .name = name, .unit = unit, .value = value };

	add(w, &d);
}

static void add_times(struct writing *w, const char *name, const char *route,
		      const struct values *v)
{
	struct datum d = { .name = name, .unit = "Milliseconds" };

	if (!v->count)
		return;
	if (route)
		d.dimensions[d.n_dimensions++] = (struct datum_dimension){ "Route", route };
	values_datum(v, &w->list, &d);
	add(w, &d);
}

static void add_gauge(struct writing *w, const char *name, const char *unit, const char *probe,
		      const struct minute_gauge *g)
{
	struct datum d = { .name = name,
			   .unit = unit,
			   .count = (double)g->count,
			   .sum = g->sum,
			   .min = g->min,
			   .max = g->max };

	if (!g->count)
		return;
	if (probe)
		d.dimensions[d.n_dimensions++] = (struct datum_dimension){ "Probe", probe };
	add(w, &d);
}

static void add_always(struct writing *w, const struct minute_sums *s)
{
	add_value(w, "RequestCount", "Count", (double)s->n_requests);
	add_value(w, "ErrorCount", "Count", (double)s->n_errors);
	add_times(w, "ResponseTime", NULL, &s->response);
	if (s->cpu_possible_ns) {
		double percent = 100.0 * (double)s->cpu_ns / (double)s->cpu_possible_ns;

		/* The two clocks are not read at the same instant. */
		add_value(w, "CPUUtilization", "Percent", percent < 100 ? percent : 100);
	}
	add_gauge(w, "MemoryUtilization", "Percent", NULL, &s->memory);
}

static void add_wanted(struct writing *w, const struct minute_sums *s,
		       const struct minute_route *routes)
{
	add_times(w, "QueueTime", NULL, &s->queue);
	add_times(w, "TurnTime", NULL, &s->turn);
	if (s->wanted & MINUTE_RESTARTS && s->n_looks)
		add_value(w, "Restarts", "Count", (double)s->restarts);
	if (s->wanted & MINUTE_LOG_ERRORS && s->n_log_looks)
		add_value(w, "LogErrors", "Count", (double)s->log_errors);
	if (s->wanted & MINUTE_EXCEPTIONS && s->n_log_looks)
		add_value(w, "Exceptions", "Count", (double)s->exceptions);
	if (s->wanted & MINUTE_JOBS && s->n_job_looks) {
		add_value(w, "JobFailures", "Count", (double)s->job_failures);
		add_value(w, "JobsOverdue", "Count", (double)s->jobs_overdue);
	}
	add_gauge(w, "Processes", "Count", NULL, &s->processes);
	add_gauge(w, "SpoolAge", "Seconds", NULL, &s->spool_age);
	for (size_t i = 0; i < s->n_probes; i++)
		add_gauge(w, "ProbeUp", "None", s->probes[i].name, &s->probes[i].up);
	for (size_t i = 0; i < s->n_routes; i++)
		add_times(w, "ResponseTime", routes[i].name, &routes[i].times);
	if (s->has_other)
		add_times(w, "ResponseTime", routes[MINUTE_ROUTES_MAX].name,
			  &routes[MINUTE_ROUTES_MAX].times);
}

bool minute_data_any(const struct minute_sums *s)
{
	return s->n_looks || s->n_requests || s->turn.count;
}

int minute_data_parts(const struct minute_sums *s, const struct minute_route *routes, size_t first,
		      int (*fn)(size_t part, const void *payload, size_t n, void *ctx), void *ctx)
{
	struct writing w = {
		.part = BUF_INIT(PART_BYTES_MAX), .first = first, .fn = fn, .ctx = ctx
	};

	if (!minute_data_any(s))
		return 0;
	add_always(&w, s);
	add_wanted(&w, s, routes);
	end_part(&w);
	buf_done(&w.part);
	return w.err;
}
