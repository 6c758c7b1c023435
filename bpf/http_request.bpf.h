/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Requests: what arrives on a connection of the service.
 *
 * A request begins with the first byte that arrives between messages and could begin a method. It is
 * counted then. Segments may come late, twice, or in the wrong order (the hook stands before TCP's own
 * queue): a gap inside a body of known length is stepped over; what is behind any other is held until the
 * gap is filled (http_reorder.bpf.h). Bytes that never pass the hook make the connection wait for the next
 * segment that starts like a request.
 */
#ifndef ISAMON_HTTP_REQUEST_BPF_H
#define ISAMON_HTTP_REQUEST_BPF_H

#include "http_ws.bpf.h"

/* Steps of one segment at most: there are less than two for each byte of the longest one and of all that is held. */
#define HTTP_STEPS_MAX (1 << 20)
/* A service that sends nothing acknowledges nothing that we see. */
#define HTTP_ACK_LAG_MAX (1 << 30)
/* No method is longer than this. */
#define HTTP_METHOD_LETTERS 20

/* resync of rx: the framing is lost; or just this segment does not follow the last one. */
enum { HTTP_RESYNC = 1, HTTP_RESYNC_GAP = 2 };

/* Requests that have begun and not ended. */
static __always_inline __u32 http_outstanding(const struct http_conn *c)
{
	__s32 n = (__s32)(c->begun - c->ended);

	return n > 0 ? n : 0;
}

/* Ends all that is outstanding and that the other side has not claimed. Returns how many that are. */
static __always_inline __u32 http_claim_all(struct http_conn *c)
{
	__u32 begun = c->begun, was = c->ended;
	__s32 n;

	if (!c->watched)
		was = __sync_lock_test_and_set(&c->claimed, begun);
	n = (__s32)(begun - was);
	if (n <= 0)
		return 0;
	__sync_fetch_and_add(&c->ended, n);
	return n;
}

/* What is outstanding will not be followed to its end. */
static __always_inline void http_discard(struct http_conn *c)
{
	__u32 n = http_claim_all(c);

	if (n)
		HTTP_COUNT(c, discarded, n);
}

/* It speaks something else: counted once, left alone from now on. */
env_global int http_not(struct http_conn *c)
{
	if (!c || c->non_http)
		return 0;
	c->non_http = 1;
	http_discard(c);
	HTTP_COUNT(c, non_http, 1);
	return 0;
}

static __always_inline struct http_record *http_rx_record(struct http_conn *c)
{
	return c->in_next ? &c->next.r : &c->now.r;
}

static __always_inline void http_record_clear(struct http_record *r, __u64 now, __u16 port)
{
	r->start_ns = now;
	r->first_byte_ns = 0;
	r->end_ns = 0;
	r->read_ns = 0;
	r->silence_ns = 0;
	r->request_bytes = 0;
	r->response_bytes = 0;
	r->messages_in = 0;
	r->messages_out = 0;
	r->pid = 0;
	r->status = 0;
	r->port = port;
	r->flags = 0;
	r->method = HTTP_METHOD_OTHER;
	r->end = 0;
	r->phase = 0;
	r->path_len = 0;
	r->kind = HTTP_KIND_REQUEST;
}

static __always_inline void http_rx_begin(struct http_conn *c, __u64 now)
{
	__u32 waiting = c->begun - c->ended;
	struct http_record *r;

	c->in_next = waiting != 0;
	r = http_rx_record(c);
	http_record_clear(r, now, c->port);
	if (waiting)
		r->flags = HTTP_FLAG_PIPELINED;
	else
		c->current = c->begun;
	http_half_reset(&c->rx);
	c->rx.resync = 0;
	c->rx.busy = 1;
	c->begun++;
	HTTP_COUNT(c, started, 1);
}

/*
 * All of a request has arrived, or all that will ever be known of it. (Not env_global: Linux 6.1 stores no
 * map value from memory that a global function was handed.)
 */
static __always_inline void http_rx_message(struct http_conn *c)
{
	__u32 number = c->begun - 1;

	if (!c->rx.busy)
		return;
	http_rx_record(c)->request_bytes = c->rx.body;
	if (c->in_next &&
	    (number - c->ended > HTTP_PIPELINE_MAX || env_wait(c->id, number, &c->next.r)))
		HTTP_COUNT(c, pipeline_overflow, 1);
	c->in_next = 0;
	c->rx.busy = 0;
}

/* The end of a message, known or not. */
static __always_inline void http_rx_over(struct http_conn *c, bool broken)
{
	http_rx_message(c);
	c->rx.state = HTTP_IDLE;
	if (!broken)
		return;
	c->rx.resync = HTTP_RESYNC;
	HTTP_COUNT(c, desyncs, 1);
}

/* A head has arrived. Returns the event that follows from it. */
static __always_inline __u32 http_rx_head(struct http_half *h)
{
	if (h->flags & HTTP_CHUNKED) {
		http_expect_size(h);
		return HTTP_EVENT_NONE;
	}
	if (h->flags & (HTTP_HAS_CODING | HTTP_BAD_LENGTH))
		return HTTP_EVENT_BROKEN;
	if (!(h->flags & HTTP_HAS_LENGTH) || !h->length)
		return HTTP_EVENT_MESSAGE;
	h->left = h->length;
	h->state = HTTP_BODY;
	return HTTP_EVENT_NONE;
}

/* @word: the letters of a method, zeros behind them. */
static __always_inline __u8 http_method_of(__u64 word)
{
	switch (word) {
	case HTTP_WORD('G', 'E', 'T', 0, 0, 0, 0, 0): return HTTP_METHOD_GET;
	case HTTP_WORD('H', 'E', 'A', 'D', 0, 0, 0, 0): return HTTP_METHOD_HEAD;
	case HTTP_WORD('P', 'O', 'S', 'T', 0, 0, 0, 0): return HTTP_METHOD_POST;
	case HTTP_WORD('P', 'U', 'T', 0, 0, 0, 0, 0): return HTTP_METHOD_PUT;
	case HTTP_WORD('D', 'E', 'L', 'E', 'T', 'E', 0, 0): return HTTP_METHOD_DELETE;
	case HTTP_WORD('C', 'O', 'N', 'N', 'E', 'C', 'T', 0): return HTTP_METHOD_CONNECT;
	case HTTP_WORD('O', 'P', 'T', 'I', 'O', 'N', 'S', 0): return HTTP_METHOD_OPTIONS;
	case HTTP_WORD('T', 'R', 'A', 'C', 'E', 0, 0, 0): return HTTP_METHOD_TRACE;
	case HTTP_WORD('P', 'A', 'T', 'C', 'H', 0, 0, 0): return HTTP_METHOD_PATCH;
	}
	return HTTP_METHOD_OTHER;
}

/* The known method that @word starts with, and its letters; HTTP_METHOD_OTHER if there is none. */
static __always_inline __u8 http_known_method(__u64 word, __u32 have, __u32 *ret_letters)
{
	__u64 space = http_bytes_equal(word, ' ');
	__u32 n;

	if (!space)
		return HTTP_METHOD_OTHER;
	n = http_first_byte(space) & 7;
	if (n >= have)
		return HTTP_METHOD_OTHER;
	*ret_letters = n;
	return http_method_of(word & ((1ull << (n * 8)) - 1));
}

/* Control bytes do not end a target, though they have no business there. */
static __always_inline bool http_in_target(__u8 c)
{
	return c < ' ' && c != '\r' && c != '\n';
}

/* The path, eight bytes at a time, to the first blank or '?' or '#'. The rest of the line says nothing
 * that is needed. */
env_global __u64 http_rx_target(struct http_conn *c, __u32 i, __u32 have)
{
	struct http_record *r;
	__u32 done = 0;
	int k;

	if (!c)
		return HTTP_STEP(have, HTTP_EVENT_NONE);
	r = http_rx_record(c);
	for (k = 0; k < 4 && done < have; k++) {
		__u64 word = http_word_at(&c->rx, i + done);
		__u64 stop = http_bytes_blank(word) | http_bytes_equal(word, '?') |
			     http_bytes_equal(word, '#');
		__u32 n = stop ? http_first_byte(stop) : 8;
		__u32 len = r->path_len;

		if (n >= have - done) { /* what is behind was not loaded */
			n = have - done;
			stop = 0;
		} else if (stop && http_in_target(http_byte_at(&c->rx, i + done + n))) {
			n++;
			stop = 0;
		}
		if (len < HTTP_PATH_MAX)
			env_store_word(&r->path[len & (HTTP_PATH_MAX - 1)], word);
		len += n;
		if (len > HTTP_PATH_MAX) {
			len = HTTP_PATH_MAX;
			r->flags |= HTTP_FLAG_PATH_CUT;
		}
		r->path_len = (__u8)len;
		done += n;
		if (stop) {
			http_skip_to(&c->rx, HTTP_NAME);
			break;
		}
	}
	return HTTP_STEP(done, HTTP_EVENT_NONE);
}

/* Between requests: does one begin here? */
static __always_inline __u64 http_rx_idle(struct http_conn *c, __u32 i, __u32 have, __u32 rest,
					  __u64 now)
{
	__u64 word = http_word_at(&c->rx, i);
	__u32 letters = 0;
	__u8 method = http_known_method(word, have, &letters);
	__u8 target = http_byte_at(&c->rx, i + letters + 1);
	__u8 first = (__u8)word, resync = c->rx.resync;

	if (resync && (method == HTTP_METHOD_OTHER || letters + 1 >= have ||
		       (target != '/' && target != 'h' && target != '*')))
		return HTTP_STEP(rest, HTTP_EVENT_NONE);
	/* RFC 9112 2.2: a server skips them. */
	if (first == '\r' || first == '\n')
		return HTTP_STEP(1, HTTP_EVENT_NONE);
	if (method != HTTP_METHOD_OTHER) {
		http_rx_begin(c, now);
		http_rx_record(c)->method = method;
		c->rx.state = HTTP_TARGET;
		return HTTP_STEP(letters + 1, HTTP_EVENT_NONE);
	}
	if (first >= 'A' && first <= 'Z') {
		http_rx_begin(c, now);
		c->rx.state = HTTP_METHOD;
		return HTTP_STEP(0, HTTP_EVENT_NONE);
	}
	if (c->begun)
		return HTTP_STEP(0, HTTP_EVENT_BROKEN);
	http_not(c);
	return HTTP_STEP(rest, HTTP_EVENT_NONE);
}

/* One letter of a method that is unknown, or cut. */
env_global __u64 http_rx_method(struct http_conn *c, __u8 letter, __u32 rest)
{
	struct http_half *h;

	if (!c)
		return HTTP_STEP(rest, HTTP_EVENT_NONE);
	h = &c->rx;
	if (letter == ' ' && h->at) {
		if (h->at <= 8)
			http_rx_record(c)->method = http_method_of(h->length);
		h->length = 0;
		h->at = 0;
		h->state = HTTP_TARGET;
		return HTTP_STEP(1, HTTP_EVENT_NONE);
	}
	if (((letter >= 'A' && letter <= 'Z') || letter == '-' || letter == '_') &&
	    h->at < HTTP_METHOD_LETTERS) {
		if (h->at < 8)
			h->length |= (__u64)letter << ((h->at & 7) * 8);
		h->at++;
		return HTTP_STEP(1, HTTP_EVENT_NONE);
	}
	/* What was taken for a request and answered is one. */
	if (c->begun == c->ended || c->tx.state != HTTP_IDLE)
		return HTTP_STEP(0, HTTP_EVENT_BROKEN);
	/* Only what has just begun is none. */
	if (c->begun > 1) {
		HTTP_COUNT(c, discarded, 1);
		c->begun--;
		c->in_next = 0;
		h->busy = 0;
		return HTTP_STEP(0, HTTP_EVENT_BROKEN);
	}
	http_not(c);
	return HTTP_STEP(rest, HTTP_EVENT_NONE);
}

static __always_inline __u64 http_rx_next(struct http_scan *s, struct http_conn *c)
{
	__u32 rest = s->end - s->pos, i = 0, have = 0, done = 0;
	struct http_half *h = &c->rx;
	__u64 step;

	if (h->state < HTTP_BODY) {
		have = http_fill(s, h, c->reading != 0, &i);
		if (!have)
			return HTTP_STEP(rest, HTTP_EVENT_BROKEN);
	}
	if (h->state == HTTP_METHOD)
		return http_rx_method(c, http_byte_at(h, i), rest);
	/* A request line that is at hand, and the lines behind it, in one go. */
	if (h->state == HTTP_IDLE) {
		step = http_rx_idle(c, i, have, rest, s->now);
		done = (__u32)step;
		if (h->state != HTTP_TARGET || done >= have)
			return step;
	}
	if (h->state == HTTP_TARGET) {
		done += (__u32)http_rx_target(c, i + done, have - done);
		if (h->state != HTTP_SKIP || done >= have)
			return HTTP_STEP(done, HTTP_EVENT_NONE);
	}
	if (done)
		return done + http_lines(h, i + done, have - done);
	return http_step(h, i, have, rest);
}

/* One step. Returns 1 when no bytes are left. */
static __always_inline long http_rx_once(struct http_scan *s)
{
	struct http_conn *c = s->c;
	__u64 step;
	__u32 event;

	if (c->upgraded)
		return http_ws_once(s, true) && (!c->held || !http_held_next(s));
	step = http_rx_next(s, c);
	s->pos += (__u32)step;
	event = step >> 32;
	if (event == HTTP_EVENT_HEAD)
		event = http_rx_head(&c->rx);
	if (event == HTTP_EVENT_BROKEN)
		s->pos = s->end;
	if (event != HTTP_EVENT_NONE)
		http_rx_over(c, event == HTTP_EVENT_BROKEN);
	return s->pos >= s->end && (!c->held || c->non_http || !http_held_next(s));
}

static long http_rx_step(__u32 index, void *ctx)
{
	(void)index;
	return http_rx_once(ctx);
}

/*
 * Where the new bytes of a segment start: *ret_skip of its bytes were seen before. Returns false if none
 * is new. A gap is stepped over here if the body it lies in is known to reach that far.
 */
static __always_inline bool http_in_order(struct http_half *h, const struct http_packet *p,
					  __u32 *ret_skip, bool *ret_gap)
{
	__s32 ahead = (__s32)(p->seq - h->next);

	*ret_skip = 0;
	*ret_gap = false;
	if (ahead < 0) {
		*ret_skip = -ahead;
		return *ret_skip < p->len;
	}
	if (ahead > 0) {
		if (h->state == HTTP_SIZE_END && h->left)
			h->state = HTTP_CHUNK;
		if ((h->state == HTTP_BODY || h->state == HTTP_CHUNK || h->state == HTTP_PAYLOAD) &&
		    (__u64)ahead <= h->left) {
			h->left -= ahead;
			h->body += ahead;
		} else if (h->state == HTTP_UNTIL_CLOSE) {
			h->body += ahead;
		} else {
			*ret_gap = true;
		}
	}
	return true;
}

/*
 * A segment that does not follow what was seen, and the framing depends on what is missing. Returns
 * whether it is held until that arrives; it will not if TCP has received it already.
 */
static __always_inline bool http_rx_early(struct http_conn *c, struct __sk_buff *skb,
					  const struct http_packet *p)
{
	if (c->rx.resync || c->closed || c->pending)
		return false;
	if ((__s32)(c->acked - c->rx.next) <= 0)
		return !http_hold(c, skb, p->seq, p->offset, p->len);
	http_held_drop(c);
	return false;
}

/* The payload of a segment that arrived. */
static __always_inline void http_rx_data(struct http_conn *c, struct __sk_buff *skb,
					 const struct http_packet *p)
{
	struct http_scan s = {
		.c = c, .skb = skb, .offset = p->offset, .seq = p->seq, .end = p->len
	};
	__u32 next = c->rx.next;
	bool gap;

	c->reading = 0;
	if (c->upgraded && c->rx.state != HTTP_PAYLOAD)
		c->rx.state = HTTP_FRAME;
	if (!http_in_order(&c->rx, p, &s.pos, &gap))
		return;
	if (gap) {
		if (http_rx_early(c, skb, p))
			return;
		c->gap = 1;
		if (c->upgraded)
			http_ws_lost(c);
		else if (c->rx.state != HTTP_IDLE)
			http_rx_over(c, true);
		else if (!c->rx.resync)
			c->rx.resync = HTTP_RESYNC_GAP;
	}
	s.now = env_now();
	if (!http_rx_once(&s)) /* most segments take no more */
		env_loop(HTTP_STEPS_MAX, http_rx_step, &s);
	c->rx.next = s.seq + s.end;
	if ((__s32)(c->rx.next - c->acked) > HTTP_ACK_LAG_MAX) /* before the difference wraps */
		c->acked = c->rx.next;
	if (c->rx.resync == HTTP_RESYNC_GAP) { /* not a request: what is missing may still come */
		c->rx.resync = 0;
		c->rx.next = next;
	}
}

#endif
