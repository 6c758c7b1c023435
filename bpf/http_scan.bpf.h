/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The bytes of HTTP/1.x: what both directions have in common.
 *
 * One step consumes a header line, a run of body, or a byte, and leaves in the half all that the
 * next one needs: a message may be cut between any two bytes. Where eight bytes or more are
 * at hand they are looked at together; the outcome is the same as byte by byte, which the tests
 * hold for every cut of every case. Little-endian only, as the architectures are that isamon runs on.
 * RFC 9112 for the grammar; what it leaves to servers is read as leniently as servers do.
 */
#ifndef ISAMON_HTTP_SCAN_BPF_H
#define ISAMON_HTTP_SCAN_BPF_H

#include "http_reorder.bpf.h"

#define HTTP_ONES 0x0101010101010101ull
#define HTTP_HIGHS 0x8080808080808080ull
#define HTTP_CASE 0x2020202020202020ull

/* The first letters of a word as they are loaded. */
/* clang-format off */
#define HTTP_WORD(a, b, c, d, e, f, g, h) \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | \
	 (__u64)(f) << 40 | (__u64)(g) << 48 | (__u64)(h) << 56)
/* clang-format on */

#define HTTP_LENGTH_LIMIT (1ull << 60)
/* Words of a head that one step looks at, at most; bytes of a number likewise. */
#define HTTP_WORDS_MAX 24
#define HTTP_DIGITS_MAX 24

enum http_name { HTTP_NAME_LENGTH, HTTP_NAME_CODING, HTTP_NAME_TYPE };

/* What a step asks of its caller, who knows the direction. */
enum http_event {
	HTTP_EVENT_NONE,
	HTTP_EVENT_HEAD,    /* the empty line behind a head */
	HTTP_EVENT_MESSAGE, /* the last byte of a message */
	HTTP_EVENT_BROKEN,  /* the framing makes no sense */
};

/* What a step returns: how many bytes it consumed, and the event. */
#define HTTP_STEP(n, event) ((__u64)(event) << 32 | (__u32)(n))

/* The high bit of the lowest byte that is zero is set; bits above it may be wrong. */
static __always_inline __u64 http_zero_bytes(__u64 w)
{
	return (w - HTTP_ONES) & ~w & HTTP_HIGHS;
}

static __always_inline __u64 http_bytes_equal(__u64 w, __u8 c)
{
	return http_zero_bytes(w ^ (HTTP_ONES * c));
}

/* Bytes up to and including the space: what ends a request target. */
static __always_inline __u64 http_bytes_blank(__u64 w)
{
	return (w - HTTP_ONES * 0x21) & ~w & HTTP_HIGHS;
}

/* The index of the lowest byte whose high bit is set in @mask, which has one. */
static __always_inline __u32 http_first_byte(__u64 mask)
{
	__u64 below = (mask & -mask) - 1;

	return (__u32)(((below & HTTP_ONES) * HTTP_ONES) >> 56) - 1;
}

static __always_inline __u64 http_word_at(const struct http_half *h, __u32 i)
{
	return env_word(h->window + (i & (HTTP_WINDOW - 1)));
}

static __always_inline __u8 http_byte_at(const struct http_half *h, __u32 i)
{
	return h->window[i & (HTTP_WINDOW - 1)];
}

static __always_inline __u8 http_lower(__u8 c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/*
 * Sees to it that the window holds the bytes at s->pos: 64 of them, or all there are. They come from the packet, or
 * (@held) from the piece that rx reads. Returns how many it holds (0: they could not be read) and their index
 * in *ret_i.
 */
static __always_inline __u32 http_fill(struct http_scan *s, struct http_half *h, bool held,
				       __u32 *ret_i)
{
	__u32 window_end = s->window_at + s->window_len;
	__u32 have = window_end > s->pos ? window_end - s->pos : 0;
	__u32 want = s->end - s->pos;
	__u32 n;

	if (have >= 64 || have >= want) {
		*ret_i = s->pos - s->window_at;
		return have;
	}
	n = want > HTTP_WINDOW ? HTTP_WINDOW : want;
	env_opaque(n);
	n = ((n - 1) & (HTTP_WINDOW - 1)) + 1; /* the verifier of 6.1 must see 1..HTTP_WINDOW */
	if (held ? http_held_load(s->c, s->pos) :
		   env_load(s->skb, s->offset + s->pos, h->window, n))
		return 0;
	s->window_at = s->pos;
	s->window_len = n;
	*ret_i = 0;
	return n;
}

static __always_inline void http_half_reset(struct http_half *h)
{
	h->left = 0;
	h->length = 0;
	h->body = 0;
	h->state = HTTP_IDLE;
	h->flags = 0;
	h->at = 0;
}

/* To the end of the line, 64 bytes at most; then .after. Returns how many bytes that is. */
static __always_inline __u32 http_skip(struct http_half *h, __u32 i, __u32 have)
{
	__u32 n = 0;
	int k;

	env_unroll
	for (k = 0; k < 8; k++) {
		__u64 hit = http_bytes_equal(http_word_at(h, i + n), '\n');

		if (hit) {
			n += http_first_byte(hit) + 1;
			if (n > have)
				break;
			h->state = h->after;
			h->at = 0;
			return n;
		}
		n += 8;
		if (n >= have)
			break;
	}
	return n < have ? n : have;
}

/* What is left of the line that this byte is in says nothing; the byte itself may end it. */
static __always_inline __u64 http_skip_to(struct http_half *h, __u8 after)
{
	h->after = after;
	h->state = HTTP_SKIP;
	return HTTP_STEP(0, HTTP_EVENT_NONE);
}

/*
 * A byte of Content-Length: digits with blanks around them. A second, different one is an error.
 * at: 0 before the digits, 1 inside, 2 behind; left collects the number.
 */
static __always_inline void http_length_byte(struct http_half *h, __u8 c)
{
	if (c == '\n') {
		if (h->at == 0 || (h->flags & HTTP_HAS_LENGTH && h->length != h->left))
			h->flags |= HTTP_BAD_LENGTH;
		h->flags |= HTTP_HAS_LENGTH;
		h->length = h->left;
		h->state = HTTP_NAME;
		h->at = 0;
	} else if (c >= '0' && c <= '9' && h->at <= 1) {
		h->left = (h->at ? h->left * 10 : 0) + (c - '0');
		h->at = 1;
		if (h->left > HTTP_LENGTH_LIMIT) {
			h->left = HTTP_LENGTH_LIMIT;
			h->flags |= HTTP_BAD_LENGTH;
		}
	} else if (c == ' ' || c == '\t' || c == '\r') {
		if (h->at)
			h->at = 2;
	} else {
		h->flags |= HTTP_BAD_LENGTH;
	}
}

/* The value of Content-Length, as far as it is at hand. Returns how many bytes it took. */
static __always_inline __u32 http_length(struct http_half *h, __u32 i, __u32 have)
{
	__u32 n;

	for (n = 0; n < HTTP_DIGITS_MAX && n < have && h->state == HTTP_LENGTH; n++)
		http_length_byte(h, http_byte_at(h, i + n));
	return n;
}

/*
 * The value of Content-Length at index @i, if it is whole and of the usual form: a blank, up to seven digits, CR
 * LF. Returns how many bytes that is; 0 leaves it to http_length(). The digits are added up eight at once:
 * tens of neighbours, then hundreds, then ten thousands.
 */
static __always_inline __u32 http_short_length(struct http_half *h, __u32 i, __u32 have)
{
	__u64 word = http_word_at(h, i + 1), end = http_bytes_equal(word, '\r'), digits;
	__u32 n;

	if (!end || http_byte_at(h, i) != ' ' || h->flags & HTTP_HAS_LENGTH)
		return 0;
	n = http_first_byte(end) & 7;
	if (!n || n + 3 > have || http_byte_at(h, i + n + 2) != '\n')
		return 0;
	digits = word << (64 - n * 8) | (HTTP_ONES * '0') >> (n * 8);
	if ((digits & (HTTP_ONES * 0xf0)) != HTTP_ONES * '0' ||
	    ((digits + HTTP_ONES * 6) & (HTTP_ONES * 0xf0)) != HTTP_ONES * '0')
		return 0;
	digits = ((digits & (HTTP_ONES * 0x0f)) * (10 * (1 << 8) + 1)) >> 8;
	digits = ((digits & 0x00ff00ff00ff00ff) * (100 * (1ull << 16) + 1)) >> 16;
	digits = ((digits & 0x0000ffff0000ffff) * (10000 * (1ull << 32) + 1)) >> 32;
	h->length = digits;
	h->flags |= HTTP_HAS_LENGTH;
	return n + 3;
}

/*
 * "Content-Type:" is at hand; @rest is what follows the hyphen. What is said in the usual form is dealt with here.
 * Returns how many bytes that is; 0: the line says nothing more.
 */
static __always_inline __u32 http_known_type(struct http_half *h, __u32 i, __u32 have, __u64 rest)
{
	__u16 first = (__u16)((rest | HTTP_CASE) >> 48);

	if ((__u8)(rest >> 40) == ' ' && first != ('t' | 'e' << 8) && (__u8)first != ' ' &&
	    (__u8)first != ('\t' | 0x20))
		return 0;
	if ((__u8)(rest >> 40) == ' ' && first == ('t' | 'e' << 8) && have >= 24) {
		if ((http_word_at(h, i + 16) | HTTP_CASE) ==
		    HTTP_WORD('x', 't', '/', 'e', 'v', 'e', 'n', 't'))
			h->flags |= HTTP_EVENTS;
		return 0;
	}
	h->state = HTTP_TYPE;
	h->at = 0;
	return 13;
}

/*
 * A header line is at hand with 16 bytes or more: is it one of ours? Returns how many bytes were
 * dealt with, and the state is that of what follows; 0: it is not.
 */
static __always_inline __u32 http_known_name(struct http_half *h, __u32 i, __u32 have, __u64 word)
{
	__u64 low = word | HTTP_CASE, rest;
	__u32 n;

	if (low == HTTP_WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r')) {
		h->state = HTTP_MATCH;
		h->name = HTTP_NAME_CODING;
		h->at = 8;
		return 8;
	}
	if (low != HTTP_WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-') || word >> 56 != '-')
		return 0;
	rest = http_word_at(h, i + 8);
	if ((rest | HTTP_CASE) << 24 == HTTP_WORD(0, 0, 0, 't', 'y', 'p', 'e', ':' | 0x20))
		return http_known_type(h, i, have, rest);
	if ((rest | HTTP_CASE) << 8 != HTTP_WORD(0, 'l', 'e', 'n', 'g', 't', 'h', ':') ||
	    (__u8)(rest >> 48) != ':')
		return 0;
	n = http_short_length(h, i + 15, have - 15);
	h->state = n ? HTTP_NAME : HTTP_LENGTH;
	h->at = 0;
	return 15 + n;
}

/* At the start of a header line, with less than 16 bytes of it at hand. */
static __always_inline __u64 http_name(struct http_half *h, __u8 c)
{
	__u8 first = http_lower(c);

	if (c == '\n')
		return HTTP_STEP(1, HTTP_EVENT_HEAD);
	if (c == '\r') {
		h->state = HTTP_NAME_CR;
		return HTTP_STEP(1, HTTP_EVENT_NONE);
	}
	if (first != 'c' && first != 't')
		return http_skip_to(h, HTTP_NAME);
	h->state = HTTP_MATCH;
	h->name = first == 'c' ? HTTP_NAME_LENGTH : HTTP_NAME_CODING;
	h->at = 1;
	return HTTP_STEP(1, HTTP_EVENT_NONE);
}

/*
 * From the start of a header line (HTTP_NAME), or inside a line (HTTP_SKIP), as far as the head is at hand: to
 * its end, or to a line of ours that is not simple. One loop over words, whatever lines they are in:
 * here most bytes of most heads are passed over.
 *
 * What the loop carries stands in the half, not in registers: of memory the verifier knows nothing, so that
 * to it one round is like another; numbers that it could follow would cost it a million steps.
 */
env_global __u64 http_lines(struct http_half *h, __u32 i, __u32 have)
{
	__u32 n;
	int k;

	if (!h)
		return HTTP_STEP(have, HTTP_EVENT_NONE);
	h->lines_from = i;
	h->lines_have = have;
	h->lines_done = 0;
	for (k = 0; k < HTTP_WORDS_MAX; k++) {
		__u64 word, hit, low;

		env_forget();
		n = h->lines_done;
		have = h->lines_have;
		if (n >= have)
			break;
		word = http_word_at(h, h->lines_from + n);
		if (h->state == HTTP_NAME) {
			if ((word & 0xffff) == ('\r' | '\n' << 8) && have - n >= 2)
				return HTTP_STEP(n + 2, HTTP_EVENT_HEAD);
			if (have - n < 16 || (__u8)word == '\n')
				break;
			low = word | HTTP_CASE;
			if (low == HTTP_WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-') ||
			    low == HTTP_WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r')) {
				__u32 known = http_known_name(h, h->lines_from + n, have - n, word);

				h->lines_done += known;
				if (h->state != HTTP_NAME)
					return HTTP_STEP(h->lines_done, HTTP_EVENT_NONE);
				if (known)
					continue;
			}
		}
		hit = http_bytes_equal(word, '\n');
		h->state = hit ? HTTP_NAME : HTTP_SKIP;
		h->lines_done += hit ? http_first_byte(hit) + 1 : 8;
	}
	env_forget();
	n = h->lines_done;
	if (n > h->lines_have) { /* the line feed was behind what was loaded */
		n = h->lines_have;
		h->state = HTTP_SKIP;
	}
	h->after = HTTP_NAME;
	h->at = 0;
	return n ? HTTP_STEP(n, HTTP_EVENT_NONE) : http_name(h, http_byte_at(h, h->lines_from));
}

/* One more letter of a name that may be one of ours. Returns how many bytes it took. */
static __always_inline __u32 http_match(struct http_half *h, __u8 c)
{
	__u64 due = h->at < 8  ? HTTP_WORD('t', 'r', 'a', 'n', 's', 'f', 'e', 'r') :
		    h->at < 16 ? HTTP_WORD('-', 'e', 'n', 'c', 'o', 'd', 'i', 'n') :
				 HTTP_WORD('g', ':', 0, 0, 0, 0, 0, 0);

	if (h->name == HTTP_NAME_LENGTH && h->at == 8 && http_lower(c) == 't')
		h->name = HTTP_NAME_TYPE;
	if (h->name == HTTP_NAME_TYPE)
		due = HTTP_WORD('t', 'y', 'p', 'e', ':', 0, 0, 0);
	else if (h->name == HTTP_NAME_LENGTH)
		due = h->at < 8 ? HTTP_WORD('c', 'o', 'n', 't', 'e', 'n', 't', '-') :
				  HTTP_WORD('l', 'e', 'n', 'g', 't', 'h', ':', 0);
	due = (due >> ((h->at & 7) * 8)) & 0xff;
	if (http_lower(c) != due)
		return (__u32)http_skip_to(h, HTTP_NAME);
	h->at++;
	if (due == ':') {
		h->state = h->name == HTTP_NAME_LENGTH ? HTTP_LENGTH :
			   h->name == HTTP_NAME_TYPE   ? HTTP_TYPE :
							 HTTP_CODING;
		h->at = 0;
	}
	return 1;
}

/* Content-Type: is it text/event-stream? Ten letters tell. */
static __always_inline __u64 http_type(struct http_half *h, __u8 c)
{
	__u64 due = h->at < 8 ? HTTP_WORD('t', 'e', 'x', 't', '/', 'e', 'v', 'e') :
				HTTP_WORD('n', 't', 0, 0, 0, 0, 0, 0);

	if (!h->at && (c == ' ' || c == '\t'))
		return HTTP_STEP(1, HTTP_EVENT_NONE);
	if (http_lower(c) != (__u8)(due >> ((h->at & 7) * 8)))
		return http_skip_to(h, HTTP_NAME);
	if (++h->at < 10)
		return HTTP_STEP(1, HTTP_EVENT_NONE);
	h->flags |= HTTP_EVENTS;
	http_skip_to(h, HTTP_NAME);
	return HTTP_STEP(1, HTTP_EVENT_NONE);
}

/* Transfer-Encoding: a list; what counts is whether its last member is "chunked". */
static __always_inline void http_coding(struct http_half *h, __u8 c)
{
	const __u64 chunked = HTTP_WORD('c', 'h', 'u', 'n', 'k', 'e', 'd', 0);

	if (c == '\n') {
		h->flags |= HTTP_HAS_CODING;
		h->flags &= ~HTTP_CHUNKED;
		if (h->at == 7)
			h->flags |= HTTP_CHUNKED;
		h->state = HTTP_NAME;
		h->at = 0;
	} else if (c == ',') {
		h->at = 0;
	} else if (c == ' ' || c == '\t' || c == '\r') {
		if (h->at != 0 && h->at != 7)
			h->at = 255;
	} else if (h->at < 7 && http_lower(c) == (__u8)(chunked >> (h->at * 8))) {
		h->at++;
	} else {
		h->at = 255;
	}
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
