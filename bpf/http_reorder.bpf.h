/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Segments that arrive too early.
 *
 * The hook stands before TCP's own queue, so it sees a segment overtake another: one was lost and is sent
 * again, or two CPUs bring those of one connection (on loopback, too). Where the framing depends on what is
 * missing, the bytes are copied into a pool that all connections share and read when their turn comes. The
 * pool is bounded, in all and for each connection: a segment that finds no room is a gap in what was seen.
 * A connection knows how many pieces it has, the pieces know whose they are. Only who has the lock of rx touches
 * them; what is left behind without it is free again after its time.
 */
#ifndef ISAMON_HTTP_REORDER_BPF_H
#define ISAMON_HTTP_REORDER_BPF_H

#include "http_conn.bpf.h"

/* A piece that has waited longer may be taken by another connection, ns. */
#define HTTP_HELD_STALE (60ll * 1000000000)

struct http_held_search {
	struct http_conn *c;
	__u64 now;
	__u32 next;
	__u32 length;
	__u32 found; /* index + 1 of a piece; 0: none */
	__u32 owned; /* pieces of the connection that were passed */
};

/* A slot is its claimer's from the moment .since_ns changes, which says that it is taken and since when. */
static __always_inline bool http_held_claim(struct http_held_search *h, struct http_held *slot,
					    bool stale)
{
	__u64 since = slot->since_ns;

	if (since &&
	    (!stale || (__s64)(h->now - since) < HTTP_HELD_STALE || slot->owner == h->c->id))
		return false;
	if (__sync_val_compare_and_swap(&slot->since_ns, since, h->now) != since)
		return false;
	slot->owner = h->c->id;
	return true;
}

/* Two rounds: what is free, then what was forgotten. */
static long http_held_claim_step(__u32 index, void *ctx)
{
	struct http_held_search *h = ctx;
	struct http_held *slot = env_held(index & (HTTP_HELD_N - 1));

	if (!slot || !http_held_claim(h, slot, index >= HTTP_HELD_N))
		return 0;
	h->found = (index & (HTTP_HELD_N - 1)) + 1;
	return 1;
}

/* Gives the piece back that @slot is. */
static __always_inline void http_held_release(struct http_held *slot)
{
	slot->owner = 0;
	__sync_lock_test_and_set(&slot->since_ns, 0);
}

struct http_holding {
	struct http_conn *c;
	struct __sk_buff *skb;
	__u64 now;
	__u32 seq, offset, left; /* of what is not held yet */
};

static long http_hold_step(__u32 index, void *ctx)
{
	struct http_holding *z = ctx;
	struct http_held_search h = { .c = z->c, .now = z->now };
	struct http_held *slot;
	__u32 n = z->left < HTTP_HELD_BYTES ? z->left : HTTP_HELD_BYTES;

	(void)index;
	if (z->c->held >= HTTP_HELD_MAX)
		return 1;
	env_loop(2 * HTTP_HELD_N, http_held_claim_step, &h);
	slot = h.found ? env_held((h.found - 1) & (HTTP_HELD_N - 1)) : NULL;
	if (!slot)
		return 1;
	z->c->held++;
	slot->seq = z->seq;
	slot->len = n;
	env_opaque(n);
	n = ((n - 1) & (HTTP_HELD_BYTES - 1)) +
	    1; /* the verifier of 6.1 must see 1..HTTP_HELD_BYTES */
	if (env_load(z->skb, z->offset, slot->bytes, n))
		return 1;
	z->seq += n;
	z->offset += n;
	z->left -= n;
	return z->left == 0;
}

static long http_drop_step(__u32 index, void *ctx)
{
	struct http_held_search *h = ctx;
	struct http_held *slot = env_held(index & (HTTP_HELD_N - 1));

	if (slot && slot->owner == h->c->id)
		http_held_release(slot);
	return 0;
}

/* What is held of @c is not wanted any more; its lock is the caller's. */
env_global int http_held_drop(struct http_conn *c)
{
	struct http_held_search h = { .c = c };

	if (!c || !c->held)
		return 0;
	env_loop(HTTP_HELD_N, http_drop_step, &h);
	c->held = 0;
	return 0;
}

/* The same for who has no lock: if rx is at it, rx or time will see to it. */
static __always_inline void http_held_leave(struct http_conn *c)
{
	if (!c->held || __sync_val_compare_and_swap(&c->rx_lock, 0, 1))
		return;
	http_held_drop(c);
	__sync_lock_test_and_set(&c->rx_lock, 0);
}

static long http_held_same_step(__u32 index, void *ctx)
{
	struct http_held_search *h = ctx;
	struct http_held *slot = env_held(index & (HTTP_HELD_N - 1));

	if (!slot || slot->owner != h->c->id || slot->seq != h->next || slot->len != h->length)
		return 0;
	h->found = index + 1;
	return 1;
}

/* Keeps a segment for later. Returns 0, or 1 if there is no room: then nothing of @c is held any more. */
env_global int http_hold(struct http_conn *c, struct __sk_buff *skb, __u32 seq, __u32 offset,
			 __u32 len)
{
	struct http_holding z = { .skb = skb, .seq = seq, .offset = offset, .left = len };
	struct http_held_search h = { .c = c, .next = seq };

	if (!c)
		return 1;
	z.c = c;
	z.now = env_now();
	h.length = len; /* of a longer one the pieces do not tell whether it is the same */
	if (c->held)
		env_loop(HTTP_HELD_N, http_held_same_step, &h);
	if (h.found) /* sent again, and still too early */
		return 0;
	env_loop(HTTP_HELD_MAX, http_hold_step, &z);
	if (z.left)
		http_held_drop(c);
	return z.left != 0;
}

static long http_held_find_step(__u32 index, void *ctx)
{
	struct http_held_search *h = ctx;
	struct http_held *slot = env_held(index & (HTTP_HELD_N - 1));

	if (!slot || slot->owner != h->c->id)
		return 0;
	h->owned++;
	if ((__s32)(slot->seq - h->next) > 0)
		return 0;
	if ((__s32)(slot->seq + slot->len - h->next) > 0) {
		h->found = index + 1;
		return 1;
	}
	http_held_release(slot); /* read, or seen meanwhile */
	h->owned--;
	return 0;
}

/* The piece that holds the byte @next: its index + 1, or 0. Those before it are given back. */
env_global __u32 http_held_find(struct http_conn *c, __u32 next)
{
	struct http_held_search h = { .c = c, .next = next };

	if (!c)
		return 0;
	env_loop(HTTP_HELD_N, http_held_find_step, &h);
	if (!h.found)
		c->held = h.owned < HTTP_HELD_MAX ? h.owned : HTTP_HELD_MAX;
	return h.found;
}

/*
 * All of a segment or piece was read: goes on with the piece that continues it, if there is one. Returns
 * whether there is. (Not inline: the verifier would follow each of its outcomes to the end.)
 */
static __attribute__((noinline)) bool http_held_next(struct http_scan *s)
{
	__u32 next = s->seq + s->end;
	struct http_held *slot;
	__u32 found = http_held_find(s->c, next);

	slot = found ? env_held((found - 1) & (HTTP_HELD_N - 1)) : NULL;
	s->c->reading = found;
	if (!slot)
		return false;
	s->seq = slot->seq;
	s->pos = next - s->seq;
	s->end = slot->len;
	s->window_at = 0;
	s->window_len = 0;
	return true;
}

/* Fills the window of rx from the piece that is read; @at is below its length. */
env_global int http_held_load(struct http_conn *c, __u32 at)
{
	struct http_held *slot;
	int k;

	if (!c)
		return -1;
	slot = env_held((c->reading - 1) & (HTTP_HELD_N - 1));
	if (!slot || slot->owner != c->id)
		return -1;
	at &= HTTP_HELD_BYTES - 1;
	for (k = 0; k < HTTP_WINDOW; k += 8)
		env_store_word(&c->rx.window[k], env_word(&slot->bytes[at + k]));
	env_forget();
	return slot->owner == c->id ? 0 : -1; /* not taken meanwhile */
}

#endif
