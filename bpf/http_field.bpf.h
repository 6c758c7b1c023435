/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The lines of a head: most say nothing that is needed and are passed over, a few carry the framing.
 *
 * Lines of ours in their usual form are dealt with as a whole; any other form, or one that is cut, goes letter by
 * letter, with the same outcome.
 */
#ifndef ISAMON_HTTP_FIELD_BPF_H
#define ISAMON_HTTP_FIELD_BPF_H

#include "http_word.bpf.h"

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
 * How many of the 32 bytes from index @i on, of which the first eight are @word, stand before and at the first line feed; 32,
 * and 0 in *ret_hit, if there is none.
 */
static __always_inline __u32 http_to_line_feed(const struct http_half *h, __u32 i, __u64 word,
					       __u64 *ret_hit)
{
	const __u8 *at = h->window + (i & (HTTP_WINDOW - 1));
	__u64 hit = http_bytes_equal(word, '\n');
	__u32 n = 0;

	if (!hit) {
		hit = http_bytes_equal(env_word(at + 8), '\n');
		n = 8;
	}
	if (!hit) {
		hit = http_bytes_equal(env_word(at + 16), '\n');
		n = 16;
	}
	if (!hit) {
		hit = http_bytes_equal(env_word(at + 24), '\n');
		n = 24;
	}
	*ret_hit = hit;
	return n + (hit ? http_first_byte(hit) + 1 : 8);
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
		n = http_to_line_feed(h, h->lines_from + n, word, &hit);
		h->state = hit ? HTTP_NAME : HTTP_SKIP;
		h->lines_done += n;
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

#endif
