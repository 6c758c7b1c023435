/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Loses chosen packets of a test's own clients, as a network would. */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "packet.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

__u32 drop_port; /* of the server */
__u32 drop_acks; /* so many bare ACKs of established clients */
__u32 drop_all;  /* whatever clients and server send */
__u32 dropped;

/* Before it leaves. */
SEC("cgroup_skb/egress")
int drop_leaving(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct http_packet p;

	if (!sk || !drop_acks || !drop_port || bpf_ntohl(skb->remote_port) != drop_port)
		return 1;
	if (sk->state != BPF_TCP_ESTABLISHED || packet_parse(skb, &p))
		return 1;
	drop_acks--;
	dropped++;
	return 0;
}

/* When it has left, and is seen by nobody again. */
SEC("cgroup_skb/ingress")
int drop_arriving(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (!sk || !drop_all || !drop_port)
		return 1;
	if (bpf_ntohl(skb->remote_port) != drop_port && sk->src_port != drop_port)
		return 1;
	dropped++;
	return 0;
}
