/* SPDX-License-Identifier: MIT */
/* The HTTP families: those with an item for each series or route first, then the numbers. */
#include "base/util.h"
#include "metrics/families.h"
#include "metrics/http_metrics_impl.h"

static bool has_totals(const void *ctx)
{
	const struct http_metrics *m = ctx;

	return m->has_totals;
}

static uint64_t ended(const void *ctx, size_t end)
{
	const struct http_metrics *m = ctx;

	return m->totals.ended[end][HTTP_PHASE_BEFORE] + m->totals.ended[end][HTTP_PHASE_INSIDE];
}

#define VALUE(name, expression) \
	static uint64_t name(const void *ctx, size_t item) \
	{ \
		const struct http_metrics *m = ctx; \
		(void)item; \
		return (expression); \
	}
VALUE(in_flight, http_totals_in_flight(&m->totals))
VALUE(upgrades, ended(m, HTTP_END_UPGRADE))
VALUE(connections_active, http_totals_open_connections(&m->totals))
VALUE(connections, m->totals.connections)
VALUE(non_http, m->totals.non_http)
VALUE(started, m->totals.started)
VALUE(discarded, m->totals.discarded)
VALUE(desyncs, m->totals.desyncs)
VALUE(pipeline_overflow, m->totals.pipeline_overflow)
VALUE(bad_records, m->bad_records)
VALUE(approximate_starts, m->approximate_starts)
VALUE(series_overflow, m->overflow)
VALUE(n_series_value, m->series.n)
#undef VALUE

static size_t n_series(const void *ctx)
{
	const struct http_metrics *m = ctx;

	return m->series.n;
}

static size_t n_routes(const void *ctx)
{
	const struct http_metrics *m = ctx;

	return m->routes.n;
}

static void write_time(struct expo *e, const struct expo_family *f, const struct http_series *s,
		       enum http_time which)
{
	time_histogram_write(e, f, s->labels, &s->times[which]);
}

static void write_size(struct expo *e, const struct expo_family *f, const struct http_series *s,
		       enum http_size which)
{
	expo_histogram(e, f, s->labels, http_series_size_bounds, s->sizes[which].counts,
		       HTTP_SIZE_BOUNDS, (struct expo_sum){ .whole = s->sizes[which].sum });
}

#define WRITE(name, write_one, which) \
	static void name(struct expo *e, const struct expo_family *f, const void *ctx, \
			 size_t series) \
	{ \
		const struct http_metrics *m = ctx; \
		write_one(e, f, m->series.all[series], which); \
	}
WRITE(write_duration, write_time, HTTP_TIME_DURATION)
WRITE(write_first_byte, write_time, HTTP_TIME_FIRST_BYTE)
WRITE(write_request_size, write_size, HTTP_SIZE_REQUEST)
WRITE(write_response_size, write_size, HTTP_SIZE_RESPONSE)
#undef WRITE

/* None of a route of which no wait is known. */
static void write_queue(struct expo *e, const struct expo_family *f, const void *ctx, size_t route)
{
	const struct http_metrics *m = ctx;
	const struct http_route *r = m->routes.all[route];

	if (time_histogram_count(&r->queue))
		time_histogram_write(e, f, r->labels, &r->queue);
}

/* All four of a route that has aborts, so that rate() sees them begin at 0; none of one that
 * has not. */
static void write_aborts(struct expo *e, const struct expo_family *f, const void *ctx, size_t route)
{
	static const char *const sides[] = { "client", "server" };
	static const char *const phases[] = { "before_response", "in_response" };
	_cleanup_(buf_done) struct buf labels = BUF_INIT(HTTP_LABELS_BYTES_MAX);
	const struct http_metrics *m = ctx;
	const struct http_route *r = m->routes.all[route];
	const uint64_t *n = &r->aborts[0][0];

	if (!(n[0] | n[1] | n[2] | n[3]))
		return;
	for (int side = 0; side < HTTP_SIDE_N; side++) {
		for (int phase = 0; phase < HTTP_PHASE_N; phase++) {
			buf_reset(&labels);
			buf_add_str(&labels, r->labels);
			expo_label(&labels, "side", sides[side]);
			if (expo_label(&labels, "phase", phases[phase]) == 0)
				expo_u64(e, f, buf_str(&labels), r->aborts[side][phase]);
		}
	}
}

/* clang-format off */
#define SERIES(name, unit, writer, help) \
	{ .expo = { (name), (help), (unit), EXPO_HISTOGRAM }, .n_items = n_series, .write = (writer) }
#define NUMBER(type, is_there, name, value_of, help, ...) \
	{ .expo = { (name), (help), NULL, (type) }, .there = (is_there), .value = (value_of), \
	  .labels = { __VA_ARGS__ } }
#define TOTAL(...) NUMBER(EXPO_COUNTER, has_totals, __VA_ARGS__, NULL)
#define TOTAL_NOW(...) NUMBER(EXPO_GAUGE, has_totals, __VA_ARGS__, NULL)
#define OWN(...) NUMBER(EXPO_COUNTER, NULL, __VA_ARGS__, NULL)
#define OWN_NOW(...) NUMBER(EXPO_GAUGE, NULL, __VA_ARGS__, NULL)

static const struct family families[] = {
	SERIES("http_server_request_duration_seconds", "seconds", write_duration,
		"From a request's first byte reaching the host to its answer's last byte leaving it."),
	SERIES("isamon_http_time_to_first_byte_seconds", "seconds", write_first_byte,
		"From a request's first byte reaching the host to its answer's first byte leaving it."),
	SERIES("http_server_request_body_size_bytes", "bytes", write_request_size,
		"Bodies of requests, without their framing."),
	SERIES("http_server_response_body_size_bytes", "bytes", write_response_size,
		"Bodies of responses, without their framing."),
	{ .expo = { "isamon_http_request_queue_seconds",
		    "From a request's first byte reaching the host to the service reading it.",
		    "seconds", EXPO_HISTOGRAM },
	  .n_items = n_routes, .write = write_queue },
	{ .expo = { "isamon_http_requests_aborted",
		    "Requests that ended early, by who ended them and how far they had come.", NULL,
		    EXPO_COUNTER },
	  .n_items = n_routes, .write = write_aborts },

	TOTAL_NOW("http_server_active_requests", in_flight,
		"Requests that have begun and not ended."),
	TOTAL("isamon_http_requests_started", started,
		"Requests whose first byte reached the host."),
	TOTAL("isamon_http_requests_ended", ended,
		"Requests that ended, by how they did.",
		[HTTP_END_COMPLETE] = "end=\"complete\"",
		[HTTP_END_UPGRADE] = "end=\"upgrade\"",
		[HTTP_END_ABORT_CLIENT] = "end=\"abort_client\"",
		[HTTP_END_ABORT_SERVER] = "end=\"abort_server\""),
	TOTAL("isamon_http_requests_discarded", discarded,
		"What began like a request and then was none."),
	TOTAL("isamon_http_upgrades", upgrades,
		"Requests after which the connection speaks something else."),
	TOTAL("isamon_http_connections", connections,
		"Connections accepted, or first seen when already open."),
	TOTAL_NOW("isamon_http_connections_active", connections_active,
		"Connections that are open."),
	TOTAL("isamon_http_non_http_connections", non_http,
		"Connections that do not speak HTTP/1."),
	TOTAL("isamon_http_desyncs", desyncs,
		"Times that the framing of a connection was lost."),
	TOTAL("isamon_http_pipeline_overflow", pipeline_overflow,
		"Pipelined requests that are counted without their path."),
	OWN("isamon_trace_bad_records", bad_records,
		"Records that made no sense and were left out.", "probe=\"http\""),
	OWN("isamon_http_approximate_starts", approximate_starts,
		"Requests whose duration is shorter than the truth."),
	OWN_NOW("isamon_http_series", n_series_value,
		"Series of each http_server histogram family."),
	OWN("isamon_http_series_overflow", series_overflow,
		"Requests that went to the route \"other\" because there were too many series."),
};
/* clang-format on */

bool http_metrics_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	return families_collect(families, ARRAY_SIZE(families), e, at, enough, ctx);
}
