/* SPDX-License-Identifier: MIT */
/*
 * Differences of samples. A counter that went backwards (which a daemon's never does) counts from 0, so
 * that no number becomes absurd.
 */
#include "cmd/top_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/table.h"

/* Shares for which a row has a time, in the order of its members. */
#define P50 0.50
#define P90 0.90
#define P99 0.99

void top_view_free(struct top_view *v)
{
	if (!v)
		return;
	free(v->rows);
	free(v->processes);
	free(v);
}

void top_view_freep(struct top_view **v)
{
	top_view_free(*v);
}

static uint64_t since(uint64_t newer, uint64_t older)
{
	return newer >= older ? newer - older : newer;
}

static double per_second(uint64_t n, double interval_s)
{
	return (double)n / interval_s;
}

/* The longest: exact if one of the two known ones lies in the interval's highest bucket, otherwise
 * that bucket's middle. */
static uint64_t longest(const struct histogram *h, const uint64_t *known_ns, size_t n_known)
{
	unsigned int top = HISTOGRAM_BUCKETS - 1;
	uint64_t exact = 0;
	size_t i;

	while (top && !h->counts[top])
		top--;
	for (i = 0; i < n_known; i++)
		if (histogram_bucket(known_ns[i]) == top && known_ns[i] > exact)
			exact = known_ns[i];
	return exact ? exact : histogram_middle_ns(top);
}

static uint64_t quantile(const struct histogram *h, double q, uint64_t max_ns)
{
	uint64_t ns = histogram_quantile_ns(h, q);

	return ns < max_ns ? ns : max_ns;
}

static void set_times(struct top_row *row, const struct histogram *h, const uint64_t *known_ns,
		      size_t n_known)
{
	if (!histogram_count(h))
		return;
	row->max_ns = longest(h, known_ns, n_known);
	row->p50_ns = quantile(h, P50, row->max_ns);
	row->p90_ns = quantile(h, P90, row->max_ns);
	row->p99_ns = quantile(h, P99, row->max_ns);
}

static void set_queue(struct top_row *row, const struct histogram *h)
{
	row->queued = histogram_count(h);
	row->queue_p99_ns = histogram_quantile_ns(h, P99);
}

/* What is new of a route's or a row's two histograms. */
struct times {
	struct histogram duration;
	struct histogram queue;
};

static void set_row(struct top_row *row, const struct top_route *older,
		    const struct top_route *newer, double interval_s, struct times *ret_times)
{
	static const struct top_route none;

	/* A counter that went back is a counter that began anew, and its histogram with it. */
	if (!older || newer->requests < older->requests)
		older = &none;
	histogram_subtract(&newer->duration, &older->duration, &ret_times->duration);
	histogram_subtract(&newer->queue, &older->queue, &ret_times->queue);
	row->route = newer->route;
	row->requests = since(newer->requests, older->requests);
	row->requests_s = per_second(row->requests, interval_s);
	row->errors_s = per_second(since(newer->server_errors, older->server_errors), interval_s);
	row->client_errors_s =
		per_second(since(newer->client_errors, older->client_errors), interval_s);
	row->aborts_s = per_second(since(newer->aborts, older->aborts), interval_s);
	set_times(row, &ret_times->duration, newer->max_ns, ARRAY_SIZE(newer->max_ns));
	set_queue(row, &ret_times->queue);
}

static void add_row(struct top_row *total, const struct top_row *row)
{
	total->requests += row->requests;
	total->requests_s += row->requests_s;
	total->errors_s += row->errors_s;
	total->client_errors_s += row->client_errors_s;
	total->aborts_s += row->aborts_s;
}

static struct table *index_routes(const struct top_sample *s)
{
	struct table *t = table_new();
	size_t i;

	for (i = 0; t && s && i < s->n_routes; i++) {
		if (!table_put(t, s->routes[i].route, strlen(s->routes[i].route), &s->routes[i]))
			continue;
		table_free(t, NULL);
		return NULL;
	}
	return t;
}

static void set_rows(struct top_view *v, const struct table *older)
{
	const struct top_sample *s = v->sample;
	struct times all = { 0 }, one;
	uint64_t max_ns = 0;
	size_t i;

	for (i = 0; i < s->n_routes; i++) {
		const char *route = s->routes[i].route;

		set_row(&v->rows[i], table_get(older, route, strlen(route)), &s->routes[i],
			v->interval_s, &one);
		histogram_merge(&all.duration, &one.duration);
		histogram_merge(&all.queue, &one.queue);
		add_row(&v->total, &v->rows[i]);
		if (v->rows[i].max_ns > max_ns)
			max_ns = v->rows[i].max_ns;
	}
	v->n_rows = s->n_routes;
	set_times(&v->total, &all.duration, &max_ns, 1);
	set_queue(&v->total, &all.queue);
}

static void set_chat(struct top_view *v, const struct http_chat_stats *older)
{
	static const struct http_chat_stats none;
	const struct http_chat_stats *newer = &v->sample->chat;
	struct top_chat *c = &v->chat;
	struct histogram turn;

	if (!older || newer->turns < older->turns)
		older = &none;
	histogram_subtract(&newer->turn, &older->turn, &turn);
	*c = (struct top_chat){
		.any = newer->open || newer->messages[0] || newer->messages[1] || newer->turns ||
		       newer->streams || newer->streams_aborted,
		.turns = histogram_count(&turn),
		.turn_p50_ns = histogram_quantile_ns(&turn, P50),
		.turn_p99_ns = histogram_quantile_ns(&turn, P99),
	};
	c->messages_in_s = per_second(since(newer->messages[0], older->messages[0]), v->interval_s);
	c->messages_out_s =
		per_second(since(newer->messages[1], older->messages[1]), v->interval_s);
	c->turns_s = per_second(since(newer->turns, older->turns), v->interval_s);
	c->streams_aborted_s =
		per_second(since(newer->streams_aborted, older->streams_aborted), v->interval_s);
	c->streams_s = per_second(since(newer->streams, older->streams), v->interval_s) +
		       c->streams_aborted_s;
}

static int set_processes(struct top_view *v, const struct top_sample *older)
{
	const struct top_sample *s = v->sample;

	v->processes =
		top_process_compare(older ? older->processes : NULL, older ? older->n_processes : 0,
				    s->processes, s->n_processes, v->interval_s);
	v->n_processes = v->processes ? s->n_processes : 0;
	return v->processes ? 0 : -ENOMEM;
}

static double interval_between(uint64_t from_ns, uint64_t to_ns)
{
	uint64_t ns = to_ns > from_ns ? to_ns - from_ns : 0;

	return ns ? (double)ns / (double)NS_PER_SEC : 1e-9;
}

int top_view_new(const struct top_sample *older, const struct top_sample *newer,
		 struct top_view **ret)
{
	_cleanup_(top_view_freep) struct top_view *v = calloc(1, sizeof(*v));
	bool restarted = older->since_ns != newer->since_ns;
	struct table *index;

	if (!v)
		return -ENOMEM;
	v->rows = calloc(newer->n_routes ? newer->n_routes : 1, sizeof(*v->rows));
	index = index_routes(restarted ? NULL : older);
	if (!v->rows || !index) {
		table_free(index, NULL);
		return -ENOMEM;
	}
	v->sample = newer;
	v->restarted = restarted;
	v->interval_s = interval_between(restarted ? newer->since_ns : older->monotonic_ns,
					 newer->monotonic_ns);
	v->lost = restarted ? newer->records_lost : since(newer->records_lost, older->records_lost);
	set_rows(v, index);
	table_free(index, NULL);
	set_chat(v, restarted ? NULL : &older->chat);
	if (set_processes(v, restarted ? NULL : older))
		return -ENOMEM;
	top_view_sort(v, TOP_SORT_REQUESTS);
	*ret = take(v);
	return 0;
}

static double sort_key(const struct top_row *r, enum top_sort by)
{
	switch (by) {
	case TOP_SORT_ERRORS: return r->errors_s;
	case TOP_SORT_QUEUE: return (double)r->queue_p99_ns;
	case TOP_SORT_P50: return (double)r->p50_ns;
	case TOP_SORT_P99: return (double)r->p99_ns;
	case TOP_SORT_MAX: return (double)r->max_ns;
	case TOP_SORT_REQUESTS: break;
	}
	return r->requests_s;
}

static int compare(const void *a, const void *b, void *ctx)
{
	const struct top_row *x = a, *y = b;
	const enum top_sort *by = ctx;
	double kx = sort_key(x, *by), ky = sort_key(y, *by);

	if (kx != ky)
		return kx > ky ? -1 : 1;
	if (x->requests != y->requests)
		return x->requests > y->requests ? -1 : 1;
	return strcmp(x->route, y->route);
}

void top_view_sort(struct top_view *v, enum top_sort by)
{
	qsort_r(v->rows, v->n_rows, sizeof(*v->rows), compare, &by);
}
