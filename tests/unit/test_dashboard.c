/* SPDX-License-Identifier: MIT */
/* The body of the dashboard, and where two bodies differ. */
#include "unit.h"

#include "base/json.h"
#include "config_sources.h"
#include "ship/dashboard.c"
#include "ship/dashboard_diff.c"

#define EVERYTHING \
	"[cloudwatch]\nlatency_by_route = yes\nqueue = yes\nturns = yes\nrestarts = yes\n" \
	"probes = yes\nprocesses = yes\nspool_age = yes\nlog_errors = yes\n" \
	"exceptions = yes\njobs = yes\n[logs]\nenabled = yes\n" \
	"[job \"j\"]\nschedule = @daily\ncommand = version\n"

/* The titles, by line. */
static void titles(const json_t *body, struct buf *out)
{
	const json_t *list = json_object_get(body, "widgets");

	for (size_t i = 0; i < json_array_size(list); i++)
		buf_printf(out, "%s\n",
			   json_member_text(json_object_get(json_array_get(list, i), "properties"),
					    "title", "?"));
}

static void shows_what_is_published(void)
{
	static const struct {
		const char *text;
		bool alarms;
		const char *expected;
	} rows[] = {
		{ "", false,
		  "Last five minutes\nRequests and errors\nErrors, of all requests\nResponse time\n"
		  "Response time p99 by host\nCPU by host\nMemory by host\n" },
		{ EVERYTHING, true,
		  "Alarms\nLast five minutes\nRequests and errors\nErrors, of all requests\n"
		  "Response time\nResponse time p99 by host\nResponse time p99 by route\n"
		  "Wait for the service\nChat turns\nTime of chat turns\nCPU by host\n"
		  "Memory by host\nProcesses by host\nRestarts by host\n"
		  "Errors in the logs, by host\nTracebacks in the logs, by host\n"
		  "Failed runs of jobs by host\nOverdue jobs by host\n"
		  "Age of metrics that wait, by host\nProbes that work\n" },
		{ "[cloudwatch]\nqueue = yes\n", false,
		  "Last five minutes\nRequests and errors\nErrors, of all requests\nResponse time\n"
		  "Response time p99 by host\nWait for the service\nCPU by host\nMemory by host\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf got = BUF_INIT(10000);
		_cleanup_(config_freep) struct config *c = config_of(rows[i].text);
		_cleanup_(json_freep) json_t *arns = json_pack("[s]", "arn:aws:x");
		_cleanup_(json_freep) json_t *body = NULL;

		unit_begin("the widgets of configuration %zu", i);
		REQUIRE(c);
		body = dashboard_body(c, "eu-west-1", rows[i].alarms ? arns : NULL);
		REQUIRE(body);
		titles(body, &got);
		EXPECT_STR(buf_str(&got), rows[i].expected);
	}
}

/* No widget lies on another, or beyond the grid. */
static void fits_the_grid(void)
{
	bool taken[200][GRID] = { { false } };
	_cleanup_(config_freep) struct config *c = config_of(EVERYTHING);
	_cleanup_(json_freep) json_t *arns = json_array(), *body = NULL;
	const json_t *widget, *list;
	size_t i;

	REQUIRE(c);
	for (i = 0; i < 120; i++)
		json_array_append_new(arns, json_sprintf("arn:%zu", i));
	body = dashboard_body(c, "eu-west-1", arns);
	REQUIRE(body);
	list = json_object_get(body, "widgets");
	for (i = 0; i < json_array_size(list); i++) {
		int x, y, width, height;

		widget = json_array_get(list, i);

		REQUIRE(json_unpack((json_t *)(uintptr_t)widget, "{s:i,s:i,s:i,s:i}", "x", &x, "y",
				    &y, "width", &width, "height", &height) == 0);
		REQUIRE(x >= 0 && x + width <= GRID && y + height <= 200);
		for (int a = y; a < y + height; a++)
			for (int b = x; b < x + width; b++) {
				EXPECT(!taken[a][b]);
				taken[a][b] = true;
			}
	}
	widget = json_array_get(json_object_get(body, "widgets"), 0);
	EXPECT_UINT(
		json_array_size(json_object_get(json_object_get(widget, "properties"), "alarms")),
		ALARMS_SHOWN_MAX);
}

static void has_the_lines(void)
{
	static const char *const parts[] = {
		"[\"My App/1\",\"RequestCount\",{\"stat\":\"Sum\",\"label\":\"requests\"}]",
		"[\"My App/1\",\"ResponseTime\",{\"stat\":\"p50\",\"label\":\"p50\"}],"
		"[\"My App/1\",\"ResponseTime\",{\"stat\":\"p90\",\"label\":\"p90\"}],"
		"[\"My App/1\",\"ResponseTime\",{\"stat\":\"p99\",\"label\":\"p99\"}]",
		"[[\"My App/1\",\"CPUUtilization\",{\"stat\":\"Average\",\"label\":\"all hosts\"}],"
		"[{\"expression\":\"SEARCH('{\\\"My App/1\\\",InstanceId} "
		"MetricName=\\\"CPUUtilization\\\"', 'Average', 60)\","
		"\"label\":\"${PROP('Dim.InstanceId')}\"}]]",
		"\"region\":\"eu-west-1\"",
		"SEARCH('{\\\"My App/1\\\",Route} MetricName=\\\"ResponseTime\\\"', 'p99', 60)",
	};
	_cleanup_(config_freep) struct config *c =
		config_of("[cloudwatch]\nnamespace = My App/1\nlatency_by_route = yes\n");
	_cleanup_(buf_done) struct buf text = BUF_INIT(100000);
	_cleanup_(json_freep) json_t *body = NULL;

	REQUIRE(c);
	body = dashboard_body(c, "eu-west-1", NULL);
	json_add_text(body, JSON_COMPACT, &text);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		EXPECT(strstr(buf_str(&text), parts[i]) != NULL);
}

static void note(const char *path, const char *have, const char *want, void *ctx)
{
	buf_printf(ctx, "%s: %s -> %s\n", path, have, want);
}

static void finds_differences(void)
{
	static const struct {
		const char *have, *want, *expected;
	} rows[] = {
		{ "{}", "{}", "" },
		{ "{\"a\":1,\"b\":[1.0,2]}", "{\"b\":[1,2.0],\"a\":1}", "" },
		{ "{\"a\":{\"b\":\"x\"}}", "{\"a\":{\"b\":\"y\"}}", "/a/b: \"x\" -> \"y\"\n" },
		{ "{\"a\":1}", "{\"b\":2}", "/b:  -> 2\n/a: 1 -> \n" },
		{ "{\"w\":[1,2,3]}", "{\"w\":[1,3]}", "/w/1: 2 -> 3\n/w/2: 3 -> \n" },
		{ "{\"w\":[]}", "{\"w\":{}}", "/w: [] -> {}\n" },
		{ "[]", "{}", "/: [] -> {}\n" },
		{ "{\"a\":null}", "{\"a\":false}", "/a: null -> false\n" },
		{ "{\"a\":\"\\u001b\\u00e4\"}", "{\"a\":0.1}", "/a: \"\\u001Bä\" -> 0.1\n" },
		{ "{\"a\":1}", "{\"a\":\"1\"}", "/a: 1 -> \"1\"\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf lines = BUF_INIT(1000);
		_cleanup_(json_freep) json_t *have = json_loads(rows[i].have, 0, NULL);
		_cleanup_(json_freep) json_t *want = json_loads(rows[i].want, 0, NULL);
		int n = 0;

		unit_begin("from %s to %s", rows[i].have, rows[i].want);
		REQUIRE(have && want);
		for (const char *at = rows[i].expected; *at; at++)
			n += *at == '\n';
		EXPECT_INT(dashboard_diff(have, want, note, &lines), n);
		EXPECT_STR(buf_str(&lines), rows[i].expected);
	}
}

static void survives_lack_of_memory(void)
{
	_cleanup_(config_freep) struct config *c = config_of(EVERYTHING);
	_cleanup_(json_freep) json_t *arns = json_pack("[s]", "arn:aws:x");

	REQUIRE(c);
	json_set_alloc_funcs(nomem_malloc, free);
	for (unsigned int n = 1; nomem_again(n); n++) {
		json_t *body = dashboard_body(c, "eu-west-1", arns);

		EXPECT((body == NULL) == nomem_hit());
		json_decref(body);
	}
	json_set_alloc_funcs(malloc, free);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, shows_what_is_published },
		{ "no widget lies on another, or beyond the grid", fits_the_grid },
		{ "the lines of the graphs", has_the_lines },
		{ NULL, finds_differences },
		{ "the nth allocation failing is an error, and nothing leaks",
		  survives_lack_of_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
