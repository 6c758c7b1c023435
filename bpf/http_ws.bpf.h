/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * WebSockets (RFC 6455): what follows a response 101.
 *
 * Frames are walked in both directions; their headers may be cut anywhere, their payload is never looked at.
 * Data messages are counted when they are whole; control frames are none. A turn is a message of the client
 * until the service's first message that began behind it has left: tx takes what rx has noted when such a
 * message begins, so that what the client says meanwhile begins a turn of its own.
 */
#ifndef ISAMON_HTTP_WS_BPF_H
#define ISAMON_HTTP_WS_BPF_H

#include "http_reads.bpf.h"
#include "http_scan.bpf.h"

enum http_opcode {
	HTTP_OP_CONTINUE = 0,
	HTTP_OP_TEXT = 1,
	HTTP_OP_BINARY = 2,
	HTTP_OP_CLOSE = 8,
	HTTP_OP_PING = 9,
	HTTP_OP_PONG = 10,
};

#define HTTP_FRAME_FIN 0x80
#define HTTP_FRAME_RSV 0x30 /* RSV1 means compressed; nobody uses the others */
#define HTTP_FRAME_CONTROL 0x08
#define HTTP_FRAME_OPCODE 0x0f
#define HTTP_FRAME_MASKED 0x80
#define HTTP_FRAME_LENGTH 0x7f

/* It is one from now on. The request that was upgraded is over, its path stays in now.r. */
static __always_inline void http_ws_open(struct http_conn *c, __u64 now)
{
	__builtin_memset(&c->ws, 0, sizeof(c->ws));
	c->ws.opened_ns = now;
	c->tx.state = HTTP_FRAME;
	c->tx.at = 0;
	c->rx.at = 0;
	c->rx.resync = 0;
	c->rx.busy = 0;
	if ((__s32)(c->acked - c->rx.next) >
	    0) /* bytes of the request were missed, none of a frame */
		c->rx.next = c->acked;
	c->upgraded = HTTP_WEBSOCKET;
	HTTP_COUNT(c, ws_opened, 1);
}

/* It is not followed any more. Returns false if it was not before. */
static __always_inline bool http_ws_leave(struct http_conn *c)
{
	if (__sync_lock_test_and_set(&c->ws.lost, 1))
		return false;
	c->upgraded = HTTP_TUNNEL;
	HTTP_COUNT(c, ws_closed, 1);
	return true;
}

/* The framing makes no sense: not a WebSocket, or a mistake of ours. */
env_global int http_ws_lost(struct http_conn *c)
{
	if (!c || c->upgraded != HTTP_WEBSOCKET)
		return 0;
	if (http_ws_leave(c))
		HTTP_COUNT(c, ws_desyncs, 1);
	return 0;
}

/* Its port is not ours any more. */
static __always_inline void http_ws_forget(struct http_conn *c)
{
	if (c->upgraded == HTTP_WEBSOCKET)
		http_ws_leave(c);
}

static __always_inline void http_ws_emit(struct http_record *r)
{
	__u32 size = r->path_len;

	if (size > HTTP_PATH_MAX)
		size = HTTP_PATH_MAX;
	env_emit(r, HTTP_RECORD_FIXED + size);
}

/* The connection of a WebSocket is closed; @side: who did, if no Close frame says so. */
env_global int http_ws_close(struct http_conn *c, __u8 side, __u64 now)
{
	struct http_record *r;

	if (!c || !http_ws_leave(c))
		return 0;
	r = &c->now.r;
	r->kind = HTTP_KIND_WEBSOCKET;
	r->start_ns = c->ws.opened_ns;
	r->first_byte_ns = 0;
	r->end_ns = now;
	r->read_ns = 0;
	r->silence_ns = 0;
	r->request_bytes = c->ws.payload[0];
	r->response_bytes = c->ws.payload[1];
	r->messages_in = c->ws.messages[0];
	r->messages_out = c->ws.messages[1];
	r->end = c->ws.closing == 1 ? HTTP_END_ABORT_CLIENT :
		 c->ws.closing == 2 ? HTTP_END_ABORT_SERVER :
				      side;
	r->flags &= ~HTTP_FLAG_CLEAN;
	if (c->ws.closing)
		r->flags |= HTTP_FLAG_CLEAN;
	http_ws_emit(r);
	return 0;
}

/* The client begins a message. */
static __always_inline void http_ws_ask(struct http_conn *c, __u64 now)
{
	__sync_fetch_and_add(&c->ws.begun,
			     1); /* before asked_ns is looked at: tx does it the other way round */
	if (c->ws.asked_ns)
		return;
	http_reads_reset(c);
	c->ws.asked_payload = c->ws.payload[0];
	c->ws.asked_ns = now;
}

/* The service begins a message: does it answer? */
static __always_inline void http_ws_answer(struct http_conn *c, __u64 now)
{
	struct http_record *r = &c->now.r;
	__u32 begun;

	c->ws.answering = c->ws.asked_ns && c->ws.asked_ns <= now;
	if (!c->ws.answering)
		return;
	r->start_ns = c->ws.asked_ns;
	r->first_byte_ns = now;
	r->request_bytes = c->ws.payload[0] - c->ws.asked_payload;
	__sync_lock_test_and_set(&c->ws.asked_ns, 0);
	begun = c->ws.begun;
	r->messages_in = begun - c->ws.answered;
	c->ws.answered = begun;
	r->end_ns = now;
	r->read_ns = 0;
	r->pid = 0;
	http_reads_take(c, r); /* before what comes now is read */
}

/* What answers has left. */
static __always_inline void http_ws_answered(struct http_conn *c, __u64 now)
{
	struct http_record *r = &c->now.r;

	c->ws.answering = 0;
	r->kind = HTTP_KIND_TURN;
	r->end = HTTP_END_COMPLETE;
	r->end_ns = now;
	r->silence_ns = 0;
	r->messages_out = 1;
	r->response_bytes = c->tx.body;
	http_ws_emit(r);
}

/* The header of a frame is known: .name, .after and .length of the half. Returns -1 if it makes no sense. */
static __always_inline int http_ws_frame(struct http_conn *c, struct http_half *h, bool in,
					 __u64 now)
{
	__u8 op = h->name & HTTP_FRAME_OPCODE, inside = in ? c->ws.inside[0] : c->ws.inside[1];

	if (h->name & HTTP_FRAME_RSV || !(h->after & HTTP_FRAME_MASKED) != !in ||
	    h->length > HTTP_LENGTH_LIMIT)
		return -1;
	h->left = h->length;
	h->state = HTTP_PAYLOAD;
	if (op & HTTP_FRAME_CONTROL) {
		if (op > HTTP_OP_PONG || !(h->name & HTTP_FRAME_FIN) || h->length > 125)
			return -1;
		if (op == HTTP_OP_CLOSE && !c->ws.closing)
			c->ws.closing = in ? 1 : 2;
		return 0;
	}
	if (op > HTTP_OP_BINARY || (op == HTTP_OP_CONTINUE) != inside)
		return -1;
	if (inside)
		return 0;
	h->body = 0;
	if (in)
		http_ws_ask(c, now);
	else
		http_ws_answer(c, now);
	return 0;
}

/* A data message is whole, in direction @i. */
static __always_inline void http_ws_message(struct http_conn *c, const struct http_half *h, __u32 i)
{
	struct http_totals *t = env_totals();

	c->ws.inside[i] = 0;
	c->ws.messages[i]++;
	c->ws.payload[i] += h->body;
	if (!t)
		return;
	__sync_fetch_and_add(&t->ws_messages[i], 1);
	__sync_fetch_and_add(&t->ws_bytes[i], h->body);
}

/* The last byte of a frame has passed. */
static __always_inline void http_ws_frame_end(struct http_conn *c, struct http_half *h, bool in,
					      __u64 now)
{
	h->state = HTTP_FRAME;
	h->at = 0;
	if (h->name & HTTP_FRAME_CONTROL)
		return;
	if (!(h->name & HTTP_FRAME_FIN)) {
		c->ws.inside[in ? 0 : 1] = 1;
		return;
	}
	http_ws_message(c, h, in ? 0 : 1);
	if (!in && c->ws.answering)
		http_ws_answered(c, now);
}

/*
 * What follows a frame's header: @rest bytes of the segment, at most the frame's payload. Returns how many that are; -1:
 * the header, if it has @just been read, makes no sense.
 */
env_global int http_ws_payload(struct http_conn *c, __u32 in, __u32 just, __u32 rest, __u64 now)
{
	struct http_half *h;

	if (!c)
		return -1;
	h = in ? &c->rx : &c->tx;
	if (just && http_ws_frame(c, h, in, now))
		return -1;
	if (rest > h->left)
		rest = (__u32)h->left;
	h->left -= rest;
	if (!(h->name & HTTP_FRAME_CONTROL))
		h->body += rest;
	if (!h->left)
		http_ws_frame_end(c, h, in, now);
	return (int)rest;
}

/* Bytes of a frame's header whose second is @second, of them the extended length. */
static __always_inline __u32 http_ws_extended(__u8 second)
{
	__u8 length = second & HTTP_FRAME_LENGTH;

	return length == 127 ? 8 : length == 126 ? 2 : 0;
}

static __always_inline __u32 http_ws_header(__u8 second)
{
	return 2 + http_ws_extended(second) + (second & HTTP_FRAME_MASKED ? 4 : 0);
}

/* One more byte of a frame's header. Returns whether it was the last. */
static __always_inline bool http_ws_byte(struct http_half *h, __u8 byte)
{
	__u8 at = h->at++;

	if (at == 0) {
		h->name = byte;
		return false;
	}
	if (at == 1) {
		h->after = byte;
		h->length = http_ws_extended(byte) ? 0 : byte & HTTP_FRAME_LENGTH;
	} else if (at < 2 + http_ws_extended(h->after)) {
		h->length = h->length << 8 | byte;
	}
	return h->at >= http_ws_header(h->after);
}

/* A frame's header at index @i of the window, whole if it is at hand. Returns how many bytes it took. */
static __always_inline __u32 http_ws_head(struct http_half *h, __u32 i, __u32 have, bool *ret_whole)
{
	__u64 word = http_word_at(h, i);
	__u8 second = (__u8)(word >> 8);
	__u32 n = http_ws_header(second);

	if (h->at || have < 2 || have < n) {
		*ret_whole = http_ws_byte(h, (__u8)word);
		return 1;
	}
	h->name = (__u8)word;
	h->after = second;
	h->length = second & HTTP_FRAME_LENGTH;
	if (h->length == 126)
		h->length = __builtin_bswap64(word << 32) & 0xffff;
	else if (h->length == 127)
		h->length = __builtin_bswap64(http_word_at(h, i + 2));
	*ret_whole = true;
	return n;
}

/* One step of a segment that has bytes left, in rx (@in) or tx. Returns 1 when it has none. */
static __always_inline long http_ws_once(struct http_scan *s, bool in)
{
	struct http_conn *c = s->c;
	struct http_half *h = in ? &c->rx : &c->tx;
	bool just = h->state != HTTP_PAYLOAD, whole = true;
	__u32 i = 0, have = 1;
	int n = -1;

	if (c->upgraded != HTTP_WEBSOCKET) {
		s->pos = s->end;
		return 1;
	}
	if (just) {
		have = http_fill(s, h, in && c->reading != 0, &i);
		if (have)
			s->pos += http_ws_head(h, i, have, &whole);
		if (!whole)
			return s->pos >= s->end;
	}
	if (have)
		n = http_ws_payload(c, in, just, s->end - s->pos, s->now);
	if (n < 0) {
		http_ws_lost(c);
		s->pos = s->end;
		return 1;
	}
	s->pos += (__u32)n;
	return s->pos >= s->end;
}

#endif
