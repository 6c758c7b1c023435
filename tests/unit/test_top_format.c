/* SPDX-License-Identifier: MIT */
/* Numbers for people, and text that is safe for a terminal. */
#include "cmd/top_format.h"

#include <jansson.h>
#include <locale.h>

#include "cmd/top_print.h"
#include "cmd/top_process_cell.h"
#include "unit.h"

static void times(void)
{
	static const struct {
		uint64_t ns;
		const char *expected;
	} rows[] = {
		{ 0, "0 us" },
		{ 1000, "1 us" },
		{ 870000, "870 us" },
		{ 999499, "999 us" },
		{ 999500, "1.00 ms" },
		{ 1234000, "1.23 ms" },
		{ 9994999, "9.99 ms" },
		{ 9995000, "10.0 ms" },
		{ 12345000, "12.3 ms" },
		{ 99960000, "100 ms" },
		{ 870000000, "870 ms" },
		{ 999600000, "1.00 s" },
		{ 1200000000, "1.20 s" },
		{ 12345678901, "12.3 s" },
		{ 300000000000, "300 s" },
		{ 5000000000000, "5000 s" },
		{ UINT64_MAX, "99999 s" },
	};
	char cell[TOP_CELL_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		top_format_time(rows[i].ns, cell);
		EXPECT_STR(cell, rows[i].expected);
		EXPECT(strlen(cell) < (size_t)top_column_width(TOP_MAX));
	}
}

static void rates(void)
{
	static const struct {
		double rate;
		const char *expected;
	} rows[] = {
		{ 0, "0" },          { -1, "0" },        { 0.25, "0.25" },     { 9.994, "9.99" },
		{ 12.54, "12.5" },   { 99.96, "100" },   { 1234.4, "1234" },   { 9999.4, "9999" },
		{ 9999.6, "10.0k" }, { 140000, "140k" }, { 1230000, "1.23M" }, { 1e30, "99999M" },
	};
	char cell[TOP_CELL_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		top_format_rate(rows[i].rate, cell);
		EXPECT_STR(cell, rows[i].expected);
		EXPECT(strlen(cell) <= (size_t)top_column_width(TOP_REQUESTS));
	}
}

static void bytes(void)
{
	static const struct {
		uint64_t bytes;
		const char *expected;
	} rows[] = {
		{ 0, "0.00K" },           { 1024, "1.00K" },
		{ 1023 * 1024, "1.00M" }, { 87 * 1048576, "87.0M" },
		{ 1288490189, "1.20G" },  { UINT64_MAX - 1, "99999T" },
	};
	char cell[TOP_CELL_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		top_format_bytes(rows[i].bytes, cell);
		EXPECT_STR(cell, rows[i].expected);
	}
}

static void texts(void)
{
	static const struct {
		const char *text;
		size_t columns;
		bool utf8;
		const char *expected;
		size_t used;
	} rows[] = {
		{ "/api/models", 80, true, "/api/models", 11 },
		{ "/api/models", 11, true, "/api/models", 11 },
		{ "/api/models", 10, true,
		  "/api/\xe2\x80\xa6"
		  "dels",
		  10 },
		{ "/api/models", 10, false, "/api...els", 10 },
		{ "/api/models", 3, true, "/\xe2\x80\xa6s", 3 },
		{ "/api/models", 1, true, "/", 1 },
		{ "/api/models", 3, false, "/ap", 3 },
		{ "/api/models", 0, true, "", 0 },
		{ "", 5, true, "", 0 },
		{ "/caf\xc3\xa9", 80, true, "/caf\xc3\xa9", 5 },
		{ "/caf\xc3\xa9", 80, false, "/caf?", 5 },
		{ "/\xe4\xbd\xa0\xe5\xa5\xbd", 80, true, "/\xe4\xbd\xa0\xe5\xa5\xbd", 5 },
		{ "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0", 5, true,
		  "\xe4\xbd\xa0\xe2\x80\xa6\xe4\xbd\xa0", 5 },
		{ "\xe4\xbd\xa0\xe5\xa5\xbd\xe4\xbd\xa0", 4, true, "\xe4\xbd\xa0\xe2\x80\xa6", 3 },
		{ "\x1b[31mred\x07\r\n\t", 80, true, "?[31mred????", 12 },
		{ "\xc2\x9b"
		  "31m",
		  80, true, "?31m", 4 },
		{ "\xff\xfe\xc0\xaf", 80, true, "????", 4 },
		{ "a\xe2\x80\xae"
		  "b",
		  80, true, "a?b", 3 },
	};
	size_t i;

	if (!setlocale(LC_CTYPE, "C.UTF-8") && !setlocale(LC_CTYPE, "en_US.UTF-8")) {
		unit_skip("no UTF-8 locale");
		return;
	}
	EXPECT(top_format_utf8());
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(1000);

		EXPECT_UINT(top_format_text(rows[i].text, rows[i].columns, rows[i].utf8, &out),
			    rows[i].used);
		EXPECT_STR(buf_str(&out), rows[i].expected);
	}
	setlocale(LC_CTYPE, "C");
	EXPECT(!top_format_utf8());
}

static struct top_view *a_view(struct top_sample *s, struct top_row *rows)
{
	static struct top_view v;

	s->service = strdup("agent-isa");
	s->service_up = true;
	s->in_flight = 3;
	s->connections = 12;
	rows[0] = (struct top_row){ .route = "/api/x",
				    .requests = 2,
				    .requests_s = 2,
				    .errors_s = 1,
				    .queued = 2,
				    .queue_p99_ns = 45600,
				    .p50_ns = 870000,
				    .p90_ns = 12300000,
				    .p99_ns = 1200000000,
				    .max_ns = 1200000000 };
	rows[1] = (struct top_row){ .route = "/\x1b[2J" };
	v = (struct top_view){
		.sample = s, .interval_s = 1, .total = rows[0], .rows = rows, .n_rows = 2
	};
	return &v;
}

static void text(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(10000);
	struct top_sample s = { 0 };
	struct top_row rows[2];

	EXPECT_INT(top_print_text(a_view(&s, rows), "daemon", &out), 0);
	EXPECT_STR(buf_str(&out),
		   "agent-isa: up (daemon, over 1.0 s)\n"
		   "requests/s 2.00  errors/s 1.00  in flight 3  connections 12  lost 0\n"
		   "\n"
		   " REQ/S  ERR/S   QUEUE     P50     P90     P99     MAX  ROUTE\n"
		   "  2.00   1.00   46 us  870 us 12.3 ms  1.20 s  1.20 s  /api/x\n"
		   "     0      0       -       -       -       -       -  /?[2J\n");
	free(s.service);
}

static struct top_process two[] = {
	{ .pid = 4711,
	  .start_ticks = 1,
	  .role = "worker",
	  .rss_bytes = 90 << 20,
	  .threads = 12,
	  .fds = 1023,
	  .requests = 7 },
	{ .pid = 4712,
	  .role = "main",
	  .rss_bytes = TOP_UNKNOWN,
	  .threads = TOP_UNKNOWN,
	  .fds = TOP_UNKNOWN,
	  .requests = TOP_UNKNOWN },
};
static struct top_process_row two_rows[] = {
	{ .process = &two[0], .compared = true, .cpus = 0.987, .requests_s = 12.5 },
	{ .process = &two[1], .requests_s = -1 },
};

static void set_all(struct top_view *v, struct top_sample *s)
{
	s->chat.open = 12;
	s->processes = two;
	v->processes = two_rows;
	v->n_processes = 2;
	v->chat = (struct top_chat){ .any = true,
				     .messages_in_s = 100,
				     .messages_out_s = 240,
				     .turns_s = 3.2,
				     .turns = 3,
				     .turn_p50_ns = 1200000000,
				     .turn_p99_ns = 8000000000,
				     .streams_s = 2,
				     .streams_aborted_s = 0.5 };
}

#define CHAT "12 WebSockets  340 msg/s  3.20 turns/s p50 1.20 s p99 8.00 s  2.00 streams/s"

static void chat_and_processes(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(10000);
	struct top_sample s = { 0 };
	struct top_row rows[2];
	struct top_view *v = a_view(&s, rows);

	set_all(v, &s);
	EXPECT_INT(top_print_text(v, "daemon", &out), 0);
	EXPECT_HAS(buf_str(&out), "lost 0\n" CHAT "\n\n REQ/S");
	EXPECT(strlen(CHAT) <= 80);
	EXPECT_HAS(buf_str(&out),
		   "/?[2J\n\n"
		   "     PID    ROLE    CPU     RSS   THR    FDS   REQ/S  2 processes\n"
		   "    4711  worker    99%   90.0M    12   1023    12.5\n"
		   "    4712    main      -       -     -      -       -\n");
	buf_reset(&out);
	v->chat.turns = 0;
	top_format_chat(v, &out);
	EXPECT_STR(buf_str(&out), "12 WebSockets  340 msg/s  3.20 turns/s  2.00 streams/s");
	free(s.service);
}

/* The daemon sends the busiest only: how many there are is said all the same. */
static void more_processes(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(10000);
	struct top_sample s = { .rest = { 199, 0, 0.125, 1500 << 20 } };
	struct top_row rows[2];
	struct top_view *v = a_view(&s, rows);
	json_t *root, *o;

	set_all(v, &s);
	EXPECT_INT(top_print_text(v, "daemon", &out), 0);
	EXPECT_HAS(buf_str(&out), "   REQ/S  201 processes\n    4711");
	EXPECT_HAS(buf_str(&out), "-\n  199 more, 12% CPU, 1.46G RSS\n");
	buf_reset(&out);
	s.rest.unsampled = 9;
	top_process_say_count(v, &out);
	EXPECT_STR(buf_str(&out), "201 processes, 9 not sampled this time");
	buf_reset(&out);
	top_process_say_rest(v, 0, &out); /* rows that do not fit onto the screen are among them */
	EXPECT_STR(buf_str(&out), "201 more, 111% CPU, 1.55G RSS");
	buf_reset(&out);
	EXPECT_INT(top_print_json(v, "daemon", &out), 0);
	root = json_loads(buf_str(&out), 0, NULL);
	REQUIRE(root != NULL);
	EXPECT_INT(json_integer_value(json_object_get(root, "processes_total")), 201);
	EXPECT_INT(json_integer_value(json_object_get(root, "processes_unsampled")), 9);
	o = json_object_get(root, "processes_rest");
	EXPECT_INT(json_integer_value(json_object_get(o, "processes")), 199);
	EXPECT_INT(json_integer_value(json_object_get(o, "rss_bytes")), 1500 << 20);
	EXPECT_NEAR(json_real_value(json_object_get(o, "cpus")), 0.125, 1e-6);
	json_decref(root);
	buf_reset(&out);
	s.rest = (struct top_process_rest){ 0 };
	top_process_say_rest(v, 2, &out);
	EXPECT_STR(buf_str(&out), "");
	free(s.service);
}

static void chat_and_processes_json(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(10000);
	struct top_sample s = { 0 };
	struct top_row rows[2];
	struct top_view *v = a_view(&s, rows);
	json_t *root, *list, *o;

	set_all(v, &s);
	EXPECT_INT(top_print_json(v, "daemon", &out), 0);
	root = json_loads(buf_str(&out), 0, NULL);
	REQUIRE(root != NULL);
	o = json_object_get(root, "websockets");
	EXPECT_INT(json_integer_value(json_object_get(o, "open")), 12);
	EXPECT_NEAR(json_real_value(json_object_get(o, "messages_in_per_second")), 100, 1e-6);
	EXPECT_NEAR(json_real_value(json_object_get(o, "messages_out_per_second")), 240, 1e-6);
	EXPECT_NEAR(json_real_value(json_object_get(o, "turns_per_second")), 3.2, 1e-6);
	EXPECT_NEAR(json_real_value(json_object_get(o, "turn_p99_seconds")), 8, 1e-6);
	o = json_object_get(root, "streams");
	EXPECT_NEAR(json_real_value(json_object_get(o, "ended_per_second")), 2, 1e-6);
	EXPECT_NEAR(json_real_value(json_object_get(o, "aborted_per_second")), 0.5, 1e-6);
	list = json_object_get(root, "processes");
	EXPECT_UINT(json_array_size(list), 2);
	o = json_array_get(list, 0);
	EXPECT_INT(json_integer_value(json_object_get(o, "pid")), 4711);
	EXPECT_STR(json_string_value(json_object_get(o, "role")), "worker");
	EXPECT_NEAR(json_real_value(json_object_get(o, "cpus")), 0.987, 1e-6);
	EXPECT_NEAR(json_real_value(json_object_get(o, "requests_per_second")), 12.5, 1e-6);
	o = json_array_get(list, 1);
	EXPECT(json_is_null(json_object_get(o, "cpus")));
	EXPECT(json_is_null(json_object_get(o, "fds")));
	EXPECT(json_is_null(json_object_get(o, "requests_per_second")));
	o = json_array_get(json_object_get(root, "routes"), 0);
	EXPECT_NEAR(json_real_value(json_object_get(o, "queue_p99_seconds")), 45.6e-6, 1e-9);
	o = json_array_get(json_object_get(root, "routes"), 1);
	EXPECT(json_is_null(json_object_get(o, "queue_p99_seconds")));
	json_decref(root);
	free(s.service);
}

static void json(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(10000);
	struct top_sample s = { 0 };
	struct top_row rows[2];

	EXPECT_INT(top_print_json(a_view(&s, rows), "attached", &out), 0);
	EXPECT_HAS(buf_str(&out), "\"source\": \"attached\"");
	EXPECT_HAS(buf_str(&out), "\"service_up\": true");
	EXPECT_HAS(buf_str(&out), "\"p50_seconds\": 0.00087,");
	EXPECT_HAS(buf_str(&out), "\"route\": \"/api/x\"");
	EXPECT_HAS(buf_str(&out), "\"route\": \"/\\u001B[2J\"");
	EXPECT_HAS(buf_str(&out), "\"max_seconds\": null");
	EXPECT_HAS(buf_str(&out), "\"turn_p50_seconds\": null");
	EXPECT(!strstr(buf_str(&out), "processes"));
	EXPECT_STR(buf_str(&out) + out.len - 2, "}\n");
	free(s.service);
}

#define ALL ((1u << TOP_COLUMNS) - 1)
#define BIT(c) (1u << (c))

static void narrow(void)
{
	EXPECT_UINT(top_columns_shown(200, TOP_REQUESTS), ALL);
	EXPECT_UINT(top_columns_shown(80, TOP_REQUESTS), ALL);
	EXPECT_UINT(top_columns_shown(78, TOP_REQUESTS), ALL & ~BIT(TOP_P90));
	EXPECT_UINT(top_columns_shown(60, TOP_REQUESTS),
		    BIT(TOP_REQUESTS) | BIT(TOP_ERRORS) | BIT(TOP_QUEUE) | BIT(TOP_P99));
	EXPECT_UINT(top_columns_shown(60, TOP_MAX),
		    BIT(TOP_REQUESTS) | BIT(TOP_ERRORS) | BIT(TOP_P99) | BIT(TOP_MAX));
	EXPECT_UINT(top_columns_shown(10, TOP_P50),
		    BIT(TOP_REQUESTS) | BIT(TOP_P50) | BIT(TOP_P99));
	EXPECT_UINT(top_columns_shown(0, TOP_P99), BIT(TOP_REQUESTS) | BIT(TOP_P99));
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "times have three digits", times },
		{ "rates have three digits", rates },
		{ "bytes have three digits", bytes },
		{ "text is cut in its middle and never harms a terminal", texts },
		{ "the plain text", text },
		{ "the JSON", json },
		{ "WebSockets, streams and processes as text", chat_and_processes },
		{ "and as JSON", chat_and_processes_json },
		{ "more processes than there are rows", more_processes },
		{ "a narrow screen leaves columns out", narrow },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
