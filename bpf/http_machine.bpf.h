/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The state machine as its users see it: http_conn_init() or http_adopt() when a connection comes into sight,
 * http_ingress() and http_egress() for its segments, http_conn_close() when it is gone.
 */
#ifndef ISAMON_HTTP_MACHINE_BPF_H
#define ISAMON_HTTP_MACHINE_BPF_H

#include "http_close.bpf.h"

/* Tries to get in where another CPU is at the same connection. */
#define HTTP_LOCK_TRIES (1 << 18)

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
	if (c->held && (c->closed || c->non_http || c->upgraded == HTTP_TUNNEL))
		http_held_drop(c);
	__sync_lock_test_and_set(&c->rx_lock, 0);
}

static __always_inline void http_ingress(struct http_conn *c, struct __sk_buff *skb,
					 const struct http_packet *p)
{
	if (p->rst)
		HTTP_COUNT(c, resets[0], 1);
	if (p->len && c->upgraded != HTTP_TUNNEL && !c->non_http &&
	    !(c->server_done && !c->watched))
		http_rx_locked(c, skb, p);
	if (p->fin || p->rst)
		http_rx_done(c, p);
}

static __always_inline void http_egress(struct http_conn *c, struct __sk_buff *skb,
					const struct http_packet *p)
{
	if (p->rst)
		HTTP_COUNT(c, resets[1], 1);
	if (p->len && c->upgraded != HTTP_TUNNEL && !c->non_http) {
		c->acked = p->ack;
		http_tx_data(c, skb, p);
	}
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
	c->acked = rx_next;
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
	http_ws_forget(c);
	http_held_leave(c);
	http_half_reset(&c->rx);
	http_half_reset(&c->tx);
	c->rx.busy = 0;
	c->in_next = 0;
	c->gap = 0;
	c->synced = 0;
	c->acked = rx_next;
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
