/* SPDX-License-Identifier: MIT */
/* WebSockets and their turns, and their families. */
#include "metrics/websocket_metrics.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "metrics/families.h"
#include "metrics/http_metrics_impl.h"

#define SWITCHING_PROTOCOLS 101

void websocket_done(struct websocket_metrics *w)
{
	sparse_histogram_done(&w->turn);
}

bool websocket_record_is_good(const struct http_record *r)
{
	if (r->status != SWITCHING_PROTOCOLS)
		return false;
	if (r->kind == HTTP_KIND_TURN)
		return r->first_byte_ns != 0;
	return r->end == HTTP_END_ABORT_CLIENT || r->end == HTTP_END_ABORT_SERVER;
}

static void add_over_all(struct websocket_metrics *w, const struct http_record *r, uint64_t ns)
{
	if (r->kind == HTTP_KIND_TURN) {
		w->turns++;
		sparse_histogram_add(&w->turn, ns);
	} else {
		w->closed[r->end == HTTP_END_ABORT_SERVER][!!(r->flags & HTTP_FLAG_CLEAN)]++;
	}
}

int websocket_add(struct websocket_metrics *w, struct websocket_route **route,
		  const struct http_record *r)
{
	bool turn = r->kind == HTTP_KIND_TURN;
	uint64_t ns = http_difference(r->start_ns, r->end_ns);
	struct websocket_route *s = *route;

	add_over_all(w, r, ns);
	if (!s)
		s = *route = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	time_histogram_add(turn ? &s->turn : &s->duration, ns);
	return 0;
}

uint64_t websocket_open(const struct http_totals *t)
{
	return http_difference(t->ws_closed, t->ws_opened);
}

static bool has_totals(const void *ctx)
{
	const struct http_metrics *m = ctx;

	return m->has_totals;
}

#define VALUE(name, expression) \
	static uint64_t name(const void *ctx, size_t item) \
	{ \
		const struct http_metrics *m = ctx; \
		(void)item; \
		return (expression); \
	}
VALUE(active, websocket_open(&m->totals))
VALUE(opened, m->totals.ws_opened)
VALUE(messages, m->totals.ws_messages[item])
VALUE(bytes, m->totals.ws_bytes[item])
VALUE(desyncs, m->totals.ws_desyncs)
VALUE(closed, m->websockets.closed[item / 2][item % 2])
#undef VALUE

static size_t n_routes(const void *ctx)
{
	const struct http_metrics *m = ctx;

	return m->routes.n;
}

/* A route has a histogram from the first time in it on. */
static void write_times(struct expo *e, const struct expo_family *f, const struct http_route *r,
			const struct time_histogram *h)
{
	if (time_histogram_count(h))
		time_histogram_write(e, f, r->labels, h);
}

static void write_duration(struct expo *e, const struct expo_family *f, const void *ctx,
			   size_t route)
{
	const struct http_metrics *m = ctx;
	const struct http_route *r = m->routes.all[route];

	if (r->websocket)
		write_times(e, f, r, &r->websocket->duration);
}

static void write_turn(struct expo *e, const struct expo_family *f, const void *ctx, size_t route)
{
	const struct http_metrics *m = ctx;
	const struct http_route *r = m->routes.all[route];

	if (r->websocket)
		write_times(e, f, r, &r->websocket->turn);
}

#define DIRECTIONS \
	{ \
		"direction=\"in\"", "direction=\"out\"" \
	}

/* clang-format off */
static const struct family families[] = {
	{ .expo = { "isamon_websocket_connections_active", "WebSockets that are open.", NULL, EXPO_GAUGE },
	  .there = has_totals, .value = active },
	{ .expo = { "isamon_websocket_connections", "Requests that became WebSockets.", NULL, EXPO_COUNTER },
	  .there = has_totals, .value = opened },
	{ .expo = { "isamon_websocket_messages", "Whole messages; control frames are none.", NULL,
		    EXPO_COUNTER },
	  .there = has_totals, .value = messages, .labels = DIRECTIONS },
	{ .expo = { "isamon_websocket_bytes", "Payload of messages as it was sent, perhaps compressed.",
		    "bytes", EXPO_COUNTER },
	  .there = has_totals, .value = bytes, .labels = DIRECTIONS },
	{ .expo = { "isamon_websocket_desyncs",
		    "WebSockets whose frames made no sense; they are left alone.", NULL, EXPO_COUNTER },
	  .there = has_totals, .value = desyncs },
	{ .expo = { "isamon_websocket_connections_closed",
		    "WebSockets that ended, by who ended them; clean: behind a Close frame.", NULL,
		    EXPO_COUNTER },
	  .value = closed,
	  .labels = { "by=\"client\",clean=\"false\"", "by=\"client\",clean=\"true\"",
		      "by=\"server\",clean=\"false\"", "by=\"server\",clean=\"true\"" } },
	{ .expo = { "isamon_websocket_connection_duration_seconds",
		    "WebSockets that ended: from the 101 leaving the host to their end.", "seconds",
		    EXPO_HISTOGRAM },
	  .n_items = n_routes, .write = write_duration },
	{ .expo = { "isamon_websocket_turn_seconds",
		    "From a client's message reaching the host until the service's first message behind it has left.",
		    "seconds", EXPO_HISTOGRAM },
	  .n_items = n_routes, .write = write_turn },
};
/* clang-format on */

bool websocket_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	return families_collect(families, ARRAY_SIZE(families), e, at, enough, ctx);
}
