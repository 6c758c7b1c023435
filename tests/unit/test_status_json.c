/* SPDX-License-Identifier: MIT */
/* The JSON of a status: what is written is read again, and nothing else is. */
#include "metrics/status_json.h"

#include <math.h>

#include "status_sample.h"
#include "unit.h"

static char *write_json(const struct status *s)
{
	struct buf out = BUF_INIT(65536);

	EXPECT_INT(status_json_write(s, &out), 0);
	return buf_steal(&out);
}

static int parse(const char *json, struct status *ret)
{
	return status_json_parse(json, strlen(json), ret);
}

static void round_trip(void)
{
	struct status s = status_sample(), back;
	char *json = write_json(&s), *again;

	REQUIRE_INT(parse(json, &back), 0);
	again = write_json(&back);
	EXPECT_STR(again, json);
	EXPECT_STR(back.service, "shop");
	EXPECT(back.service_up);
	EXPECT_NEAR(back.now_s, SAMPLE_NOW, 1e-5);
	EXPECT_NEAR(back.up_since_s, SAMPLE_NOW - 4350, 1e-5);
	EXPECT(isnan(back.down_since_s));
	EXPECT_UINT(back.main_pid, 4711);
	EXPECT_NEAR(back.error_ratio, 0.02, 1e-12);
	EXPECT_UINT(back.memory_bytes, 412 << 20);
	EXPECT_UINT(back.crash_loop, 0);
	EXPECT_STR(back.last_kill, "uvicorn 4243: signal 9 (Killed)");
	EXPECT_STR(back.last_crash, "uvicorn 4244: signal 11 (Segmentation fault)");
	EXPECT_NEAR(back.last_crash_s, SAMPLE_NOW - 9500, 1e-5);
	EXPECT_STR(back.last_oom, "uvicorn 4245: signal 9 (Killed)");
	REQUIRE_UINT(back.n_ports, 2);
	EXPECT_UINT(back.ports[1].port, 8001);
	EXPECT_UINT(back.ports[1].queue_limit, 128);
	EXPECT_UINT(back.ports[1].drops, 2);
	EXPECT_NEAR(back.ports[1].waiting_since_s, SAMPLE_NOW - 1.5, 1e-5);
	EXPECT(isnan(back.ports[0].waiting_since_s));
	REQUIRE_UINT(back.n_probes, 2);
	EXPECT_STR(back.probes[1].name, "life");
	EXPECT(back.probes[0].up && !back.probes[1].up);
	EXPECT(!strstr(json, "fine"));
	free(json);
	free(again);
}

static void unknown(void)
{
	struct status s, back;
	char *json;

	status_init(&s);
	snprintf(s.service, sizeof(s.service), "x");
	s.now_s = 5;
	json = write_json(&s);
	EXPECT_STR(json, "{\"service\": \"x\", \"service_up\": false, \"now_seconds\": 5.0, "
			 "\"ports\": [], \"probes\": []}\n");
	REQUIRE_INT(parse(json, &back), 0);
	EXPECT_UINT(back.main_pid, STATUS_UNKNOWN);
	EXPECT_UINT(back.crash_loop, STATUS_UNKNOWN);
	EXPECT(isnan(back.p99_s));
	EXPECT_STR(back.last_exit, "");
	free(json);
}

static void verdict(void)
{
	struct status s = status_sample();
	char *json;

	s.judged = true;
	s.n_problems = 1;
	snprintf(s.problems[0], sizeof(s.problems[0]), "a \"problem\"");
	json = write_json(&s);
	EXPECT_HAS(json, ", \"fine\": false, \"problems\": [\"a \\\"problem\\\"\"]}\n");
	free(json);
}

static void odd_names(void)
{
	struct status s = status_sample(), back;
	char *json;

	snprintf(s.service, sizeof(s.service), "a\xff\"\n\x1b");
	json = write_json(&s);
	EXPECT_HAS(json, "\"a\xef\xbf\xbd\\\"\\n\\u001B\"");
	EXPECT_INT(parse(json, &back), 0);
	EXPECT_STR(back.service, "a\xef\xbf\xbd\"\n\x1b");
	free(json);
}

#define HEAD "{\"service\": \"s\", \"service_up\": true, \"now_seconds\": 1.5"
#define LISTS ", \"ports\": [], \"probes\": []}"

static void taken(void)
{
	struct status s;

	EXPECT_INT(parse(HEAD LISTS, &s), 0);
	EXPECT_INT(parse(HEAD ", \"something\": {\"new\": [1]}" LISTS, &s), 0);
	EXPECT_INT(parse(HEAD ", \"p99_seconds\": 2" LISTS, &s), 0);
	EXPECT_NEAR(s.p99_s, 2, 0);
}

static void refused(void)
{
	static const char *const rows[] = {
		"",
		"{",
		"null",
		"[]",
		"{}",
		HEAD,
		HEAD "}",
		"{\"service\": 1, \"service_up\": true, \"now_seconds\": 1" LISTS,
		"{\"service\": \"s\", \"service_up\": 1, \"now_seconds\": 1" LISTS,
		"{\"service\": \"s\", \"service_up\": true, \"now_seconds\": \"1\"" LISTS,
		"{\"service\": \"s\", \"service_up\": true" LISTS,
		HEAD ", \"main_pid\": -1" LISTS,
		HEAD ", \"main_pid\": 1.5" LISTS,
		HEAD ", \"main_pid\": null" LISTS,
		HEAD ", \"p99_seconds\": -0.5" LISTS,
		HEAD ", \"p99_seconds\": 1e999" LISTS,
		HEAD ", \"crash_loop\": 1" LISTS,
		HEAD ", \"last_exit\": 3" LISTS,
		HEAD ", \"ports\": {}, \"probes\": []}",
		HEAD ", \"ports\": [1], \"probes\": []}",
		HEAD ", \"ports\": [{\"port\": 0, \"listening\": true}], \"probes\": []}",
		HEAD ", \"ports\": [{\"port\": 65536, \"listening\": true}], \"probes\": []}",
		HEAD ", \"ports\": [{\"port\": 80}], \"probes\": []}",
		HEAD ", \"ports\": [], \"probes\": [{\"probe\": \"x\"}]}",
		HEAD ", \"ports\": [], \"probes\": [{\"up\": true}]}",
		HEAD ", \"ports\": [], \"probes\": [{\"probe\": "
		     "\"0123456789012345678901234567890123456789\", \"up\": true}]}",
		HEAD ", \"ports\": [0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0], \"probes\": []}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct status s;

		unit_begin("refuses %s", rows[i]);
		EXPECT_INT(parse(rows[i], &s), -EPROTO);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "what is written is read again", round_trip },
		{ "what is not known is absent", unknown },
		{ "the verdict is written", verdict },
		{ "a name that is no text does no harm", odd_names },
		{ "keys of another version are passed over", taken },
		{ NULL, refused },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
