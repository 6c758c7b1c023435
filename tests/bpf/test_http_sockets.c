/* SPDX-License-Identifier: MIT */
/*
 * The probe on real sockets of this process: where a connection's first bytes meet the listener, where
 * its end comes without a packet, and over each address family.
 */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "drop.skel.h"
#include "probe/cgroup.h"
#include "probe/http_probe.h"
#include "unit/unit.h"

#define RECORDS 64
#define GET_A "GET /a?q HTTP/1.1\r\nHost: x\r\n\r\n"
#define OK_2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static struct http_probe *probe;
static struct drop_bpf *dropper;
static struct http_record got[RECORDS];
static size_t n_got;
static struct http_totals before;

static void on_record(const struct http_record *r, size_t size, void *ctx)
{
	(void)ctx;
	if (n_got < RECORDS) {
		memset(&got[n_got], 0, sizeof(got[0]));
		memcpy(&got[n_got++], r, size);
	}
}

/* One server and one client; -1 where closed. */
struct pair {
	int listener, server, client;
	uint16_t port;
};

static void set(int fd, int level, int option, int value)
{
	EXPECT_INT(setsockopt(fd, level, option, &value, sizeof(value)), 0);
}

/* Listens on a free port of @family's loopback; AF_INET6 with v4 clients is a v4-mapped one. */
static void listen_on(struct pair *p, int family)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in a4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_storage bound;
	socklen_t len = sizeof(bound);

	p->server = p->client = -1;
	p->listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (family == AF_INET6)
		set(p->listener, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	EXPECT_INT(bind(p->listener, family == AF_INET6 ? (void *)&a6 : (void *)&a4,
			family == AF_INET6 ? sizeof(a6) : sizeof(a4)),
		   0);
	EXPECT_INT(getsockname(p->listener, (struct sockaddr *)&bound, &len), 0);
	p->port = ntohs(family == AF_INET6 ? ((struct sockaddr_in6 *)&bound)->sin6_port :
					     ((struct sockaddr_in *)&bound)->sin_port);
	http_probe_set_ports(probe, &p->port, 1);
	dropper->bss->drop_port = p->port;
	dropper->bss->drop_acks = 0;
	dropper->bss->drop_all = 0;
	dropper->bss->dropped = 0;
}

static void limit_waiting(int fd)
{
	const struct timeval tv = { .tv_sec = 20 };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static void connect_to(struct pair *p, int family)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(p->port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in a4 = { .sin_family = AF_INET,
				  .sin_port = htons(p->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	EXPECT_INT(listen(p->listener, 8), 0);
	p->client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	limit_waiting(p->client);
	limit_waiting(p->listener);
	set(p->client, IPPROTO_TCP, TCP_NODELAY, 1);
	EXPECT_INT(connect(p->client, family == AF_INET6 ? (void *)&a6 : (void *)&a4,
			   family == AF_INET6 ? sizeof(a6) : sizeof(a4)),
		   0);
}

static void take_in(struct pair *p)
{
	p->server = accept(p->listener, NULL, NULL);
	EXPECT(p->server >= 0);
	limit_waiting(p->server);
}

/* Sends @text from one end and reads all of it at the other. */
static void pass(int from, int to, const char *text)
{
	size_t len = strlen(text), have = 0;
	char in[1024];

	EXPECT_INT(send(from, text, len, MSG_NOSIGNAL), (ssize_t)len);
	while (to >= 0 && have < len) {
		ssize_t n = recv(to, in, sizeof(in), 0);

		if (!EXPECT(n > 0))
			return;
		have += (size_t)n;
	}
}

static void end(struct pair *p)
{
	if (p->client >= 0)
		close(p->client);
	if (p->server >= 0)
		close(p->server);
	close(p->listener);
	dropper->bss->drop_all = 0;
}

static void begin(void)
{
	http_probe_drain(probe);
	n_got = 0;
	EXPECT_INT(http_probe_totals(probe, &before), 0);
}

static uint64_t since(uint64_t now, uint64_t then)
{
	return now - then;
}

/* Waits for @n records, and that nothing is in flight. */
static void expect_records(size_t n)
{
	uint64_t deadline = clock_monotonic_ns() + 20 * NS_PER_SEC;
	struct http_totals t;

	while (n_got < n && clock_monotonic_ns() < deadline) {
		http_probe_drain(probe);
		poll(NULL, 0, 5);
	}
	EXPECT_UINT(n_got, n);
	EXPECT_INT(http_probe_totals(probe, &t), 0);
	EXPECT_UINT(since(t.started, before.started), n);
	EXPECT_UINT(since(t.connections, before.connections), 1);
	EXPECT_UINT(since(t.records_lost, before.records_lost), 0);
}

static void expect_get(size_t i)
{
	EXPECT_UINT(got[i].method, HTTP_METHOD_GET);
	EXPECT_BYTES(got[i].path, got[i].path_len, "/a", 2);
	EXPECT_UINT(got[i].status, 200);
	EXPECT_UINT(got[i].end, HTTP_END_COMPLETE);
	EXPECT_UINT(got[i].response_bytes, 2);
}

static void over(int listen_family, int client_family)
{
	struct pair p;

	begin();
	listen_on(&p, listen_family);
	connect_to(&p, client_family);
	take_in(&p);
	pass(p.client, p.server, GET_A);
	pass(p.server, p.client, OK_2);
	pass(p.client, p.server, GET_A);
	pass(p.server, p.client, OK_2);
	expect_records(2);
	expect_get(0);
	expect_get(1);
	end(&p);
}

static void over_ipv4(void)
{
	over(AF_INET, AF_INET);
}

static void over_ipv6(void)
{
	over(AF_INET6, AF_INET6);
}

static void over_mapped(void)
{
	over(AF_INET6, AF_INET);
}

/* The request itself completes the handshake: the hook sees the listener. */
static void lost_ack(void)
{
	struct pair p;

	begin();
	listen_on(&p, AF_INET);
	dropper->bss->drop_acks = 1;
	connect_to(&p, AF_INET);
	EXPECT_UINT(dropper->bss->dropped, 1);
	pass(p.client, -1, GET_A);
	take_in(&p);
	pass(p.server, p.client, OK_2);
	expect_records(1);
	expect_get(0);
	end(&p);
}

/* The same, with the head in two segments, only the first of which meets the listener. */
static void lost_ack_split(void)
{
	struct pair p;

	begin();
	listen_on(&p, AF_INET6);
	dropper->bss->drop_acks = 1;
	connect_to(&p, AF_INET6);
	pass(p.client, -1, "GET /a?q HT");
	take_in(&p);
	pass(p.client, -1, "TP/1.1\r\n\r\n");
	pass(p.server, p.client, OK_2);
	pass(p.client, -1, GET_A);
	pass(p.server, p.client, OK_2);
	expect_records(2);
	expect_get(0);
	expect_get(1);
	end(&p);
}

static void defer_accept(void)
{
	struct pair p;

	begin();
	listen_on(&p, AF_INET);
	set(p.listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 5);
	connect_to(&p, AF_INET);
	pass(p.client, -1, GET_A);
	take_in(&p);
	pass(p.server, p.client, OK_2);
	pass(p.client, p.server, "");
	expect_records(1);
	expect_get(0);
	end(&p);
}

/* A client that vanishes: nothing tells but the last time-out. */
static void silent_client(void)
{
	struct pair p;

	begin();
	listen_on(&p, AF_INET);
	connect_to(&p, AF_INET);
	take_in(&p);
	set(p.server, IPPROTO_TCP, TCP_USER_TIMEOUT, 300);
	pass(p.client, p.server, GET_A);
	dropper->bss->drop_all = 1;
	pass(p.server, -1, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome");
	expect_records(1);
	EXPECT_UINT(got[0].end, HTTP_END_ABORT_CLIENT);
	EXPECT_UINT(got[0].phase, HTTP_PHASE_INSIDE);
	EXPECT_UINT(got[0].status, 200);
	EXPECT_UINT(got[0].response_bytes, 4);
	end(&p);
}

/* A client that vanishes while the service thinks: keep-alive finds out, and resets it. */
static void silent_while_waiting(void)
{
	struct pair p;

	begin();
	listen_on(&p, AF_INET);
	connect_to(&p, AF_INET);
	take_in(&p);
	set(p.server, IPPROTO_TCP, TCP_KEEPIDLE, 1);
	set(p.server, IPPROTO_TCP, TCP_KEEPINTVL, 1);
	set(p.server, IPPROTO_TCP, TCP_KEEPCNT, 1);
	set(p.server, SOL_SOCKET, SO_KEEPALIVE, 1);
	pass(p.client, p.server, GET_A);
	dropper->bss->drop_all = 1;
	expect_records(1);
	EXPECT_UINT(got[0].end, HTTP_END_ABORT_CLIENT);
	EXPECT_UINT(got[0].phase, HTTP_PHASE_BEFORE);
	end(&p);
}

/* A client that stops reading and vanishes: the window stays shut, and the probes go unanswered. */
static void silent_with_shut_window(void)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n";
	static const char body[65536];
	struct pair p;

	begin();
	listen_on(&p, AF_INET);
	connect_to(&p, AF_INET);
	take_in(&p);
	pass(p.client, p.server, GET_A);
	pass(p.server, -1, head);
	for (int i = 0; i < 1000; i++)
		if (send(p.server, body, sizeof(body), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
	poll(NULL, 0, 300); /* what is on its way arrives */
	dropper->bss->drop_all = 1;
	set(p.server, IPPROTO_TCP, TCP_USER_TIMEOUT, 300);
	expect_records(1);
	EXPECT_UINT(got[0].end, HTTP_END_ABORT_CLIENT);
	EXPECT_UINT(got[0].phase, HTTP_PHASE_INSIDE);
	end(&p);
}

/* The listener sees the request and the client's FIN; the service closes unanswered. */
static void lost_ack_fin(void)
{
	struct pair p;

	begin();
	listen_on(&p, AF_INET);
	dropper->bss->drop_acks = 1;
	connect_to(&p, AF_INET);
	set(p.client, IPPROTO_TCP, TCP_CORK, 1);
	set(p.client, IPPROTO_TCP, TCP_NODELAY, 0);
	pass(p.client, -1, GET_A);
	shutdown(p.client, SHUT_WR); /* one segment: request and FIN */
	take_in(&p);
	{
		char in[256];

		EXPECT_INT(recv(p.server, in, sizeof(in), 0), (ssize_t)strlen(GET_A));
	}
	close(p.server);
	p.server = -1;
	expect_records(1);
	EXPECT_UINT(got[0].end, HTTP_END_ABORT_CLIENT);
	end(&p);
}

/* A request in flight when its port is given up is not followed; the next ones are, when it is back. */
static void port_goes_and_returns(void)
{
	const uint16_t none = 1;
	struct http_totals t;
	struct pair p;

	begin();
	listen_on(&p, AF_INET);
	connect_to(&p, AF_INET);
	take_in(&p);
	pass(p.client, p.server, "GET /old HTTP/1.1\r\n\r\n");
	http_probe_set_ports(probe, &none, 1);
	pass(p.server, p.client, OK_2);
	http_probe_set_ports(probe, &p.port, 1);
	pass(p.client, p.server, GET_A);
	pass(p.server, p.client, OK_2);
	http_probe_drain(probe);
	EXPECT_UINT(n_got, 1);
	expect_get(0);
	EXPECT_INT(http_probe_totals(probe, &t), 0);
	EXPECT_UINT(since(t.started, before.started), 2);
	EXPECT_UINT(since(t.discarded, before.discarded), 1);
	http_probe_set_ports(probe, &none, 1);
	end(&p);
	EXPECT_INT(http_probe_totals(probe, &t), 0);
	EXPECT_UINT(since(t.connections_closed, before.connections_closed), 1);
}

static void client_resets(void)
{
	const struct linger now = { .l_onoff = 1 };
	struct pair p;

	begin();
	listen_on(&p, AF_INET);
	connect_to(&p, AF_INET);
	take_in(&p);
	pass(p.client, p.server, GET_A);
	setsockopt(p.client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(p.client);
	p.client = -1;
	expect_records(1);
	EXPECT_UINT(got[0].end, HTTP_END_ABORT_CLIENT);
	EXPECT_UINT(got[0].phase, HTTP_PHASE_BEFORE);
	end(&p);
}

/* close() with a request unread: the kernel changes the state first and sends the RST after. */
static void server_closes_unread(void)
{
	struct pair p;

	begin();
	listen_on(&p, AF_INET);
	connect_to(&p, AF_INET);
	take_in(&p);
	pass(p.client, -1, GET_A);
	EXPECT_INT(poll(&(struct pollfd){ .fd = p.server, .events = POLLIN }, 1, 20000), 1);
	close(p.server);
	p.server = -1;
	expect_records(1);
	EXPECT_UINT(got[0].end, HTTP_END_ABORT_SERVER);
	EXPECT_UINT(got[0].phase, HTTP_PHASE_BEFORE);
	end(&p);
}

/* A connection that was there before its port was ours: from its first whole request on. */
static void older_than_us(void)
{
	const uint16_t none = 1;
	struct pair p;

	begin();
	listen_on(&p, AF_INET);
	http_probe_set_ports(probe, &none, 1);
	connect_to(&p, AF_INET);
	take_in(&p);
	pass(p.client, p.server, GET_A);
	http_probe_set_ports(probe, &p.port, 1);
	pass(p.server, p.client, OK_2);
	pass(p.client, p.server, GET_A);
	pass(p.server, p.client, OK_2);
	expect_records(1);
	expect_get(0);
	end(&p);
}

/* A client of somebody else's that happens to have the service's port number. */
static void own_client(void)
{
	struct http_totals t;
	struct pair p;

	begin();
	listen_on(&p, AF_INET);
	connect_to(&p, AF_INET);
	take_in(&p);
	{
		struct sockaddr_in a;
		socklen_t len = sizeof(a);
		uint16_t port;

		EXPECT_INT(getsockname(p.client, (struct sockaddr *)&a, &len), 0);
		port = ntohs(a.sin_port);
		http_probe_set_ports(probe, &port, 1);
	}
	pass(p.client, p.server, GET_A);
	pass(p.server, p.client, OK_2);
	EXPECT_INT(http_probe_totals(probe, &t), 0);
	EXPECT_UINT(since(t.started, before.started), 0);
	EXPECT_UINT(since(t.non_http, before.non_http), 0);
	end(&p);
}

static int set_up(void)
{
	const struct http_probe_options o = { .ring_bytes = 64 * 1024 };
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	int cgroup;

	unit_begin("the probe attaches");
	if (geteuid() != 0) {
		unit_skip("needs root");
		return -1;
	}
	if (!EXPECT_INT(http_probe_open(&o, on_record, NULL, &why, &probe), 0)) {
		FAIL_CASE("%s", buf_str(&why));
		return -1;
	}
	EXPECT(http_probe_sees_close(probe));
	dropper = drop_bpf__open_and_load();
	if (!EXPECT(dropper != NULL) || !EXPECT_INT(cgroup_open_root(&why, &cgroup), 0))
		return -1;
	dropper->links.drop_leaving =
		bpf_program__attach_cgroup(dropper->progs.drop_leaving, cgroup);
	dropper->links.drop_arriving =
		bpf_program__attach_cgroup(dropper->progs.drop_arriving, cgroup);
	close(cgroup);
	return EXPECT(dropper->links.drop_leaving && dropper->links.drop_arriving) ? 0 : -1;
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "over IPv4", over_ipv4 },
		{ "over IPv6", over_ipv6 },
		{ "over v4-mapped IPv6", over_mapped },
		{ "a lost handshake ACK: the request meets the listener", lost_ack },
		{ "a lost handshake ACK and a head in two segments", lost_ack_split },
		{ "TCP_DEFER_ACCEPT", defer_accept },
		{ "a client that falls silent", silent_client },
		{ "a client that falls silent while the service thinks", silent_while_waiting },
		{ "a client that falls silent with its window shut", silent_with_shut_window },
		{ "a lost handshake ACK, and the client has closed", lost_ack_fin },
		{ "a port that goes and returns", port_goes_and_returns },
		{ "a client that resets", client_resets },
		{ "a server that closes with the request unread", server_closes_unread },
		{ "a connection older than the probe", older_than_us },
		{ "a client with the service's port number", own_client },
	};

	if (set_up() != 0)
		return unit_finish();
	unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	drop_bpf__destroy(dropper);
	http_probe_close(probe);
	return unit_finish();
}
