/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * HTTP/1.x on the service's ports, seen where packets pass between the sockets and the network.
 *
 * Two programs observe packets at the root of the cgroup2 hierarchy, a third is told when connections of the
 * service are made and closed. All return 1: nothing is ever dropped or changed. What is
 * not for one of the ports leaves after one load and one compare.
 */
#include "http_env.bpf.h"
#include "http_machine.bpf.h"
#include "packet.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define AF_INET 2
#define ENETUNREACH 101
#define ETIMEDOUT 110
#define EHOSTUNREACH 113

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct http_conn);
} http_conns SEC(".maps");

/* First bytes of connections that have no socket yet. Those of which none comes are pushed out. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, struct packet_flow);
	__type(value, struct http_conn);
} http_pending SEC(".maps");

/* An http_conn is too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct http_conn);
} http_blank SEC(".maps");

/*
 * For each port 0, or the generation in which it became the service's: a connection of an older one has a hole
 * in its history. User space writes it through the map's memory.
 */
__u8 http_ports[65536];
/* 0: Linux or its lockdown does not let us read a socket's error; set before loading. */
const volatile __u8 http_reads_error = 1;
/* Whether http_pending was ever used: most hosts never see such a connection. */
__u32 http_pending_used;

static __always_inline __u8 port_generation(__u32 port)
{
	return http_ports[port & 65535];
}

static __always_inline __u64 conn_id(void)
{
	return (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
}

/* Takes over what the listener saw of this connection, if it saw anything; @seq as in http_continues(). */
static __always_inline void conn_adopt(struct http_conn *c, const struct packet_flow *flow,
				       __u32 seq)
{
	struct http_conn *pending;

	pending = bpf_map_lookup_elem(&http_pending, flow);
	if (!pending)
		return;
	if (http_continues(pending, seq))
		http_adopt(c, pending);
	bpf_map_delete_elem(&http_pending, flow);
}

/* Reads of @sk are noted from now on. The address names it as long as it lives; it is never followed. */
static __always_inline void reads_begin(struct http_conn *c, struct bpf_sock *sk)
{
	if (!http_sees_reads)
		return;
	c->socket = (__u64)(long)sk;
	env_forget(); /* what is read back is a number, no pointer that must not be calculated with */
	http_read_begin(c->socket);
}

/* Its port came back. Whether this packet is the one that finds out: another may pass on another CPU. */
static __always_inline bool conn_renew(struct http_conn *c, __u8 generation)
{
	__u32 was = c->generation;

	return was != generation &&
	       __sync_val_compare_and_swap(&c->generation, was, generation) == was;
}

/* The state of the socket behind @skb, made now if need be. */
static __always_inline struct http_conn *conn_of(struct __sk_buff *skb, struct bpf_sock *sk,
						 const struct http_packet *p, bool in,
						 __u8 generation)
{
	__u32 rx_next = in ? p->seq : p->ack, tx_next = in ? p->ack : p->seq;
	struct packet_flow flow;
	struct http_conn *c;

	c = bpf_sk_storage_get(&http_conns, sk, 0, 0);
	if (c && c->generation != generation && conn_renew(c, generation))
		http_forget(c, rx_next, tx_next);
	if (c || !p->len)
		return c;
	c = bpf_sk_storage_get(&http_conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!c)
		return NULL;
	http_conn_init(c, conn_id(), sk->src_port, false, rx_next, tx_next);
	c->generation = generation;
	reads_begin(c, sk);
	if (http_pending_used && packet_flow_of(skb, in, &flow))
		conn_adopt(c, &flow, rx_next);
	return c;
}

/* What is known of the connection of a segment for a listener: its socket comes into being behind us. */
static __always_inline struct http_conn *conn_pending(struct __sk_buff *skb, __u16 port,
						      const struct http_packet *p)
{
	struct packet_flow flow;
	struct http_conn *c, *blank;
	__u32 zero = 0;

	if (!packet_flow_of(skb, true, &flow))
		return NULL;
	if (p->rst)
		bpf_map_delete_elem(&http_pending, &flow);
	if (!p->len || p->rst)
		return NULL;
	c = bpf_map_lookup_elem(&http_pending, &flow);
	if (c && http_continues(c, p->seq))
		return c;
	blank = bpf_map_lookup_elem(&http_blank, &zero);
	if (!blank || bpf_map_update_elem(&http_pending, &flow, blank, BPF_ANY))
		return NULL;
	c = bpf_map_lookup_elem(&http_pending, &flow);
	if (!c)
		return NULL;
	http_pending_used = 1;
	c->pending = 1;
	http_conn_init(c, conn_id(), port, true, p->seq, p->seq);
	return c;
}

SEC("cgroup_skb/ingress")
int isamon_http_ingress(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct http_packet p;
	struct http_conn *c;
	__u8 generation;

	if (!sk)
		return 1;
	generation = port_generation(sk->src_port);
	if (!generation || !packet_parse(skb, &p))
		return 1;
	if (sk->state == BPF_TCP_LISTEN)
		c = conn_pending(skb, sk->src_port, &p);
	else
		c = conn_of(skb, sk, &p, true, generation);
	if (c)
		http_ingress(c, skb, &p);
	return 1;
}

SEC("cgroup_skb/egress")
int isamon_http_egress(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct http_packet p;
	struct http_conn *c;
	__u8 generation;

	if (!sk)
		return 1;
	generation = port_generation(sk->src_port);
	if (!generation || !packet_parse(skb, &p) || sk->state == BPF_TCP_LISTEN)
		return 1;
	/* TCP's own time of departure (tcp_wstamp_ns, CLOCK_MONOTONIC), which pacing may have put off. */
	p.sent_ns = skb->tstamp;
	c = conn_of(skb, sk, &p, false, generation);
	if (c)
		http_egress(c, skb, &p);
	return 1;
}

static __always_inline void sock_flow(const struct bpf_sock_ops *ctx, struct packet_flow *f)
{
	f->pad = 0;
	f->from_port = (__be16)(ctx->remote_port >> 16);
	f->to_port = bpf_htons((__u16)ctx->local_port);
	if (ctx->family == AF_INET) {
		packet_map_v4(f->from, ctx->remote_ip4);
		packet_map_v4(f->to, ctx->local_ip4);
		return;
	}
	((__u32 *)f->from)[0] = ctx->remote_ip6[0];
	((__u32 *)f->from)[1] = ctx->remote_ip6[1];
	((__u32 *)f->from)[2] = ctx->remote_ip6[2];
	((__u32 *)f->from)[3] = ctx->remote_ip6[3];
	((__u32 *)f->to)[0] = ctx->local_ip6[0];
	((__u32 *)f->to)[1] = ctx->local_ip6[1];
	((__u32 *)f->to)[2] = ctx->local_ip6[2];
	((__u32 *)f->to)[3] = ctx->local_ip6[3];
}

/* The service accepted a connection: its state is known from the first byte on. */
static __always_inline void sock_accepted(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	__u8 generation = port_generation(ctx->local_port);
	struct packet_flow flow;
	struct http_conn *c;

	if (!generation)
		return;
	c = bpf_sk_storage_get(&http_conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!c)
		return;
	http_conn_init(c, conn_id(), (__u16)ctx->local_port, true, ctx->rcv_nxt, ctx->snd_nxt);
	c->generation = generation;
	reads_begin(c, sk);
	if (http_pending_used) {
		sock_flow(ctx, &flow);
		conn_adopt(c, &flow, ctx->rcv_nxt);
	}
	/* 0: the kernel knows these flags and will tell */
	c->watched = bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags |
							    BPF_SOCK_OPS_STATE_CB_FLAG |
							    BPF_SOCK_OPS_RTO_CB_FLAG |
							    BPF_SOCK_OPS_RETRANS_CB_FLAG) == 0;
}

struct sock___error {
	int sk_err;
} __attribute__((preserve_access_index));

/* Whether TCP gave the peer up (tcp_write_err() leaves its reason before it closes). */
static __always_inline bool sock_gave_up(struct bpf_sock *sk)
{
	struct sock___error *kernel;

	if (!http_reads_error)
		return false;
	kernel = (void *)bpf_skc_to_tcp_sock(sk);
	if (!kernel)
		return false;
	return kernel->sk_err == ETIMEDOUT || kernel->sk_err == EHOSTUNREACH ||
	       kernel->sk_err == ENETUNREACH;
}

/* How far away the client was: @us as TCP smoothed it, 0 if it never measured. */
static __always_inline void sock_rtt(struct http_conn *c, __u32 us)
{
	struct http_totals *t = env_totals();
	__u32 i, bound = 1;

	if (!t || !us)
		return;
	for (i = 0; i < HTTP_RTT_N - 1 && us > bound; i++)
		bound *= 4;
	__sync_fetch_and_add(&t->rtt[i], 1);
	__sync_fetch_and_add(&t->rtt_us, us);
}

/* The ports do not matter here: what was begun is ended, also if its port is no longer ours. */
static __always_inline void sock_closed(struct bpf_sock_ops *ctx, struct bpf_sock *sk,
					struct http_conn *c)
{
	if (port_generation(ctx->local_port) != c->generation) {
		http_discard(c);
		http_ws_forget(c);
	}
	if (sock_gave_up(sk))
		c->client_done = 1;
	http_conn_close(c);
	sock_rtt(c, ctx->srtt_us >> 3);
}

SEC("sockops")
int isamon_http_sock(struct bpf_sock_ops *ctx)
{
	__u32 op = ctx->op;
	struct bpf_sock *sk;
	struct http_conn *c;

	if (op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB && op != BPF_SOCK_OPS_STATE_CB &&
	    op != BPF_SOCK_OPS_RTO_CB && op != BPF_SOCK_OPS_RETRANS_CB)
		return 1;
	sk = ctx->sk;
	if (!sk)
		return 1;
	if (op == BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB) {
		sock_accepted(ctx, sk);
		return 1;
	}
	c = bpf_sk_storage_get(&http_conns, sk, 0, 0);
	if (!c)
		return 1;
	if (op == BPF_SOCK_OPS_STATE_CB && ctx->args[1] == BPF_TCP_CLOSE)
		sock_closed(ctx, sk, c);
	else if (op == BPF_SOCK_OPS_RTO_CB && ctx->args[2])
		c->client_done = 1; /* the last retransmission timed out: it fell silent */
	else if (op == BPF_SOCK_OPS_RETRANS_CB && !ctx->args[2]) /* it was sent */
		HTTP_COUNT(c, retransmits, ctx->args[1]);
	return 1;
}

/*
 * Somebody took bytes from a socket's queue (tcp_recvmsg() calls tcp_rcv_space_adjust() behind each copy, and so
 * do splice and io_uring). A raw tracepoint: loads where tracing programs are refused, and costs less than a plain
 * one. Sockets of others are not in the table.
 */
SEC("raw_tp/tcp_rcv_space_adjust")
int isamon_http_read(__u64 *ctx)
{
	struct http_reads *reads = http_read_find(ctx[0]);
	__u64 now;

	if (!reads)
		return 0;
	now = bpf_ktime_get_ns();
	reads->last_ns = now;
	if (reads->first_ns)
		return 0;
	reads->pid = bpf_get_current_pid_tgid() >> 32;
	reads->first_ns = now;
	return 0;
}
