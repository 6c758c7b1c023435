/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From a packet to its TCP segment. In cgroup_skb a packet begins with its IP header, and IP and TCP headers
 * are in its linear part: the kernel itself has read or written them there.
 */
#ifndef ISAMON_PACKET_BPF_H
#define ISAMON_PACKET_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "http_conn.bpf.h"

#define PACKET_EXTENSIONS_MAX 4

/* The addresses of a connection as the peer's packets carry them: v4 as v4-mapped. */
struct packet_flow {
	__u8 from[16];
	__u8 to[16];
	__be16 from_port;
	__be16 to_port;
	__u32 pad;
};

/* IPv6 extension headers that may stand before TCP (RFC 8200 4.1): next header, length, .... */
static __always_inline bool packet_is_extension(__u8 header)
{
	return header == 0 || header == 43 || header == 60;
}

/* The offset of the TCP header in *ret_at; false if the packet is not TCP. */
static __always_inline bool packet_find_tcp(const struct __sk_buff *skb, __u32 *ret_at)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct iphdr *ip4 = data;
	struct ipv6hdr *ip6 = data;
	__u32 at;
	__u8 header;
	int i;

	if ((void *)(ip4 + 1) > end)
		return false;
	if (ip4->version == 4) {
		*ret_at = ip4->ihl * 4;
		return ip4->protocol == 6;
	}
	if ((void *)(ip6 + 1) > end)
		return false;
	header = ip6->nexthdr;
	at = sizeof(*ip6);
	for (i = 0; i < PACKET_EXTENSIONS_MAX && packet_is_extension(header); i++) {
		__u8 *extension = data + at;

		if ((void *)(extension + 2) > end)
			return false;
		header = extension[0];
		at += (extension[1] + 1) * 8;
	}
	*ret_at = at;
	return header == 6;
}

/* Fills *@p. Returns false for what cannot matter: no TCP, no payload and neither FIN nor RST. */
static __always_inline bool packet_parse(const struct __sk_buff *skb, struct http_packet *p)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct tcphdr *tcp;
	__u32 at;

	if (!packet_find_tcp(skb, &at))
		return false;
	tcp = data + at;
	if ((void *)(tcp + 1) > end)
		return false;
	p->offset = at + tcp->doff * 4;
	p->len = skb->len > p->offset ? skb->len - p->offset : 0;
	p->fin = tcp->fin;
	p->rst = tcp->rst;
	if (!p->len && !p->fin && !p->rst)
		return false;
	p->seq = bpf_ntohl(tcp->seq) + tcp->syn; /* data behind a SYN: TCP Fast Open */
	p->ack = bpf_ntohl(tcp->ack_seq);
	p->sent_ns = 0;
	return true;
}

static __always_inline void packet_map_v4(__u8 *to, __be32 address)
{
	__u32 *words = (__u32 *)to;

	words[0] = 0;
	words[1] = 0;
	words[2] = bpf_htonl(0xffff);
	words[3] = address;
}

/* The flow of a packet that arrives (@in) or leaves, seen from the peer. Returns false if it has none. */
static __always_inline bool packet_flow_of(const struct __sk_buff *skb, bool in,
					   struct packet_flow *f)
{
	void *data = (void *)(long)skb->data;
	void *end = (void *)(long)skb->data_end;
	struct iphdr *ip4 = data;
	struct ipv6hdr *ip6 = data;
	struct tcphdr *tcp;
	__u32 at;

	if (!packet_find_tcp(skb, &at))
		return false;
	tcp = data + at;
	if ((void *)(tcp + 1) > end || (void *)(ip4 + 1) > end)
		return false;
	f->pad = 0;
	f->from_port = in ? tcp->source : tcp->dest;
	f->to_port = in ? tcp->dest : tcp->source;
	if (ip4->version == 4) {
		packet_map_v4(f->from, in ? ip4->saddr : ip4->daddr);
		packet_map_v4(f->to, in ? ip4->daddr : ip4->saddr);
		return true;
	}
	if ((void *)(ip6 + 1) > end)
		return false;
	__builtin_memcpy(f->from, in ? &ip6->saddr : &ip6->daddr, 16);
	__builtin_memcpy(f->to, in ? &ip6->daddr : &ip6->saddr, 16);
	return true;
}

#endif
