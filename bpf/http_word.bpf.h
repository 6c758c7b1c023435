/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Eight bytes at a time: what is in a word, and the window of the packet that words are taken from.
 * Little-endian only, as the architectures are that isamon runs on.
 */
#ifndef ISAMON_HTTP_WORD_BPF_H
#define ISAMON_HTTP_WORD_BPF_H

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

#endif
