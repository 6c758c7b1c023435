/* SPDX-License-Identifier: MIT */
/* Keys, their JSON, and the times in it. */
#include "unit.h"

#include <malloc.h>

#include "nomem.h"

static struct {
	bool on, dirty;
	unsigned int freed;
} watch;

/* In the place of free(): whether a block still holds a secret. */
static void watch_free(void *p)
{
	if (watch.on && p) {
		watch.freed++;
		watch.dirty = watch.dirty || memmem(p, malloc_usable_size(p), "hush", 4);
	}
	free(p);
}

static void *zeroed(size_t n)
{
	return nomem_calloc(1, n); /* so that all of it may be looked at */
}

#undef malloc
#define malloc zeroed
#define free watch_free
#include "aws/keys.c"
#undef free
#include "aws/timestamp.c"

static void iso(void)
{
	static const struct {
		const char *text;
		time_t time; /* -1: refused */
	} rows[] = {
		{ "2026-11-26T10:00:00Z", 1795687200 },
		{ "2026-11-26T10:00:00.5Z", 1795687200 },
		{ "2026-11-26T10:00:00.123456789Z", 1795687200 },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2024-02-29T23:59:59Z", 1709251199 },
		{ "2000-02-29T00:00:00Z", 951782400 },
		{ "2023-02-29T00:00:00Z", -1 },
		{ "2100-02-29T00:00:00Z", -1 },
		{ "2026-04-31T00:00:00Z", -1 },
		{ "2026-00-10T00:00:00Z", -1 },
		{ "2026-13-10T00:00:00Z", -1 },
		{ "2026-01-00T00:00:00Z", -1 },
		{ "2026-11-26T24:00:00Z", -1 },
		{ "2026-11-26T10:60:00Z", -1 },
		{ "2026-11-26T10:00:60Z", -1 },
		{ "2026-11-26T10:00:00", -1 },
		{ "2026-11-26T10:00:00z", -1 },
		{ "2026-11-26T10:00:00+00:00", -1 },
		{ "2026-11-26 10:00:00Z", -1 },
		{ "2026-11-26T10:00:00.Z", -1 },
		{ "2026-11-26T10:00:00.1234567890Z", -1 },
		{ "2026-11-26T10:00:00Z ", -1 },
		{ " 2026-11-26T10:00:00Z", -1 },
		{ "-026-11-26T10:00:00Z", -1 },
		{ "1969-12-31T23:59:59Z", -1 },
		{ "2026-11", -1 },
		{ "", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		time_t t = -1;

		unit_begin("time: \"%s\"", rows[i].text);
		EXPECT_INT(timestamp_parse(rows[i].text, &t), rows[i].time < 0 ? -EINVAL : 0);
		EXPECT_INT(t, rows[i].time);
	}
}

static void http(void)
{
	time_t t = -1;

	EXPECT_INT(timestamp_parse_http("Thu, 26 Nov 2026 10:00:00 GMT", &t), 0);
	EXPECT_INT(t, 1795687200);
	EXPECT_INT(timestamp_parse_http("Thu, 26 Nov 2026 10:00:00 GMT ", &t), -EINVAL);
	EXPECT_INT(timestamp_parse_http("Thu, 26 Nov 2026 10:00:00 UTC", &t), -EINVAL);
	EXPECT_INT(timestamp_parse_http("Thu, 26 Nvo 2026 10:00:00 GMT", &t), -EINVAL);
	EXPECT_INT(timestamp_parse_http("Thu, 31 Nov 2026 10:00:00 GMT", &t), -EINVAL);
	EXPECT_INT(timestamp_parse_http("Thursday, 26-Nov-26 10:00:00 GMT", &t), -EINVAL);
	EXPECT_INT(timestamp_parse_http("", &t), -EINVAL);
	EXPECT_INT(t, 1795687200);
}

static void sets(void)
{
	struct keys k = { 0 };
	char big[KEYS_TOKEN_MAX + 2];

	EXPECT_INT(keys_set(&k, "", "s", NULL, 0), -EINVAL);
	EXPECT_INT(keys_set(&k, "a", "", NULL, 0), -EINVAL);
	EXPECT_INT(keys_set(&k, "a\n", "s", NULL, 0), -EINVAL);
	EXPECT_INT(keys_set(&k, "a", "s\xc3\xa4", NULL, 0), -EINVAL);
	EXPECT_INT(keys_set(&k, "a", "s", "t\r\nX: y", 0), -EINVAL);
	memset(big, 'x', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	EXPECT_INT(keys_set(&k, "a", "s", big, 0), -EINVAL);
	EXPECT_INT(keys_set(&k, big, "s", "", 0), -EINVAL);
	EXPECT(!k.id && !k.secret && !k.token);
	big[sizeof(big) - 2] = '\0';
	EXPECT_INT(keys_set(&k, "a", "s", big, 7), 0);
	EXPECT_INT(k.expires, 7);
	keys_done(&k);
	EXPECT_INT(keys_set(&k, "a", "s", "", 0), 0);
	EXPECT(!k.token);
	keys_done(&k);
	EXPECT(!k.id);
}

static const char good[] =
	"{\"Code\":\"Success\",\"LastUpdated\":\"x\",\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":"
	"\"hush\",\"Token\":\"hush-t\",\"Expiration\":\"2026-11-26T10:00:00Z\"}";

static void json(void)
{
	static const struct {
		const char *name, *text;
		bool wants_code;
		int err;
		const char *why;
	} rows[] = {
		{ "as it is", good, true, 0, "" },
		{ "without a token and an end",
		  "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\"}", false, 0, "" },
		{ "no code", "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\"}", true, -EPROTO,
		  "its answer has no Code" },
		{ "another code", "{\"Code\":\"Failed\"}", true, -EACCES, "the error Failed" },
		{ "another code, and keys",
		  "{\"Code\":\"Failed\",\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\"}", false,
		  -EACCES, "the error Failed" },
		{ "a container's error", "{\"code\":\"X\",\"message\":\"of\\u001b[2J course\"}",
		  false, -EACCES, "the error X: of?[2J course" },
		{ "an end that is none",
		  "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"hush\",\"Expiration\":\"soon\"}",
		  false, -EPROTO, "the Expiration of its answer is no time" },
		{ "a secret that is a number", "{\"AccessKeyId\":\"A\",\"SecretAccessKey\":1}",
		  false, -EPROTO, "no AccessKeyId, SecretAccessKey and Token" },
		{ "a line in the id", "{\"AccessKeyId\":\"A\\nB\",\"SecretAccessKey\":\"hush\"}",
		  false, -EPROTO, "no AccessKeyId, SecretAccessKey and Token" },
		{ "an array", "[]", false, -EPROTO, "not the JSON" },
		{ "more behind it", "{\"AccessKeyId\":\"hush\"} x", false, -EPROTO,
		  "not the JSON" },
		{ "nothing", "", false, -EPROTO, "not the JSON" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct keys k = { 0 };

		unit_begin("JSON: %s", rows[i].name);
		EXPECT_INT(keys_parse_json(rows[i].text, strlen(rows[i].text), rows[i].wants_code,
					   &k, &why),
			   rows[i].err);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		EXPECT(!strstr(buf_str(&why), "hush"));
		EXPECT(!k.id == !!rows[i].err);
		keys_done(&k);
	}
}

static void without_memory(void)
{
	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct keys k = { 0 };
		int err = keys_parse_json(good, sizeof(good) - 1, true, &k, &why);

		/* (jansson does not say why it has no object) */
		if (nomem_hit())
			EXPECT(err == -ENOMEM || err == -EPROTO);
		else
			EXPECT_INT(err, 0);
		EXPECT(!k.id == !!err);
		keys_done(&k);
	}
}

static void wiped(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct keys k = { 0 };

	watch.on = true;
	EXPECT_INT(keys_parse_json(good, sizeof(good) - 1, true, &k, &why), 0);
	keys_done(&k);
	watch.on = false;
	EXPECT(watch.freed > 10);
	EXPECT(!watch.dirty);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, iso },
		{ "times of HTTP", http },
		{ "what can be a key", sets },
		{ NULL, json },
		{ "no memory", without_memory },
		{ "all memory is wiped before it is freed", wiped },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
