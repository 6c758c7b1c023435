/* SPDX-License-Identifier: MIT */
/* Streams: which responses are, and their families by route. Every series of a route that has had a
 * stream is on the page, so that rate() sees the ends begin at 0; none of one that has not. */
#include "metrics/stream_metrics.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"
#include "metrics/families.h"
#include "metrics/http_metrics_impl.h"

bool stream_is(const struct http_record *r, uint64_t threshold_ns)
{
	if (!r->first_byte_ns || r->end == HTTP_END_UPGRADE)
		return false;
	return r->flags & HTTP_FLAG_EVENTS ||
	       (r->flags & HTTP_FLAG_CHUNKED &&
		http_difference(r->first_byte_ns, r->end_ns) > threshold_ns);
}

static enum stream_end end_of(const struct http_record *r)
{
	switch (r->end) {
	case HTTP_END_ABORT_CLIENT: return STREAM_END_CLIENT;
	case HTTP_END_ABORT_SERVER: return STREAM_END_SERVER;
	default: return STREAM_END_COMPLETE;
	}
}

int stream_add(struct stream_route **route, const struct http_record *r)
{
	uint64_t ns = http_difference(r->first_byte_ns, r->end_ns);
	struct stream_route *s = *route;

	if (!s)
		s = *route = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	time_histogram_add(&s->times[STREAM_TIME_DURATION], ns);
	time_histogram_add(&s->times[STREAM_TIME_FIRST_BYTE],
			   http_difference(r->start_ns, r->first_byte_ns));
	time_histogram_add(&s->times[STREAM_TIME_SILENCE], r->silence_ns < ns ? r->silence_ns : ns);
	s->bytes += r->response_bytes;
	s->ended[end_of(r)]++;
	return 0;
}

void stream_totals(const struct http_metrics *m, uint64_t ret_ended[static STREAM_END_N])
{
	for (int end = 0; end < STREAM_END_N; end++)
		ret_ended[end] = 0;
	for (size_t i = 0; i < m->routes.n; i++)
		for (int end = 0; m->routes.all[i]->stream && end < STREAM_END_N; end++)
			ret_ended[end] += m->routes.all[i]->stream->ended[end];
}

static size_t n_routes(const void *ctx)
{
	const struct http_metrics *m = ctx;

	return m->routes.n;
}

static void write_time(struct expo *e, const struct expo_family *f, const struct http_route *r,
		       enum stream_time which)
{
	if (r->stream)
		time_histogram_write(e, f, r->labels, &r->stream->times[which]);
}

#define WRITE(name, which) \
	static void name(struct expo *e, const struct expo_family *f, const void *ctx, \
			 size_t route) \
	{ \
		const struct http_metrics *m = ctx; \
		write_time(e, f, m->routes.all[route], which); \
	}
WRITE(write_duration, STREAM_TIME_DURATION)
WRITE(write_first_byte, STREAM_TIME_FIRST_BYTE)
WRITE(write_silence, STREAM_TIME_SILENCE)
#undef WRITE

static void write_bytes(struct expo *e, const struct expo_family *f, const void *ctx, size_t route)
{
	const struct http_metrics *m = ctx;
	const struct http_route *r = m->routes.all[route];

	if (r->stream)
		expo_u64(e, f, r->labels, r->stream->bytes);
}

static void write_ended(struct expo *e, const struct expo_family *f, const void *ctx, size_t route)
{
	static const char *const ends[STREAM_END_N] = {
		[STREAM_END_COMPLETE] = "complete",
		[STREAM_END_CLIENT] = "abort_client",
		[STREAM_END_SERVER] = "abort_server",
	};
	_cleanup_(buf_done) struct buf labels = BUF_INIT(HTTP_LABELS_BYTES_MAX);
	const struct http_metrics *m = ctx;
	const struct http_route *r = m->routes.all[route];

	for (int end = 0; r->stream && end < STREAM_END_N; end++) {
		buf_reset(&labels);
		buf_add_str(&labels, r->labels);
		if (expo_label(&labels, "end", ends[end]) == 0)
			expo_u64(e, f, buf_str(&labels), r->stream->ended[end]);
	}
}

/* clang-format off */
#define TIME(name, help, writer) \
	{ .expo = { (name), (help), "seconds", EXPO_HISTOGRAM }, .n_items = n_routes, .write = (writer) }
static const struct family families[] = {
	TIME("isamon_stream_duration_seconds",
	     "Streams: from the response's first byte leaving the host to its last, or to its abort.",
	     write_duration),
	TIME("isamon_stream_time_to_first_byte_seconds",
	     "Streams: from the request's first byte reaching the host to the response's first leaving it.",
	     write_first_byte),
	TIME("isamon_stream_longest_silence_seconds",
	     "Streams: the longest time between two segments of the response.",
	     write_silence),
	{ .expo = { "isamon_stream_bytes", "Bodies of streams, without their framing.", "bytes",
		    EXPO_COUNTER }, .n_items = n_routes, .write = write_bytes },
	{ .expo = { "isamon_streams_ended", "Streams that ended, by how.", NULL, EXPO_COUNTER },
	  .n_items = n_routes, .write = write_ended },
};
#undef TIME
/* clang-format on */

bool stream_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx)
{
	return families_collect(families, ARRAY_SIZE(families), e, at, enough, ctx);
}
