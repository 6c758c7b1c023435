/* SPDX-License-Identifier: MIT */
/*
 * Which segments are identifiers. A name that is one in a million is worse than two routes
 * under one label, so what looks made by a machine is taken for one; configured patterns are
 * there for the rest.
 *
 * Invariant: {id} has no byte that makes a rule of this file match, and a replaced part never gets
 * longer; so naming a name changes nothing.
 */
#include "metrics/route_name.h"

#include <stdbool.h>
#include <string.h>

#include "base/util.h"

#define ID "{id}"
#define UUID_LENGTH 36

enum byte_class {
	DIGIT = 1 << 0,
	LOWER = 1 << 1,
	UPPER = 1 << 2,
	HEX = 1 << 3,
	NUMBER_MARK = 1 << 4, /* found in numbers, dates, times, addresses */
	TOKEN_MARK = 1 << 5,  /* found in base64 and its relatives */
	ENCODED = 1 << 6,     /* means something in a path */
};

static const unsigned char classes[256] = {
	['0' ... '9'] = DIGIT | HEX,
	['a' ... 'f'] = LOWER | HEX,
	['g' ... 'z'] = LOWER,
	['A' ... 'F'] = UPPER | HEX,
	['G' ... 'S'] = UPPER,
	['T'] = UPPER | NUMBER_MARK,
	['U' ... 'Y'] = UPPER,
	['Z'] = UPPER | NUMBER_MARK,
	['-'] = NUMBER_MARK | TOKEN_MARK,
	['+'] = NUMBER_MARK | TOKEN_MARK,
	['_'] = NUMBER_MARK | TOKEN_MARK,
	['='] = TOKEN_MARK,
	['~'] = TOKEN_MARK,
	['.'] = NUMBER_MARK,
	[','] = NUMBER_MARK,
	[':'] = NUMBER_MARK,
	['/'] = ENCODED,
	['%'] = ENCODED,
	['?'] = ENCODED,
	['#'] = ENCODED,
	[';'] = ENCODED,
};

static bool is(char c, unsigned int class)
{
	return classes[(unsigned char)c] & class;
}

/* What the rules below want to know of a piece of text. */
struct census {
	size_t digits, letters, lower, hex, number, token; /* how many bytes are such */
	size_t digit_runs, longest_run;
};

static struct census census_of(const char *s, size_t n)
{
	struct census c = { 0 };
	size_t run = 0;

	for (size_t i = 0; i < n; i++) {
		c.digits += is(s[i], DIGIT);
		c.letters += is(s[i], LOWER | UPPER);
		c.lower += is(s[i], LOWER);
		c.hex += is(s[i], HEX);
		c.number += is(s[i], DIGIT | NUMBER_MARK);
		c.token += is(s[i], DIGIT | LOWER | UPPER | TOKEN_MARK);
		run = is(s[i], DIGIT) ? run + 1 : 0;
		c.digit_runs += run == 1;
		if (run > c.longest_run)
			c.longest_run = run;
	}
	return c;
}

/* 42, -1, 3.14, 2026-11-23, 10:30:00, 2026-11-23T10:30:00Z, 10.0.0.1 */
static bool is_number(const char *s, size_t n, const struct census *c)
{
	bool sign = n > 1 && (s[0] == '-' || s[0] == '+');

	return n && c->number == n && is(s[sign], DIGIT);
}

static bool is_hexadecimal(const char *s, size_t n, const struct census *c)
{
	if (n > 2 && s[0] == '0' && (s[1] | 0x20) == 'x')
		return c->hex == n - 1;
	return n >= 8 && c->digits && c->hex == n;
}

static bool is_uuid(const char *s)
{
	for (size_t i = 0; i < UUID_LENGTH; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !is(s[i], HEX))
			return false;
	}
	return true;
}

static bool has_uuid(const char *s, size_t n)
{
	for (size_t i = 0; i + UUID_LENGTH <= n; i++)
		if (is_uuid(s + i))
			return true;
	return false;
}

/* dQw4w9WgXcQ, k3j9x2m1p0, user12345: letters and digits as nobody writes a word. */
static bool is_random(size_t n, const struct census *c)
{
	if (c->longest_run >= 5)
		return true;
	if (c->digits + c->letters != n)
		return false;
	if (n >= 8 && c->lower && c->lower < c->letters && c->digit_runs >= 2)
		return true;
	return n >= 10 && c->digit_runs >= 3;
}

static bool is_long_token(size_t n, const struct census *c)
{
	return n >= 20 && c->digits && c->token == n;
}

/* A part between dots is a long token: a JWT and its like. */
static bool has_long_part(const char *s, size_t n)
{
	for (size_t at = 0, len; at < n; at += len + 1) {
		const char *dot = memchr(s + at, '.', n - at);
		struct census c;

		len = (dot ? (size_t)(dot - s) : n) - at;
		c = census_of(s + at, len);
		if (is_long_token(len, &c))
			return true;
	}
	return false;
}

/* name@host.example, but not the picture "logo@2x.png" */
static bool is_email(const char *s, size_t n)
{
	const char *at = n > 1 ? memrchr(s + 1, '@', n - 1) : NULL;
	size_t left = at ? (size_t)(s + n - at) : 0;

	if (left > 3 && is(at[1], DIGIT) && at[2] == 'x' && at[3] == '.')
		return false;
	return at && memchr(at, '.', left);
}

static bool is_identifier(const char *s, size_t n)
{
	struct census c = census_of(s, n);

	return is_number(s, n, &c) || is_hexadecimal(s, n, &c) || is_random(n, &c) ||
	       has_uuid(s, n) || has_long_part(s, n);
}

/* A part of a file's name, between two of ".-_". */
static bool is_file_part_id(const char *s, size_t n)
{
	struct census c = census_of(s, n);

	return (c.digits == n && n >= 4) || is_hexadecimal(s, n, &c) || is_random(n, &c) ||
	       is_long_token(n, &c);
}

/* The length of the name before its extension (".js", ".mp4", ".woff2"); 0: it has none. */
static size_t stem_length(const char *s, size_t n)
{
	const char *dot = memrchr(s, '.', n);
	size_t stem, extension;

	if (!dot || dot == s)
		return 0;
	stem = (size_t)(dot - s);
	extension = n - stem - 1;
	if (extension < 1 || extension > 5 || is(dot[1], DIGIT))
		return 0;
	for (size_t i = 1; i <= extension; i++)
		if (!is(dot[i], DIGIT | LOWER | UPPER))
			return 0;
	return stem;
}

struct writer {
	char *to;
	size_t len;
};

static void write_id(struct writer *w)
{
	memcpy(w->to + w->len, ID, strlen(ID));
	w->len += strlen(ID);
}

/* Text, with what would mean something else in a path encoded. */
static void write_text(struct writer *w, const char *s, size_t n)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < n; i++) {
		if (!is(s[i], ENCODED)) {
			w->to[w->len++] = s[i];
			continue;
		}
		w->to[w->len++] = '%';
		w->to[w->len++] = digits[(unsigned char)s[i] >> 4];
		w->to[w->len++] = digits[(unsigned char)s[i] & 15];
	}
}

static bool is_whole_stem_id(const char *s, size_t n)
{
	struct census c = census_of(s, n);

	return is_number(s, n, &c) || has_uuid(s, n) || is_hexadecimal(s, n, &c);
}

static bool is_separator(char c)
{
	return c == '.' || c == '-' || c == '_';
}

static void write_stem(struct writer *w, const char *s, size_t n)
{
	for (size_t at = 0, len; at < n; at += len) {
		for (len = 0; at + len < n && !is_separator(s[at + len]);)
			len++;
		if (is_file_part_id(s + at, len))
			write_id(w);
		else
			write_text(w, s + at, len);
		if (at + len < n)
			write_text(w, s + at + len++, 1);
	}
}

size_t route_name_segment(const char *s, size_t n, char *to)
{
	struct writer w = { .to = to };
	size_t stem = stem_length(s, n);

	if (n > ROUTE_NAME_SEGMENT_MAX || is_email(s, n)) {
		write_id(&w);
	} else if (stem) {
		if (is_whole_stem_id(s, stem))
			write_id(&w);
		else
			write_stem(&w, s, stem);
		write_text(&w, s + stem, n - stem);
	} else if (is_identifier(s, n)) {
		write_id(&w);
	} else {
		write_text(&w, s, n);
	}
	return w.len;
}
