/* SPDX-License-Identifier: MIT */
/* The widgets of the dashboard, in rows of a grid of 24 columns. Invariant: nothing here depends on the host. */
#include "ship/dashboard.h"

#include <stdbool.h>
#include <string.h>

#include "base/json.h"
#include "base/util.h"
#include "config/published.h"

#define GRID 24
#define PERIOD_S 60
#define SINGLE_PERIOD_S 300
#define ALARMS_SHOWN_MAX 100
#define ALARMS_A_ROW 4

enum shape {
	STATISTICS, /* the metric of all hosts together, a line a statistic */
	BY_HOST,    /* all hosts together, and a line a host */
	BY_OWN,     /* a line a value of the metric's own dimension */
};

static const struct widget {
	const char *title;
	const char *metric;
	const char *own; /* dimension */
	enum shape shape;
	const char *statistics; /* by comma */
	const char *unit;       /* the label of the axis */
} widgets[] = {
	{ "Response time", "ResponseTime", NULL, STATISTICS, "p50,p90,p99", "ms" },
	{ "Response time p99 by host", "ResponseTime", NULL, BY_HOST, "p99", "ms" },
	{ "Response time p99 by route", "ResponseTime", "Route", BY_OWN, "p99", "ms" },
	{ "Wait for the service", "QueueTime", NULL, STATISTICS, "p50,p90,p99", "ms" },
	{ "Chat turns", "TurnTime", NULL, STATISTICS, "SampleCount", "turns a minute" },
	{ "Time of chat turns", "TurnTime", NULL, STATISTICS, "p50,p90,p99", "ms" },
	{ "CPU by host", "CPUUtilization", NULL, BY_HOST, "Average", "%" },
	{ "Memory by host", "MemoryUtilization", NULL, BY_HOST, "Average", "%" },
	{ "Processes by host", "Processes", NULL, BY_HOST, "Average", "processes" },
	{ "Restarts by host", "Restarts", NULL, BY_HOST, "Sum", "restarts" },
	{ "Errors in the logs, by host", "LogErrors", NULL, BY_HOST, "Sum", "a minute" },
	{ "Tracebacks in the logs, by host", "Exceptions", NULL, BY_HOST, "Sum", "a minute" },
	{ "Failed runs of jobs by host", "JobFailures", NULL, BY_HOST, "Sum", "runs" },
	{ "Overdue jobs by host", "JobsOverdue", NULL, BY_HOST, "Maximum", "jobs" },
	{ "Age of metrics that wait, by host", "SpoolAge", NULL, BY_HOST, "Maximum", "s" },
	{ "Probes that work", "ProbeUp", "Probe", BY_OWN, "Minimum", "1: yes" },
};

/* The grid as it fills; err: a call of jansson failed. */
struct page {
	const struct config *c;
	const char *region;
	json_t *list; /* of widgets; not owned */
	int x, y, row_height;
	int err;
};

static void set(struct page *p, json_t *o, const char *key, json_t *value)
{
	p->err |= json_object_set_new(o, key, value);
}

/* Behind the one before, or in a new row; gives the properties. */
static json_t *widget_add(struct page *p, const char *type, int width, int height)
{
	json_t *properties = json_object(), *widget = json_object();

	if (p->x + width > GRID) {
		p->x = 0;
		p->y += p->row_height;
		p->row_height = 0;
	}
	set(p, widget, "type", json_string(type));
	set(p, widget, "x", json_integer(p->x));
	set(p, widget, "y", json_integer(p->y));
	set(p, widget, "width", json_integer(width));
	set(p, widget, "height", json_integer(height));
	set(p, widget, "properties", properties);
	p->err |= json_array_append_new(p->list, widget);
	p->x += width;
	if (p->row_height < height)
		p->row_height = height;
	return p->err ? NULL : properties;
}

static json_t *graph_add(struct page *p, const char *title, const char *unit, json_t *metrics)
{
	json_t *o = widget_add(p, "metric", GRID / 2, 6);
	json_t *axis =
		json_pack("{s:{s:i,s:s,s:b}}", "left", "min", 0, "label", unit, "showUnits", 0);

	set(p, o, "title", json_string(title));
	set(p, o, "region", json_string(p->region));
	set(p, o, "view", json_string("timeSeries"));
	set(p, o, "period", json_integer(PERIOD_S));
	set(p, o, "yAxis", axis);
	set(p, o, "metrics", metrics);
	return p->err ? NULL : o;
}

/* [NAMESPACE, METRIC, {...}] */
static json_t *metric(struct page *p, const char *name, const char *statistic, const char *label)
{
	json_t *m = json_pack("[s,s,{s:s,s:s}]", p->c->cloudwatch_namespace, name, "stat",
			      statistic, "label", label);

	p->err |= !m;
	return m;
}

/* A line for each value of @dimension. A namespace or name has no quotes: the configuration's check and the table
 * see to that. */
static json_t *search(struct page *p, const char *dimension, const char *name,
		      const char *statistic)
{
	json_t *m = json_array(), *options = json_object();

	set(p, options, "expression",
	    json_sprintf("SEARCH('{\"%s\",%s} MetricName=\"%s\"', '%s', %d)",
			 p->c->cloudwatch_namespace, dimension, name, statistic, PERIOD_S));
	set(p, options, "label", json_sprintf("${PROP('Dim.%s')}", dimension));
	p->err |= json_array_append_new(m, options);
	return m;
}

static json_t *lines_of(struct page *p, const struct widget *w)
{
	json_t *metrics = json_array();

	if (w->shape == BY_OWN) {
		p->err |=
			json_array_append_new(metrics, search(p, w->own, w->metric, w->statistics));
		return metrics;
	}
	for (const char *at = w->statistics; *at;) {
		size_t n = strcspn(at, ",");
		char statistic[20];

		memcpy(statistic, at, n);
		statistic[n] = '\0';
		p->err |= json_array_append_new(metrics, metric(p, w->metric, statistic,
								w->shape == BY_HOST ? "all hosts" :
										      statistic));
		at += n + (at[n] == ',');
	}
	if (w->shape == BY_HOST)
		p->err |= json_array_append_new(metrics,
						search(p, "InstanceId", w->metric, w->statistics));
	return metrics;
}

static void add_alarms(struct page *p, const json_t *arns)
{
	size_t n = json_array_size(arns), shown = n < ALARMS_SHOWN_MAX ? n : ALARMS_SHOWN_MAX;
	json_t *o, *list;

	if (!n)
		return;
	o = widget_add(p, "alarm", GRID, 2 + (int)((shown - 1) / ALARMS_A_ROW));
	list = json_array();
	for (size_t i = 0; i < shown; i++)
		p->err |= json_array_append(list, json_array_get(arns, i));
	set(p, o, "title", json_string("Alarms"));
	set(p, o, "alarms", list);
}

static void add_summary(struct page *p)
{
	json_t *metrics = json_array();
	json_t *o = widget_add(p, "metric", GRID, 3);

	p->err |= json_array_append_new(metrics, metric(p, "RequestCount", "Sum", "requests"));
	p->err |= json_array_append_new(metrics, metric(p, "ErrorCount", "Sum", "errors"));
	p->err |= json_array_append_new(metrics, metric(p, "ResponseTime", "p50", "p50"));
	p->err |= json_array_append_new(metrics, metric(p, "ResponseTime", "p99", "p99"));
	p->err |= json_array_append_new(metrics, metric(p, "CPUUtilization", "Average", "CPU"));
	p->err |=
		json_array_append_new(metrics, metric(p, "MemoryUtilization", "Average", "memory"));
	set(p, o, "title", json_string("Last five minutes"));
	set(p, o, "region", json_string(p->region));
	set(p, o, "view", json_string("singleValue"));
	set(p, o, "sparkline", json_true());
	set(p, o, "period", json_integer(SINGLE_PERIOD_S));
	set(p, o, "metrics", metrics);
}

/* Requests with the errors among them, and what share that is. */
static void add_requests(struct page *p)
{
	const char *name = p->c->cloudwatch_namespace;

	graph_add(p, "Requests and errors", "a minute",
		  json_pack("[[s,s,{s:s,s:s}],[s,s,{s:s,s:s,s:s}]]", name, "RequestCount", "stat",
			    "Sum", "label", "requests", name, "ErrorCount", "stat", "Sum", "label",
			    "errors", "color", "#d62728"));
	graph_add(p, "Errors, of all requests", "%",
		  json_pack("[[{s:s,s:s,s:s}],[s,s,{s:s,s:s,s:b}],[s,s,{s:s,s:s,s:b}]]",
			    "expression", "IF(requests > 0, 100 * errors / requests, 0)", "label",
			    "errors", "color", "#d62728", name, "RequestCount", "id", "requests",
			    "stat", "Sum", "visible", 0, name, "ErrorCount", "id", "errors", "stat",
			    "Sum", "visible", 0));
}

json_t *dashboard_body(const struct config *c, const char *region, const json_t *alarm_arns)
{
	_cleanup_(json_freep) json_t *body = json_object();
	struct page p = { .c = c, .region = region, .list = json_array() };

	set(&p, body, "widgets", p.list);
	if (p.err)
		return NULL;
	add_alarms(&p, alarm_arns);
	add_summary(&p);
	add_requests(&p);
	for (size_t i = 0; i < ARRAY_SIZE(widgets); i++) {
		const struct widget *w = &widgets[i];

		if (published_is_on(c, published_find(w->metric, w->own)))
			graph_add(&p, w->title, w->unit, lines_of(&p, w));
	}
	return p.err ? NULL : take(body);
}
