/* SPDX-License-Identifier: MIT */
#include "unit.h"

#include "base/utf8.h"

static void rows(void)
{
	static const struct {
		const char *name, *text;
		size_t len; /* of its first character; 0: malformed */
		uint32_t c;
		bool plain;
	} table[] = {
		{ "an ASCII letter", "a", 1, 'a', true },
		{ "two bytes", "\xc3\xa9", 2, 0xe9, true },
		{ "three bytes", "\xe2\x82\xac", 3, 0x20ac, true },
		{ "four bytes", "\xf0\x9f\x98\x80", 4, 0x1f600, true },
		{ "the last character", "\xf4\x8f\xbf\xbf", 4, 0x10ffff, false },
		{ "beyond the last", "\xf4\x90\x80\x80", 0, 0, false },
		{ "overlong slash", "\xc0\xaf", 0, 0, false },
		{ "overlong in three", "\xe0\x80\xaf", 0, 0, false },
		{ "overlong in four", "\xf0\x80\x80\xaf", 0, 0, false },
		{ "a surrogate", "\xed\xa0\x80", 0, 0, false },
		{ "a lone continuation", "\x80", 0, 0, false },
		{ "cut after one of three", "\xe2", 0, 0, false },
		{ "cut after two of three", "\xe2\x82", 0, 0, false },
		{ "a continuation missing",
		  "\xe2\x82"
		  "a",
		  0, 0, false },
		{ "0xff", "\xff", 0, 0, false },
		{ "a newline", "\n", 1, '\n', false },
		{ "escape", "\x1b", 1, 0x1b, false },
		{ "delete", "\x7f", 1, 0x7f, false },
		{ "C1 control", "\xc2\x9b", 2, 0x9b, false },
		{ "right-to-left override", "\xe2\x80\xae", 3, 0x202e, false },
		{ "zero-width space", "\xe2\x80\x8b", 3, 0x200b, false },
		{ "byte order mark", "\xef\xbb\xbf", 3, 0xfeff, false },
		{ "line separator", "\xe2\x80\xa8", 3, 0x2028, false },
		{ "a noncharacter", "\xef\xbf\xbe", 3, 0xfffe, false },
		{ "the replacement character", "\xef\xbf\xbd", 3, 0xfffd, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		uint32_t c = 0;

		unit_begin("%s", table[i].name);
		EXPECT_UINT(utf8_next(table[i].text, strlen(table[i].text), &c), table[i].len);
		EXPECT_UINT(c, table[i].c);
		EXPECT_INT(utf8_is_plain(table[i].text, strlen(table[i].text)), table[i].plain);
	}
}

static void zero(void)
{
	EXPECT(!utf8_is_plain("a\0b", 3));
	EXPECT(utf8_is_plain("", 0));
}

static void made_plain(void)
{
	char to[20], small[4];

	utf8_make_plain("a\nb\xff\xc3\xa4\xe2\x80\xae\t\0x", 12, to, sizeof(to));
	EXPECT_STR(to, "a?b?\xc3\xa4??");
	utf8_make_plain("abcdef", 3, to, sizeof(to)); /* no NUL within */
	EXPECT_STR(to, "abc");
	utf8_make_plain("\xe2\x82", 2, to, sizeof(to));
	EXPECT_STR(to, "??");
	utf8_make_plain("ab\xc3\xa4", 10, small, sizeof(small));
	EXPECT_STR(small, "ab");
	utf8_make_plain("abc\n", 10, small, sizeof(small));
	EXPECT_STR(small, "abc");
	utf8_make_plain("", 0, small, 1);
	EXPECT_STR(small, "");
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, rows },
		{ "a zero byte is not plain, nothing is", zero },
		{ "what is not plain becomes a question mark", made_plain },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
