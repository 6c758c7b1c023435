/* SPDX-License-Identifier: MIT */
/* Two readings are kept, some seconds apart at least: the newer becomes the older when it has aged enough. */
#include "cmd/status_watch.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "metrics/websocket_metrics.h"

static void add_routes(struct status_reading *r, const struct http_metrics *m)
{
	struct http_route_stats route;

	for (size_t i = 0; i < http_metrics_n_routes(m); i++) {
		http_metrics_route(m, i, &route);
		if (!route.requests && !route.aborts)
			continue;
		r->requests += route.requests;
		r->errors += route.server_errors;
		r->aborts += route.aborts;
		histogram_merge(&r->duration, &route.duration);
		histogram_merge(&r->queue, &route.queue);
	}
}

static void add_turns(struct status_reading *r, const struct http_metrics *m)
{
	struct http_chat_stats chat;

	http_metrics_chat(m, &chat);
	r->turn = chat.turn;
}

/* Reads everything; costs some 2 us a route. */
static void reading_take(struct status_reading *r, const struct http_metrics *m,
			 const struct pressure_figures *p, uint64_t now_ns)
{
	memset(r, 0, sizeof(*r));
	r->at_ns = now_ns;
	r->records_lost = http_metrics_totals(m)->records_lost;
	r->periods = p->periods;
	r->throttled_periods = p->throttled_periods;
	for (size_t i = 0; i < p->n_ports && i < STATUS_PORTS_MAX; i++) {
		r->ports[i] = p->ports[i].port;
		r->drops[i] = p->ports[i].drops;
	}
	add_routes(r, m);
	add_turns(r, m);
}

/* A reading that is younger than now is not older than anything. */
static bool is_older(const struct status_reading *r, uint64_t now_ns, uint64_t ns)
{
	return now_ns >= r->at_ns && now_ns - r->at_ns >= ns;
}

void status_watch_look(struct status_watch *w, const struct http_metrics *m,
		       const struct pressure_figures *p, uint64_t now_ns)
{
	if (w->newer.at_ns && !is_older(&w->newer, now_ns, STATUS_INTERVAL_S * NS_PER_SEC))
		return;
	w->older = w->newer;
	reading_take(&w->newer, m, p, now_ns);
}

/* The reading from which to count, after a look; NULL: none is old enough, or all are too old. */
static const struct status_reading *pick(const struct status_watch *w, uint64_t now_ns)
{
	const uint64_t max = STATUS_INTERVAL_MAX_S * NS_PER_SEC;

	if (w->older.at_ns && !is_older(&w->older, now_ns, max))
		return &w->older;
	if (w->newer.at_ns && is_older(&w->newer, now_ns, STATUS_INTERVAL_MIN_MS * NS_PER_MS))
		return &w->newer;
	return NULL;
}

static double quantile_s(const struct histogram *from, const struct histogram *to, double q)
{
	struct histogram h;

	histogram_subtract(to, from, &h);
	if (!histogram_count(&h))
		return NAN;
	return (double)histogram_quantile_ns(&h, q) / (double)NS_PER_SEC;
}

static uint64_t drops_at(const struct status_reading *r, uint16_t port, uint64_t otherwise)
{
	for (size_t i = 0; i < STATUS_PORTS_MAX; i++)
		if (r->ports[i] == port)
			return r->drops[i];
	return otherwise;
}

static void compare_pressure(const struct status_reading *from, const struct status_reading *to,
			     struct status *s)
{
	uint64_t periods = to->periods - from->periods;

	if (periods)
		s->cpu_throttled_ratio =
			(double)(to->throttled_periods - from->throttled_periods) / (double)periods;
	for (size_t i = 0; i < s->n_ports; i++) {
		uint64_t drops = drops_at(to, s->ports[i].port, STATUS_UNKNOWN);

		if (drops != STATUS_UNKNOWN)
			s->ports[i].drops = drops - drops_at(from, s->ports[i].port, drops);
	}
}

void status_compare(const struct status_reading *from, const struct status_reading *to,
		    struct status *s)
{
	double seconds = ((double)to->at_ns - (double)from->at_ns) / (double)NS_PER_SEC;
	uint64_t ended = to->requests - from->requests + (to->aborts - from->aborts);

	if (to->at_ns <= from->at_ns)
		return;
	s->interval_s = seconds;
	s->errors = to->errors - from->errors;
	s->requests_per_second = (double)ended / seconds;
	s->errors_per_second = (double)s->errors / seconds;
	if (ended)
		s->error_ratio = (double)s->errors / (double)ended;
	s->p50_s = quantile_s(&from->duration, &to->duration, 0.5);
	s->p99_s = quantile_s(&from->duration, &to->duration, 0.99);
	s->queue_p99_s = quantile_s(&from->queue, &to->queue, 0.99);
	s->turn_p99_s = quantile_s(&from->turn, &to->turn, 0.99);
	s->records_lost = to->records_lost - from->records_lost;
	compare_pressure(from, to, s);
}

static void fill_ports(const struct pressure_figures *p, struct status *s)
{
	for (size_t i = 0; i < s->n_ports; i++) {
		for (size_t j = 0; j < p->n_ports; j++) {
			if (p->ports[j].port != s->ports[i].port || !p->ports[j].listening)
				continue;
			s->ports[i].queue_length = p->ports[j].length;
			s->ports[i].queue_limit = p->ports[j].limit;
			if (!p->ports[j].length) /* a newer look than the other */
				s->ports[i].waiting_since_s = NAN;
		}
	}
}

void status_watch_fill(const struct status_watch *w, const struct http_metrics *m,
		       const struct pressure_figures *p, uint64_t now_ns, struct status *s)
{
	const struct http_totals *t = http_metrics_totals(m);
	const struct status_reading *from = pick(w, now_ns);
	struct status_reading now;

	s->in_flight = http_totals_in_flight(t);
	s->connections = http_totals_open_connections(t);
	s->websockets_open = websocket_open(t);
	fill_ports(p, s);
	if (!from)
		return;
	reading_take(&now, m, p, now_ns);
	status_compare(from, &now, s);
}
