/* SPDX-License-Identifier: MIT */
/* What the daemon tells `isamon metrics`, there and back, and JSON made readable. */
#include "cmd/cloudwatch_json.h"

#include "unit.h"

static struct cloudwatch_told sample(void)
{
	return (struct cloudwatch_told){
		.enabled = true,
		.open = true,
		.why = "one thing\nand \"another\"",
		.waiting = 3,
		.pushed = 17,
		.rejected = 1,
		.dropped = 2,
		.asked = 5,
		.ended = 4,
		.error = "AccessDenied: no \xff",
		.region = "eu-west-1",
		.instance_id = "i-0abc",
		.endpoint = "https://monitoring.eu-west-1.amazonaws.com/",
	};
}

static void there_and_back(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(65536);
	struct cloudwatch_told t = sample(), back;
	const char *rest;

	REQUIRE_INT(cloudwatch_json_write(&t, &out), 0);
	EXPECT_INT(out.data[out.len - 1], '\n');
	buf_add_str(&out, "{\"a\": 1}");
	REQUIRE_INT(cloudwatch_json_parse(buf_str(&out), &back, &rest), 0);
	EXPECT_STR(rest, "{\"a\": 1}");
	EXPECT(back.enabled && back.open);
	EXPECT_STR(back.why, t.why);
	EXPECT_UINT(back.waiting, 3);
	EXPECT_UINT(back.pushed, 17);
	EXPECT_UINT(back.rejected, 1);
	EXPECT_UINT(back.dropped, 2);
	EXPECT_UINT(back.asked, 5);
	EXPECT_UINT(back.ended, 4);
	EXPECT_STR(back.error, "AccessDenied: no ?");
	EXPECT_STR(back.region, t.region);
	EXPECT_STR(back.instance_id, t.instance_id);
	EXPECT_STR(back.endpoint, t.endpoint);
}

static void others(void)
{
	static const char *const wrong[] = {
		"", "[]", "{}", "{\"enabled\": true}", "not JSON",
	};
	struct cloudwatch_told t;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		unit_begin("%s is no answer of a daemon", wrong[i]);
		EXPECT_INT(cloudwatch_json_parse(wrong[i], &t, NULL), -EPROTO);
	}
}

static void a_long_text(void)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(65536), longer = BUF_INIT(65536);
	struct cloudwatch_told t = sample(), back;
	char *at;

	memset(t.why, 'x', sizeof(t.why) - 1);
	REQUIRE_INT(cloudwatch_json_write(&t, &out), 0);
	EXPECT_INT(cloudwatch_json_parse(buf_str(&out), &back, NULL), 0);
	EXPECT_STR(back.why, t.why);
	at = strstr(out.data, "xxx");
	buf_add(&longer, out.data, (size_t)(at - out.data));
	buf_add_char(&longer, 'x');
	buf_add_str(&longer, at);
	EXPECT_INT(cloudwatch_json_parse(buf_str(&longer), &back, NULL), -EPROTO);
}

static void no_room(void)
{
	struct cloudwatch_told t = sample();

	for (size_t max = 0; max < 200; max += 10) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(max);

		EXPECT_INT(cloudwatch_json_write(&t, &out), -EFBIG);
	}
}

static void pretty(void)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "{}", "{\n  \n}\n" },
		{ "{\"a\":1,\"b\":[1,2.50]}", "{\n  \"a\": 1,\n  \"b\": [1,2.50]\n}\n" },
		{ "{\"a\":[{\"b\":\"x{,:]\\\"\"}]}",
		  "{\n  \"a\": [\n    {\n      \"b\": \"x{,:]\\\"\"\n    }\n  ]\n}\n" },
		{ "[\"]\",\"a\"]", "[\"]\",\"a\"]\n" },
		{ "[\"", "[\n  \"\n" },
		{ "}", "}\n" },
		{ "\"\\", "\"\\\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(1000);

		unit_begin("%s, readable", rows[i].in);
		EXPECT_INT(cloudwatch_json_pretty(rows[i].in, &out), 0);
		EXPECT_STR(buf_str(&out), rows[i].out);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "there and back", there_and_back },
		{ "a text that is too long", a_long_text },
		{ "an answer that is too long", no_room },
		{ NULL, others },
		{ NULL, pretty },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
