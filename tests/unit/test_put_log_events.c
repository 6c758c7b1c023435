/* SPDX-License-Identifier: MIT */
/* Requests of PutLogEvents: the API's limits, at them and one over; order; JSON. And the names of groups and streams. */
#include "unit/unit.h"

#include <jansson.h>

#include "unit/nomem.h"

#include "base/buf.c"
#include "logs/put_log_events.c"

#include "logs/log_names.h"

#define NOW 1764140040000
#define HEAD "{\"logGroupName\":\"g\",\"logStreamName\":\"s\",\"logEvents\":["

static struct put_logs p;
static char *big;

static void begin(bool one_day)
{
	EXPECT_INT(put_logs_begin(&p, "g", "s", one_day), 0);
}

static int add(const char *text, int64_t time_ms)
{
	return put_logs_add(&p, text, strlen(text), time_ms, PUT_LOGS_BYTES_MAX);
}

static const char *message(size_t i)
{
	static char text[64];
	json_t *root = json_loadb(p.body.data, p.body.len, 0, NULL);
	json_t *event = json_array_get(json_object_get(root, "logEvents"), i);
	const char *found = json_string_value(json_object_get(event, "message"));

	snprintf(text, sizeof(text), "%s", found ? found : "(none)");
	json_decref(root);
	return text;
}

static void plain(void)
{
	begin(false);
	EXPECT_INT(add("one", NOW), 0);
	EXPECT_INT(add("two \"\\\n\t\r\x01\x1f\x7f\xc3\xa4 and on, longer than a word", NOW + 1),
		   0);
	EXPECT_INT(put_logs_end(&p), 0);
	EXPECT_STR(
		p.body.data, HEAD
		"{\"timestamp\":1764140040000,\"message\":\"one\"},{\"timestamp\":1764140040001,"
		"\"message\":\"two \\\"\\\\\\n\\t\\r\\u0001\\u001f\x7f\xc3\xa4 and on, longer than a word\"}]}");
	EXPECT_UINT(
		p.cost,
		3 + 26 + strlen("two \"\\\n\t\r\x01\x1f\x7f\xc3\xa4 and on, longer than a word") +
			26);
	put_logs_done(&p);
}

/* Each byte at each place of a word. */
static void every_byte(void)
{
	for (unsigned int c = 1; c < 0x80; c++)
		for (size_t at = 0; at < 9; at++) {
			char text[] = "abcdefghi";

			text[at] = (char)c;
			begin(false);
			EXPECT_INT(add(text, NOW), 0);
			EXPECT_INT(put_logs_end(&p), 0);
			if (!EXPECT_STR(message(0), text))
				FAIL_CASE("byte %u at %zu", c, at);
			put_logs_done(&p);
		}
}

static void order(void)
{
	static const struct {
		const char *text;
		int64_t time_ms;
	} events[] = {
		{ "b1", 5 }, { "a1", 3 }, { "b2", 5 }, { "c", 9 }, { "a2", 3 }, { "b3", 5 }
	};
	static const char *const sorted[] = { "a1", "a2", "b1", "b2", "b3", "c" };
	_cleanup_(buf_done) struct buf part = BUF_INIT(1000);

	begin(false);
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		EXPECT_INT(add(events[i].text, NOW + events[i].time_ms), 0);
	EXPECT_INT(put_logs_end(&p), 0);
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		EXPECT_STR(message(i), sorted[i]);
	EXPECT_INT(put_logs_part(&p, 2, 2, &part), 0);
	EXPECT_STR(buf_str(&part), HEAD
		   "{\"timestamp\":1764140040005,\"message\":\"b1\"},{\"timestamp\":1764140040005,"
		   "\"message\":\"b2\"}]}");
	put_logs_done(&p);
}

static void limits(void)
{
	unit_begin("10,000 events, and no more");
	begin(false);
	for (unsigned int i = 0; i < 10000; i++)
		REQUIRE_INT(add("x", NOW), 0);
	EXPECT_INT(add("x", NOW), 1);
	put_logs_done(&p);

	unit_begin("1,048,576 bytes, and no more");
	begin(false);
	EXPECT_INT(put_logs_add(&p, big, 1048576 - 26 - 27, NOW, PUT_LOGS_BYTES_MAX), 0);
	EXPECT_INT(add("xx", NOW), 1);
	EXPECT_INT(add("x", NOW), 0);
	EXPECT_UINT(p.cost, 1048576);
	EXPECT_INT(add("x", NOW), 1);
	put_logs_done(&p);

	unit_begin("an event alone: 1,048,576 bytes, and no more; none without a message");
	begin(false);
	EXPECT_INT(put_logs_add(&p, big, 1048576 - 26 + 1, NOW, PUT_LOGS_BYTES_MAX), -EINVAL);
	EXPECT_INT(add("", NOW), -EINVAL);
	EXPECT_INT(add("x", -1), -EINVAL);
	EXPECT_UINT(p.n, 0);
	EXPECT_INT(put_logs_add(&p, big, 1048576 - 26, NOW, PUT_LOGS_BYTES_MAX), 0);
	put_logs_done(&p);

	unit_begin("a share: the first event may be beyond it");
	begin(false);
	EXPECT_INT(put_logs_add(&p, big, 5000, NOW, 1000), 0);
	EXPECT_INT(put_logs_add(&p, "x", 1, NOW, 1000), 1);
	put_logs_done(&p);

	unit_begin("24 hours, and no more, either way");
	begin(false);
	EXPECT_INT(add("x", NOW), 0);
	EXPECT_INT(add("x", NOW + 86400000 + 1), 1);
	EXPECT_INT(add("x", NOW + 86400000), 0);
	EXPECT_INT(add("x", NOW - 1), 1);
	put_logs_done(&p);

	unit_begin("one UTC day");
	begin(true);
	EXPECT_INT(add("x", 1764201599999), 0); /* 2025-11-26T23:59:59.999Z */
	EXPECT_INT(add("x", 1764201600000), 1);
	EXPECT_INT(add("x", 1764115200000), 0);
	EXPECT_INT(add("x", 1764115199999), 1);
	put_logs_done(&p);
}

/* Six bytes of JSON a byte. */
static void control_characters(void)
{
	char *text = malloc(1048550);

	memset(text, 1, 1048550);
	begin(false);
	EXPECT_INT(put_logs_add(&p, text, 1048550, NOW, PUT_LOGS_BYTES_MAX), 0);
	EXPECT_INT(put_logs_end(&p), 0);
	EXPECT(p.body.len > 6 * 1048550);
	put_logs_done(&p);
	begin(false);
	for (unsigned int i = 0; i < 3; i++)
		EXPECT_INT(put_logs_add(&p, text, 100000, NOW, PUT_LOGS_BYTES_MAX), 0);
	EXPECT_INT(put_logs_add(&p, text, 100000, NOW, PUT_LOGS_BYTES_MAX), 1);
	EXPECT_INT(put_logs_end(&p), 0);
	EXPECT(p.body.len < PUT_LOGS_BODY_AIM + 100);
	put_logs_done(&p);
	free(text);
}

static void memory(void)
{
	for (unsigned int n = 1; nomem_again(n); n++) {
		int err = put_logs_begin(&p, "g", "s", false);

		for (int i = 0; i < 100 && !err; i++)
			err = add("a message that is not the shortest", NOW - i);
		if (!err)
			err = put_logs_end(&p);
		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		if (!err)
			EXPECT_UINT(p.n, 100);
		put_logs_done(&p);
	}
}

static void names(void)
{
	static const struct {
		const char *name, *pattern, *instance_id, *stream, *group;
	} rows[] = {
		{ "all place-holders", "{name}/{instance_id}/{host}/{date}", "i-0abc",
		  "app log/i-0abc/web.1/2025-11-26", "app-log/i-0abc/web.1/" },
		{ "without an instance", "{instance_id}", NULL, "web.1", "web.1" },
		{ "what may not stand there",
		  "a:b*c\n\xff"
		  "d",
		  NULL, "a-b-c--d", "a-b-c--d" },
		{ "others than ASCII", "\xc3\xa4{", NULL, "\xc3\xa4{", "--" },
		{ "what is no place-holder", "{nam}{name", NULL, "{nam}{name", "-nam--name" },
		{ "nothing", "", NULL, "app log", "app-log" },
	};
	char stream[LOG_NAME_MAX + 1], group[LOG_NAME_MAX + 1], longest[1000];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct log_names n = { "app log", rows[i].instance_id, "web.1" };

		unit_begin("names: %s", rows[i].name);
		log_names_stream(rows[i].pattern, &n, NOW, stream);
		EXPECT_STR(stream, rows[i].stream);
		log_names_group(rows[i].pattern, &n, group);
		EXPECT_INT(strncmp(group, rows[i].group, strlen(rows[i].group)), 0);
	}
	unit_begin("names: too long");
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	log_names_stream(longest, &(struct log_names){ "n", NULL, "h" }, NOW, stream);
	EXPECT(strlen(stream) <= LOG_NAME_MAX && strlen(stream) > LOG_NAME_MAX - 4);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a request, as it is sent", plain },
		{ "every byte of ASCII, wherever it stands", every_byte },
		{ "in the order of time, and of the same time as they came", order },
		{ NULL, limits },
		{ "control characters", control_characters },
		{ "every allocation may fail", memory },
		{ NULL, names },
	};
	int status;

	big = malloc(1 << 20);
	memset(big, 'x', 1 << 20);
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	free(big);
	return status;
}
