/* SPDX-License-Identifier: MIT */
/* What is written is JSON (to jansson, an independent reader) and says what the metrics say. */
#include "unit.h"

#include <jansson.h>

#include "metrics/top_json.h"
#include "unit/http_records.h"

static json_t *parse(const struct top_source *s)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(1 << 20);
	json_error_t error;
	json_t *root;

	EXPECT_INT(top_json_write(s, &out), 0);
	root = json_loadb(out.data, out.len, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		FAIL_CASE("%s in %s", error.text, buf_str(&out));
	return root;
}

#define NUMBER(object, key) json_integer_value(json_object_get(object, key))

static void head(void)
{
	struct http_totals t = { .connections = 9,
				 .connections_closed = 2,
				 .started = 20,
				 .records_lost = 3,
				 .non_http = 4 };
	struct top_source s = { .service = "agent-isa",
				.service_up = true,
				.monotonic_ns = 123456789012345,
				.since_ns = 77 };
	struct http_metrics *m = NULL;
	json_t *root;

	REQUIRE_INT(http_metrics_new(NULL, 10, &m), 0);
	t.ended[HTTP_END_COMPLETE][HTTP_PHASE_INSIDE] = 15;
	http_metrics_set_totals(m, &t);
	s.metrics = m;
	root = parse(&s);
	EXPECT_STR(json_string_value(json_object_get(root, "service")), "agent-isa");
	EXPECT(json_is_true(json_object_get(root, "service_up")));
	EXPECT_INT(NUMBER(root, "monotonic_ns"), 123456789012345);
	EXPECT_INT(NUMBER(root, "since_ns"), 77);
	EXPECT_INT(NUMBER(root, "in_flight"), 5);
	EXPECT_INT(NUMBER(root, "connections"), 7);
	EXPECT_INT(NUMBER(root, "requests_started"), 20);
	EXPECT_INT(NUMBER(root, "records_lost"), 3);
	EXPECT_INT(NUMBER(root, "non_http"), 4);
	EXPECT_UINT(json_array_size(json_object_get(root, "routes")), 0);
	json_decref(root);
	http_metrics_free(m);
}

static void routes(void)
{
	struct top_source s = { .service = "x" };
	struct http_metrics *m = NULL;
	json_t *root, *list, *r, *pair;

	REQUIRE_INT(http_metrics_new(NULL, 10, &m), 0);
	add_n(m, "/a/1", 200, 5);
	add_n(m, "/a/1", 500, 2);
	add_n(m, "/b", 403, 1);
	add_abort_record(m, "/b", HTTP_END_ABORT_SERVER, HTTP_PHASE_BEFORE, 0);
	http_metrics_tick(m);
	s.metrics = m;
	root = parse(&s);
	list = json_object_get(root, "routes");
	EXPECT_UINT(json_array_size(list), 2); /* not "other": nothing went there */
	r = json_array_get(list, 0);
	EXPECT_STR(json_string_value(json_object_get(r, "route")), "/a/{id}");
	EXPECT_INT(NUMBER(r, "requests"), 7);
	EXPECT_INT(NUMBER(r, "server_errors"), 2);
	EXPECT_INT(json_integer_value(json_array_get(json_object_get(r, "max_ns"), 0)), 0);
	EXPECT_INT(json_integer_value(json_array_get(json_object_get(r, "max_ns"), 1)), 3 * MS);
	EXPECT_UINT(json_array_size(json_object_get(r, "histogram")), 1);
	pair = json_array_get(json_object_get(r, "histogram"), 0);
	EXPECT_INT(json_integer_value(json_array_get(pair, 0)), histogram_bucket(3 * MS));
	EXPECT_INT(json_integer_value(json_array_get(pair, 1)), 7);
	r = json_array_get(list, 1);
	EXPECT_INT(NUMBER(r, "client_errors"), 1);
	EXPECT_INT(NUMBER(r, "server_errors"), 1);
	EXPECT_INT(NUMBER(r, "aborts"), 1);
	json_decref(root);
	http_metrics_free(m);
}

static void chat(void)
{
	static const struct http_totals t = { .ws_opened = 5,
					      .ws_closed = 2,
					      .ws_messages = { 11, 12 } };
	struct top_source s = { .service = "x" };
	struct http_metrics *m = NULL;
	struct http_record r = record("/e", 200);
	json_t *root, *o, *list;

	REQUIRE_INT(http_metrics_new(NULL, 10, &m), 0);
	http_metrics_set_totals(m, &t);
	r.flags = HTTP_FLAG_EVENTS;
	r.read_ns = r.start_ns + MS;
	add_record(m, &r);
	r.end = HTTP_END_ABORT_CLIENT;
	r.read_ns = 0;
	add_record(m, &r);
	add_record(m, &r);
	r = record("/ws/1", 101);
	r.kind = HTTP_KIND_TURN;
	r.messages_in = 1;
	add_record(m, &r);
	s.metrics = m;
	root = parse(&s);
	o = json_object_get(root, "websockets");
	EXPECT_INT(NUMBER(o, "open"), 3);
	EXPECT_INT(NUMBER(o, "messages_in"), 11);
	EXPECT_INT(NUMBER(o, "messages_out"), 12);
	EXPECT_INT(NUMBER(o, "turns"), 1);
	list = json_array_get(json_object_get(o, "turn"), 0);
	EXPECT_INT(json_integer_value(json_array_get(list, 0)), histogram_bucket(3 * MS));
	EXPECT_INT(json_integer_value(json_array_get(list, 1)), 1);
	o = json_object_get(root, "streams");
	EXPECT_INT(NUMBER(o, "ended"), 1);
	EXPECT_INT(NUMBER(o, "aborted"), 2);
	o = json_array_get(json_object_get(root, "routes"), 0);
	list = json_object_get(o, "queue");
	EXPECT_UINT(json_array_size(list), 1);
	list = json_array_get(list, 0);
	EXPECT_INT(json_integer_value(json_array_get(list, 0)), histogram_bucket(MS));
	EXPECT(!json_object_get(root, "processes"));
	json_decref(root);
	http_metrics_free(m);
}

static int write_two(struct buf *out, void *ctx)
{
	return buf_printf(out, "[{\"pid\": 1}, {\"pid\": %d}]", *(int *)ctx);
}

static int write_none(struct buf *out, void *ctx)
{
	(void)out;
	(void)ctx;
	return -EIO;
}

static void processes(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(1 << 20);
	int pid = 77;
	struct top_source s = { .service = "x", .processes = write_two, .processes_ctx = &pid };
	struct http_metrics *m = NULL;
	json_t *root, *list;

	REQUIRE_INT(http_metrics_new(NULL, 10, &m), 0);
	s.metrics = m;
	root = parse(&s);
	list = json_object_get(root, "processes");
	EXPECT_UINT(json_array_size(list), 2);
	EXPECT_INT(NUMBER(json_array_get(list, 1), "pid"), 77);
	json_decref(root);
	s.processes = write_none;
	EXPECT_INT(top_json_write(&s, &out), -EIO);
	http_metrics_free(m);
}

static void hostile(void)
{
	struct top_source s = { .service = "a\"b\\c\n\x01\x7f\xff\xe2\x82" };
	struct http_metrics *m = NULL;
	json_t *root, *list;

	REQUIRE_INT(http_metrics_new(NULL, 10, &m), 0);
	add_n(m, "/\"x\"\\y", 200, 1);
	add_n(m, "/\xff", 200, 1);
	s.metrics = m;
	root = parse(&s);
	EXPECT_STR(json_string_value(json_object_get(root, "service")),
		   "a\"b\\c\n\x01\x7f\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	list = json_object_get(root, "routes");
	EXPECT_STR(json_string_value(json_object_get(json_array_get(list, 0), "route")),
		   "/\"x\"\\y");
	EXPECT_STR(json_string_value(json_object_get(json_array_get(list, 1), "route")),
		   "/{invalid}");
	json_decref(root);
	http_metrics_free(m);
}

static void full(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(50);
	struct top_source s = { .service = "x" };
	struct http_metrics *m = NULL;

	REQUIRE_INT(http_metrics_new(NULL, 10, &m), 0);
	s.metrics = m;
	EXPECT_INT(top_json_write(&s, &out), -EFBIG);
	http_metrics_free(m);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the service's numbers", head },
		{ "the routes' numbers", routes },
		{ "WebSockets, streams and queue", chat },
		{ "processes come from who knows them", processes },
		{ "hostile text is escaped", hostile },
		{ "a full buffer is an error", full },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
