/* SPDX-License-Identifier: MIT */
/*
 * The state machine of bpf/ in user space: its environment over plain memory.
 * A "packet" is a struct user_packet; what is emitted lands in user_env.
 */
#ifndef ISAMON_HTTP_USER_H
#define ISAMON_HTTP_USER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "http_conn.bpf.h"

#undef __always_inline
#define __always_inline inline

struct __sk_buff {
	const char *bytes;
	uint32_t len;
};

#define USER_RECORDS 256
#define USER_WAITING 128

static struct {
	uint64_t now;
	struct http_totals totals;
	struct http_reads reads;
	struct http_record records[USER_RECORDS];
	size_t n_records;
	struct {
		uint64_t id, number;
		struct http_record r;
		bool used;
	} waiting[USER_WAITING];
} user_env;
static struct http_held user_held[HTTP_HELD_N];

static inline void user_reset(void)
{
	memset(&user_env, 0, sizeof(user_env));
	for (size_t i = 0; i < HTTP_HELD_N; i++) /* all of it would take its time */
		user_held[i].owner = user_held[i].since_ns = 0;
}

#define env_opaque(n) ((void)0)
#define env_forget() ((void)0)
#define env_unroll
#define env_global static __attribute__((unused))
#define env_now() (++user_env.now)
#define env_totals() (&user_env.totals)

static inline struct http_held *env_held(__u32 i)
{
	return &user_held[i];
}

#define env_reads_end(c) ((void)(c))
#define env_reads(c) ((c)->socket ? &user_env.reads : NULL)

static inline __u64 env_word(const __u8 *at)
{
	__u64 w;

	memcpy(&w, at, sizeof(w));
	return w;
}

static inline void env_store_word(void *at, __u64 w)
{
	memcpy(at, &w, sizeof(w));
}

static inline long env_load(const struct __sk_buff *skb, __u32 offset, void *to, __u32 n)
{
	if (offset > skb->len || n > skb->len - offset)
		return -1;
	memcpy(to, skb->bytes + offset, n);
	return 0;
}

static inline void env_loop(__u32 n, long (*fn)(__u32, void *), void *ctx)
{
	for (__u32 i = 0; i < n; i++)
		if (fn(i, ctx))
			return;
}

static inline void env_emit(const struct http_record *r, __u32 size)
{
	struct http_record *to;

	if (user_env.n_records == USER_RECORDS) {
		user_env.totals.records_lost++;
		return;
	}
	to = &user_env.records[user_env.n_records++];
	memset(to, 0, sizeof(*to));
	memcpy(to, r, size);
}

static inline int env_wait(__u64 id, __u64 number, const struct http_record *r)
{
	for (size_t i = 0; i < USER_WAITING; i++) {
		if (user_env.waiting[i].used)
			continue;
		user_env.waiting[i].used = true;
		user_env.waiting[i].id = id;
		user_env.waiting[i].number = number;
		user_env.waiting[i].r = *r;
		return 0;
	}
	return -1;
}

static inline int env_fetch(__u64 id, __u64 number, struct http_record *ret)
{
	for (size_t i = 0; i < USER_WAITING; i++) {
		if (!user_env.waiting[i].used || user_env.waiting[i].id != id ||
		    user_env.waiting[i].number != number)
			continue;
		*ret = user_env.waiting[i].r;
		user_env.waiting[i].used = false;
		return 0;
	}
	return -1;
}

#include "http_machine.bpf.h"

#endif
