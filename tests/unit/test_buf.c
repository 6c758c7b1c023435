/* SPDX-License-Identifier: MIT */
/* The growing buffer: contents, maximum, errors that stick, memory that runs out. */
#include "unit.h"

#include "nomem.h"

#include "base/buf.c"

static void appends(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(1000);

	EXPECT_STR(buf_str(&b), "");
	EXPECT_INT(buf_add_str(&b, "one "), 0);
	EXPECT_INT(buf_add_char(&b, '2'), 0);
	EXPECT_INT(buf_add(&b, " three", 6), 0);
	EXPECT_INT(buf_add(&b, "", 0), 0);
	EXPECT_INT(buf_add_u64(&b, 0), 0);
	EXPECT_INT(buf_add_u64(&b, UINT64_MAX), 0);
	EXPECT_INT(buf_printf(&b, " %s-%d", "x", -5), 0);
	EXPECT_STR(buf_str(&b), "one 2 three018446744073709551615 x--5");
	EXPECT_UINT(b.len, strlen(b.data));
}

static void keeps_nul_bytes(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(10);

	EXPECT_INT(buf_add(&b, "a\0b", 3), 0);
	EXPECT_BYTES(b.data, b.len, "a\0b", 3);
}

static void prints_over_its_size(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(1000);
	char expected[901];

	memset(expected, ' ', sizeof(expected));
	memcpy(expected + 897, "end", 4);
	EXPECT_INT(buf_printf(&b, "%900s", "end"), 0);
	EXPECT_STR(buf_str(&b), expected);
	EXPECT_INT(buf_printf(&b, "%s", ""), 0);
	EXPECT_UINT(b.len, 900);
}

static void refuses_over_the_maximum(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(8);

	EXPECT_INT(buf_add_str(&b, "12345678"), 0);
	EXPECT_INT(buf_add(&b, "", 0), 0);
	EXPECT_INT(buf_add_char(&b, '9'), -EFBIG);
	EXPECT_STR(buf_str(&b), "12345678");
	EXPECT_INT(buf_add(&b, "", 0), -EFBIG);
	EXPECT_INT(buf_printf(&b, "%s", ""), -EFBIG);
	EXPECT_STR(buf_str(&b), "12345678");
	buf_reset(&b);
	EXPECT_INT(buf_printf(&b, "%s", "123456789"), -EFBIG);
	EXPECT_STR(buf_str(&b), "");
	buf_reset(&b);
	EXPECT_INT(buf_add(&b, "x", SIZE_MAX), -EFBIG);
	buf_reset(&b);
	EXPECT_INT(buf_printf(&b, "%s", "12345678"), 0);
	EXPECT_STR(buf_str(&b), "12345678");
}

static void gives_its_text_away(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(8);
	char *text = buf_steal(&b);

	EXPECT_STR(text, "");
	free(text);
	buf_add_str(&b, "mine");
	text = buf_steal(&b);
	EXPECT_STR(text, "mine");
	EXPECT_UINT(b.len, 0);
	EXPECT_UINT(b.max, 8);
	free(text);
}

static void survives_lack_of_memory(void)
{
	for (unsigned int n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf b = BUF_INIT(100000);
		char text[300];
		size_t before = 0;

		memset(text, 'x', sizeof(text));
		for (int i = 0; i < 50 && !b.err; i++) {
			before = b.len;
			buf_add(&b, text, sizeof(text));
			if (!b.err)
				before = b.len;
			buf_printf(&b, "%d", i);
		}
		EXPECT_INT(b.err, nomem_hit() ? -ENOMEM : 0);
		EXPECT(b.len >= before);
		EXPECT_UINT(strlen(buf_str(&b)), b.len);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "text, bytes and numbers are appended", appends },
		{ "a NUL byte is a byte like others", keeps_nul_bytes },
		{ "printing more than was allocated grows it", prints_over_its_size },
		{ "what would pass the maximum changes nothing, and the error stays",
		  refuses_over_the_maximum },
		{ "stolen text is the caller's", gives_its_text_away },
		{ "the nth allocation failing changes nothing", survives_lack_of_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
