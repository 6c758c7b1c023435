/* SPDX-License-Identifier: MIT */
/* Runs of ASCII, which is nearly all that logs have, go eight bytes at a time. */
#include "logs/clean.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"

#define ONES 0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

static const char replacement[] = "\xef\xbf\xbd";

static bool is_ascii(char c)
{
	return (signed char)c > 0;
}

/* How many bytes of @s are ASCII, and no NUL. */
static size_t ascii_len(const char *s, size_t n)
{
	size_t i = 0;

	for (uint64_t word; i + sizeof(word) <= n; i += sizeof(word)) {
		memcpy(&word, s + i, sizeof(word));
		/* (a byte that is 0 borrows from the next: what is above it does not matter) */
		if ((word | (word - ONES)) & HIGHS)
			break;
	}
	while (i < n && is_ascii(s[i]))
		i++;
	return i;
}

/* RFC 3629's table: what may stand second behind a first byte of a sequence. */
static bool is_second(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0: return second >= 0xa0 && second <= 0xbf;
	case 0xed: return second >= 0x80 && second <= 0x9f;
	case 0xf0: return second >= 0x90 && second <= 0xbf;
	case 0xf4: return second >= 0x80 && second <= 0x8f;
	default: return first >= 0xc2 && first <= 0xf4 && second >= 0x80 && second <= 0xbf;
	}
}

/* Of bytes that are no character: the length of the part that could have begun one. *ret_more: it
 * is all there is, so that it may still become one. */
static size_t bad_len(const char *s, size_t n, bool *ret_more)
{
	const unsigned char *u = (const unsigned char *)s;
	const size_t whole = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
	size_t len = 1;

	if (u[0] >= 0xc2 && u[0] <= 0xf4) {
		if (n > 1 && is_second(u[0], u[1]))
			for (len = 2; len < n && len < whole && (u[len] & 0xc0) == 0x80;)
				len++;
		*ret_more = len == n && len < whole;
	} else {
		*ret_more = false;
	}
	return len;
}

/* Appends the character, or what stands for one, at @s; *ret_len bytes of it. 1: it may go on. */
static int add_char(struct clean *c, const char *s, size_t n, bool last, struct buf *to,
		    size_t *ret_len)
{
	bool more = false;
	uint32_t decoded;
	int err;

	*ret_len = utf8_next(s, n, &decoded);
	if (*ret_len && *s)
		return buf_add(to, s, *ret_len);
	if (!*ret_len)
		*ret_len = bad_len(s, n, &more);
	if (more && !last)
		return 1;
	err = buf_add(to, replacement, sizeof(replacement) - 1);
	if (!err && *s)
		c->invalid++;
	else if (!err)
		c->nul++;
	return err;
}

static int add_latin1(struct clean *c, char s, struct buf *to)
{
	const unsigned char u = (unsigned char)s;
	const char two[] = { (char)(0xc0 | u >> 6), (char)(0x80 | (u & 0x3f)) };
	int err;

	if (u)
		return buf_add(to, two, sizeof(two));
	err = buf_add(to, replacement, sizeof(replacement) - 1);
	c->nul += !err;
	return err;
}

/* What was held back, and what goes on with it. */
static int finish_held(struct clean *c, const char *s, size_t n, bool last, struct buf *to,
		       size_t *ret_taken)
{
	const size_t held = c->n_held, more = n < CLEAN_CHAR_MAX ? n : CLEAN_CHAR_MAX;
	char bytes[CLEAN_HELD_MAX + CLEAN_CHAR_MAX];
	size_t len;
	int err;

	memcpy(bytes, c->held, held);
	memcpy(bytes + held, s, more);
	err = add_char(c, bytes, held + more, last, to, &len);
	*ret_taken = 0;
	if (err < 0)
		return err;
	if (err) { /* even so it may go on: all of @s was looked at */
		memcpy(c->held + held, s, more);
		c->n_held += more;
		*ret_taken = more;
		return 0;
	}
	if (len < held) {
		memmove(c->held, c->held + len, held - len);
		c->n_held -= len;
		return 0;
	}
	*ret_taken = len - held;
	c->n_held = 0;
	return 0;
}

/* One step: the held bytes, a run of ASCII or one other character. */
static int add_some(struct clean *c, const char *s, size_t n, bool last, size_t room,
		    struct buf *to, size_t *ret_taken)
{
	const size_t ascii = c->n_held ? 0 : ascii_len(s, n < room ? n : room);
	int err;

	*ret_taken = 0;
	if (c->n_held)
		return finish_held(c, s, n, last, to, ret_taken);
	if (ascii) {
		err = buf_add(to, s, ascii);
		*ret_taken = err ? 0 : ascii;
		return err;
	}
	if (c->latin1) {
		err = add_latin1(c, *s, to);
		*ret_taken = err ? 0 : 1;
		return err;
	}
	err = add_char(c, s, n, last, to, ret_taken);
	if (err == 1) {
		memcpy(c->held, s, *ret_taken);
		c->n_held = *ret_taken;
		return 0;
	}
	if (err)
		*ret_taken = 0;
	return err;
}

int clean_add(struct clean *c, const char *s, size_t n, bool last, size_t max, struct buf *to,
	      size_t *ret_taken)
{
	size_t at = 0, len;
	int err = 0;

	while (!err && (at < n || (last && c->n_held)) && to->len + CLEAN_CHAR_MAX <= max) {
		err = add_some(c, s + at, n - at, last, max - to->len, to, &len);
		at += len;
	}
	if (err)
		to->err = 0;
	*ret_taken = at;
	return err;
}
