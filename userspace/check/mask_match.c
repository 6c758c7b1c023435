/* SPDX-License-Identifier: MIT */
/* One character after the other. Invariant: nothing behind the n bytes of the text is looked at. */
#include "check/mask_match.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define BACKSLASHES_MAX 15

struct text {
	const char *at, *end;
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number that @digits bytes of @at write. */
static bool read_hex(const struct text *t, const char *at, unsigned int digits, uint32_t *ret)
{
	if (t->end - at < (ptrdiff_t)digits)
		return false;
	*ret = 0;
	for (unsigned int i = 0; i < digits; i++) {
		const int digit = hex_digit(at[i]);

		if (digit < 0)
			return false;
		*ret = *ret << 4 | (uint32_t)digit;
	}
	return true;
}

static size_t count_backslashes(const struct text *t, const char *at)
{
	size_t n = 0;

	while (n < BACKSLASHES_MAX && t->end - at > (ptrdiff_t)n && at[n] == '\\')
		n++;
	return n;
}

static size_t encode(uint32_t c, char to[4])
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 0x3f));
		to[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 0x3f));
	to[2] = (char)(0x80 | (c >> 6 & 0x3f));
	to[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* "d83d\ude00" behind a \u: two halves of one character. */
static uint32_t join_halves(const struct text *t, uint32_t high, const char **at)
{
	const size_t n = count_backslashes(t, *at);
	const char *low_at = *at + n + 1;
	uint32_t low;

	if (high < 0xd800 || high > 0xdbff || !n || t->end - *at <= (ptrdiff_t)n ||
	    (*at)[n] != 'u' || !read_hex(t, low_at, 4, &low) || low < 0xdc00 || low > 0xdfff)
		return high;
	*at = low_at + 4;
	return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
}

/* Takes \u0061 or \x61, whose letter is at @at, if that is the next of @secret. */
static bool take_number(struct text *t, const char *at, const char **secret)
{
	const unsigned int digits = *at == 'u' ? 4 : *at == 'x' ? 2 : 0;
	char bytes[4];
	uint32_t c;
	size_t n;

	if (!digits || !read_hex(t, ++at, digits, &c))
		return false;
	at += digits;
	if (digits == 4)
		c = join_halves(t, c, &at);
	/* \x is a byte's in nginx and in Python's bytes, a character's in its texts. */
	if (digits == 2 && (char)c == **secret)
		n = 1;
	else if (n = encode(c, bytes), c != '\\' && strncmp(*secret, bytes, n) != 0)
		return false;
	t->at = at;
	*secret += c == '\\' ? 0 : n;
	return true;
}

static bool take_letter(struct text *t, const char *at, const char **secret)
{
	static const char letters[] = "nrtbf", meant[] = "\n\r\t\b\f";
	const char *letter = memchr(letters, *at, sizeof(letters) - 1);

	if (!letter || meant[letter - letters] != **secret)
		return false;
	t->at = at + 1;
	++*secret;
	return true;
}

/* %61, and %2561, which is %61 once more. */
static bool take_percent(struct text *t, const char **secret)
{
	const char *at = t->at + 1;
	uint32_t c;

	for (int level = 0; level < 3 && t->end - at > 2 && at[0] == '2' && at[1] == '5' &&
			    read_hex(t, at + 2, 2, &c);
	     level++)
		at += 2;
	if (!read_hex(t, at, 2, &c) || (c != '\\' && (char)c != **secret))
		return false;
	t->at = at + 2;
	*secret += c != '\\';
	return true;
}

/* Takes what stands for the next character of @secret. */
static bool take_one(struct text *t, const char **secret)
{
	const size_t n = count_backslashes(t, t->at);
	const char *at = t->at + n;

	if (at >= t->end)
		return false;
	if (n && (take_number(t, at, secret) || take_letter(t, at, secret)))
		return true;
	if (!n && *at == '%' && take_percent(t, secret))
		return true;
	if (*at != **secret && (n || *at != '+' || **secret != ' '))
		return false;
	t->at = at + 1;
	++*secret;
	return true;
}

size_t mask_match(const char *text, size_t n, const char *secret)
{
	struct text t = { text, text + n };

	for (;;) {
		secret += strspn(secret, "\\");
		if (!*secret)
			return (size_t)(t.at - text);
		if (!take_one(&t, &secret))
			return 0;
	}
}
