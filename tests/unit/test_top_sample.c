/* SPDX-License-Identifier: MIT */
/* The daemon's JSON: what is taken, and that anything else is refused whole. */
#include "cmd/top_sample.h"

#include "base/buf.h"
#include "metrics/top_json.h"
#include "unit.h"

#define CHAT \
	"\"websockets\": {\"open\": 2, \"messages_in\": 31, \"messages_out\": 32, \"turns\": 6, " \
	"\"turn\": [[100, 6]]}, \"streams\": {\"ended\": 8, \"aborted\": 9}, "
#define PROCESS "{\"pid\": 7, \"start_ticks\": 8, \"role\": \"worker\", \"cpu_ns\": 9}"
#define PROCESSES \
	"\"processes\": [" PROCESS \
	"], \"processes_rest\": {\"processes\": 137, \"unsampled\": 3, " \
	"\"cpu_ns_per_second\": 1500000000, \"rss_bytes\": 77}, "
#define HEAD \
	"{\"service\": \"s\", \"service_up\": true, \"monotonic_ns\": 5, \"since_ns\": 1, " \
	"\"in_flight\": 2, \"connections\": 3, \"requests_started\": 9, \"records_lost\": 4, " \
	"\"non_http\": 0, " CHAT PROCESSES "\"routes\": ["
#define ROUTE \
	"{\"route\": \"/x\", \"requests\": 7, \"client_errors\": 1, \"server_errors\": 2, " \
	"\"aborts\": 3, \"max_ns\": [10, 20], \"histogram\": [[0, 4], [479, 3]], " \
	"\"queue\": [[3, 5]]}"

static int parse(const char *json, struct top_sample **ret)
{
	return top_sample_parse(json, strlen(json), ret);
}

static void whole(void)
{
	_cleanup_(top_sample_freep) struct top_sample *s = NULL;

	REQUIRE_INT(parse(HEAD ROUTE "]}", &s), 0);
	EXPECT_STR(s->service, "s");
	EXPECT(s->service_up);
	EXPECT_UINT(s->monotonic_ns, 5);
	EXPECT_UINT(s->since_ns, 1);
	EXPECT_UINT(s->in_flight, 2);
	EXPECT_UINT(s->connections, 3);
	EXPECT_UINT(s->records_lost, 4);
	REQUIRE_UINT(s->n_routes, 1);
	EXPECT_STR(s->routes[0].route, "/x");
	EXPECT_UINT(s->routes[0].requests, 7);
	EXPECT_UINT(s->routes[0].client_errors, 1);
	EXPECT_UINT(s->routes[0].server_errors, 2);
	EXPECT_UINT(s->routes[0].aborts, 3);
	EXPECT_UINT(s->routes[0].max_ns[0], 10);
	EXPECT_UINT(s->routes[0].max_ns[1], 20);
	EXPECT_UINT(s->routes[0].duration.counts[0], 4);
	EXPECT_UINT(s->routes[0].duration.counts[479], 3);
	EXPECT_UINT(histogram_count(&s->routes[0].duration), 7);
	EXPECT_UINT(s->routes[0].queue.counts[3], 5);
	EXPECT_UINT(s->chat.open, 2);
	EXPECT_UINT(s->chat.messages[0], 31);
	EXPECT_UINT(s->chat.messages[1], 32);
	EXPECT_UINT(s->chat.turns, 6);
	EXPECT_UINT(s->chat.turn.counts[100], 6);
	EXPECT_UINT(s->chat.streams, 8);
	EXPECT_UINT(s->chat.streams_aborted, 9);
	REQUIRE_UINT(s->n_processes, 1);
	EXPECT_UINT(s->processes[0].pid, 7);
	EXPECT_UINT(s->rest.processes, 137);
	EXPECT_UINT(s->rest.unsampled, 3);
	EXPECT_NEAR(s->rest.cpus, 1.5, 1e-9);
	EXPECT_UINT(s->rest.rss_bytes, 77);
}

static void refused(void)
{
	static const char *const rows[] = {
		"",
		"{",
		"[]",
		"null",
		"{}",
		HEAD ROUTE,
		HEAD "{}]}",
		HEAD "1]}",
		HEAD ROUTE ", {}]}",
		"{\"service\": \"s\", \"service_up\": true, \"monotonic_ns\": 5, \"since_ns\": 1, "
		"\"in_flight\": 2, \"connections\": 3, \"records_lost\": 4, \"routes\": []}",
		"{\"service\": 1, \"service_up\": true, \"monotonic_ns\": 5, \"since_ns\": 1, "
		"\"in_flight\": 2, \"connections\": 3, \"records_lost\": 4, " CHAT
		"\"routes\": []}",
		"{\"service\": \"s\", \"service_up\": 1, \"monotonic_ns\": 5, \"since_ns\": 1, "
		"\"in_flight\": 2, \"connections\": 3, \"records_lost\": 4, " CHAT
		"\"routes\": []}",
		"{\"service\": \"s\", \"service_up\": true, \"monotonic_ns\": -5, \"since_ns\": 1, "
		"\"in_flight\": 2, \"connections\": 3, \"records_lost\": 4, " CHAT
		"\"routes\": []}",
		"{\"service\": \"s\", \"service_up\": true, \"monotonic_ns\": 5, \"since_ns\": 1, "
		"\"in_flight\": 2, \"connections\": 3, \"records_lost\": 4, " CHAT
		"\"routes\": {}}",
	};
	static const char *const processes[] = {
		"{}",
		"[1]",
		"[{}]",
		"[" PROCESS ", {}]",
		"[{\"pid\": -1, \"start_ticks\": 8, \"role\": \"worker\", \"cpu_ns\": 9}]",
		"[{\"pid\": 1, \"role\": \"worker\", \"cpu_ns\": 9}]",
		"[{\"pid\": 1, \"start_ticks\": 8, \"role\": \"W\", \"cpu_ns\": 9}]",
		"[{\"pid\": 1, \"start_ticks\": 8, \"role\": \"\", \"cpu_ns\": 9}]",
		"[{\"pid\": 1, \"start_ticks\": 8, \"role\": \"abcdefghijklmnop\", \"cpu_ns\": 9}]",
		"[{\"pid\": 1, \"start_ticks\": 8, \"role\": \"main\", \"cpu_ns\": 9, \"fds\": null}]",
		"[], \"processes_rest\": 1",
		"[], \"processes_rest\": {\"processes\": 1, \"unsampled\": 0, \"rss_bytes\": 1}",
	};
	static const char *const histograms[] = {
		"[[480, 1]]", "[[-1, 1]]", "[[0, -1]]",  "[[0, 4294967296]]", "[[0]]",
		"[0]",        "{}",        "[[0, 1.5]]", "[[\"0\", 1]]"
	};
	char json[2048];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows) + ARRAY_SIZE(histograms) + ARRAY_SIZE(processes); i++) {
		struct top_sample *s = NULL;

		if (i < ARRAY_SIZE(rows))
			snprintf(json, sizeof(json), "%s", rows[i]);
		else if (i >= ARRAY_SIZE(rows) + ARRAY_SIZE(histograms))
			snprintf(json, sizeof(json),
				 "{\"service\": \"s\", \"service_up\": true, "
				 "\"monotonic_ns\": 5, \"since_ns\": 1, \"in_flight\": 2, "
				 "\"connections\": 3, \"records_lost\": 4, " CHAT
				 "\"processes\": %s, \"routes\": []}",
				 processes[i - ARRAY_SIZE(rows) - ARRAY_SIZE(histograms)]);
		else
			snprintf(json, sizeof(json),
				 HEAD "{\"route\": \"/x\", \"requests\": 7, \"client_errors\": 1, "
				      "\"server_errors\": 2, \"aborts\": 3, \"max_ns\": [1, 2], "
				      "\"%s\": [], \"%s\": %s}]}",
				 i % 2 ? "queue" : "histogram", i % 2 ? "histogram" : "queue",
				 histograms[i - ARRAY_SIZE(rows)]);
		unit_begin("refuses %s", json);
		EXPECT_INT(parse(json, &s), -EPROTO);
		EXPECT(!s);
	}
}

static struct http_metrics *some_metrics(void)
{
	struct http_record r = { .start_ns = 1000000,
				 .end_ns = 13000000,
				 .status = 500,
				 .port = 8000,
				 .method = HTTP_METHOD_GET,
				 .read_ns = 1500000,
				 .flags = HTTP_FLAG_EVENTS,
				 .first_byte_ns = 2000000,
				 .end = HTTP_END_COMPLETE,
				 .path_len = 6,
				 .path = "/a\"b\\c" };
	struct http_totals t = { .connections = 12,
				 .connections_closed = 4,
				 .started = 30,
				 .discarded = 1,
				 .records_lost = 2,
				 .ws_opened = 5,
				 .ws_closed = 1,
				 .ws_messages = { 3, 4 } };
	struct route_patterns *patterns = NULL;
	struct http_metrics *m = NULL;
	const char *why;
	size_t bad;

	t.ended[HTTP_END_COMPLETE][HTTP_PHASE_INSIDE] = 20;
	t.ended[HTTP_END_ABORT_CLIENT][HTTP_PHASE_BEFORE] = 2;
	if (route_patterns_new(NULL, 0, &patterns, &bad, &why) ||
	    http_metrics_new(patterns, 100, &m))
		return NULL;
	http_metrics_add(m, &r, HTTP_RECORD_FIXED + r.path_len);
	r.flags = 0;
	r.kind = HTTP_KIND_TURN;
	r.status = 101;
	r.messages_in = 1;
	http_metrics_add(m, &r, HTTP_RECORD_FIXED + r.path_len);
	http_metrics_set_totals(m, &t);
	return m;
}

static void expect_same(const struct top_sample *a, const struct top_sample *b)
{
	EXPECT_STR(a->service, b->service);
	EXPECT_INT(a->service_up, b->service_up);
	EXPECT_UINT(a->monotonic_ns, b->monotonic_ns);
	EXPECT_UINT(a->since_ns, b->since_ns);
	EXPECT_UINT(a->in_flight, b->in_flight);
	EXPECT_UINT(a->connections, b->connections);
	EXPECT_UINT(a->records_lost, b->records_lost);
	REQUIRE_UINT(a->n_routes, b->n_routes);
	EXPECT_STR(a->routes[0].route, b->routes[0].route);
	EXPECT_UINT(a->routes[0].requests, b->routes[0].requests);
	EXPECT_UINT(a->routes[0].server_errors, b->routes[0].server_errors);
	EXPECT_UINT(a->routes[0].max_ns[0], b->routes[0].max_ns[0]);
	EXPECT_BYTES(&a->routes[0].duration, sizeof(a->routes[0].duration), &b->routes[0].duration,
		     sizeof(b->routes[0].duration));
	EXPECT_BYTES(&a->routes[0].queue, sizeof(a->routes[0].queue), &b->routes[0].queue,
		     sizeof(b->routes[0].queue));
	EXPECT_UINT(a->chat.open, b->chat.open);
	EXPECT_UINT(a->chat.messages[0], b->chat.messages[0]);
	EXPECT_UINT(a->chat.messages[1], b->chat.messages[1]);
	EXPECT_UINT(a->chat.turns, b->chat.turns);
	EXPECT_UINT(a->chat.streams, b->chat.streams);
	EXPECT_UINT(a->chat.streams_aborted, b->chat.streams_aborted);
	EXPECT_BYTES(&a->chat.turn, sizeof(a->chat.turn), &b->chat.turn, sizeof(b->chat.turn));
}

/* Attached or through the daemon, the numbers are the same. */
static void both_ways(void)
{
	_cleanup_(top_sample_freep) struct top_sample *own = NULL, *daemon = NULL;
	_cleanup_(buf_done) struct buf json = BUF_INIT(1 << 20);
	char name[] = "agent \"isa\"";
	struct top_sample head = {
		.service = name, .service_up = true, .monotonic_ns = 77, .since_ns = 7
	};
	struct http_metrics *m = some_metrics();
	struct top_source s = {
		.service = name, .service_up = true, .monotonic_ns = 77, .since_ns = 7, .metrics = m
	};

	REQUIRE(m != NULL);
	EXPECT_INT(top_sample_take(m, &head, &own), 0);
	EXPECT_INT(top_json_write(&s, &json), 0);
	EXPECT_INT(parse(buf_str(&json), &daemon), 0);
	http_metrics_free(m);
	REQUIRE(own && daemon);
	EXPECT_UINT(own->in_flight, 7);
	EXPECT_UINT(own->connections, 8);
	EXPECT_UINT(own->records_lost, 2);
	REQUIRE_UINT(own->n_routes, 1);
	EXPECT_UINT(own->routes[0].server_errors, 1);
	EXPECT_UINT(own->routes[0].max_ns[0], 12000000);
	EXPECT_UINT(histogram_count(&own->routes[0].queue), 1);
	EXPECT_UINT(own->chat.open, 4);
	EXPECT_UINT(own->chat.turns, 1);
	EXPECT_UINT(own->chat.streams, 1);
	EXPECT(!own->processes && !daemon->processes);
	expect_same(daemon, own);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a whole answer is taken", whole },
		{ NULL, refused },
		{ "the daemon's JSON and one's own metrics say the same", both_ways },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
