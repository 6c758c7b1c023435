/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The product's state machine with its connection in a map instead of a socket, so that
 * bpf_prog_test_run_opts() can play whole connections to it, in the real environment and verified by
 * the real verifier. User space says what packet.bpf.h would: before Linux 6.15 or so a test run of
 * cgroup_skb has no valid data_end, so headers are left to the end-to-end tests.
 */
#include "http_env.bpf.h"
#include "http_machine.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct http_conn);
} test_conn SEC(".maps");

struct {
	__u32 rx_next, tx_next;
	__u8 synced, watched;
} test_start;

struct {
	__u32 seq, ack, offset, len;
	__u8 fin, rst;
} test_packet;

static __always_inline struct http_packet packet(void)
{
	return (struct http_packet){
		.seq = test_packet.seq,
		.ack = test_packet.ack,
		.offset = test_packet.offset,
		.len = test_packet.len,
		.fin = test_packet.fin,
		.rst = test_packet.rst,
	};
}

static __always_inline struct http_conn *conn(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&test_conn, &zero);
}

SEC("cgroup_skb/ingress")
int test_begin(struct __sk_buff *skb)
{
	struct http_conn *c = conn();

	if (!c)
		return 1;
	http_conn_init(c, 7, 8000, test_start.synced, test_start.rx_next, test_start.tx_next);
	c->watched = test_start.watched;
	return 1;
}

SEC("cgroup_skb/ingress")
int test_in(struct __sk_buff *skb)
{
	struct http_conn *c = conn();
	struct http_packet p = packet();

	if (c)
		http_ingress(c, skb, &p);
	return 1;
}

SEC("cgroup_skb/egress")
int test_out(struct __sk_buff *skb)
{
	struct http_conn *c = conn();
	struct http_packet p = packet();

	if (c)
		http_egress(c, skb, &p);
	return 1;
}

SEC("cgroup_skb/egress")
int test_close(struct __sk_buff *skb)
{
	struct http_conn *c = conn();

	if (c)
		http_conn_close(c);
	return 1;
}

SEC("cgroup_skb/egress")
int test_silent(struct __sk_buff *skb)
{
	struct http_conn *c = conn();

	if (c)
		c->client_done = 1;
	return 1;
}
