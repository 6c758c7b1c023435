/* SPDX-License-Identifier: MIT */
/* Expressions: what they match and mask, what is refused, and that none takes for ever. */
#include "unit.h"

#include "nomem.h"

#include "base/buf.c"
#include "base/clock.c"
#include "logs/pattern.c"

static struct pattern *made(const char *expression)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct pattern *p = NULL;

	EXPECT_INT(pattern_new(expression, &why, &p), 0);
	EXPECT_STR(buf_str(&why), "");
	return p;
}

static void matches(void)
{
	static const struct {
		const char *expression, *text;
		bool expected;
	} rows[] = {
		{ "error", "an error", true },
		{ "error", "an Error", false },
		{ " - DEBUG - ", "x - DEBUG - y", true },
		{ " - DEBUG - ", "x - INFO - y", false },
		{ "(?i)error", "an Error", true },
		{ "^\\d{4}-", "2026-11-23", true },
		{ "^\\d{4}-", "x\n2026-11-23", false },
		{ "(?m)^\\d{4}-", "x\n2026-11-23", true },
		{ "a.b",
		  "a\xc3\xb1"
		  "b",
		  true },
		{ "a..b",
		  "a\xc3\xb1"
		  "b",
		  false },
		{ "", "", true },
		{ "x", "", false },
		{ "a(?=b)", "ab", true },
		{ "ñ", "mañana", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pattern *p = made(rows[i].expression);

		unit_begin("%s on %s", rows[i].expression, rows[i].text);
		if (EXPECT(p != NULL))
			EXPECT_INT(pattern_matches(p, rows[i].text, strlen(rows[i].text)),
				   rows[i].expected);
		pattern_free(p);
	}
}

static void masks(void)
{
	static const struct {
		const char *expression, *text, *expected;
	} rows[] = {
		{ "\\d+", "a 1 b 22 c", "a *** b *** c" },
		{ "user=(\\w+)", "user=me x user=you", "user=*** x user=***" },
		{ "user=(\\w+)|secret", "user=me secret", "user=*** ***" },
		{ "x*", "axxb", "a***b" },
		{ "", "ab", "ab" },
		{ "$", "ab", "ab" },
		{ "z", "ab", "ab" },
		{ "^a", "aaa", "***aa" },
		{ "ab", "abab", "******" },
		{ "(?=(b))", "abc", "a***c" },
		{ "a(?=.*(c))", "abcac", "abca***" },
		{ "(?<=(a))b", "ab", "***b" },
		{ "()a", "aa", "aa" },
		{ ".", "\xc3\xb1\xe2\x82\xac", "******" },
		{ "x?", "\xc3\xb1x", "\xc3\xb1***" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(1000);
		struct pattern *p = made(rows[i].expression);

		unit_begin("%s masks %s", rows[i].expression, rows[i].text);
		if (EXPECT(p != NULL))
			EXPECT_INT(pattern_mask(p, rows[i].text, strlen(rows[i].text), &out), 0);
		EXPECT_STR(buf_str(&out), rows[i].expected);
		pattern_free(p);
	}
}

static void refuses(void)
{
	static const struct {
		const char *expression, *why;
	} rows[] = {
		{ "a(b", "missing closing parenthesis, at character 4" },
		{ "[a", "missing terminating ] for character class, at character 3" },
		{ "*", "quantifier does not follow a repeatable item, at character 1" },
		{ "\xff", "UTF-8 error" },
		{ "a\\C", "using \\C is disabled" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct pattern *p = NULL;

		unit_begin("refuses row %zu", i);
		EXPECT_INT(pattern_new(rows[i].expression, &why, &p), -EINVAL);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		EXPECT(!p);
	}
}

/* Each would take hours. */
static void is_bounded(void)
{
	static const char *const rows[] = { "(a+)+[bc]", "[ab]+[cd]", "(?:a|aa)+[cd]",
					    "(.*a){20}[cd]", "(?s)(a|b)*[cd]" };
	static char text[1 << 20];

	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf out = BUF_INIT(2 << 20);
		struct pattern *p = made(rows[i]);
		uint64_t start = cpu_ns();

		unit_begin("%s is bounded", rows[i]);
		REQUIRE(p != NULL);
		EXPECT(!pattern_matches(p, text, sizeof(text)));
		EXPECT_INT(pattern_mask(p, text, sizeof(text), &out), 0);
		EXPECT_STR(buf_str(&out), PATTERN_MASK);
		/* (twice 50 ms, ten times as much under a sanitizer) */
		EXPECT(cpu_ns() - start < 2 * NS_PER_SEC);
		pattern_free(p);
	}
}

static void no_memory(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);

	for (unsigned int n = 1; nomem_again(n); n++) {
		struct pattern *p = NULL;
		int err = pattern_new("secret", &why, &p);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		EXPECT((p != NULL) == (err == 0));
		pattern_free(p);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, matches },
		{ NULL, masks },
		{ NULL, refuses },
		{ NULL, is_bounded },
		{ "without memory there is none", no_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
