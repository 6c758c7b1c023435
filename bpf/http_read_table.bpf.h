/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When the service read, by the address of its socket: a tracepoint knows no more of it.
 *
 * A set-associative table in an array, whose look-up the kernel inlines: it is asked at each read of each socket on the host,
 * and most of these are not the service's. A socket that finds its set full takes the place of another,
 * which has no queue time from then on: with 10,000 connections one in 1,300, with 30,000 one in 35.
 */
#ifndef ISAMON_HTTP_READ_TABLE_BPF_H
#define ISAMON_HTTP_READ_TABLE_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "http_conn.bpf.h"

#define HTTP_READ_SET_BITS 14
#define HTTP_READ_SETS (1 << HTTP_READ_SET_BITS)
#define HTTP_READ_WAYS 4 /* a power of two */

struct http_read_set {
	__u64 socket[HTTP_READ_WAYS]; /* 0: free */
	struct http_reads reads[HTTP_READ_WAYS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, HTTP_READ_SETS);
	__type(key, __u32);
	__type(value, struct http_read_set);
} http_read_sets SEC(".maps");

static __always_inline struct http_read_set *http_read_set_of(__u64 socket)
{
	/* Fibonacci hashing: sockets stand at multiples of their size. */
	__u32 i = (__u32)(socket * 0x9e3779b97f4a7c15ull >> (64 - HTTP_READ_SET_BITS));

	return bpf_map_lookup_elem(&http_read_sets, &i);
}

/* NULL: reads of @socket are not noted. */
static __always_inline struct http_reads *http_read_find(__u64 socket)
{
	struct http_read_set *set = http_read_set_of(socket);

	if (!set)
		return NULL;
	if (set->socket[0] == socket)
		return &set->reads[0];
	if (set->socket[1] == socket)
		return &set->reads[1];
	if (set->socket[2] == socket)
		return &set->reads[2];
	if (set->socket[3] == socket)
		return &set->reads[3];
	return NULL;
}

/* From now on, reads of @socket are noted. */
static __always_inline void http_read_begin(__u64 socket)
{
	struct http_read_set *set = http_read_set_of(socket);
	__u32 way = (__u32)(socket >> 12) & (HTTP_READ_WAYS - 1);
	int i;

	if (!set)
		return;
	env_unroll
	for (i = 0; i < HTTP_READ_WAYS; i++) {
		__u64 was = __sync_val_compare_and_swap(&set->socket[i], 0, socket);

		if (!was || was == socket) {
			set->reads[i].first_ns = 0;
			return;
		}
	}
	set->socket[way] = socket;
	set->reads[way].first_ns = 0;
}

static __always_inline void http_read_end(__u64 socket)
{
	struct http_read_set *set = http_read_set_of(socket);
	int i;

	if (!set)
		return;
	env_unroll
	for (i = 0; i < HTTP_READ_WAYS; i++)
		if (set->socket[i] == socket)
			set->socket[i] = 0;
}

#endif
