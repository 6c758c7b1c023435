/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Responses: what leaves on a connection of the service.
 *
 * A request ends once: with the last byte of its response (by framing), or as an upgrade, here; by the
 * close of the connection, in http_close.bpf.h. Its record is sent in the same moment.
 */
#ifndef ISAMON_HTTP_RESPONSE_BPF_H
#define ISAMON_HTTP_RESPONSE_BPF_H

#include "http_request.bpf.h"

/* Brings the oldest request that has no response yet into .now. */
env_global int http_promote(struct http_conn *c, __u64 now)
{
	__u32 number;

	if (!c || c->current == c->ended)
		return 0;
	number = c->ended;
	c->current = number;
	if (c->in_next && c->begun - 1 == number) { /* still arriving */
		c->now.r = c->next.r;
		c->in_next = 0;
		return 0;
	}
	if (env_fetch(c->id, number, &c->now.r)) {
		http_record_clear(&c->now.r, now, c->port);
		c->now.r.flags = HTTP_FLAG_NO_PATH | HTTP_FLAG_APPROX_START;
	}
	return 0;
}

/* The request in .now is over. */
env_global int http_finish(struct http_conn *c, __u8 end, __u64 now)
{
	struct http_record *r;
	__u32 size, number;

	if (!c)
		return 0;
	number = c->ended;
	if (!c->watched && __sync_val_compare_and_swap(&c->claimed, number, number + 1) != number)
		return 0;
	r = &c->now.r;
	size = r->path_len;
	if (c->rx.busy && !c->in_next && c->begun - 1 == number) {
		r->request_bytes = c->rx.body;
		if (c->rx.state == HTTP_METHOD || c->rx.state == HTTP_TARGET) {
			r->flags |= HTTP_FLAG_NO_PATH; /* only a part of it was seen */
			r->path_len = 0;
			size = 0;
		}
	}
	r->response_bytes = r->first_byte_ns ? c->tx.body : 0;
	if (c->tx.flags & HTTP_CHUNKED && r->first_byte_ns)
		r->flags |= HTTP_FLAG_CHUNKED;
	if (c->tx.flags & HTTP_EVENTS && r->first_byte_ns)
		r->flags |= HTTP_FLAG_EVENTS;
	r->end_ns = now;
	http_reads_take(c, r);
	r->end = end;
	r->phase = r->first_byte_ns ? HTTP_PHASE_INSIDE : HTTP_PHASE_BEFORE;
	if (end < HTTP_END_N)
		HTTP_COUNT(c, ended[end][r->phase & 1], 1);
	if (size > HTTP_PATH_MAX)
		size = HTTP_PATH_MAX;
	env_emit(r, HTTP_RECORD_FIXED + size);
	__sync_fetch_and_add(&c->ended, 1);
	return 0;
}

static __always_inline void http_tx_idle(struct http_conn *c)
{
	c->tx.state = HTTP_IDLE;
	c->tx.at = 0;
}

/* Where the response is cannot be known any more. The request that it is for is over for us: with the status that
 * was seen, or with none (a head that was dropped between TCP and the hook). */
env_global int http_tx_broken(struct http_conn *c, __u64 now)
{
	if (!c)
		return 0;
	HTTP_COUNT(c, desyncs, 1);
	if (http_outstanding(c)) {
		http_promote(c, now);
		http_finish(c, HTTP_END_COMPLETE, now);
	}
	http_tx_idle(c);
	c->tx.resync = 1;
	return 0;
}

/* What leaves is no HTTP response. */
static __always_inline void http_tx_foreign(struct http_conn *c)
{
	if (c->synced && !c->tx.resync)
		http_not(c);
	else
		c->now.r.first_byte_ns = 0;
	http_tx_idle(c);
}

static __always_inline void http_tx_message(struct http_conn *c, __u64 now)
{
	http_finish(c, HTTP_END_COMPLETE, now);
	http_tx_idle(c);
}

static __always_inline void http_tx_upgrade(struct http_conn *c, __u64 now)
{
	bool websocket = c->now.r.status == 101;

	http_finish(c, HTTP_END_UPGRADE, now);
	http_tx_idle(c);
	http_discard(c);
	if (websocket && !c->closed)
		http_ws_open(c, now);
	else
		c->upgraded = HTTP_TUNNEL;
}

/* A head has left. RFC 9112 6.3: how long is the body? Returns HTTP_EVENT_MESSAGE if there is none. */
static __always_inline __u32 http_tx_head(struct http_conn *c, __u64 now)
{
	struct http_record *r = &c->now.r;
	struct http_half *h = &c->tx;
	__u8 framing = h->flags & ~HTTP_EVENTS;

	c->synced = 1;
	h->resync = 0;
	if (r->status == 101 ||
	    (r->method == HTTP_METHOD_CONNECT && r->status >= 200 && r->status < 300)) {
		http_tx_upgrade(c, now);
	} else if (r->status < 200) { /* the final one is to come */
		r->status = 0;
		r->first_byte_ns = 0;
		http_tx_idle(c);
	} else if (r->method == HTTP_METHOD_HEAD || r->status == 204 || r->status == 304 ||
		   (framing == HTTP_HAS_LENGTH && !h->length)) {
		return HTTP_EVENT_MESSAGE;
	} else if (h->flags & HTTP_CHUNKED) {
		http_expect_size(h);
	} else if (framing != HTTP_HAS_LENGTH) {
		h->state = HTTP_UNTIL_CLOSE;
	} else {
		h->left = h->length;
		h->state = HTTP_BODY;
	}
	return HTTP_EVENT_NONE;
}

/* The start of a response: "HTTP/1.1 200". */
static __always_inline __u64 http_tx_status(struct http_conn *c, __u32 i, __u32 have, __u32 rest)
{
	const __u64 due = HTTP_WORD('H', 'T', 'T', 'P', '/', '1', '.', 0);
	struct http_record *r = &c->now.r;
	struct http_half *h = &c->tx;
	__u8 letter, digit;

	if (h->at == 0 && have >= 12) {
		__u64 word = http_word_at(h, i);
		__u64 digits = http_word_at(h, i + 8);
		__u8 d1 = (__u8)(digits >> 8) - '0', d2 = (__u8)(digits >> 16) - '0';
		__u8 d3 = (__u8)(digits >> 24) - '0';

		if (word << 8 != due << 8 || (__u8)digits != ' ' || !d1 || d1 > 9 || d2 > 9 ||
		    d3 > 9) {
			http_tx_foreign(c);
			return HTTP_STEP(rest, HTTP_EVENT_NONE);
		}
		r->status = d1 * 100 + d2 * 10 + d3;
		http_skip_to(h, HTTP_NAME);
		return HTTP_STEP(12, HTTP_EVENT_NONE);
	}
	letter = http_byte_at(h, i);
	digit = letter - '0';
	if ((h->at < 7 && letter != (__u8)(due >> ((h->at & 7) * 8))) ||
	    (h->at == 8 && letter != ' ') || (h->at == 9 && !digit) || (h->at > 8 && digit > 9)) {
		http_tx_foreign(c);
		return HTTP_STEP(rest, HTTP_EVENT_NONE);
	}
	if (h->at > 8)
		r->status = r->status * 10 + digit;
	if (h->at++ == 11)
		http_skip_to(h, HTTP_NAME);
	return HTTP_STEP(1, HTTP_EVENT_NONE);
}

/* A response to a request that rx missed: it is counted with what the response tells. */
static __always_inline bool http_tx_recover(struct http_conn *c, __u32 i, __u32 have, __u64 now)
{
	/* What rx waits for, if it does, has passed it by when TCP acknowledges it. */
	bool missed = c->gap || c->rx.resync || (c->held && (__s32)(c->acked - c->rx.next) > 0);

	if (!missed || !c->synced || have < 8 ||
	    http_word_at(&c->tx, i) << 8 != HTTP_WORD(0, 'H', 'T', 'T', 'P', '/', '1', '.'))
		return false;
	c->gap = 0;
	http_record_clear(&c->now.r, now, c->port);
	c->now.r.flags = HTTP_FLAG_NO_PATH | HTTP_FLAG_APPROX_START;
	c->current = c->begun++;
	HTTP_COUNT(c, started, 1);
	return true;
}

/* Between responses: does one begin here? */
static __always_inline bool http_tx_begin(struct http_conn *c, __u32 i, __u32 have, __u64 now)
{
	if (c->begun == c->ended && !http_tx_recover(c, i, have, now)) {
		if (c->synced && c->begun == 0)
			http_not(c); /* it speaks before it is asked */
		return false;
	}
	if (c->current != c->ended)
		http_promote(c, now);
	http_half_reset(&c->tx);
	c->tx.state = HTTP_STATUS;
	c->now.r.first_byte_ns = now;
	c->now.r.status = 0;
	return true;
}

static __always_inline __u64 http_tx_next(struct http_scan *s, struct http_conn *c)
{
	__u32 rest = s->end - s->pos, i = 0, have = 0;
	struct http_half *h = &c->tx;

	if (c->non_http)
		return HTTP_STEP(rest, HTTP_EVENT_NONE);
	if (h->state < HTTP_BODY) {
		have = http_fill(s, h, false, &i);
		if (!have)
			return HTTP_STEP(rest, HTTP_EVENT_BROKEN);
	}
	if (h->state == HTTP_IDLE && !http_tx_begin(c, i, have, s->now))
		return HTTP_STEP(rest, HTTP_EVENT_NONE);
	/* A status line that is at hand, and the lines behind it, in one go. */
	if (h->state == HTTP_STATUS) {
		__u32 done = (__u32)http_tx_status(c, i, have, rest);

		if (h->state != HTTP_SKIP || done >= have)
			return HTTP_STEP(done, HTTP_EVENT_NONE);
		return done + http_lines(h, i + done, have - done);
	}
	return http_step(h, i, have, rest);
}

/* One step of a segment that has bytes left. Returns 1 when it has none. */
static __always_inline long http_tx_once(struct http_scan *s)
{
	struct http_conn *c = s->c;
	__u64 step;
	__u32 event;

	if (c->upgraded)
		return http_ws_once(s, false);
	step = http_tx_next(s, c);
	s->pos += (__u32)step;
	event = step >> 32;
	if (event == HTTP_EVENT_HEAD) {
		event = http_tx_head(c, s->now);
		if (c->tx.state >= HTTP_BODY && s->pos < s->end) {
			step = http_step_body(&c->tx, s->end - s->pos);
			s->pos += (__u32)step;
			event = step >> 32;
		}
	}
	if (event == HTTP_EVENT_MESSAGE) {
		http_tx_message(c, s->now);
	} else if (event == HTTP_EVENT_BROKEN) {
		http_tx_broken(c, s->now);
		s->pos = s->end;
	}
	return s->pos >= s->end;
}

static long http_tx_step(__u32 index, void *ctx)
{
	(void)index;
	return http_tx_once(ctx);
}

/* The payload of a segment that leaves. */
static __always_inline void http_tx_data(struct http_conn *c, struct __sk_buff *skb,
					 const struct http_packet *p)
{
	struct http_scan s = { .c = c, .skb = skb, .offset = p->offset, .end = p->len };
	bool gap;

	if (!http_in_order(&c->tx, p, &s.pos, &gap))
		return;
	s.now = p->sent_ns ? p->sent_ns : env_now();
	if (gap && c->upgraded)
		http_ws_lost(c);
	else if (gap && !c->tx.resync)
		http_tx_broken(c, s.now);
	if (c->tx.state != HTTP_IDLE && s.now - c->sent_ns > c->now.r.silence_ns)
		c->now.r.silence_ns = s.now - c->sent_ns;
	c->sent_ns = s.now;
	if (!http_tx_once(&s))
		env_loop(HTTP_STEPS_MAX, http_tx_step, &s);
	c->tx.next = p->seq + p->len;
}

#endif
