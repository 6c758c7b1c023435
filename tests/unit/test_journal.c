/* SPDX-License-Identifier: MIT */
/* Lines of `journalctl -o json`. */
#include "unit/unit.h"

#include "logs/journal.h"

#define META "\"__CURSOR\":\"s=1;i=2\",\"__REALTIME_TIMESTAMP\":\"1764140040123456\""

static void lines(void)
{
	static const struct {
		const char *name, *line;
		int err;
		const char *message;
		int priority;
	} rows[] = {
		{ "a text", "{" META ",\"PRIORITY\":\"3\",\"MESSAGE\":\"hello\"}", 0, "hello", 3 },
		{ "bytes", "{" META ",\"MESSAGE\":[104,255,10,105]}", 0, "h\xff\ni", -1 },
		{ "several", "{" META ",\"MESSAGE\":[\"one\",\"two\"]}", 0, "one", -1 },
		{ "several of bytes", "{" META ",\"MESSAGE\":[[65,66],[67]]}", 0, "AB", -1 },
		{ "newlines at the end", "{" META ",\"MESSAGE\":\"a\\n\\nb\\n\\n\"}", 0, "a\n\nb",
		  -1 },
		{ "only newlines", "{" META ",\"MESSAGE\":\"\\n\\n\"}", -ENODATA, "", -1 },
		{ "null", "{" META ",\"MESSAGE\":null}", -ENODATA, "", -1 },
		{ "none", "{" META "}", -ENODATA, "", -1 },
		{ "an empty one", "{" META ",\"MESSAGE\":\"\"}", -ENODATA, "", -1 },
		{ "a priority that is none", "{" META ",\"PRIORITY\":\"9\",\"MESSAGE\":\"x\"}", 0,
		  "x", -1 },
		{ "bytes that are none", "{" META ",\"MESSAGE\":[256]}", -EPROTO, "", 0 },
		{ "a negative byte", "{" META ",\"MESSAGE\":[1,-1]}", -EPROTO, "", 0 },
		{ "a text among bytes", "{" META ",\"MESSAGE\":[1,\"x\"]}", -EPROTO, "", 0 },
		{ "no cursor", "{\"__REALTIME_TIMESTAMP\":\"1\",\"MESSAGE\":\"x\"}", -EPROTO, "",
		  0 },
		{ "no time", "{\"__CURSOR\":\"s\",\"MESSAGE\":\"x\"}", -EPROTO, "", 0 },
		{ "no object", "[1]", -EPROTO, "", 0 },
		{ "no JSON", "-- No entries --", -EPROTO, "", 0 },
		{ "nothing", "", -EPROTO, "", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf message = BUF_INIT(1000);
		struct journal_entry e;

		unit_begin("an entry: %s", rows[i].name);
		EXPECT_INT(journal_parse(rows[i].line, strlen(rows[i].line), &message, &e),
			   rows[i].err);
		if (rows[i].err == -EPROTO)
			continue;
		EXPECT_STR(e.cursor, "s=1;i=2");
		EXPECT_INT(e.priority, rows[i].priority);
		EXPECT_INT((int)(e.time_ms % 1000000), 40123);
		EXPECT_STR(buf_str(&message), rows[i].message);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = { { NULL, lines } };

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
