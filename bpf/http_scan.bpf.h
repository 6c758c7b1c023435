/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bytes of HTTP/1.x: what both directions have in common.
 *
 * One step consumes a header line, a run of body, or a byte, and leaves in the half all that the
 * next one needs: a message may be cut between any two bytes. Where eight bytes or more are
 * at hand they are looked at together; the outcome is the same as byte by byte, which the tests
 * hold for every cut of every case.
 * RFC 9112 for the grammar; what it leaves to servers is read as leniently as servers do.
 */
#ifndef ISAMON_HTTP_SCAN_BPF_H
#define ISAMON_HTTP_SCAN_BPF_H

#include "http_field.bpf.h"

static __always_inline void http_half_reset(struct http_half *h)
{
	h->left = 0;
	h->length = 0;
	h->body = 0;
	h->state = HTTP_IDLE;
	h->flags = 0;
	h->at = 0;
}

/* A chunk's size, in hexadecimal; extensions are passed over. */
static __always_inline __u64 http_size(struct http_half *h, __u8 c)
{
	__u8 low = c | 0x20;
	__u8 digit = c >= '0' && c <= '9'     ? c - '0' :
		     low >= 'a' && low <= 'f' ? low - 'a' + 10 :
						255;

	if (digit < 16) {
		if (h->left > HTTP_LENGTH_LIMIT >> 4)
			return HTTP_STEP(1, HTTP_EVENT_BROKEN);
		h->flags |= HTTP_DIGITS;
		h->left = h->left << 4 | digit;
		return HTTP_STEP(1, HTTP_EVENT_NONE);
	}
	if (!(h->flags & HTTP_DIGITS) ||
	    (c != '\n' && c != '\r' && c != ';' && c != ' ' && c != '\t'))
		return HTTP_STEP(0, HTTP_EVENT_BROKEN);
	return http_skip_to(h, HTTP_SIZE_END);
}

static __always_inline void http_expect_size(struct http_half *h)
{
	h->left = 0;
	h->flags &= ~HTTP_DIGITS;
	h->state = HTTP_SIZE;
}

/* Behind a CR at the start of a line: the end of a head or of trailers, or a line after all. */
static __always_inline __u64 http_line_cr(struct http_half *h, __u8 c)
{
	bool head = h->state == HTTP_NAME_CR;

	if (c == '\n')
		return HTTP_STEP(1, head ? HTTP_EVENT_HEAD : HTTP_EVENT_MESSAGE);
	return http_skip_to(h, head ? HTTP_NAME : HTTP_TRAILER);
}

static __always_inline __u64 http_trailer(struct http_half *h, __u8 c)
{
	if (c == '\n')
		return HTTP_STEP(1, HTTP_EVENT_MESSAGE);
	if (c == '\r') {
		h->state = HTTP_TRAILER_CR;
		return HTTP_STEP(1, HTTP_EVENT_NONE);
	}
	return http_skip_to(h, HTTP_TRAILER);
}

/* States inside a body, of which @rest bytes are in this segment. */
static __always_inline __u64 http_step_body(struct http_half *h, __u32 rest)
{
	__u32 n = rest;

	if (h->state == HTTP_SIZE_END) {
		h->state = h->left ? HTTP_CHUNK : HTTP_TRAILER;
		return HTTP_STEP(0, HTTP_EVENT_NONE);
	}
	if (h->state != HTTP_UNTIL_CLOSE) {
		if (n > h->left)
			n = (__u32)h->left;
		h->left -= n;
	}
	h->body += n;
	if (h->state == HTTP_UNTIL_CLOSE || h->left)
		return HTTP_STEP(n, HTTP_EVENT_NONE);
	if (h->state == HTTP_BODY)
		return HTTP_STEP(n, HTTP_EVENT_MESSAGE);
	h->state = HTTP_CHUNK_END;
	return HTTP_STEP(n, HTTP_EVENT_NONE);
}

/*
 * One step of what both directions have in common: @have bytes of the window from index @i on, @rest
 * bytes in the segment. At least one, unless the state is one that looks at none.
 */
env_global __u64 http_step(struct http_half *h, __u32 i, __u32 have, __u32 rest)
{
	__u8 c;

	if (!h)
		return HTTP_STEP(rest, HTTP_EVENT_NONE);
	if (h->state >= HTTP_BODY)
		return http_step_body(h, rest);
	if (h->state == HTTP_NAME || (h->state == HTTP_SKIP && h->after == HTTP_NAME))
		return http_lines(h, i, have);
	c = http_byte_at(h, i);
	switch (h->state) {
	case HTTP_SKIP: return HTTP_STEP(http_skip(h, i, have), HTTP_EVENT_NONE);
	case HTTP_NAME_CR:
	case HTTP_TRAILER_CR: return http_line_cr(h, c);
	case HTTP_MATCH: return HTTP_STEP(http_match(h, c), HTTP_EVENT_NONE);
	case HTTP_LENGTH: return HTTP_STEP(http_length(h, i, have), HTTP_EVENT_NONE);
	case HTTP_TYPE: return http_type(h, c);
	case HTTP_CODING: http_coding(h, c); return HTTP_STEP(1, HTTP_EVENT_NONE);
	case HTTP_SIZE: return http_size(h, c);
	case HTTP_TRAILER: return http_trailer(h, c);
	case HTTP_CHUNK_END:
		if (c == '\n')
			http_expect_size(h);
		return HTTP_STEP(1, c == '\n' || c == '\r' ? HTTP_EVENT_NONE : HTTP_EVENT_BROKEN);
	}
	return HTTP_STEP(1, HTTP_EVENT_BROKEN);
}

#endif
