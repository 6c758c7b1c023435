/* SPDX-License-Identifier: MIT */
/* Prose is broken between words, at 80 columns. */
#include "unit.h"

#include "cmd/wrap.h"

#define TEN "123456789 "
#define SEVENTY TEN TEN TEN TEN TEN TEN TEN
#define LONG \
	"123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
/* As many columns as one, in twice the bytes. */
#define WIDE "\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1\xc3\xb1 "

static void lines(void)
{
	static const struct {
		const char *name, *lead;
		size_t indent;
		const char *text;
		size_t len;
		const char *expected;
	} rows[] = {
		{ "nothing", "a ", 2, "", 0, "a \n" },
		{ "a line", "a ", 2, "b c", 3, "a b c\n" },
		{ "80 columns", "", 2, SEVENTY "1234567890", 80, SEVENTY "1234567890\n" },
		{ "81 columns", "", 2, SEVENTY "12345678901", 81,
		  TEN TEN TEN TEN TEN TEN "123456789\n  12345678901\n" },
		{ "the lead counts", "12345", 5, SEVENTY "x", 71, "12345" SEVENTY "x\n" },
		{ "what goes on is indented", "1234567890", 3, SEVENTY "x y", 73,
		  "1234567890" TEN TEN TEN TEN TEN TEN "123456789\n   x y\n" },
		{ "a character is a column", "", 0, WIDE WIDE WIDE WIDE WIDE WIDE WIDE "1234567890",
		  143, WIDE WIDE WIDE WIDE WIDE WIDE WIDE "1234567890\n" },
		{ "no further than its length", "", 1, "a " TEN "b", 4, "a 12\n" },
		{ "a word longer than a line", "", 1, "a " LONG " b", 94, "a\n " LONG "\n b\n" },
		{ "not beyond a newline", "", 1, "a\nb", 3, "a\n" },
		{ "spaces", "", 1, "a   b", 5, "a b\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(1000);

		unit_begin("wrapped: %s", rows[i].name);
		wrap_line(rows[i].lead, rows[i].indent, rows[i].text,
			  rows[i].len > strlen(rows[i].text) ? strlen(rows[i].text) : rows[i].len,
			  &out);
		EXPECT_STR(buf_str(&out), rows[i].expected);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, lines },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
