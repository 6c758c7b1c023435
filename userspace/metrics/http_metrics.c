/* SPDX-License-Identifier: MIT */
/*
 * Accounts records. The way of one: checked; its path looked up in the cache (named only if
 * new); its route found, made, or "other"; its series found, made, or one of "other".
 *
 * Invariant: routes and series only ever get more, within the bounds of http_metrics.h. A
 * remembered path that is no route is asked again when there are more routes than when it was
 * remembered.
 */
#include "metrics/http_metrics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "metrics/http_metrics_impl.h"

#define OTHER_SERIES_MAX 128
#define ROUTES_ROOM_FIRST 32
#define STATUS_MAX 999

/* What a remembered path is: one of these, or FIRST_ROUTE + the index of its route. */
enum remembered {
	NOT_ASKED = 0,
	NO_ROUTE,
	NO_ROUTE_CONFIGURED, /* but a pattern matches: the cap kept it from being one */
	FIRST_ROUTE,
};

static void route_free(struct http_route *r)
{
	if (!r)
		return;
	sparse_histogram_done(&r->duration);
	free(r);
}

static struct http_route *route_new(const char *name)
{
	size_t size = strlen(name) + 1;
	struct http_route *r = calloc(1, sizeof(*r) + size);

	if (r)
		memcpy(r->name, name, size);
	return r;
}

static int routes_grow(struct http_metrics *m)
{
	size_t room = m->routes_room ? m->routes_room * 2 : ROUTES_ROOM_FIRST;
	struct http_route **routes = realloc(m->routes, room * sizeof(struct http_route *));

	if (!routes)
		return -ENOMEM;
	m->routes = routes;
	m->routes_room = room;
	return 0;
}

/* Returns NULL if there is no memory. */
static struct http_route *add_route(struct http_metrics *m, const char *name)
{
	struct http_route *r;

	if (m->n_routes == m->routes_room && routes_grow(m))
		return NULL;
	r = route_new(name);
	if (!r || table_put(m->by_name, name, strlen(name), r)) {
		route_free(r);
		return NULL;
	}
	r->index = (uint32_t)m->n_routes;
	m->routes[m->n_routes++] = r;
	return r;
}

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
	route_cache_init(&m->cache);
	buf_init(&m->name, ROUTE_LENGTH_MAX + 1);
	m->patterns = patterns;
	m->max_series = max_series;
	m->by_name = table_new();
	if (!m->by_name || !add_route(m, ROUTE_OTHER))
		return -ENOMEM;
	*ret = take(m);
	return 0;
}

void http_metrics_free(struct http_metrics *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n_routes; i++)
		route_free(m->routes[i]);
	free(m->routes);
	table_free(m->by_name, NULL);
	http_series_done(&m->series);
	route_patterns_free(m->patterns);
	buf_done(&m->name);
	free(m);
}

void http_metrics_set_patterns(struct http_metrics *m, struct route_patterns *patterns)
{
	route_patterns_free(m->patterns);
	m->patterns = patterns;
	route_cache_clear(&m->cache);
}

/* The name of a record's path, or NULL without memory; *ret_configured: a pattern matches it. */
static const char *name_path(struct http_metrics *m, const struct http_record *r, bool cut,
			     bool *ret_configured)
{
	const char *pattern = route_configured(m->patterns, r->path, r->path_len, cut);

	*ret_configured = pattern != NULL;
	if (pattern)
		return pattern;
	buf_reset(&m->name);
	return route_of(NULL, r->path, r->path_len, cut, &m->name) ? NULL : buf_str(&m->name);
}

/* Brings what is remembered of a record's path up to date. */
static struct route_cache_entry *remember(struct http_metrics *m, const struct http_record *r)
{
	bool cut = r->flags & HTTP_FLAG_PATH_CUT, configured = false;
	struct route_cache_entry *e = route_cache_get(&m->cache, r->path, r->path_len, cut);
	struct http_route *route;
	const char *name;

	if (e->value >= FIRST_ROUTE || (e->value != NOT_ASKED && e->age == m->n_routes))
		return e;
	name = name_path(m, r, cut, &configured);
	route = name ? table_get(m->by_name, name, strlen(name)) : NULL;
	e->age = (uint32_t)m->n_routes;
	e->value = route ? FIRST_ROUTE + route->index : configured ? NO_ROUTE_CONFIGURED : NO_ROUTE;
	return e;
}

static struct http_route *make_route(struct http_metrics *m, const struct http_record *r,
				     struct route_cache_entry *e)
{
	bool configured;
	const char *name = name_path(m, r, r->flags & HTTP_FLAG_PATH_CUT, &configured);
	struct http_route *route = name ? add_route(m, name) : NULL;

	if (!route)
		return NULL;
	m->n_bare_routes++;
	e->value = FIRST_ROUTE + route->index;
	return route;
}

static bool series_are_full(const struct http_metrics *m)
{
	return m->series.n - m->n_other_series >= m->max_series;
}

static bool bare_routes_are_full(const struct http_metrics *m)
{
	return m->n_bare_routes > m->max_series / 4;
}

static struct http_route *overflow(struct http_metrics *m)
{
	m->overflow++;
	return m->routes[0];
}

/* The route of a record, made if it may be. Never NULL. */
static struct http_route *route_for(struct http_metrics *m, const struct http_record *r,
				    bool aborted)
{
	struct route_cache_entry *e;
	struct http_route *route;

	if (r->flags & HTTP_FLAG_NO_PATH)
		return m->routes[0];
	e = remember(m, r);
	if (e->value >= FIRST_ROUTE)
		return m->routes[e->value - FIRST_ROUTE];
	if (r->status == 404 && e->value != NO_ROUTE_CONFIGURED)
		return m->routes[0];
	if (aborted ? bare_routes_are_full(m) : series_are_full(m))
		return overflow(m);
	route = make_route(m, r, e);
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
		m->n_bare_routes--;
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
	return s ? s : add_series(m, m->routes[0], r->method, status);
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

/* to - from; 0 if it runs backwards */
static uint64_t difference(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

static void account_route(struct http_route *route, const struct http_record *r, uint64_t ns)
{
	route->requests++;
	route->client_errors += r->status >= 400 && r->status < 500;
	route->server_errors += r->status >= 500;
	if (ns > route->max_ns[0])
		route->max_ns[0] = ns;
	sparse_histogram_add(&route->duration, ns);
}

static void add_answer(struct http_metrics *m, const struct http_record *r)
{
	struct http_route *route = route_for(m, r, false);
	struct http_series *s = series_for(m, r, &route);
	uint64_t ns = difference(r->start_ns, r->end_ns);
	uint64_t first = difference(r->start_ns, r->first_byte_ns);

	account_route(route, r, ns);
	if (!s)
		return;
	http_series_add_time(s, HTTP_TIME_DURATION, ns);
	if (r->first_byte_ns)
		http_series_add_time(s, HTTP_TIME_FIRST_BYTE, first < ns ? first : ns);
	http_series_add_size(s, HTTP_SIZE_REQUEST, r->request_bytes);
	http_series_add_size(s, HTTP_SIZE_RESPONSE, r->response_bytes);
}

static void add_abort(struct http_metrics *m, const struct http_record *r)
{
	struct http_route *route = route_for(m, r, true);
	enum http_side side = r->end == HTTP_END_ABORT_SERVER ? HTTP_SIDE_SERVER : HTTP_SIDE_CLIENT;

	route->aborts[side][r->phase]++;
	route->server_errors += side == HTTP_SIDE_SERVER;
}

static bool record_is_good(const struct http_record *r, size_t size)
{
	return size >= HTTP_RECORD_FIXED && r->path_len <= HTTP_PATH_MAX &&
	       size >= (size_t)HTTP_RECORD_FIXED + r->path_len && r->method < HTTP_METHOD_N &&
	       r->end < HTTP_END_N && r->phase < HTTP_PHASE_N && r->status <= STATUS_MAX;
}

void http_metrics_add(struct http_metrics *m, const struct http_record *r, size_t size)
{
	if (!record_is_good(r, size)) {
		m->bad_records++;
		return;
	}
	if (r->flags & HTTP_FLAG_APPROX_START)
		m->approximate_starts++;
	if (r->end == HTTP_END_COMPLETE || r->end == HTTP_END_UPGRADE)
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

uint64_t http_totals_in_flight(const struct http_totals *t)
{
	uint64_t gone = t->discarded;

	for (int end = 0; end < HTTP_END_N; end++)
		for (int phase = 0; phase < HTTP_PHASE_N; phase++)
			gone += t->ended[end][phase];
	return difference(gone, t->started);
}

uint64_t http_totals_open_connections(const struct http_totals *t)
{
	return difference(t->connections_closed, t->connections);
}

size_t http_metrics_n_routes(const struct http_metrics *m)
{
	return m->n_routes;
}

void http_metrics_route(const struct http_metrics *m, size_t i, struct http_route_stats *ret)
{
	const struct http_route *r = m->routes[i];

	*ret = (struct http_route_stats){
		.route = r->name,
		.requests = r->requests,
		.client_errors = r->client_errors,
		.server_errors = r->server_errors,
		.max_ns = { r->max_ns[0], r->max_ns[1] },
	};
	sparse_histogram_read(&r->duration, &ret->duration);
	for (int side = 0; side < HTTP_SIDE_N; side++)
		for (int phase = 0; phase < HTTP_PHASE_N; phase++)
			ret->aborts += r->aborts[side][phase];
}

void http_metrics_tick(struct http_metrics *m)
{
	for (size_t i = 0; i < m->n_routes; i++) {
		m->routes[i]->max_ns[1] = m->routes[i]->max_ns[0];
		m->routes[i]->max_ns[0] = 0;
	}
}
