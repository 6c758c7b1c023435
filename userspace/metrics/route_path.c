/* SPDX-License-Identifier: MIT */
/*
 * Takes a request target apart: RFC 9112 3.2 (its four forms), RFC 3986 2.1 and 5.2.4
 * (percent-encoding, dot segments). Segments are split first and decoded then, so an encoded
 * slash stays inside its segment.
 *
 * Invariant: n <= ROUTE_PATH_SEGMENTS_MAX; decoded bytes are never more than raw ones.
 */
#include "metrics/route_path.h"

#include <string.h>

#include "base/utf8.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decodes into @to, which has @n bytes; "%" without two hexadecimal digits stands for itself. */
static size_t decode(const char *raw, size_t n, char *to)
{
	size_t len = 0;

	for (size_t i = 0; i < n; i++) {
		int high = raw[i] == '%' && i + 2 < n ? hex_value(raw[i + 1]) : -1;
		int low = high >= 0 ? hex_value(raw[i + 2]) : -1;

		if (low >= 0)
			i += 2;
		to[len++] = low >= 0 ? (char)(high << 4 | low) : raw[i];
	}
	return len;
}

static bool push(struct route_path *p, struct route_segment s)
{
	if (p->n == ROUTE_PATH_SEGMENTS_MAX) {
		p->more = true;
		return false;
	}
	p->segments[p->n++] = s;
	return true;
}

static size_t without_parameters(const char *raw, size_t n)
{
	const char *at = n > 1 ? memchr(raw + 1, ';', n - 1) : NULL;

	return at ? (size_t)(at - raw) : n;
}

/* One segment that is whole. @used: bytes of p->bytes that are taken. Returns false when full. */
static bool take_segment(struct route_path *p, const char *raw, size_t n, size_t *used)
{
	char *text = p->bytes + *used;
	size_t len = decode(raw, without_parameters(raw, n), text);

	p->slash = true;
	if (len == 0 || (len == 1 && text[0] == '.'))
		return true;
	if (len == 2 && text[0] == '.' && text[1] == '.') {
		p->n -= p->n > 0;
		return true;
	}
	p->slash = false;
	*used += len;
	return push(p, (struct route_segment){
			       .text = text, .len = len, .invalid = !utf8_is_plain(text, len) });
}

static void parse_segments(const char *raw, size_t len, bool cut, struct route_path *p)
{
	size_t used = 0;

	if (!len && cut) /* not even the authority was whole */
		push(p, (struct route_segment){ .text = "", .unknown = true });
	for (size_t at = 1, n; at <= len; at += n + 1) {
		const char *end = memchr(raw + at, '/', len - at);

		n = (end ? (size_t)(end - raw) : len) - at;
		if (!end && cut) {
			push(p, (struct route_segment){ .text = "", .unknown = true });
			p->slash = false;
			return;
		}
		if (!take_segment(p, raw + at, n, &used))
			return;
	}
	p->slash |= p->n == 0;
}

/* "http://host/path": the length of what stands before the path, or 0 if this is no such form. */
static size_t absolute_length(const char *raw, size_t len)
{
	const char *scheme_end = memmem(raw, len, "://", 3);
	const char *path;

	if (!scheme_end || scheme_end == raw || memchr(raw, '/', len) != scheme_end + 1)
		return 0;
	path = memchr(scheme_end + 3, '/', len - (size_t)(scheme_end + 3 - raw));
	return path ? (size_t)(path - raw) : len;
}

static bool is_authority(const char *raw, size_t len)
{
	size_t digits = 0;

	if (len == strlen("{authority}") && memcmp(raw, "{authority}", len) == 0)
		return true;
	if (memchr(raw, '/', len))
		return false;
	while (digits < len && raw[len - 1 - digits] >= '0' && raw[len - 1 - digits] <= '9')
		digits++;
	return digits && digits <= 5 && digits + 1 < len && raw[len - 1 - digits] == ':';
}

void route_path_parse(const char *raw, size_t len, bool cut, struct route_path *ret)
{
	size_t skip = 0, query;

	ret->form = ROUTE_PATH_SEGMENTS;
	ret->n = 0;
	ret->slash = ret->more = false;
	for (query = 0; query < len && raw[query] != '?' && raw[query] != '#';)
		query++;
	if (query < len)
		cut = false;
	len = query;
	if (len && raw[0] != '/')
		skip = absolute_length(raw, len);
	if (len && (raw[0] == '/' || skip)) {
		raw += skip;
		len -= skip;
		cut |= len > ROUTE_PATH_BYTES_MAX;
		len = len > ROUTE_PATH_BYTES_MAX ? ROUTE_PATH_BYTES_MAX : len;
		parse_segments(raw, len, cut, ret);
	} else if (len == 1 && raw[0] == '*') {
		ret->form = ROUTE_PATH_ASTERISK;
	} else if (is_authority(raw, len)) {
		ret->form = ROUTE_PATH_AUTHORITY;
	} else {
		ret->form = ROUTE_PATH_INVALID;
	}
}
