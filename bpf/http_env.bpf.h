/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The environment of http_conn.bpf.h in the kernel: its maps and helpers. */
#ifndef ISAMON_HTTP_ENV_BPF_H
#define ISAMON_HTTP_ENV_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "http_conn.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct http_totals);
} http_totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20); /* user space sets what is configured */
} http_ring SEC(".maps");

struct http_waiting_key {
	__u64 id;
	__u64 number;
};

/* Pipelined requests. The oldest make way when there are more than anyone waits for. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct http_waiting_key);
	__type(value, struct http_record);
} http_waiting SEC(".maps");

/* What arrived too early, of all connections. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HTTP_HELD_N);
	__type(key, __u32);
	__type(value, struct http_held);
} http_early SEC(".maps");

/* Whether reads are seen; set before loading. */
const volatile __u8 http_sees_reads = 1;

/* The level of the ring is looked at when these bits of the time are 0: at one record of 32. */
#define HTTP_WAKE_MASK (31 << 4)

/* Bytes in the ring at which the reader is woken before its time. */
const volatile __u32 http_wake_bytes = 1 << 19;

/* Hides from the compiler what it knows of a number, so that it keeps a bound for the verifier. */
#define env_opaque(n) asm volatile("" : "+r"(n))
#define env_global __attribute__((noinline))
#define env_unroll _Pragma("clang loop unroll(full)")
/* Memory is read again behind this. */
#define env_forget() asm volatile("" : : : "memory")
#define env_word(at) (*(const __u64 *)(at))
#define env_store_word(at, w) (*(__u64 *)(at) = (w))
#define env_now() bpf_ktime_get_ns()
#define env_load(skb, offset, to, n) bpf_skb_load_bytes(skb, offset, to, n)
#define env_loop(n, fn, ctx) bpf_loop(n, fn, ctx, 0)

#include "http_read_table.bpf.h"

static __always_inline struct http_totals *env_totals(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&http_totals, &zero);
}

static __always_inline struct http_held *env_held(__u32 i)
{
	return bpf_map_lookup_elem(&http_early, &i);
}

static __always_inline struct http_reads *env_reads(const struct http_conn *c)
{
	return http_sees_reads && c->socket ? http_read_find(c->socket) : NULL;
}

static __always_inline void env_reads_end(const struct http_conn *c)
{
	if (http_sees_reads && c->socket)
		http_read_end(c->socket);
}

static __always_inline void env_emit(const struct http_record *r, __u32 size)
{
	__u64 flags = BPF_RB_NO_WAKEUP;
	struct http_totals *t;

	/* Waking costs fifty times the record: rarely, and only above the mark. */
	if (!(r->end_ns & HTTP_WAKE_MASK) &&
	    bpf_ringbuf_query(&http_ring, BPF_RB_AVAIL_DATA) >= http_wake_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	if (!bpf_ringbuf_output(&http_ring, (void *)r, size, flags))
		return;
	t = env_totals();
	if (t)
		__sync_fetch_and_add(&t->records_lost, 1);
}

static __always_inline int env_wait(__u64 id, __u64 number, const struct http_record *r)
{
	struct http_waiting_key key = { .id = id, .number = number };

	return bpf_map_update_elem(&http_waiting, &key, r, BPF_ANY);
}

static __always_inline int env_fetch(__u64 id, __u64 number, struct http_record *ret)
{
	struct http_waiting_key key = { .id = id, .number = number };
	struct http_record *r = bpf_map_lookup_elem(&http_waiting, &key);

	if (!r)
		return -1;
	*ret = *r;
	bpf_map_delete_elem(&http_waiting, &key);
	return 0;
}

#endif
