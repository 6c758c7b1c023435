/* SPDX-License-Identifier: MIT */
/* Percent-encoding, and what becomes of paths and queries before they are signed. */
#include "aws/uri.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PARAMETERS_MAX 128

static bool is_unreserved(unsigned char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

static void encode_byte(struct buf *b, unsigned char c, bool slashes)
{
	static const char digits[] = "0123456789ABCDEF";

	if (is_unreserved(c) || (c == '/' && !slashes)) {
		buf_add_char(b, (char)c);
		return;
	}
	buf_add_char(b, '%');
	buf_add_char(b, digits[c >> 4]);
	buf_add_char(b, digits[c & 15]);
}

int uri_encode(struct buf *b, const char *s, size_t n, bool slashes)
{
	for (size_t i = 0; i < n; i++)
		encode_byte(b, (unsigned char)s[i], slashes);
	return b->err;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What may be encoded already, encoded once; a '%' that begins no %XX is one of the text. */
static void encode_again(struct buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (s[i] == '%' && n - i > 2 && digit(s[i + 1]) >= 0 && digit(s[i + 2]) >= 0) {
			encode_byte(b, (unsigned char)(digit(s[i + 1]) * 16 + digit(s[i + 2])),
				    true);
			i += 2;
		} else {
			encode_byte(b, (unsigned char)s[i], true);
		}
	}
}

/* Where the last segment of b->data[from..] begins, at its slash. */
static size_t last_segment(const struct buf *b, size_t from)
{
	size_t at = b->len;

	while (at > from && b->data[at - 1] != '/')
		at--;
	return at > from ? at - 1 : from;
}

static void cut(struct buf *b, size_t len)
{
	b->len = len;
	if (b->data)
		b->data[len] = '\0';
}

int uri_normalize(struct buf *b, const char *path)
{
	const size_t from = b->len;
	bool open = true; /* a slash is due behind what stands there */

	for (const char *p = path; !b->err && *p;) {
		size_t n;

		p += strspn(p, "/");
		n = strcspn(p, "/");
		open = p[n] == '/' || !n;
		if (n == 2 && !memcmp(p, "..", 2)) {
			cut(b, last_segment(b, from));
			open = true;
		} else if (n == 1 && *p == '.') {
			open = true;
		} else if (n) {
			buf_add_char(b, '/');
			buf_add(b, p, n);
		}
		p += n;
	}
	if (open)
		buf_add_char(b, '/');
	return b->err;
}

struct parameter {
	size_t at; /* in the buffer of encoded ones: the name, a NUL, the value, a NUL */
	const char *name, *value;
};

static int compare(const void *a, const void *b)
{
	const struct parameter *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->value, y->value);
}

/* Splits @query into @list, whose text is added to @text. Returns how many, or -E2BIG. */
static int split(const char *query, struct buf *text, struct parameter *list)
{
	int n = 0;

	while (*query) {
		size_t len = strcspn(query, "&"), name = strcspn(query, "=&");

		if (len) {
			if (n == PARAMETERS_MAX)
				return -E2BIG;
			list[n++].at = text->len;
			encode_again(text, query, name);
			buf_add_char(text, '\0');
			if (name < len)
				encode_again(text, query + name + 1, len - name - 1);
			buf_add_char(text, '\0');
		}
		query += len + (query[len] == '&');
	}
	return n;
}

int uri_sort_query(struct buf *b, const char *query)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(b->max);
	struct parameter list[PARAMETERS_MAX];
	int n = split(query, &text, list);

	if (n < 0)
		return n;
	if (text.err)
		return text.err;
	for (int i = 0; i < n; i++) {
		list[i].name = text.data + list[i].at;
		list[i].value = list[i].name + strlen(list[i].name) + 1;
	}
	if (n)
		qsort(list, (size_t)n, sizeof(*list), compare);
	for (int i = 0; i < n; i++) {
		if (i)
			buf_add_char(b, '&');
		buf_add_str(b, list[i].name);
		buf_add_char(b, '=');
		buf_add_str(b, list[i].value);
	}
	return b->err;
}
