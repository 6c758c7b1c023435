/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Responses: what leaves on a connection of the service, and how requests end.
 *
 * A request ends once: with the last byte of its response (by framing), with the close that ends an
 * unframed body, as an upgrade, or as an abort of the side that was done first. Its record is
 * sent in the same moment.
 */
#ifndef ISAMON_HTTP_RESPONSE_BPF_H
#define ISAMON_HTTP_RESPONSE_BPF_H

#include "http_request.bpf.h"

/* Requests that a close ends one by one; more are only counted. */
#define HTTP_CLOSE_MAX (HTTP_PIPELINE_MAX + 2)
#define HTTP_LOCK_TRIES 4096
/* How far a RST may be ahead of the bytes that were seen. */
#define HTTP_RST_WINDOW (1 << 20)

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
	r->end_ns = now;
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

env_global int http_tx_broken(struct http_conn *c, __u64 now)
{
	if (!c)
		return 0;
	HTTP_COUNT(c, desyncs, 1);
	if (c->tx.state != HTTP_IDLE && c->begun != c->ended)
		http_finish(c, HTTP_END_COMPLETE, now);
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
	http_finish(c, HTTP_END_UPGRADE, now);
	http_tx_idle(c);
	c->upgraded = 1;
	http_discard(c);
}

/* A head has left. RFC 9112 6.3: how long is the body? Returns HTTP_EVENT_MESSAGE if there is none. */
static __always_inline __u32 http_tx_head(struct http_conn *c, __u64 now)
{
	struct http_record *r = &c->now.r;
	struct http_half *h = &c->tx;

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
		   (h->flags == HTTP_HAS_LENGTH && !h->length)) {
		return HTTP_EVENT_MESSAGE;
	} else if (h->flags & HTTP_CHUNKED) {
		http_expect_size(h);
	} else if (h->flags != HTTP_HAS_LENGTH) {
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
	if ((!c->gap && !c->rx.resync) || !c->synced || have < 8 ||
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

	if (c->upgraded || c->non_http)
		return HTTP_STEP(rest, HTTP_EVENT_NONE);
	if (h->state < HTTP_BODY) {
		have = http_fill(s, h, &i);
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
	__u32 next = c->tx.next;
	bool gap;

	if (!http_in_order(&c->tx, p, &s.pos, &gap))
		return;
	s.now = p->sent_ns ? p->sent_ns : env_now();
	c->tx.lost = gap && !c->tx.resync; /* in memory: see http_lines() */
	if (c->tx.lost)
		http_tx_broken(c, s.now);
	if (!http_tx_once(&s))
		env_loop(HTTP_STEPS_MAX, http_tx_step, &s);
	c->tx.next = p->seq + p->len;
	/* A response whose head was dropped behind TCP's back will be sent again. */
	if (c->tx.lost && c->tx.state == HTTP_IDLE && http_outstanding(c))
		c->tx.next = next;
}

struct http_closing {
	struct http_conn *c;
	__u64 now;
	__u8 end;
};

static long http_close_step(__u32 index, void *ctx)
{
	struct http_closing *z = ctx;

	(void)index;
	if (!http_outstanding(z->c))
		return 1;
	http_promote(z->c, z->now);
	http_finish(z->c, z->end, z->now);
	return 0;
}

/* Nothing more will be answered: what is outstanding was aborted by @side. */
static __always_inline void http_abort(struct http_conn *c, __u8 side)
{
	struct http_closing z = { .c = c, .end = side };
	__u32 left;

	if (!http_outstanding(c))
		return;
	z.now = env_now();
	env_loop(HTTP_CLOSE_MAX, http_close_step, &z);
	left = http_outstanding(c);
	if (left) {
		HTTP_COUNT(c, ended[side & (HTTP_END_N - 1)][HTTP_PHASE_BEFORE], left);
		HTTP_COUNT(c, records_lost, left);
		c->claimed = c->begun;
		c->ended = c->begun;
	}
	http_tx_idle(c);
	c->rx.busy = 0;
}

/* Counts the connection as closed, once. */
static __always_inline void http_closed(struct http_conn *c)
{
	if (c->closed)
		return;
	c->closed = 1;
	HTTP_COUNT(c, connections_closed, 1);
}

/*
 * A segment with FIN or RST leaves. Behind its FIN a socket that nobody watches is soon a time-wait one, of
 * which nothing is seen. A RST of a watched one is explained by the close it comes with: the kernel also
 * resets a client that has vanished.
 */
static __always_inline void http_tx_done(struct http_conn *c, const struct http_packet *p)
{
	if (c->server_done || (p->rst && c->watched))
		return;
	c->server_done = 1;
	if (c->tx.state == HTTP_UNTIL_CLOSE && !p->rst && http_outstanding(c)) {
		http_finish(c, HTTP_END_COMPLETE, env_now());
		http_tx_idle(c);
	}
	http_abort(c, c->client_done ? HTTP_END_ABORT_CLIENT : HTTP_END_ABORT_SERVER);
	if (!c->watched)
		http_closed(c);
}

/* A segment with FIN or RST arrived. A FIN alone ends nothing: the client may still be listening. */
static __always_inline void http_rx_done(struct http_conn *c, const struct http_packet *p)
{
	/* Whether a RST is valid is for TCP to say: http_conn_close() comes if so. If nobody
	 * tells, it is when it continues what was seen (RFC 5961 3.2), give or take what is on its way. */
	if (p->rst && !c->watched && p->seq - c->rx.next > HTTP_RST_WINDOW)
		return;
	c->client_done = 1;
	if (c->watched)
		return;
	if (p->rst)
		http_abort(c, c->server_done ? HTTP_END_ABORT_SERVER : HTTP_END_ABORT_CLIENT);
	if (p->rst || c->server_done)
		http_closed(c);
}

/*
 * The socket closes, whatever the reason. Where nothing was heard of the client's end, the service closed it
 * (close() with unread data sets the state first and sends the RST after); a client that fell
 * silent was marked as done when the last retransmission timed out.
 */
static __always_inline void http_conn_close(struct http_conn *c)
{
	http_abort(c, c->client_done && !c->server_done ? HTTP_END_ABORT_CLIENT :
							  HTTP_END_ABORT_SERVER);
	http_closed(c);
}

/* rx runs before TCP's lock: two CPUs may bring segments of one connection at the same time. */
struct http_locking {
	struct http_conn *c;
	bool locked;
};

static long http_lock_step(__u32 index, void *ctx)
{
	struct http_locking *l = ctx;

	(void)index;
	l->locked = __sync_val_compare_and_swap(&l->c->rx_lock, 0, 1) == 0;
	return l->locked;
}

/* A segment that finds no way in is one that was not seen. */
static __always_inline void http_rx_locked(struct http_conn *c, struct __sk_buff *skb,
					   const struct http_packet *p)
{
	struct http_locking l = { .c = c };

	if (http_lock_step(0, &l) == 0)
		env_loop(HTTP_LOCK_TRIES, http_lock_step, &l);
	if (!l.locked) {
		c->gap = 1;
		return;
	}
	http_rx_data(c, skb, p);
	__sync_lock_test_and_set(&c->rx_lock, 0);
}

static __always_inline void http_ingress(struct http_conn *c, struct __sk_buff *skb,
					 const struct http_packet *p)
{
	if (p->len && !c->upgraded && !c->non_http && !(c->server_done && !c->watched))
		http_rx_locked(c, skb, p);
	if (p->fin || p->rst)
		http_rx_done(c, p);
}

static __always_inline void http_egress(struct http_conn *c, struct __sk_buff *skb,
					const struct http_packet *p)
{
	if (p->len && !c->upgraded && !c->non_http)
		http_tx_data(c, skb, p);
	if (p->fin || p->rst)
		http_tx_done(c, p);
}

/*
 * A connection comes into sight. @synced: from its first byte on; otherwise in the middle, where both
 * directions wait for the start of a message. @id is any number that no other live connection has.
 * Where there is no socket yet, both numbers are that of the first byte.
 */
static __always_inline void http_conn_init(struct http_conn *c, __u64 id, __u16 port, bool synced,
					   __u32 rx_next, __u32 tx_next)
{
	c->id = id;
	c->port = port;
	c->synced = synced;
	c->rx.next = rx_next;
	c->tx.next = tx_next;
	c->rx.resync = synced ? 0 : HTTP_RESYNC;
	c->tx.resync = !synced;
	HTTP_COUNT(c, connections, 1);
}

/* Its port was given up and is the service's again: what came between was not seen. */
static __always_inline void http_forget(struct http_conn *c, __u32 rx_next, __u32 tx_next)
{
	http_discard(c);
	http_half_reset(&c->rx);
	http_half_reset(&c->tx);
	c->rx.busy = 0;
	c->in_next = 0;
	c->synced = 0;
	c->rx.next = rx_next;
	c->tx.next = tx_next;
	c->rx.resync = HTTP_RESYNC;
	c->tx.resync = 1;
}

/*
 * Whether @seq, the first byte that a socket was seen to expect or bring, belongs to what the listener saw.
 * A connection that came to nothing leaves its bytes behind, and its addresses may come again.
 */
static __always_inline bool http_continues(const struct http_conn *pending, __u32 seq)
{
	__u32 first = pending->tx.next; /* see http_conn_init() of a pending one */

	return seq - first <= pending->rx.next - first;
}

/*
 * @c came into being for a socket whose first bytes the listener saw (a lost handshake ACK,
 * TCP_DEFER_ACCEPT, TCP Fast Open): they were worked on in @pending, uncounted, and are @c's now.
 */
static __always_inline void http_adopt(struct http_conn *c, const struct http_conn *pending)
{
	c->begun = pending->begun;
	c->current = pending->current;
	c->in_next = pending->in_next;
	c->non_http = pending->non_http;
	c->ended = pending->ended;
	c->claimed = pending->ended;
	c->client_done = pending->client_done;
	c->gap = pending->gap;
	__builtin_memcpy(&c->rx, &pending->rx, __builtin_offsetof(struct http_half, window));
	c->now.r = pending->now.r;
	c->next.r = pending->next.r;
	c->id = pending->id; /* the waiting ones stand under it */
	HTTP_COUNT(c, started, c->begun);
	if (c->non_http) {
		HTTP_COUNT(c, non_http, 1);
		HTTP_COUNT(c, discarded, c->begun);
	}
}

#endif
