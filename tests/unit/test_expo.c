/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include <math.h>

#include "metrics/expo.h"

static const struct expo_family counter = { "x_bytes", "Some \"help\" \\ with\na line.", "bytes",
					    EXPO_COUNTER };
static const struct expo_family gauge = { "y", "A gauge.", NULL, EXPO_GAUGE };
static const struct expo_family histogram = { "z_seconds", "A histogram.", "seconds",
					      EXPO_HISTOGRAM };
static const struct expo_family info = { "w", "An info.", NULL, EXPO_INFO };

static char *write_all(enum expo_format format)
{
	static const char *const bounds[] = { "0.5", "1.0" };
	static const uint64_t counts[] = { 1, 2, 3 };
	struct buf out = BUF_INIT(4096);
	struct expo e = { .format = format, .out = &out };

	expo_begin(&e, &counter);
	expo_u64(&e, &counter, "a=\"1\"", UINT64_MAX);
	expo_begin(&e, &gauge);
	expo_double(&e, &gauge, NULL, -1.5);
	expo_begin(&e, &histogram);
	expo_histogram(&e, &histogram, "a=\"1\"", bounds, counts, 2,
		       (struct expo_sum){ 7, 250000000 });
	expo_histogram(&e, &histogram, "", bounds, counts, 2, (struct expo_sum){ 7, 1 });
	expo_begin(&e, &info);
	expo_u64(&e, &info, "v=\"2\"", 1);
	expo_end(&e);
	return buf_steal(&out);
}

static void text(void)
{
	char *got = write_all(EXPO_TEXT_004);

	EXPECT_STR(got, "# HELP x_bytes_total Some \"help\" \\\\ with\\na line.\n"
			"# TYPE x_bytes_total counter\n"
			"x_bytes_total{a=\"1\"} 18446744073709551615\n"
			"# HELP y A gauge.\n"
			"# TYPE y gauge\n"
			"y -1.5\n"
			"# HELP z_seconds A histogram.\n"
			"# TYPE z_seconds histogram\n"
			"z_seconds_bucket{a=\"1\",le=\"0.5\"} 1\n"
			"z_seconds_bucket{a=\"1\",le=\"1.0\"} 3\n"
			"z_seconds_bucket{a=\"1\",le=\"+Inf\"} 6\n"
			"z_seconds_sum{a=\"1\"} 7.25\n"
			"z_seconds_count{a=\"1\"} 6\n"
			"z_seconds_bucket{le=\"0.5\"} 1\n"
			"z_seconds_bucket{le=\"1.0\"} 3\n"
			"z_seconds_bucket{le=\"+Inf\"} 6\n"
			"z_seconds_sum 7.000000001\n"
			"z_seconds_count 6\n"
			"# HELP w_info An info.\n"
			"# TYPE w_info gauge\n"
			"w_info{v=\"2\"} 1\n");
	free(got);
}

static void openmetrics(void)
{
	char *got = write_all(EXPO_OPENMETRICS_1);

	EXPECT_HAS(got, "# HELP x_bytes Some \\\"help\\\" \\\\ with\\na line.\n"
			"# TYPE x_bytes counter\n"
			"# UNIT x_bytes bytes\n"
			"x_bytes_total{a=\"1\"} 18446744073709551615\n");
	EXPECT_HAS(got, "# TYPE z_seconds histogram\n# UNIT z_seconds seconds\n");
	EXPECT_HAS(got, "# HELP w An info.\n# TYPE w info\nw_info{v=\"2\"} 1\n# EOF\n");
	EXPECT_STR(strstr(got, "# EOF\n"), "# EOF\n");
	free(got);
}

static void doubles(void)
{
	static const struct {
		double value;
		const char *expected;
	} rows[] = {
		{ 0, "y 0\n" },
		{ 0.1, "y 0.1\n" },
		{ 1.0 / 3, "y 0.3333333333333333\n" },
		{ 1795460000.25, "y 1795460000.25\n" },
		{ 1e300, "y 1e+300\n" },
		{ 0.30000000000000004, "y 0.30000000000000004\n" },
		{ (double)INFINITY, "y +Inf\n" },
		{ -(double)INFINITY, "y -Inf\n" },
		{ (double)NAN, "y NaN\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(64);
		struct expo e = { .out = &out };

		expo_double(&e, &gauge, NULL, rows[i].value);
		EXPECT_STR(buf_str(&out), rows[i].expected);
	}
}

static void labels(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(256);

	EXPECT_INT(expo_label(&out, "a", "plain \xc3\xa9"), 0);
	EXPECT_INT(expo_label(&out, "b", "\\ \" \n"), 0);
	EXPECT_INT(expo_label(&out, "c",
			      "\xff"
			      "x\xe2\x82"),
		   0);
	EXPECT_STR(buf_str(&out), "a=\"plain \xc3\xa9\",b=\"\\\\ \\\" \\n\","
				  "c=\"\xef\xbf\xbdx\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void full(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(20);
	struct expo e = { .out = &out };

	expo_begin(&e, &histogram);
	expo_u64(&e, &counter, "a=\"1\"", 1);
	expo_end(&e);
	EXPECT_INT(out.err, -EFBIG);
	EXPECT(out.len <= 20);
}

static void accepts(void)
{
	static const struct {
		const char *name, *accept;
		enum expo_format expected;
	} rows[] = {
		{ "no header", NULL, EXPO_TEXT_004 },
		{ "an empty one", "", EXPO_TEXT_004 },
		{ "anything", "*/*", EXPO_TEXT_004 },
		{ "Prometheus 2",
		  "application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
		  "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		  EXPO_OPENMETRICS_1 },
		{ "Prometheus 3",
		  "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
		  "application/openmetrics-text;version=0.0.1;q=0.5,"
		  "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
		  "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
		  EXPO_OPENMETRICS_1 },
		{ "Prometheus with text first",
		  "text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;"
		  "q=0.5,*/*;q=0.1",
		  EXPO_TEXT_004 },
		{ "a browser",
		  "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
		  EXPO_TEXT_004 },
		{ "text only", "text/plain", EXPO_TEXT_004 },
		{ "OpenMetrics only", "application/openmetrics-text", EXPO_OPENMETRICS_1 },
		{ "OpenMetrics 0.0.1", "application/openmetrics-text; version=0.0.1",
		  EXPO_OPENMETRICS_1 },
		{ "OpenMetrics 2", "application/openmetrics-text; version=2.0.0", EXPO_TEXT_004 },
		{ "a quoted version", "application/openmetrics-text; version=\"1.0.0\"",
		  EXPO_OPENMETRICS_1 },
		{ "capitals and spaces", " Application/OpenMetrics-Text ;\tVersion = 1.0.0 ; Q=1 ",
		  EXPO_OPENMETRICS_1 },
		{ "OpenMetrics refused", "application/openmetrics-text;q=0,*/*", EXPO_TEXT_004 },
		{ "text refused, by name", "text/plain;q=0,*/*", EXPO_OPENMETRICS_1 },
		{ "any application", "application/*", EXPO_OPENMETRICS_1 },
		{ "the narrower range counts",
		  "application/openmetrics-text;q=0.1,text/*;q=0.5,*/*", EXPO_TEXT_004 },
		{ "both alike", "text/plain,application/openmetrics-text", EXPO_TEXT_004 },
		{ "a comma in quotes", "x/y;a=\"application/openmetrics-text,\",text/plain",
		  EXPO_TEXT_004 },
		{ "an open quote", "application/openmetrics-text;a=\"", EXPO_OPENMETRICS_1 },
		{ "a broken weight", "application/openmetrics-text;q=high", EXPO_TEXT_004 },
		{ "a weight above one", "application/openmetrics-text;q=1.5", EXPO_TEXT_004 },
		{ "a weight with four decimals", "application/openmetrics-text;q=0.1234",
		  EXPO_TEXT_004 },
		{ "an empty weight", "application/openmetrics-text;q=", EXPO_TEXT_004 },
		{ "separators only", ",;,;;=,\"", EXPO_TEXT_004 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("Accept: %s", rows[i].name);
		EXPECT_INT(expo_negotiate(rows[i].accept), rows[i].expected);
	}
}

static void content_types(void)
{
	EXPECT_STR(expo_content_type(EXPO_TEXT_004), "text/plain; version=0.0.4; charset=utf-8");
	EXPECT_STR(expo_content_type(EXPO_OPENMETRICS_1),
		   "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "text 0.0.4", text },
		{ "OpenMetrics", openmetrics },
		{ "doubles come back the same", doubles },
		{ "labels are escaped and UTF-8", labels },
		{ "a full buffer is an error, not a crash", full },
		{ "content types", content_types },
		{ NULL, accepts },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
