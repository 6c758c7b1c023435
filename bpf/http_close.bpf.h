/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How connections end, and with them the requests that are outstanding: an unframed body is complete with the
 * service's FIN, everything else is an abort of the side that was done first.
 */
#ifndef ISAMON_HTTP_CLOSE_BPF_H
#define ISAMON_HTTP_CLOSE_BPF_H

#include "http_response.bpf.h"

/* Requests that a close ends one by one; more are only counted. */
#define HTTP_CLOSE_MAX (HTTP_PIPELINE_MAX + 2)
/* How far a RST may be ahead of the bytes that were seen. */
#define HTTP_RST_WINDOW (1 << 20)

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
	left = http_claim_all(c);
	if (left) {
		HTTP_COUNT(c, ended[side & (HTTP_END_N - 1)][HTTP_PHASE_BEFORE], left);
		HTTP_COUNT(c, records_lost, left);
	}
	http_tx_idle(c);
	c->rx.busy = 0;
}

/* Counts the connection as closed, once, by @side. */
static __always_inline void http_closed(struct http_conn *c, __u8 side)
{
	if (c->closed)
		return;
	c->closed = 1;
	http_held_leave(c);
	env_reads_end(c);
	if (c->upgraded == HTTP_WEBSOCKET)
		http_ws_close(c, c->first_done ? c->first_done : side, env_now());
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
	if (!c->first_done)
		c->first_done = HTTP_END_ABORT_SERVER;
	if (c->tx.state == HTTP_UNTIL_CLOSE && !p->rst && http_outstanding(c)) {
		http_finish(c, HTTP_END_COMPLETE, env_now());
		http_tx_idle(c);
	}
	http_abort(c, c->client_done ? HTTP_END_ABORT_CLIENT : HTTP_END_ABORT_SERVER);
	if (!c->watched)
		http_closed(c, c->client_done ? HTTP_END_ABORT_CLIENT : HTTP_END_ABORT_SERVER);
}

/* A segment with FIN or RST arrived. A FIN alone ends nothing: the client may still be listening. */
static __always_inline void http_rx_done(struct http_conn *c, const struct http_packet *p)
{
	/* Whether a RST is valid is for TCP to say: http_conn_close() comes if so. If nobody
	 * tells, it is when it continues what was seen (RFC 5961 3.2), give or take what is on its way. */
	if (p->rst && !c->watched && c->upgraded != HTTP_TUNNEL && !c->non_http &&
	    p->seq - c->rx.next > HTTP_RST_WINDOW)
		return;
	c->client_done = 1;
	if (!c->first_done)
		c->first_done = HTTP_END_ABORT_CLIENT;
	if (c->watched)
		return;
	if (p->rst)
		http_abort(c, c->server_done ? HTTP_END_ABORT_SERVER : HTTP_END_ABORT_CLIENT);
	if (p->rst || c->server_done)
		http_closed(c, c->server_done ? HTTP_END_ABORT_SERVER : HTTP_END_ABORT_CLIENT);
}

/*
 * The socket closes, whatever the reason. Where nothing was heard of the client's end, the service closed it
 * (close() with unread data sets the state first and sends the RST after); a client that fell
 * silent was marked as done when the last retransmission timed out.
 */
static __always_inline void http_conn_close(struct http_conn *c)
{
	__u8 side =
		c->client_done && !c->server_done ? HTTP_END_ABORT_CLIENT : HTTP_END_ABORT_SERVER;

	http_abort(c, side);
	http_closed(c, side);
}

#endif
