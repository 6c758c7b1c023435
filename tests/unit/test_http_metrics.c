/* SPDX-License-Identifier: MIT */
/* What a record does to the series, the routes and their bounds. */
#include "unit.h"

#include "unit/http_lines.h"

#define GET_OK(route) \
	"http_server_request_duration_seconds_count{http_request_method=\"GET\"," \
	"http_route=\"" route "\",http_response_status_code=\"200\"} "

static struct route_patterns *new_patterns(const char *pattern)
{
	struct route_patterns *p = NULL;
	char *text = strdup(pattern);
	const char *why;
	size_t bad;

	EXPECT_INT(route_patterns_new(&text, 1, &p, &bad, &why), 0);
	free(text);
	return p;
}

#define ANSWERS "http_server_request_duration_seconds_count"
#define ABORTS "isamon_http_requests_aborted_total"
#define OVERFLOW "isamon_http_series_overflow_total"
#define SERIES "isamon_http_series"

static void four_histograms(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = record("/api/x", 200);

	r.method = HTTP_METHOD_POST;
	r.request_bytes = 256;
	r.response_bytes = 257;
	add_record(m, &r);
#define LABELS \
	"http_request_method=\"POST\",http_route=\"/api/x\",http_response_status_code=\"200\""
	EXPECT_LINES(m, "http_server_request_duration_seconds_bucket{" LABELS ",le=\"0.0025\"} 0",
		     "http_server_request_duration_seconds_bucket{" LABELS ",le=\"0.005\"} 1",
		     "http_server_request_duration_seconds_bucket{" LABELS ",le=\"+Inf\"} 1",
		     "http_server_request_duration_seconds_sum{" LABELS "} 0.003",
		     "http_server_request_duration_seconds_count{" LABELS "} 1",
		     "isamon_http_time_to_first_byte_seconds_bucket{" LABELS ",le=\"0.001\"} 0",
		     "isamon_http_time_to_first_byte_seconds_bucket{" LABELS ",le=\"0.0025\"} 1",
		     "isamon_http_time_to_first_byte_seconds_sum{" LABELS "} 0.002",
		     "http_server_request_body_size_bytes_bucket{" LABELS ",le=\"0.0\"} 0",
		     "http_server_request_body_size_bytes_bucket{" LABELS ",le=\"256.0\"} 1",
		     "http_server_request_body_size_bytes_sum{" LABELS "} 256",
		     "http_server_response_body_size_bytes_bucket{" LABELS ",le=\"256.0\"} 0",
		     "http_server_response_body_size_bytes_bucket{" LABELS ",le=\"1024.0\"} 1",
		     "http_server_response_body_size_bytes_sum{" LABELS "} 257", SERIES " 1");
#undef LABELS
	http_metrics_free(m);
}

static void bounds_are_inclusive(void)
{
	static const uint64_t bounds_ms[] = { 1,     5,     10,    25,     50,    75,   100,
					      250,   500,   750,   1000,   2500,  5000, 7500,
					      10000, 30000, 60000, 120000, 300000 };
	struct http_metrics *m = new_metrics(10);
	char *page;

	for (size_t i = 0; i < ARRAY_SIZE(bounds_ms); i++) {
		struct http_record r = record("/", 200);

		r.end_ns = r.start_ns + bounds_ms[i] * MS;
		add_record(m, &r);
		r.end_ns++;
		add_record(m, &r);
	}
	page = metrics_page(m);
	EXPECT_HAS(page, ",le=\"0.001\"} 1\n");
	EXPECT_HAS(page, ",le=\"0.0025\"} 2\n");
	EXPECT_HAS(page, ",le=\"0.005\"} 3\n");
	EXPECT_HAS(page, ",le=\"0.01\"} 5\n");
	EXPECT_HAS(page, ",le=\"300.0\"} 37\n");
	EXPECT_HAS(page, ",le=\"+Inf\"} 38\n");
	free(page);
	http_metrics_free(m);
}

static void sums_do_not_wrap(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = record("/", 200);

	r.start_ns = 1;
	r.first_byte_ns = 0;
	r.end_ns = UINT64_MAX;
	for (int i = 0; i < 3; i++)
		add_record(m, &r);
	EXPECT_LINES(m, "http_server_request_duration_seconds_sum{http_request_method=\"GET\","
			"http_route=\"/\",http_response_status_code=\"200\"} "
			"55340232221.128654842");
	http_metrics_free(m);
}

static void times_that_run_backwards(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record r = record("/", 200);
	struct http_route_stats s;

	r.end_ns = r.start_ns - 5;
	r.first_byte_ns = r.start_ns - 9;
	add_record(m, &r);
	r.first_byte_ns = 0; /* none was seen: no time to it */
	add_record(m, &r);
	r.end_ns = r.start_ns + 5;
	r.first_byte_ns = r.start_ns + 9; /* later than the end: the end */
	add_record(m, &r);
	EXPECT_UINT(sum_of(m, ANSWERS), 3);
	EXPECT_UINT(sum_of(m, "isamon_http_time_to_first_byte_seconds_count"), 2);
	EXPECT_LINES(m,
		     "http_server_request_duration_seconds_sum{http_request_method=\"GET\","
		     "http_route=\"/\",http_response_status_code=\"200\"} 0.000000005",
		     "isamon_http_time_to_first_byte_seconds_sum{http_request_method=\"GET\","
		     "http_route=\"/\",http_response_status_code=\"200\"} 0.000000005");
	http_metrics_route(m, 1, &s);
	EXPECT_UINT(s.max_ns[0], 5);
	http_metrics_free(m);
}

static void bad_records(void)
{
	struct http_metrics *m = new_metrics(10);
	struct http_record good = record("/a", 200), r;

	http_metrics_add(m, &good, 0);
	http_metrics_add(m, &good, HTTP_RECORD_FIXED - 1);
	http_metrics_add(m, &good, HTTP_RECORD_FIXED + 1); /* the path has two bytes */
	r = good;
	r.method = HTTP_METHOD_N;
	add_record(m, &r);
	r = good;
	r.end = HTTP_END_N;
	add_record(m, &r);
	r = good;
	r.phase = HTTP_PHASE_N;
	add_record(m, &r);
	r = good;
	r.status = 1000;
	add_record(m, &r);
	r = good;
	r.path_len = HTTP_PATH_MAX + 1;
	http_metrics_add(m, &r, sizeof(r) + 100);
	r = good;
	r.kind = HTTP_KIND_WEBSOCKET + 1;
	add_record(m, &r);
	EXPECT_LINES(m, "isamon_trace_bad_records_total{probe=\"http\"} 9", SERIES " 0");
	add_record(m, &good);
	EXPECT_UINT(sum_of(m, ANSWERS), 1);
	http_metrics_free(m);
}

static void methods_and_statuses(void)
{
	struct http_metrics *m = new_metrics(1000);
	struct http_record r;

	for (unsigned int method = 0; method < HTTP_METHOD_N; method++) {
		r = record("/", 200);
		r.method = (uint8_t)method;
		add_record(m, &r);
	}
	add_n(m, "/", 99, 1);
	add_n(m, "/", 999, 1);
	add_n(m, "/", 0, 1);
#define COUNT "http_server_request_duration_seconds_count{"
	EXPECT_LINES(m,
		     COUNT "http_request_method=\"_OTHER\",http_route=\"/\","
			   "http_response_status_code=\"200\"} 1",
		     COUNT "http_request_method=\"PATCH\",http_route=\"/\","
			   "http_response_status_code=\"200\"} 1",
		     COUNT "http_request_method=\"GET\",http_route=\"/\","
			   "http_response_status_code=\"099\"} 1",
		     COUNT "http_request_method=\"GET\",http_route=\"/\","
			   "http_response_status_code=\"999\"} 1",
		     COUNT "http_request_method=\"GET\",http_route=\"/\"} 1");
	EXPECT_UINT(sum_of(m, ANSWERS), HTTP_METHOD_N + 3);
	http_metrics_free(m);
}

static void a_404_makes_no_route(void)
{
	struct http_metrics *m = new_metrics(100);

	for (int i = 0; i < 500; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/scan-%c%c/x", 'a' + i % 26, 'a' + i / 26);
		add_n(m, path, 404, 1);
	}
	EXPECT_UINT(http_metrics_n_routes(m), 1);
	EXPECT_UINT(sum_of(m, OVERFLOW), 0);
	EXPECT_LINES(m, "http_server_request_duration_seconds_count{http_request_method=\"GET\","
			"http_route=\"other\",http_response_status_code=\"404\"} 500");
	http_metrics_free(m);
}

static void a_later_answer_makes_one(void)
{
	struct http_metrics *m = new_metrics(100);

	add_n(m, "/items/1", 404, 2); /* not known yet */
	add_n(m, "/items/2", 200, 1);
	add_n(m, "/items/1", 404, 3); /* remembered as none, but is one now */
	EXPECT_LINES(m, GET_OK("/items/{id}") "1",
		     "http_server_request_duration_seconds_count{http_request_method=\"GET\","
		     "http_route=\"/items/{id}\",http_response_status_code=\"404\"} 3",
		     "http_server_request_duration_seconds_count{http_request_method=\"GET\","
		     "http_route=\"other\",http_response_status_code=\"404\"} 2");
	http_metrics_free(m);
}

static void a_configured_404(void)
{
	struct http_metrics *m = NULL;

	REQUIRE_INT(http_metrics_new(new_patterns("/f/{name}"), 100, &m), 0);
	add_n(m, "/f/abc", 404, 1);
	add_n(m, "/g/abc", 404, 1);
	EXPECT_LINES(m, "http_server_request_duration_seconds_count{http_request_method=\"GET\","
			"http_route=\"/f/{name}\",http_response_status_code=\"404\"} 1");
	EXPECT_UINT(http_metrics_n_routes(m), 2);
	http_metrics_free(m);
}

static void new_patterns_count_from_now_on(void)
{
	struct http_metrics *m = new_metrics(100);

	add_n(m, "/f/abc", 200, 2);
	http_metrics_set_patterns(m, new_patterns("/f/{name}"));
	add_n(m, "/f/abc", 200, 3);
	http_metrics_set_patterns(m, NULL);
	add_n(m, "/f/abc", 200, 1);
	EXPECT_LINES(m, GET_OK("/f/abc") "3", GET_OK("/f/{name}") "3");
	http_metrics_free(m);
}

static void the_cap(void)
{
	struct http_metrics *m = new_metrics(20);

	for (unsigned int i = 0; i < 1000; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/r-%c%c", 'a' + i % 26, 'a' + i / 26);
		add_n(m, path, 200, 2);
	}
	EXPECT_UINT(sum_of(m, ANSWERS), 2000);
	EXPECT_UINT(sum_of(m, SERIES), 21);
	EXPECT_UINT(sum_of(m, OVERFLOW), 2 * 980);
	EXPECT_UINT(http_metrics_n_routes(m), 21);
	EXPECT_LINES(m, GET_OK("other") "1960", GET_OK("/r-aa") "2");
	/* A known route's new status is a series too many as well. */
	add_n(m, "/r-aa", 500, 1);
	add_n(m, "/r-aa", 200, 1);
	EXPECT_LINES(m, GET_OK("/r-aa") "3", OVERFLOW " 1961",
		     "http_server_request_duration_seconds_count{http_request_method=\"GET\","
		     "http_route=\"other\",http_response_status_code=\"500\"} 1");
	http_metrics_free(m);
}

static void other_is_bounded(void)
{
	struct http_metrics *m = new_metrics(0);
	unsigned int n = 0;

	for (unsigned int method = 0; method < HTTP_METHOD_N; method++) {
		for (unsigned int status = 0; status < 1000; status++, n++) {
			struct http_record r = record("/x", status);

			r.method = (uint8_t)method;
			add_record(m, &r);
		}
	}
	EXPECT_UINT(sum_of(m, ANSWERS), n);
	EXPECT(sum_of(m, SERIES) <= 138);
	EXPECT_UINT(http_metrics_n_routes(m), 1);
	http_metrics_free(m);
}

static void aborts(void)
{
	struct http_metrics *m = new_metrics(100);
	struct http_route_stats s;

	add_n(m, "/a", 200, 1);
	add_abort_record(m, "/a", HTTP_END_ABORT_CLIENT, HTTP_PHASE_BEFORE, 0);
	add_abort_record(m, "/a", HTTP_END_ABORT_CLIENT, HTTP_PHASE_INSIDE, 200);
	add_abort_record(m, "/a", HTTP_END_ABORT_SERVER, HTTP_PHASE_INSIDE, 200);
	EXPECT_LINES(m, ABORTS "{http_route=\"/a\",side=\"client\",phase=\"before_response\"} 1",
		     ABORTS "{http_route=\"/a\",side=\"client\",phase=\"in_response\"} 1",
		     ABORTS "{http_route=\"/a\",side=\"server\",phase=\"before_response\"} 0",
		     ABORTS "{http_route=\"/a\",side=\"server\",phase=\"in_response\"} 1",
		     GET_OK("/a") "1");
	http_metrics_route(m, 1, &s);
	EXPECT_UINT(s.requests, 1);
	EXPECT_UINT(s.aborts, 3);
	EXPECT_UINT(s.server_errors, 1);
	EXPECT_UINT(histogram_count(&s.duration), 1);
	http_metrics_free(m);
}

static void aborts_are_bounded(void)
{
	struct http_metrics *m = new_metrics(40);

	for (unsigned int i = 0; i < 500; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/r-%c%c", 'a' + i % 26, 'a' + i / 26);
		add_abort_record(m, path, HTTP_END_ABORT_CLIENT, HTTP_PHASE_BEFORE, 0);
	}
	EXPECT_UINT(http_metrics_n_routes(m), 1 + 11);
	EXPECT_UINT(sum_of(m, OVERFLOW), 489);
	EXPECT_UINT(sum_of(m, ABORTS), 500);
	/* They do not keep answers from making routes, and one that gets an answer makes room. */
	add_n(m, "/answered", 200, 1);
	add_n(m, "/r-aa", 200, 1);
	add_abort_record(m, "/one-more", HTTP_END_ABORT_SERVER, HTTP_PHASE_BEFORE, 0);
	EXPECT_LINES(m, GET_OK("/answered") "1", GET_OK("/r-aa") "1",
		     ABORTS
		     "{http_route=\"/one-more\",side=\"server\",phase=\"before_response\"} 1");
	add_abort_record(m, "/none", HTTP_END_ABORT_CLIENT, HTTP_PHASE_INSIDE, 404);
	EXPECT_LINES(m, ABORTS "{http_route=\"other\",side=\"client\",phase=\"in_response\"} 1");
	http_metrics_free(m);
}

static void no_path(void)
{
	struct http_metrics *m = new_metrics(100);
	struct http_record r = record("/secret", 200);

	r.flags = HTTP_FLAG_NO_PATH;
	r.method = HTTP_METHOD_OTHER;
	add_record(m, &r);
	r = record("/a", 200);
	r.flags = HTTP_FLAG_APPROX_START | HTTP_FLAG_PIPELINED;
	add_record(m, &r);
	EXPECT_LINES(m,
		     "http_server_request_duration_seconds_count{http_request_method=\"_OTHER\","
		     "http_route=\"other\",http_response_status_code=\"200\"} 1",
		     OVERFLOW " 0", "isamon_http_approximate_starts_total 1");
	http_metrics_free(m);
}

static void cut_paths(void)
{
	struct http_metrics *m = new_metrics(100);
	struct http_record r = record("/a/b", 200);

	add_record(m, &r);
	r.flags = HTTP_FLAG_PATH_CUT;
	add_record(m, &r);
	EXPECT_LINES(m, GET_OK("/a/b") "1", GET_OK("/a/{id}") "1");
	http_metrics_free(m);
}

static void upgrades_are_timed(void)
{
	struct http_metrics *m = new_metrics(100);
	struct http_record r = record("/ws/1", 101);

	r.end = HTTP_END_UPGRADE;
	add_record(m, &r);
	EXPECT_LINES(m, "http_server_request_duration_seconds_count{http_request_method=\"GET\","
			"http_route=\"/ws/{id}\",http_response_status_code=\"101\"} 1");
	http_metrics_free(m);
}

static void totals(void)
{
	struct http_totals t = { .connections = 9,
				 .connections_closed = 4,
				 .started = 100,
				 .discarded = 2,
				 .non_http = 3,
				 .desyncs = 5,
				 .pipeline_overflow = 8 };
	struct http_metrics *m = new_metrics(100);
	char *page = metrics_page(m);

	EXPECT(!strstr(page, "http_server_active_requests"));
	free(page);
	t.ended[HTTP_END_COMPLETE][HTTP_PHASE_INSIDE] = 60;
	t.ended[HTTP_END_UPGRADE][HTTP_PHASE_INSIDE] = 10;
	t.ended[HTTP_END_ABORT_CLIENT][HTTP_PHASE_BEFORE] = 6;
	t.ended[HTTP_END_ABORT_CLIENT][HTTP_PHASE_INSIDE] = 5;
	t.ended[HTTP_END_ABORT_SERVER][HTTP_PHASE_BEFORE] = 4;
	http_metrics_set_totals(m, &t);
	EXPECT_LINES(m, "http_server_active_requests 13", "isamon_http_requests_started_total 100",
		     "isamon_http_requests_ended_total{end=\"complete\"} 60",
		     "isamon_http_requests_ended_total{end=\"upgrade\"} 10",
		     "isamon_http_requests_ended_total{end=\"abort_client\"} 11",
		     "isamon_http_requests_ended_total{end=\"abort_server\"} 4",
		     "isamon_http_upgrades_total 10", "isamon_http_requests_discarded_total 2",
		     "isamon_http_connections_total 9", "isamon_http_connections_active 5",
		     "isamon_http_non_http_connections_total 3", "isamon_http_desyncs_total 5",
		     "isamon_http_pipeline_overflow_total 8");
	t.started = 10;
	t.connections_closed = 10;
	http_metrics_set_totals(m, &t);
	EXPECT_LINES(m, "http_server_active_requests 0", "isamon_http_connections_active 0");
	http_metrics_free(m);
}

static void routes_for_top(void)
{
	struct http_metrics *m = new_metrics(100);
	struct http_route_stats s;
	struct http_record r = record("/a", 200);

	http_metrics_route(m, 0, &s);
	EXPECT_STR(s.route, "other");
	EXPECT_UINT(histogram_count(&s.duration), 0);
	add_record(m, &r);
	r.end_ns = r.start_ns + 50 * MS;
	r.status = 503;
	add_record(m, &r);
	r.status = 404;
	r.end_ns = r.start_ns + 20 * MS;
	add_record(m, &r);
	r.status = 700;
	add_record(m, &r);
	http_metrics_route(m, 1, &s);
	EXPECT_STR(s.route, "/a");
	EXPECT_UINT(s.requests, 4);
	EXPECT_UINT(s.client_errors, 1);
	EXPECT_UINT(s.server_errors, 2);
	EXPECT_UINT(s.max_ns[0], 50 * MS);
	EXPECT_UINT(s.max_ns[1], 0);
	http_metrics_tick(m);
	r.end_ns = r.start_ns + 7 * MS;
	add_record(m, &r);
	http_metrics_route(m, 1, &s);
	EXPECT_UINT(s.max_ns[0], 7 * MS);
	EXPECT_UINT(s.max_ns[1], 50 * MS);
	EXPECT_UINT(histogram_count(&s.duration), 5);
	http_metrics_free(m);
}

/* More paths than are remembered: everything is still counted where it belongs. */
static void many_paths(void)
{
	struct http_metrics *m = new_metrics(100);

	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < 20000; i++) {
			char path[40];

			snprintf(path, sizeof(path), "/%s/%u", i % 2 ? "odd" : "even", i);
			add_n(m, path, 200, 1);
		}
	}
	EXPECT_LINES(m, GET_OK("/odd/{id}") "20000", GET_OK("/even/{id}") "20000");
	EXPECT_UINT(http_metrics_n_routes(m), 3);
	http_metrics_free(m);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a request is in all four histograms", four_histograms },
		{ "a bucket's bound is inside it", bounds_are_inclusive },
		{ "sums do not wrap", sums_do_not_wrap },
		{ "times that run backwards are 0", times_that_run_backwards },
		{ "records that make no sense are counted, not used", bad_records },
		{ "methods and statuses are shown as they are", methods_and_statuses },
		{ "a 404 makes no route", a_404_makes_no_route },
		{ "a later answer makes it one", a_later_answer_makes_one },
		{ "a 404 of a configured route is its own", a_configured_404 },
		{ "new patterns count from now on", new_patterns_count_from_now_on },
		{ "the cap sends the rest to other", the_cap },
		{ "other is bounded", other_is_bounded },
		{ "aborts are by side and phase, not in histograms", aborts },
		{ "aborts make a bounded number of routes", aborts_are_bounded },
		{ "without a path the route is other", no_path },
		{ "a cut path ends in an identifier", cut_paths },
		{ "upgrades are in the histograms", upgrades_are_timed },
		{ "totals are the kernel's, absent before the first", totals },
		{ "what top sees", routes_for_top },
		{ "more paths than are remembered", many_paths },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
