/* SPDX-License-Identifier: MIT */
/* Finds elements by their tags. Invariant: a span lies within the text that it was made of. */
#include "aws/s3_xml.h"

#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/util.h"

#define TAG_MAX 64

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void trim(struct s3_xml *x)
{
	while (x->len && is_space(*x->at)) {
		x->at++;
		x->len--;
	}
	while (x->len && is_space(x->at[x->len - 1]))
		x->len--;
}

static void skip(struct s3_xml *x, size_t n)
{
	x->at += n;
	x->len -= n;
}

static bool begins(struct s3_xml x, const char *s)
{
	const size_t n = strlen(s);

	return x.len >= n && !memcmp(x.at, s, n);
}

/* "<?xml ...?>" */
static bool skip_declaration(struct s3_xml *x)
{
	const char *end;

	if (!begins(*x, "<?"))
		return true;
	end = memmem(x->at, x->len, "?>", 2);
	if (!end)
		return false;
	skip(x, (size_t)(end - x->at) + 2);
	trim(x);
	return true;
}

bool s3_xml_root(const char *text, size_t len, const char *name, struct s3_xml *ret)
{
	struct s3_xml x = { text, len };
	char tag[TAG_MAX];
	const char *end;
	size_t n;

	if (memmem(text, len, "<!", 2) || memchr(text, '\0', len))
		return false;
	trim(&x);
	if (!skip_declaration(&x))
		return false;
	n = (size_t)snprintf(tag, sizeof(tag), "<%s", name);
	if (!begins(x, tag) || x.len == n || (x.at[n] != '>' && !is_space(x.at[n])))
		return false;
	end = memchr(x.at, '>', x.len);
	if (!end || end[-1] == '/')
		return false;
	skip(&x, (size_t)(end - x.at) + 1);
	n = (size_t)snprintf(tag, sizeof(tag), "</%s>", name);
	if (x.len < n || memcmp(x.at + x.len - n, tag, n) != 0)
		return false;
	*ret = (struct s3_xml){ x.at, x.len - n };
	return true;
}

bool s3_xml_next(struct s3_xml *in, const char *name, struct s3_xml *ret)
{
	char tag[TAG_MAX];
	size_t n = (size_t)snprintf(tag, sizeof(tag), "<%s>", name);
	const char *from = memmem(in->at, in->len, tag, n), *until;

	if (!from)
		return false;
	from += n;
	n = (size_t)snprintf(tag, sizeof(tag), "</%s>", name);
	until = memmem(from, in->len - (size_t)(from - in->at), tag, n);
	if (!until)
		return false;
	*ret = (struct s3_xml){ from, (size_t)(until - from) };
	skip(in, (size_t)(until - in->at) + n);
	return true;
}

/* --- text */

static size_t put_utf8(uint32_t c, char to[4])
{
	if (c < 0x80) {
		to[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		to[0] = (char)(0xc0 | c >> 6);
		to[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		to[0] = (char)(0xe0 | c >> 12);
		to[1] = (char)(0x80 | (c >> 6 & 63));
		to[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	to[0] = (char)(0xf0 | c >> 18);
	to[1] = (char)(0x80 | (c >> 12 & 63));
	to[2] = (char)(0x80 | (c >> 6 & 63));
	to[3] = (char)(0x80 | (c & 63));
	return 4;
}

static int digit(char c, unsigned int base)
{
	int d = -1;

	if (c >= '0' && c <= '9')
		d = c - '0';
	else if (c >= 'a' && c <= 'f')
		d = c - 'a' + 10;
	else if (c >= 'A' && c <= 'F')
		d = c - 'A' + 10;
	return d < (int)base ? d : -1;
}

/* "#13" or "#xD". Returns the character; 0: none that XML allows. */
static uint32_t number_of(struct s3_xml x)
{
	unsigned int base = 10;
	uint32_t c = 0;

	skip(&x, 1);
	if (x.len && *x.at == 'x') {
		base = 16;
		skip(&x, 1);
	}
	for (; x.len && c < 0x110000; skip(&x, 1)) {
		const int d = digit(*x.at, base);

		if (d < 0)
			return 0;
		c = c * base + (uint32_t)d;
	}
	return c >= 0x110000 || (c >= 0xd800 && c < 0xe000) ? 0 : c;
}

/* The character that the entity at @x is, whose length is *ret_len; 0: none. */
static uint32_t entity(struct s3_xml x, size_t *ret_len)
{
	static const struct {
		const char *text;
		char c;
	} named[] = { { "&amp;", '&' },
		      { "&lt;", '<' },
		      { "&gt;", '>' },
		      { "&quot;", '"' },
		      { "&apos;", '\'' } };
	const char *end = memchr(x.at, ';', x.len < 12 ? x.len : 12);

	if (!end)
		return 0;
	*ret_len = (size_t)(end - x.at) + 1;
	if (*ret_len > 3 && x.at[1] == '#')
		return number_of((struct s3_xml){ x.at + 1, *ret_len - 2 });
	for (size_t i = 0; i < ARRAY_SIZE(named); i++)
		if (begins(x, named[i].text))
			return (uint32_t)(unsigned char)named[i].c;
	return 0;
}

bool s3_xml_text(struct s3_xml in, const char *name, char *to, size_t size)
{
	struct s3_xml x;
	size_t at = 0;

	if (!s3_xml_next(&in, name, &x))
		return false;
	while (x.len) {
		char bytes[4] = { *x.at };
		size_t len = 1, n = 1;

		if (*x.at == '<' || !*x.at)
			return false;
		if (*x.at == '&') {
			const uint32_t c = entity(x, &len);

			if (!c)
				return false;
			n = put_utf8(c, bytes);
		}
		if (at + n >= size)
			return false;
		memcpy(to + at, bytes, n);
		at += n;
		skip(&x, len);
	}
	if (!size)
		return false;
	to[at] = '\0';
	return true;
}

bool s3_xml_u64(struct s3_xml in, const char *name, uint64_t *ret)
{
	char text[24];

	return s3_xml_text(in, name, text, sizeof(text)) &&
	       number_parse_u64(text, 0, UINT64_MAX, ret) == 0;
}

bool s3_xml_decode_key(char *key)
{
	char *to = key;

	for (const char *s = key; *s; s++) {
		int high, low;

		if (*s != '%') {
			*to++ = *s == '+' ? ' ' : *s;
			continue;
		}
		high = digit(s[1], 16);
		low = high < 0 ? -1 : digit(s[2], 16);
		if (low < 0 || (!high && !low))
			return false;
		*to++ = (char)(high << 4 | low);
		s += 2;
	}
	*to = '\0';
	return true;
}
