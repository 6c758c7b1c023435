/* SPDX-License-Identifier: MIT */
/* Which responses are streams, and what is said of them. */
#include "unit.h"

#include "nomem.h"

#include "metrics/stream_metrics.c"

#include "unit/http_lines.h"

#define SECOND (1000 * MS)
#define DURATION "http_server_request_duration_seconds"

/* Its first byte after 2 ms; as long as @ns from there. */
static struct http_record stream(const char *path, unsigned int flags, uint64_t ns)
{
	struct http_record r = record(path, 200);

	r.flags = (uint16_t)flags;
	r.end_ns = r.first_byte_ns + ns;
	r.silence_ns = ns / 4;
	r.response_bytes = 1000;
	return r;
}

static void which(void)
{
	static const struct {
		const char *name;
		unsigned int flags;
		uint64_t ns;
		enum http_end end;
		bool begun;
		bool is;
	} rows[] = {
		{ "an event stream", HTTP_FLAG_EVENTS, 5 * SECOND, HTTP_END_COMPLETE, true, true },
		{ "one that ended at once", HTTP_FLAG_EVENTS, 0, HTTP_END_COMPLETE, true, true },
		{ "chunked, as long as the threshold", HTTP_FLAG_CHUNKED, SECOND, HTTP_END_COMPLETE,
		  true, false },
		{ "chunked, longer", HTTP_FLAG_CHUNKED, SECOND + 1, HTTP_END_COMPLETE, true, true },
		{ "long, but not chunked", 0, 60 * SECOND, HTTP_END_COMPLETE, true, false },
		{ "chunked, the client left late", HTTP_FLAG_CHUNKED, 2 * SECOND,
		  HTTP_END_ABORT_CLIENT, true, true },
		{ "chunked, the client left early", HTTP_FLAG_CHUNKED, SECOND / 2,
		  HTTP_END_ABORT_CLIENT, true, false },
		{ "an abort ahead of the response", HTTP_FLAG_EVENTS, 5 * SECOND,
		  HTTP_END_ABORT_SERVER, false, false },
		{ "an upgrade", HTTP_FLAG_CHUNKED, 5 * SECOND, HTTP_END_UPGRADE, true, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct http_record r = stream("/", rows[i].flags, rows[i].ns);
		struct http_metrics *m = new_metrics(10);

		unit_begin("a stream or not: %s", rows[i].name);
		r.end = (uint8_t)rows[i].end;
		if (!rows[i].begun)
			r.first_byte_ns = 0;
		EXPECT_INT(stream_is(&r, SECOND), rows[i].is);
		add_record(m, &r);
		EXPECT_UINT(sum_of(m, "isamon_streams_ended_total"), rows[i].is);
		EXPECT_UINT(sum_of(m, "isamon_stream_duration_seconds_count"), rows[i].is);
		EXPECT_UINT(sum_of(m, DURATION "_count"),
			    rows[i].end == HTTP_END_COMPLETE || rows[i].end == HTTP_END_UPGRADE);
		http_metrics_free(m);
	}
}

static void what_is_said(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = stream("/chat/1", HTTP_FLAG_EVENTS, 40 * SECOND);

	add_record(m, &r);
	r = stream("/chat/2", HTTP_FLAG_EVENTS, 8 * SECOND);
	r.end = HTTP_END_ABORT_CLIENT;
	r.phase = HTTP_PHASE_INSIDE;
	add_record(m, &r);
	add_n(m, "/plain", 200, 1);
#define CHAT "{http_route=\"/chat/{id}\"} "
	EXPECT_LINES(
		m, "isamon_stream_duration_seconds_sum" CHAT "48",
		"isamon_stream_duration_seconds_bucket{http_route=\"/chat/{id}\",le=\"10.0\"} 1",
		"isamon_stream_duration_seconds_bucket{http_route=\"/chat/{id}\",le=\"60.0\"} 2",
		"isamon_stream_time_to_first_byte_seconds_sum" CHAT "0.004",
		"isamon_stream_time_to_first_byte_seconds_count" CHAT "2",
		"isamon_stream_longest_silence_seconds_sum" CHAT "12",
		"isamon_stream_bytes_total" CHAT "2000",
		"isamon_streams_ended_total{http_route=\"/chat/{id}\",end=\"complete\"} 1",
		"isamon_streams_ended_total{http_route=\"/chat/{id}\",end=\"abort_client\"} 1",
		"isamon_streams_ended_total{http_route=\"/chat/{id}\",end=\"abort_server\"} 0",
		"isamon_http_requests_aborted_total{http_route=\"/chat/{id}\",side=\"client\","
		"phase=\"in_response\"} 1");
#undef CHAT
	expect_absent(m, "isamon_streams_ended_total{http_route=\"/plain\"");
	expect_absent(m, "isamon_stream_bytes_total{http_route=\"/plain\"");
	http_metrics_free(m);
}

static void odd_times(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = stream("/x", HTTP_FLAG_EVENTS, SECOND);

	r.silence_ns = 5 * SECOND; /* longer than the whole: the whole */
	add_record(m, &r);
	r = stream("/y", HTTP_FLAG_EVENTS, SECOND);
	r.end_ns = r.first_byte_ns - 1;
	r.start_ns = r.first_byte_ns + 1;
	add_record(m, &r);
	EXPECT_LINES(m, "isamon_stream_longest_silence_seconds_sum{http_route=\"/x\"} 1",
		     "isamon_stream_duration_seconds_sum{http_route=\"/y\"} 0",
		     "isamon_stream_time_to_first_byte_seconds_sum{http_route=\"/y\"} 0");
	http_metrics_free(m);
}

static void in_duration_or_not(void)
{
	struct http_stream_options o = { .threshold_ns = 100 * MS, .in_duration = false };
	struct http_metrics *m = new_metrics(10);
	struct http_record r = stream("/x", HTTP_FLAG_CHUNKED, SECOND);
	struct http_route_stats s;

	add_record(m, &r); /* 1 s is the default: no stream */
	EXPECT_UINT(sum_of(m, DURATION "_count"), 1);
	EXPECT_UINT(sum_of(m, "isamon_streams_ended_total"), 0);
	http_metrics_set_streams(m, &o);
	add_record(m, &r);
	add_n(m, "/x", 200, 1);
	EXPECT_UINT(sum_of(m, "isamon_streams_ended_total"), 1);
	EXPECT_UINT(sum_of(m, DURATION "_count"), 2);
	EXPECT_UINT(sum_of(m, "isamon_http_time_to_first_byte_seconds_count"), 3);
	EXPECT_UINT(sum_of(m, "http_server_response_body_size_bytes_count"), 3);
	EXPECT_LINES(m, DURATION "_sum{http_request_method=\"GET\",http_route=\"/x\","
				 "http_response_status_code=\"200\"} 1.005");
	http_metrics_route(m, 1, &s);
	EXPECT_UINT(s.requests, 3);
	EXPECT_UINT(histogram_count(&s.duration), 2);
	o.in_duration = true;
	http_metrics_set_streams(m, &o);
	add_record(m, &r);
	EXPECT_UINT(sum_of(m, DURATION "_count"), 3);
	http_metrics_free(m);
}

static void over_the_cap(void)
{
	struct http_metrics *m = new_metrics(3);

	for (unsigned int i = 0; i < 50; i++) {
		char path[16];
		struct http_record r;

		snprintf(path, sizeof(path), "/r-%c%c", 'a' + i % 26, 'a' + i / 26);
		r = stream(path, HTTP_FLAG_EVENTS, 2 * SECOND);
		r.status = i < 25 ? 200 : 404;
		add_record(m, &r);
	}
	EXPECT_UINT(sum_of(m, "isamon_streams_ended_total"), 50);
	EXPECT_UINT(http_metrics_n_routes(m), 4);
	EXPECT_LINES(m, "isamon_streams_ended_total{http_route=\"other\",end=\"complete\"} 47",
		     "isamon_stream_bytes_total{http_route=\"other\"} 47000");
	http_metrics_free(m);
}

static void for_top(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = stream("/a", HTTP_FLAG_EVENTS, SECOND);
	struct http_chat_stats s;

	add_record(m, &r);
	r.end = HTTP_END_ABORT_SERVER;
	add_record(m, &r);
	r = stream("/b", HTTP_FLAG_EVENTS, SECOND);
	add_record(m, &r);
	http_metrics_chat(m, &s);
	EXPECT_UINT(s.streams, 2);
	EXPECT_UINT(s.streams_aborted, 1);
	http_metrics_free(m);
}

static void no_memory(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = stream("/a", HTTP_FLAG_EVENTS, SECOND);

	nomem.fail_at = nomem.made + 1;
	add_record(m, &r);
	EXPECT(nomem_hit());
	nomem.fail_at = 0;
	EXPECT_LINES(m, "isamon_http_series_overflow_total 1");
	EXPECT_UINT(sum_of(m, DURATION "_count"), 1);
	EXPECT_UINT(sum_of(m, "isamon_streams_ended_total"), 0);
	add_record(m, &r);
	EXPECT_UINT(sum_of(m, "isamon_streams_ended_total"), 1);
	http_metrics_free(m);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, which },
		{ "times, bytes and ends, by route", what_is_said },
		{ "times that cannot be", odd_times },
		{ "in the duration of requests, or not", in_duration_or_not },
		{ "the cap sends the rest to other", over_the_cap },
		{ "what top sees", for_top },
		{ "without memory a stream is a request all the same", no_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
