/* SPDX-License-Identifier: MIT */
/* TOML: what is read of it, what is passed over, what is refused, and where. */
#include "unit.h"

#include "base/buf.h"
#include "config/toml.c"

static int note(const char *path, enum toml_type type, const char *text, void *ctx)
{
	static const char letters[] = {
		[TOML_TEXT] = 't', [TOML_INTEGER] = 'i', [TOML_BOOL] = 'b', [TOML_OTHER] = '-'
	};

	if (strcmp(path, "stop") == 0)
		return -ECANCELED;
	return buf_printf(ctx, "%s %c %s\n", path, letters[type], text);
}

static void reads(void)
{
	static const struct {
		const char *name, *text, *expected;
	} rows[] = {
		{ "nothing", "", "" },
		{ "comments and empty lines", "# a\n\n \t# b = 1\r\n", "" },
		{ "a text", "host = \"0.0.0.0\"  # all\n", "host t 0.0.0.0\n" },
		{ "a text that looks like a comment", "a = \"b # c\"", "a t b # c\n" },
		{ "escapes", "a = \"\\\"x\\\\\\t\\u00e9\\U0001F600\"",
		  "a t \"x\\\t\xc3\xa9\xf0\x9f\x98\x80\n" },
		{ "a literal text", "a = 'C:\\x'", "a t C:\\x\n" },
		{ "an empty text", "a = \"\"\nb = ''", "a t \nb t \n" },
		{ "tables", "[server]\nport=8000\n[aws . s3]\nbucket = \"b\"\n",
		  "server.port i 8000\naws.s3.bucket t b\n" },
		{ "dotted and quoted keys", "a.b.c = 1\n\"x y\".z = 2\n",
		  "a.b.c i 1\nx y.z i 2\n" },
		{ "numbers", "a = 1_000\nb = -5\nc = +7\nd = 1.5\ne = 0x10\nf = 08\n",
		  "a i 1000\nb i -5\nc i 7\nd - \ne - \nf - \n" },
		{ "yes and no", "a = true\nb = false\nc = True\n", "a b true\nb b false\nc - \n" },
		{ "dates", "a = 1979-05-27T07:32:00Z\n", "a - \n" },
		{ "lists", "a = [1, [\"]\", '#'], # x ]\n {b = 1}\n]\nc = 1\n", "a - \nc i 1\n" },
		{ "inline tables", "a = { b = \"}\", c = [1] }\nd = 2", "a - \nd i 2\n" },
		{ "long texts", "a = \"\"\"x\n\\\"\"\" \"\" b = 1\n\"\"\"\"\"\nc = 3\n",
		  "a - \nc i 3\n" },
		{ "long literal texts", "a = '''\\'''\nc = 3\n", "a - \nc i 3\n" },
		{ "lists of tables", "[[m]]\na=1\n[[m]]\na=2\n", "m.a i 1\nm.a i 2\n" },
		{ "lines of Windows and a byte order mark",
		  "\xef\xbb\xbf"
		  "a = 1\r\nb = 2\r\n",
		  "a i 1\nb i 2\n" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf seen = BUF_INIT(10000);
		unsigned int line = 0;

		unit_begin("reads %s", rows[i].name);
		EXPECT_INT(toml_parse(rows[i].text, strlen(rows[i].text), note, &seen, &line), 0);
		EXPECT_STR(buf_str(&seen), rows[i].expected);
	}
}

static void refuses(void)
{
	static const struct {
		const char *name, *text;
		unsigned int line;
		int err;
	} rows[] = {
		{ "no value", "a = 1\nb =\n", 2, -EINVAL },
		{ "no key", "= 1\n", 1, -EINVAL },
		{ "no =", "a\n", 1, -EINVAL },
		{ "a text without end", "a = \"x\nb = 1\n", 1, -EINVAL },
		{ "an unknown escape", "a = \"\\q\"\n", 1, -EINVAL },
		{ "a surrogate", "a = \"\\ud800\"\n", 1, -EINVAL },
		{ "a NUL", "a = \"\\u0000\"\n", 1, -EINVAL },
		{ "a list without end", "\n\na = [1,\n2\n", 3, -EINVAL },
		{ "a list that ends as a table", "a = [1}\n", 1, -EINVAL },
		{ "a table without end", "[a\nb = 1\n", 1, -EINVAL },
		{ "half an array of tables", "[[a]\nb = 1\n", 1, -EINVAL },
		{ "two values in a line", "a = \"b\" c = 1\n", 1, -EINVAL },
		{ "INI", "a: b\n", 1, -EINVAL },
		{ "what the caller refuses", "a = 1\nstop = 1\n", 2, -ECANCELED },
		{ "a long text without end", "a = \"\"\"x\n\n", 1, -EINVAL },
		{ "a bare return", "a = 1\rb = 2\n", 1, -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf seen = BUF_INIT(10000);
		unsigned int line = 0;

		unit_begin("refuses %s", rows[i].name);
		EXPECT_INT(toml_parse(rows[i].text, strlen(rows[i].text), note, &seen, &line),
			   rows[i].err);
		EXPECT_UINT(line, rows[i].line);
	}
}

static void is_bounded(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(100000), seen = BUF_INIT(100000);
	unsigned int line = 0;

	buf_add_str(&text, "a = \"");
	for (int i = 0; i < 5000; i++)
		buf_add_char(&text, 'x');
	buf_add_str(&text, "\"\nb = 1\n");
	EXPECT_INT(toml_parse(text.data, text.len, note, &seen, &line), 0);
	EXPECT_STR(buf_str(&seen), "a - \nb i 1\n");
	buf_reset(&text);
	for (int i = 0; i < 300; i++)
		buf_add_char(&text, 'k');
	buf_add_str(&text, " = 1\n");
	EXPECT_INT(toml_parse(text.data, text.len, note, &seen, &line), -E2BIG);
	buf_reset(&text);
	buf_add_str(&text, "a = ");
	for (int i = 0; i < 1000; i++)
		buf_add_char(&text, '[');
	EXPECT_INT(toml_parse(text.data, text.len, note, &seen, &line), -EINVAL);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, reads },
		{ NULL, refuses },
		{ "long texts are passed over, long names and deep lists refused", is_bounded },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
