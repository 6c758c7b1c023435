/* SPDX-License-Identifier: MIT */
/*
 * Writes the HTTP families. Families with an item for each series or route come first, by
 * index; the cursor is (family, item). Series and routes only get more, so going on by index
 * never skips or repeats one; what is made during a reading stands at the end of the families
 * that are still to come.
 */
#include <string.h>

#include "base/util.h"
#include "metrics/http_metrics_impl.h"

#define LABELS_BYTES_MAX 1024
#define ITEMS_MAX 4 /* of a scalar */

typedef uint64_t (*value_fn)(const struct http_metrics *m, size_t item);

/* One or a few single numbers. */
struct scalar {
	struct expo_family family;
	value_fn value;
	bool of_totals;                    /* absent until there are totals */
	const char *labels[ITEMS_MAX + 1]; /* an item each; none: one item without labels */
};

static uint64_t in_flight(const struct http_metrics *m, size_t item)
{
	(void)item;
	return http_totals_in_flight(&m->totals);
}

static uint64_t ended(const struct http_metrics *m, size_t end)
{
	return m->totals.ended[end][HTTP_PHASE_BEFORE] + m->totals.ended[end][HTTP_PHASE_INSIDE];
}

static uint64_t upgrades(const struct http_metrics *m, size_t item)
{
	(void)item;
	return ended(m, HTTP_END_UPGRADE);
}

static uint64_t connections_active(const struct http_metrics *m, size_t item)
{
	(void)item;
	return http_totals_open_connections(&m->totals);
}

#define FIELD(name, field) \
	static uint64_t name(const struct http_metrics *m, size_t item) \
	{ \
		(void)item; \
		return m->field; \
	}
FIELD(connections, totals.connections)
FIELD(non_http, totals.non_http)
FIELD(started, totals.started)
FIELD(discarded, totals.discarded)
FIELD(desyncs, totals.desyncs)
FIELD(pipeline_overflow, totals.pipeline_overflow)
FIELD(records_lost, totals.records_lost)
FIELD(bad_records, bad_records)
FIELD(approximate_starts, approximate_starts)
FIELD(series_overflow, overflow)
FIELD(series, series.n)
#undef FIELD

/* clang-format off */
#define ROW(type, of_totals, name, value, help, ...) \
	{ { (name), (help), NULL, (type) }, (value), (of_totals), { __VA_ARGS__ } }
#define TOTAL(...) ROW(EXPO_COUNTER, true, __VA_ARGS__, NULL)
#define TOTAL_NOW(...) ROW(EXPO_GAUGE, true, __VA_ARGS__, NULL)
#define OWN(...) ROW(EXPO_COUNTER, false, __VA_ARGS__, NULL)
#define OWN_NOW(...) ROW(EXPO_GAUGE, false, __VA_ARGS__, NULL)

static const struct scalar scalars[] = {
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
	TOTAL("isamon_trace_lost", records_lost,
		"Records lost because the ring buffer was full.", "probe=\"http\""),
	OWN("isamon_trace_bad_records", bad_records,
		"Records that made no sense and were left out.", "probe=\"http\""),
	OWN("isamon_http_approximate_starts", approximate_starts,
		"Requests whose duration is shorter than the truth."),
	OWN_NOW("isamon_http_series", series,
		"Series of each http_server histogram family."),
	OWN("isamon_http_series_overflow", series_overflow,
		"Requests that went to the route \"other\" because there were too many series."),
};
#undef ROW
#undef TOTAL
#undef TOTAL_NOW
#undef OWN
#undef OWN_NOW

enum {
	FAMILY_TIMES = 0,
	FAMILY_SIZES = FAMILY_TIMES + HTTP_TIME_N,
	FAMILY_ABORTS = FAMILY_SIZES + HTTP_SIZE_N,
	FAMILY_SCALARS,
	FAMILY_N = FAMILY_SCALARS + ARRAY_SIZE(scalars),
};

static const struct expo_family families[FAMILY_SCALARS] = {
	[FAMILY_TIMES + HTTP_TIME_DURATION] = {
		"http_server_request_duration_seconds",
		"From a request's first byte reaching the host to its answer's last byte leaving it.",
		"seconds", EXPO_HISTOGRAM },
	[FAMILY_TIMES + HTTP_TIME_FIRST_BYTE] = {
		"isamon_http_time_to_first_byte_seconds",
		"From a request's first byte reaching the host to its answer's first byte leaving it.",
		"seconds", EXPO_HISTOGRAM },
	[FAMILY_SIZES + HTTP_SIZE_REQUEST] = {
		"http_server_request_body_size_bytes",
		"Bodies of requests, without their framing.", "bytes", EXPO_HISTOGRAM },
	[FAMILY_SIZES + HTTP_SIZE_RESPONSE] = {
		"http_server_response_body_size_bytes",
		"Bodies of responses, without their framing.", "bytes", EXPO_HISTOGRAM },
	[FAMILY_ABORTS] = {
		"isamon_http_requests_aborted",
		"Requests that ended early, by who ended them and how far they had come.", NULL,
		EXPO_COUNTER },
};
/* clang-format on */

static const struct expo_family *family_of(size_t family)
{
	return family < FAMILY_SCALARS ? &families[family] :
					 &scalars[family - FAMILY_SCALARS].family;
}

static size_t n_items(const struct http_metrics *m, size_t family)
{
	const struct scalar *s;
	size_t n = 1;

	if (family < FAMILY_ABORTS)
		return m->series.n;
	if (family == FAMILY_ABORTS)
		return m->n_routes;
	s = &scalars[family - FAMILY_SCALARS];
	if (s->of_totals && !m->has_totals)
		return 0;
	while (s->labels[n])
		n++;
	return n;
}

static void write_series(struct expo *e, const struct http_series *s, size_t family)
{
	const struct expo_family *f = &families[family];

	if (family < FAMILY_SIZES) {
		enum http_time which = (enum http_time)(family - FAMILY_TIMES);

		expo_histogram(e, f, s->labels, http_series_time_bounds, s->times[which].counts,
			       HTTP_TIME_BOUNDS, http_series_time_sum(s, which));
	} else {
		enum http_size which = (enum http_size)(family - FAMILY_SIZES);

		expo_histogram(e, f, s->labels, http_series_size_bounds, s->sizes[which].counts,
			       HTTP_SIZE_BOUNDS, (struct expo_sum){ .whole = s->sizes[which].sum });
	}
}

/* All four of a route that has aborts, so that rate() sees them begin at 0; none of one that
 * has not. */
static void write_aborts(struct expo *e, const struct http_route *r)
{
	static const char *const sides[] = { "client", "server" };
	static const char *const phases[] = { "before_response", "in_response" };
	_cleanup_(buf_done) struct buf labels = BUF_INIT(LABELS_BYTES_MAX);
	const uint64_t *n = &r->aborts[0][0];

	if (!(n[0] | n[1] | n[2] | n[3]))
		return;
	for (int side = 0; side < HTTP_SIDE_N; side++) {
		for (int phase = 0; phase < HTTP_PHASE_N; phase++) {
			buf_reset(&labels);
			expo_label(&labels, "http_route", r->name);
			expo_label(&labels, "side", sides[side]);
			if (expo_label(&labels, "phase", phases[phase]) == 0)
				expo_u64(e, &families[FAMILY_ABORTS], buf_str(&labels),
					 r->aborts[side][phase]);
		}
	}
}

static void write_item(struct expo *e, const struct http_metrics *m, size_t family, size_t item)
{
	const struct scalar *s;

	if (family < FAMILY_ABORTS) {
		write_series(e, m->series.all[item], family);
	} else if (family == FAMILY_ABORTS) {
		write_aborts(e, m->routes[item]);
	} else {
		s = &scalars[family - FAMILY_SCALARS];
		expo_u64(e, &s->family, s->labels[item], s->value(m, item));
	}
}

bool http_metrics_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	const struct http_metrics *m = ctx;

	for (; at->family < FAMILY_N; at->family++, at->item = 0) {
		bool absent = at->family > FAMILY_ABORTS && n_items(m, at->family) == 0;

		if (at->item == 0 && !absent)
			expo_begin(e, family_of(at->family));
		while (at->item < n_items(m, at->family)) {
			write_item(e, m, at->family, at->item++);
			if (e->out->len >= enough || e->out->err)
				return false;
		}
	}
	return true;
}
