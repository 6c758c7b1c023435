/* SPDX-License-Identifier: MIT */
/* WebSockets and their turns; what the kernel's totals say of them and of TCP. */
#include "unit.h"

#include "nomem.h"

#include "metrics/websocket_metrics.c"

#include "unit/http_lines.h"

#define CLOSED "isamon_websocket_connections_closed_total"
#define LIFE "isamon_websocket_connection_duration_seconds"
#define TURN "isamon_websocket_turn_seconds"

/* 8 s long. */
static struct http_record websocket(const char *path, enum http_end end, unsigned int flags)
{
	struct http_record r = record(path, 101);

	r.kind = HTTP_KIND_WEBSOCKET;
	r.end = (uint8_t)end;
	r.flags = (uint16_t)flags;
	r.end_ns = r.start_ns + 8000 * MS;
	r.messages_in = 3;
	r.messages_out = 5;
	return r;
}

/* @ns until the answer has left; it began after half of that. */
static struct http_record turn(const char *path, uint64_t ns)
{
	struct http_record r = record(path, 101);

	r.kind = HTTP_KIND_TURN;
	r.first_byte_ns = r.start_ns + ns / 2;
	r.end_ns = r.start_ns + ns;
	r.messages_in = 1;
	return r;
}

static void closed_by(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = websocket("/ws/1", HTTP_END_ABORT_CLIENT, HTTP_FLAG_CLEAN);

	EXPECT_LINES(m, CLOSED "{by=\"client\",clean=\"false\"} 0",
		     CLOSED "{by=\"server\",clean=\"true\"} 0");
	add_record(m, &r);
	add_record(m, &r);
	r = websocket("/ws/2", HTTP_END_ABORT_SERVER, 0);
	add_record(m, &r);
	EXPECT_LINES(m, CLOSED "{by=\"client\",clean=\"false\"} 0",
		     CLOSED "{by=\"client\",clean=\"true\"} 2",
		     CLOSED "{by=\"server\",clean=\"false\"} 1",
		     CLOSED "{by=\"server\",clean=\"true\"} 0",
		     LIFE "_bucket{http_route=\"/ws/{id}\",le=\"7.5\"} 0",
		     LIFE "_bucket{http_route=\"/ws/{id}\",le=\"10.0\"} 3",
		     LIFE "_sum{http_route=\"/ws/{id}\"} 24");
	/* No request, no series, no abort. */
	EXPECT_UINT(sum_of(m, "http_server_request_duration_seconds_count"), 0);
	EXPECT_UINT(sum_of(m, "isamon_http_requests_aborted_total"), 0);
	expect_absent(m, TURN "_");
	http_metrics_free(m);
}

static void turns(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = turn("/ws/1", 400 * MS);
	struct http_chat_stats s;

	add_record(m, &r);
	r = turn("/ws/2", 30 * MS);
	r.pid = 9; /* not a request */
	add_record(m, &r);
	EXPECT_LINES(m, TURN "_bucket{http_route=\"/ws/{id}\",le=\"0.05\"} 1",
		     TURN "_bucket{http_route=\"/ws/{id}\",le=\"0.25\"} 1",
		     TURN "_bucket{http_route=\"/ws/{id}\",le=\"0.5\"} 2",
		     TURN "_sum{http_route=\"/ws/{id}\"} 0.43");
	EXPECT_UINT(sum_of(m, CLOSED), 0);
	http_metrics_chat(m, &s);
	EXPECT_UINT(s.turns, 2);
	EXPECT_UINT(histogram_count(&s.turn), 2);
	EXPECT_UINT(s.turn.counts[histogram_bucket(400 * MS)], 1);
	EXPECT_UINT(m->workers.n, 0);
	r.start_ns = r.end_ns + 7; /* backwards: 0 */
	add_record(m, &r);
	EXPECT_LINES(m, TURN "_sum{http_route=\"/ws/{id}\"} 0.43",
		     TURN "_count{http_route=\"/ws/{id}\"} 3");
	http_metrics_free(m);
}

static void impossible(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = turn("/ws/1", MS);

	r.first_byte_ns = 0; /* a turn has an answer */
	add_record(m, &r);
	r = turn("/ws/1", MS);
	r.status = 200;
	add_record(m, &r);
	r = websocket("/ws/1", HTTP_END_COMPLETE, 0);
	add_record(m, &r);
	r = websocket("/ws/1", HTTP_END_UPGRADE, HTTP_FLAG_CLEAN);
	add_record(m, &r);
	r = websocket("/ws/1", HTTP_END_ABORT_CLIENT, 0);
	r.status = 0;
	add_record(m, &r);
	EXPECT_LINES(m, "isamon_trace_bad_records_total{probe=\"http\"} 5");
	EXPECT_UINT(sum_of(m, CLOSED), 0);
	EXPECT_UINT(http_metrics_n_routes(m), 1);
	http_metrics_free(m);
}

static void over_the_cap(void)
{
	struct http_metrics *m = new_metrics(20);

	for (unsigned int i = 0; i < 200; i++) {
		char path[16];
		struct http_record r;

		snprintf(path, sizeof(path), "/r-%c%c", 'a' + i % 26, 'a' + i / 26);
		r = turn(path, MS);
		add_record(m, &r);
		r = websocket(path, HTTP_END_ABORT_SERVER, 0);
		add_record(m, &r);
	}
	EXPECT_UINT(sum_of(m, TURN "_count"), 200);
	EXPECT_UINT(sum_of(m, LIFE "_count"), 200);
	EXPECT_UINT(http_metrics_n_routes(m), 1 + 6); /* 20 / 4 + 1, as of aborts */
	EXPECT_LINES(m, TURN "_count{http_route=\"other\"} 194",
		     "isamon_http_series_overflow_total 388");
	/* The route of the request that was upgraded is theirs. */
	add_n(m, "/known/1", 101, 1);
	for (unsigned int i = 0; i < 3; i++) {
		struct http_record r = turn("/known/2", MS);

		add_record(m, &r);
	}
	EXPECT_LINES(m, TURN "_count{http_route=\"/known/{id}\"} 3");
	http_metrics_free(m);
}

static void no_memory(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = turn("/ws", MS);

	nomem.fail_at = nomem.made + 1;
	add_record(m, &r);
	EXPECT(nomem_hit());
	nomem.fail_at = 0;
	EXPECT_LINES(m, "isamon_http_series_overflow_total 1");
	expect_absent(m, TURN "_");
	add_record(m, &r);
	EXPECT_UINT(sum_of(m, TURN "_count"), 1);
	http_metrics_free(m);
}

static void totals(void)
{
	static const struct http_totals t = {
		.ws_opened = 9,
		.ws_closed = 4,
		.ws_desyncs = 1,
		.ws_messages = { 30, 50 },
		.ws_bytes = { 300, 500 },
	};
	struct http_metrics *m = new_metrics(10);
	struct http_chat_stats s;

	expect_absent(m, "isamon_websocket_connections_active");
	expect_absent(m, "isamon_websocket_messages");
	http_metrics_set_totals(m, &t);
	EXPECT_LINES(m, "isamon_websocket_connections_active 5",
		     "isamon_websocket_connections_total 9",
		     "isamon_websocket_messages_total{direction=\"in\"} 30",
		     "isamon_websocket_messages_total{direction=\"out\"} 50",
		     "isamon_websocket_bytes_total{direction=\"in\"} 300",
		     "isamon_websocket_bytes_total{direction=\"out\"} 500",
		     "isamon_websocket_desyncs_total 1");
	http_metrics_chat(m, &s);
	EXPECT_UINT(s.open, 5);
	EXPECT_UINT(s.messages[0], 30);
	EXPECT_UINT(s.messages[1], 50);
	http_metrics_set_totals(m, &(struct http_totals){ .ws_opened = 2, .ws_closed = 3 });
	EXPECT_LINES(m, "isamon_websocket_connections_active 0");
	http_metrics_free(m);
}

static void tcp(void)
{
	struct http_totals t = { .resets = { 2, 3 }, .retransmits = 4, .rtt_us = 5000123 };
	struct http_metrics *m = new_metrics(10);
	uint64_t bound = 1;

	expect_absent(m, "isamon_tcp");
	t.rtt[0] = 1;
	t.rtt[6] = 10;
	t.rtt[HTTP_RTT_N - 1] = 100;
	http_metrics_set_totals(m, &t);
	EXPECT_LINES(m, "isamon_tcp_resets_total{direction=\"in\"} 2",
		     "isamon_tcp_resets_total{direction=\"out\"} 3",
		     "isamon_tcp_retransmitted_segments_total 4",
		     "isamon_tcp_rtt_seconds_bucket{le=\"1e-06\"} 1",
		     "isamon_tcp_rtt_seconds_bucket{le=\"0.001024\"} 1",
		     "isamon_tcp_rtt_seconds_bucket{le=\"0.004096\"} 11",
		     "isamon_tcp_rtt_seconds_bucket{le=\"4.194304\"} 11",
		     "isamon_tcp_rtt_seconds_bucket{le=\"+Inf\"} 111",
		     "isamon_tcp_rtt_seconds_sum 5.000123", "isamon_tcp_rtt_seconds_count 111");
	/* Each bound is 4^i microseconds, written as OpenMetrics has it. */
	for (unsigned int i = 0; i < HTTP_RTT_N - 1; i++, bound *= 4) {
		char line[80], *page = metrics_page(m);

		snprintf(line, sizeof(line), "isamon_tcp_rtt_seconds_bucket{le=\"%.9g\"} ",
			 (double)bound / 1e6);
		EXPECT(unit_has(page, line, "page", __FILE__, __LINE__));
		free(page);
	}
	http_metrics_free(m);
}

static void openmetrics(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = turn("/\"q\"", MS);
	struct page p = { .n = 0 };
	char *whole, *pieces;

	add_record(m, &r);
	r = record("/e", 200);
	r.flags = HTTP_FLAG_EVENTS;
	r.read_ns = r.start_ns + MS;
	add_record(m, &r);
	http_metrics_set_totals(m, &(struct http_totals){ .ws_opened = 1 });
	http_metrics_add_pages(&p, m);
	whole = read_page(&p, EXPO_OPENMETRICS_1, SIZE_MAX);
	pieces = read_page(&p, EXPO_OPENMETRICS_1, 1);
	EXPECT_STR(pieces, whole);
	EXPECT_HAS(whole, "# TYPE isamon_websocket_bytes counter\n# UNIT isamon_websocket_bytes "
			  "bytes\nisamon_websocket_bytes_total{direction=\"in\"} 0\n");
	EXPECT_HAS(whole, "\n" TURN "_count{http_route=\"/\\\"q\\\"\"} 1\n");
	EXPECT_HAS(whole, "# UNIT isamon_stream_duration_seconds seconds\n");
	EXPECT_HAS(whole, "# TYPE isamon_streams_ended counter\n");
	EXPECT_HAS(whole, "# UNIT isamon_tcp_rtt_seconds seconds\n");
	EXPECT_HAS(whole, "# UNIT isamon_http_request_queue_seconds seconds\n");
	free(whole);
	free(pieces);
	http_metrics_free(m);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "WebSockets by who ended them, and how", closed_by },
		{ "turns", turns },
		{ "records that cannot be are counted, not used", impossible },
		{ "the cap sends the rest to other", over_the_cap },
		{ "without memory the rest goes on", no_memory },
		{ "totals are the kernel's, absent before the first", totals },
		{ "resets, retransmits and round trips", tcp },
		{ "in OpenMetrics, in one piece or in many", openmetrics },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
