/* SPDX-License-Identifier: MIT */
/* UTF-8: a strict decoder, and what may be shown. */
#include "base/utf8.h"

#include <string.h>

#include "base/util.h"

size_t utf8_next(const char *s, size_t n, uint32_t *ret_char)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *u = (const unsigned char *)s;
	uint32_t c = u[0];
	size_t len;

	if (c < 0x80) {
		*ret_char = c;
		return 1;
	}
	len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || n < len)
		return 0;
	c &= 0x7f >> len;
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < smallest[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_char = c;
	return len;
}

/* Unicode's Cc, Zl, Zp, the invisible and the bidirectional part of Cf, noncharacters, tags. */
static bool is_plain(uint32_t c)
{
	static const uint32_t refused[][2] = {
		{ 0x00, 0x1f },       { 0x7f, 0x9f },     { 0xad, 0xad },     { 0x61c, 0x61c },
		{ 0x180e, 0x180e },   { 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
		{ 0xfdd0, 0xfdef },   { 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xfff0, 0xfffb },
		{ 0xe0000, 0xe0fff },
	};

	if ((c & 0xfffe) == 0xfffe)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(refused) && c >= refused[i][0]; i++)
		if (c <= refused[i][1])
			return false;
	return true;
}

bool utf8_is_plain(const char *s, size_t n)
{
	for (size_t at = 0, len; at < n; at += len) {
		uint32_t c;

		len = utf8_next(s + at, n - at, &c);
		if (!len || !is_plain(c))
			return false;
	}
	return true;
}

void utf8_make_plain(const char *s, size_t n, char *to, size_t size)
{
	size_t at = 0;

	n = strnlen(s, n);
	while (n) {
		uint32_t c;
		const size_t len = utf8_next(s, n, &c), read = len ? len : 1;
		const bool plain = len && is_plain(c);
		const size_t written = plain ? len : 1;

		if (at + written >= size)
			break;
		memcpy(to + at, plain ? s : "?", written);
		at += written;
		s += read;
		n -= read;
	}
	to[at] = '\0';
}
