/* SPDX-License-Identifier: MIT */
/*
 * Accounts records. The way of one: checked; its route found, made, or "other"; if it is a request, its
 * series found, made, or one of "other".
 *
 * Invariant: routes and series only ever get more, within the bounds of http_metrics.h.
 */
#include "metrics/http_metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/util.h"
#include "metrics/http_metrics_impl.h"
#include "metrics/tcp_metrics.h"

#define OTHER_SERIES_MAX 128
#define STATUS_MAX 999
#define STREAM_THRESHOLD_NS NS_PER_SEC

static void metrics_freep(struct http_metrics **m)
{
	http_metrics_free(*m);
}

int http_metrics_new(struct route_patterns *patterns, size_t max_series, struct http_metrics **ret)
{
	_cleanup_(metrics_freep) struct http_metrics *m = NULL;

	m = aligned_alloc(__alignof__(*m), sizeof(*m));
	if (!m) {
		route_patterns_free(patterns);
		return -ENOMEM;
	}
	memset(m, 0, sizeof(*m));
	m->max_series = max_series;
	m->streams = (struct http_stream_options){ STREAM_THRESHOLD_NS, true };
	if (http_routes_init(&m->routes, patterns))
		return -ENOMEM;
	*ret = take(m);
	return 0;
}

void http_metrics_free(struct http_metrics *m)
{
	if (!m)
		return;
	http_routes_done(&m->routes);
	http_series_done(&m->series);
	websocket_done(&m->websockets);
	free(m);
}

void http_metrics_set_patterns(struct http_metrics *m, struct route_patterns *patterns)
{
	http_routes_set_patterns(&m->routes, patterns);
}

void http_metrics_set_streams(struct http_metrics *m, const struct http_stream_options *o)
{
	m->streams = *o;
}

void http_metrics_observe(struct http_metrics *m, http_observe_fn fn, void *ctx)
{
	m->observe = fn;
	m->observe_ctx = ctx;
}

static bool series_are_full(const struct http_metrics *m)
{
	return m->series.n - m->n_other_series >= m->max_series;
}

static bool bare_routes_are_full(const struct http_metrics *m)
{
	return m->routes.n_bare > m->max_series / 4;
}

static struct http_route *overflow(struct http_metrics *m)
{
	m->overflow++;
	return m->routes.all[0];
}

/* The route of a record, made if it may be: one that will have a series by the cap of series, another
 * by that of bare routes. Never NULL. */
static struct http_route *route_for(struct http_metrics *m, const struct http_record *r, bool bare)
{
	struct http_route *route;
	bool configured;

	if (r->flags & HTTP_FLAG_NO_PATH)
		return m->routes.all[0];
	route = http_routes_find(&m->routes, r, &configured);
	if (route)
		return route;
	if (r->status == 404 && !configured)
		return m->routes.all[0];
	if (bare ? bare_routes_are_full(m) : series_are_full(m))
		return overflow(m);
	route = http_routes_make(&m->routes, r);
	return route ? route : overflow(m);
}

static struct http_series *add_series(struct http_metrics *m, struct http_route *route,
				      enum http_method method, unsigned int status)
{
	struct http_series *s =
		http_series_add(&m->series, route->index, route->name, method, status);

	if (!s)
		return NULL;
	if (!route->index)
		m->n_other_series++;
	else if (!route->has_series)
		m->routes.n_bare--;
	route->has_series = true;
	return s;
}

/* A series of "other"; NULL only if there is no memory. */
static struct http_series *other_series(struct http_metrics *m, const struct http_record *r)
{
	struct http_series *s = http_series_find(&m->series, 0, r->method, r->status);
	unsigned int status = r->status;

	if (!s && m->n_other_series >= OTHER_SERIES_MAX) {
		status = 0;
		s = http_series_find(&m->series, 0, r->method, status);
	}
	return s ? s : add_series(m, m->routes.all[0], r->method, status);
}

/* The series of an answer; *route becomes "other" if there may be none more. */
static struct http_series *series_for(struct http_metrics *m, const struct http_record *r,
				      struct http_route **route)
{
	struct http_series *s;

	if (!(*route)->index)
		return other_series(m, r);
	s = http_series_find(&m->series, (*route)->index, r->method, r->status);
	if (!s && !series_are_full(m))
		s = add_series(m, *route, r->method, r->status);
	if (s)
		return s;
	*route = overflow(m);
	return other_series(m, r);
}

static void account_route(struct http_route *route, const struct http_record *r)
{
	route->requests++;
	route->client_errors += r->status >= 400 && r->status < 500;
	route->server_errors += r->status >= 500;
}

static void account_duration(struct http_route *route, struct http_series *s, uint64_t ns)
{
	if (ns > route->max_ns[0])
		route->max_ns[0] = ns;
	sparse_histogram_add(&route->duration, ns);
	if (s)
		http_series_add_time(s, HTTP_TIME_DURATION, ns);
}

/* A pipelined request may have been read together with the one ahead of it, and of one whose start is
 * not known the wait is neither. */
static bool queue_is_known(const struct http_record *r)
{
	return r->read_ns && !(r->flags & (HTTP_FLAG_PIPELINED | HTTP_FLAG_APPROX_START));
}

static void account_queue(struct http_route *route, const struct http_record *r)
{
	uint64_t ns = http_difference(r->start_ns, r->read_ns);

	if (!queue_is_known(r))
		return;
	time_histogram_add(&route->queue, ns);
	sparse_histogram_add(&route->queue_fine, ns);
}

/* What every request has, however it ended. Returns whether its response was a stream. */
static bool account_request(struct http_metrics *m, struct http_route *route,
			    const struct http_record *r)
{
	bool stream = stream_is(r, m->streams.threshold_ns);

	account_queue(route, r);
	if (r->pid)
		http_workers_count(&m->workers, r->pid);
	if (r->flags & HTTP_FLAG_APPROX_START)
		m->approximate_starts++;
	if (stream && stream_add(&route->stream, r))
		m->overflow++;
	return stream;
}

static void tell(struct http_metrics *m, const struct http_route *route,
		 const struct http_record *r, bool answered, bool server_error)
{
	const struct http_observed o = {
		.kind = r->kind == HTTP_KIND_TURN ? HTTP_OBSERVED_TURN : HTTP_OBSERVED_REQUEST,
		.route = route->name,
		.answered = answered,
		.server_error = server_error,
		.has_queue = r->kind == HTTP_KIND_REQUEST && queue_is_known(r),
		.duration_ns = http_difference(r->start_ns, r->end_ns),
		.queue_ns = http_difference(r->start_ns, r->read_ns),
	};

	if (m->observe)
		m->observe(&o, m->observe_ctx);
}

static void add_answer(struct http_metrics *m, const struct http_record *r)
{
	struct http_route *route = route_for(m, r, false);
	struct http_series *s = series_for(m, r, &route);
	uint64_t ns = http_difference(r->start_ns, r->end_ns);
	uint64_t first = http_difference(r->start_ns, r->first_byte_ns);

	bool timed;

	account_route(route, r);
	timed = !account_request(m, route, r) || m->streams.in_duration;
	if (timed)
		account_duration(route, s, ns);
	tell(m, route, r, timed, r->status >= 500);
	if (!s)
		return;
	if (r->first_byte_ns)
		http_series_add_time(s, HTTP_TIME_FIRST_BYTE, first < ns ? first : ns);
	http_series_add_size(s, HTTP_SIZE_REQUEST, r->request_bytes);
	http_series_add_size(s, HTTP_SIZE_RESPONSE, r->response_bytes);
}

static void add_abort(struct http_metrics *m, const struct http_record *r)
{
	struct http_route *route = route_for(m, r, true);
	enum http_side side = r->end == HTTP_END_ABORT_SERVER ? HTTP_SIDE_SERVER : HTTP_SIDE_CLIENT;

	account_request(m, route, r);
	route->aborts[side][r->phase]++;
	route->server_errors += side == HTTP_SIDE_SERVER;
	tell(m, route, r, false, side == HTTP_SIDE_SERVER);
}

/* Their request was answered, so their route exists, unless the cap kept it from that. */
static void add_websocket(struct http_metrics *m, const struct http_record *r)
{
	struct http_route *route = route_for(m, r, true);

	if (websocket_add(&m->websockets, &route->websocket, r))
		m->overflow++;
	if (r->kind == HTTP_KIND_TURN)
		tell(m, route, r, true, false);
}

static bool record_is_good(const struct http_record *r, size_t size)
{
	return size >= HTTP_RECORD_FIXED && r->path_len <= HTTP_PATH_MAX &&
	       size >= (size_t)HTTP_RECORD_FIXED + r->path_len && r->method < HTTP_METHOD_N &&
	       r->end < HTTP_END_N && r->phase < HTTP_PHASE_N && r->status <= STATUS_MAX &&
	       (r->kind == HTTP_KIND_REQUEST ||
		(r->kind <= HTTP_KIND_WEBSOCKET && websocket_record_is_good(r)));
}

void http_metrics_add(struct http_metrics *m, const struct http_record *r, size_t size)
{
	if (!record_is_good(r, size))
		m->bad_records++;
	else if (r->kind != HTTP_KIND_REQUEST)
		add_websocket(m, r);
	else if (r->end == HTTP_END_COMPLETE || r->end == HTTP_END_UPGRADE)
		add_answer(m, r);
	else
		add_abort(m, r);
}

void http_metrics_set_totals(struct http_metrics *m, const struct http_totals *t)
{
	m->totals = *t;
	m->has_totals = true;
}

const struct http_totals *http_metrics_totals(const struct http_metrics *m)
{
	return &m->totals;
}

uint64_t http_totals_ended(const struct http_totals *t)
{
	uint64_t n = 0;

	for (int end = 0; end < HTTP_END_N; end++)
		for (int phase = 0; phase < HTTP_PHASE_N; phase++)
			n += t->ended[end][phase];
	return n;
}

uint64_t http_totals_in_flight(const struct http_totals *t)
{
	return http_difference(t->discarded + http_totals_ended(t), t->started);
}

uint64_t http_totals_open_connections(const struct http_totals *t)
{
	return http_difference(t->connections_closed, t->connections);
}

size_t http_metrics_n_routes(const struct http_metrics *m)
{
	return m->routes.n;
}

void http_metrics_route(const struct http_metrics *m, size_t i, struct http_route_stats *ret)
{
	const struct http_route *r = m->routes.all[i];

	*ret = (struct http_route_stats){
		.route = r->name,
		.requests = r->requests,
		.client_errors = r->client_errors,
		.server_errors = r->server_errors,
		.max_ns = { r->max_ns[0], r->max_ns[1] },
	};
	sparse_histogram_read(&r->duration, &ret->duration);
	sparse_histogram_read(&r->queue_fine, &ret->queue);
	for (int side = 0; side < HTTP_SIDE_N; side++)
		for (int phase = 0; phase < HTTP_PHASE_N; phase++)
			ret->aborts += r->aborts[side][phase];
}

void http_metrics_chat(const struct http_metrics *m, struct http_chat_stats *ret)
{
	uint64_t ended[STREAM_END_N];

	stream_totals(m, ended);
	*ret = (struct http_chat_stats){
		.open = websocket_open(&m->totals),
		.messages = { m->totals.ws_messages[0], m->totals.ws_messages[1] },
		.turns = m->websockets.turns,
		.streams = ended[STREAM_END_COMPLETE],
		.streams_aborted = ended[STREAM_END_CLIENT] + ended[STREAM_END_SERVER],
	};
	sparse_histogram_read(&m->websockets.turn, &ret->turn);
}

size_t http_metrics_workers(const struct http_metrics *m,
			    struct http_worker ret[static HTTP_WORKERS_MAX])
{
	memcpy(ret, m->workers.all, m->workers.n * sizeof(*ret));
	return m->workers.n;
}

void http_metrics_forget_worker(struct http_metrics *m, uint32_t pid)
{
	http_workers_forget(&m->workers, pid);
}

void http_metrics_add_pages(struct page *p, struct http_metrics *m)
{
	page_add(p, http_metrics_collect, m);
	page_add(p, stream_collect, m);
	page_add(p, websocket_collect, m);
	page_add(p, tcp_collect, m);
}

void http_metrics_tick(struct http_metrics *m)
{
	for (size_t i = 0; i < m->routes.n; i++) {
		m->routes.all[i]->max_ns[1] = m->routes.all[i]->max_ns[0];
		m->routes.all[i]->max_ns[0] = 0;
	}
}
