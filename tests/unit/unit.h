/* SPDX-License-Identifier: MIT */
/*
 * A tiny harness for test programs written in C.
 *
 *   static void adds_up(void)
 *   {
 *   	EXPECT_INT(add(2, 2), 4);
 *   }
 *
 *   int main(int argc, char **argv)
 *   {
 *   	static const struct unit_case cases[] = {
 *   		{ "two and two are four", adds_up },
 *   	};
 *   	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
 *   }
 *
 * A case is a function, or, for a table, whatever the function reports with unit_begin(): each row
 * of a table may be a case of its own:
 *
 *   for (i = 0; i < ARRAY_SIZE(rows); i++) {
 *   	unit_begin("%s", rows[i].name);
 *   	EXPECT_INT(parse(rows[i].text), rows[i].expected);
 *   }
 *
 * Each case prints one line: `ok NAME`, `FAIL NAME: got ..., expected ...` (the first failure of
 * the case) or `SKIP NAME: why`; exit status 0, 1 if one failed, 77 if all were skipped. A
 * program that dies in the middle of a case is counted as failed by tests/run.
 * Arguments name the cases to run (part of the name is enough).
 * An EXPECT_ goes on after a failure; a REQUIRE_ returns from the function that it stands in.
 */
#ifndef ISAMON_UNIT_H
#define ISAMON_UNIT_H

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

#define UNIT_USED_ __attribute__((unused))

struct unit_case {
	const char *name;
	void (*run)(void);
};

enum unit_result { UNIT_OK, UNIT_FAIL, UNIT_SKIP };

static struct {
	char name[160];
	char why[2048];
	enum unit_result result;
	bool open; /* a case has begun and was not reported yet */
	unsigned int n[3];
	int argc;
	char **argv;
} unit_state;

/* Reports the case that is open, if any. */
UNIT_USED_ static void unit_end(void)
{
	static const char *const words[] = { "ok", "FAIL", "SKIP" };

	if (!unit_state.open)
		return;
	unit_state.open = false;
	unit_state.n[unit_state.result]++;
	printf("%s %s%s%s\n", words[unit_state.result], unit_state.name,
	       unit_state.result == UNIT_OK ? "" : ": ", unit_state.why);
	fflush(stdout);
}

/* Begins a case; the one before it ends. */
UNIT_USED_ static void _printf_(1, 2) unit_begin(const char *fmt, ...)
{
	va_list args;

	unit_end();
	va_start(args, fmt);
	vsnprintf(unit_state.name, sizeof(unit_state.name), fmt, args);
	va_end(args);
	unit_state.why[0] = '\0';
	unit_state.result = UNIT_OK;
	unit_state.open = true;
}

/* Copies @len bytes of text with everything that is not printable as \xNN. */
UNIT_USED_ static void unit_show(char *to, size_t size, const char *s, size_t len)
{
	size_t at = 0, i;

	if (!s) {
		snprintf(to, size, "NULL");
		return;
	}
	to[at++] = '"';
	for (i = 0; i < len && at + 8 < size; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c >= ' ' && c < 0x7f)
			to[at++] = (char)c;
		else
			at += (size_t)snprintf(to + at, size - at, "\\x%02x", c);
	}
	snprintf(to + at, size - at, "%s", i < len ? "..." : "\"");
}

UNIT_USED_ static bool _printf_(4, 5)
	unit_check(bool ok, const char *file, int line, const char *fmt, ...)
{
	char text[1900];
	va_list args;

	if (ok || unit_state.result != UNIT_OK)
		return ok;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	unit_state.result = UNIT_FAIL;
	snprintf(unit_state.why, sizeof(unit_state.why), "%s (%s:%d)", text, file, line);
	return false;
}

UNIT_USED_ static bool unit_same_int(intmax_t got, intmax_t expected, const char *what,
				     const char *file, int line)
{
	return unit_check(got == expected, file, line, "%s: got %jd, expected %jd", what, got,
			  expected);
}

UNIT_USED_ static bool unit_same_uint(uintmax_t got, uintmax_t expected, const char *what,
				      const char *file, int line)
{
	return unit_check(got == expected, file, line, "%s: got %ju, expected %ju", what, got,
			  expected);
}

UNIT_USED_ static bool unit_same_bytes(const void *got, size_t got_len, const void *expected,
				       size_t expected_len, const char *what, const char *file,
				       int line)
{
	bool same = got && expected ? got_len == expected_len && !memcmp(got, expected, got_len) :
				      got == expected;
	char a[800], b[800];

	if (same)
		return true;
	unit_show(a, sizeof(a), got, got_len);
	unit_show(b, sizeof(b), expected, expected_len);
	return unit_check(false, file, line, "%s: got %s, expected %s", what, a, b);
}

UNIT_USED_ static bool unit_same_str(const char *got, const char *expected, const char *what,
				     const char *file, int line)
{
	return unit_same_bytes(got, got ? strlen(got) : 0, expected,
			       expected ? strlen(expected) : 0, what, file, line);
}

UNIT_USED_ static bool unit_near(double got, double expected, double off, const char *what,
				 const char *file, int line)
{
	return unit_check(got >= expected - off && got <= expected + off, file, line,
			  "%s: got %g, expected %g +- %g", what, got, expected, off);
}

UNIT_USED_ static bool unit_has(const char *text, const char *part, const char *what,
				const char *file, int line)
{
	char a[1600];

	if (text && strstr(text, part))
		return true;
	unit_show(a, sizeof(a), text, text ? strlen(text) : 0);
	return unit_check(false, file, line, "%s: got %s, expected \"%s\" in it", what, a, part);
}

/* clang-format off */
#define EXPECT(cond) unit_check((cond), __FILE__, __LINE__, "got false, expected %s", #cond)
#define EXPECT_INT(got, expected) unit_same_int((got), (expected), #got, __FILE__, __LINE__)
#define EXPECT_UINT(got, expected) unit_same_uint((got), (expected), #got, __FILE__, __LINE__)
#define EXPECT_STR(got, expected) unit_same_str((got), (expected), #got, __FILE__, __LINE__)
#define EXPECT_BYTES(got, got_len, expected, expected_len) \
	unit_same_bytes((got), (got_len), (expected), (expected_len), #got, __FILE__, __LINE__)
#define EXPECT_NEAR(got, expected, off) \
	unit_near((got), (expected), (off), #got, __FILE__, __LINE__)
/* That @part stands somewhere in @text. */
#define EXPECT_HAS(text, part) unit_has((text), (part), #text, __FILE__, __LINE__)
/* Fails the case with a text of its own. */
#define FAIL_CASE(...) unit_check(false, __FILE__, __LINE__, __VA_ARGS__)

#define REQUIRE(cond) do { if (!EXPECT(cond)) return; } while (0)
#define REQUIRE_INT(got, expected) do { if (!EXPECT_INT(got, expected)) return; } while (0)
#define REQUIRE_UINT(got, expected) do { if (!EXPECT_UINT(got, expected)) return; } while (0)
#define REQUIRE_STR(got, expected) do { if (!EXPECT_STR(got, expected)) return; } while (0)
/* clang-format on */

/* Says that the open case cannot be tried here, and why. Return afterwards. */
UNIT_USED_ static void _printf_(1, 2) unit_skip(const char *fmt, ...)
{
	va_list args;

	if (unit_state.result != UNIT_OK)
		return;
	va_start(args, fmt);
	vsnprintf(unit_state.why, sizeof(unit_state.why), fmt, args);
	va_end(args);
	unit_state.result = UNIT_SKIP;
}

/* Whether the command line asks for the case @name: for tables that pick rows. */
UNIT_USED_ static bool unit_wanted(const char *name)
{
	int i;

	for (i = 1; i < unit_state.argc; i++)
		if (strstr(name, unit_state.argv[i]))
			return true;
	return unit_state.argc < 2;
}

/* The exit status: after the last case of a program that does not use unit_main(). */
UNIT_USED_ static int unit_finish(void)
{
	unit_end();
	if (unit_state.n[UNIT_FAIL])
		return 1;
	return unit_state.n[UNIT_SKIP] && !unit_state.n[UNIT_OK] ? 77 : 0;
}

/* Runs each case that was asked for. A NULL name is for a function that begins its own cases. */
UNIT_USED_ static int unit_main(int argc, char **argv, const struct unit_case *cases, size_t n)
{
	size_t i;

	unit_state.argc = argc;
	unit_state.argv = argv;
	for (i = 0; i < n; i++) {
		if (cases[i].name && !unit_wanted(cases[i].name))
			continue;
		if (cases[i].name)
			unit_begin("%s", cases[i].name);
		cases[i].run();
		unit_end();
	}
	return unit_finish();
}

#endif
