/* SPDX-License-Identifier: MIT */
/*
 * The probe on real sockets of this process: where a connection's first bytes meet the listener, where
 * its end comes without a packet, and over each address family.
 */
#include "bpf/http_pair.h"

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

	open_pair(&p, listen_family, client_family);
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

	open_pair(&p, AF_INET, AF_INET);
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

	open_pair(&p, AF_INET, AF_INET);
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

	open_pair(&p, AF_INET, AF_INET);
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

	open_pair(&p, AF_INET, AF_INET);
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

	open_pair(&p, AF_INET, AF_INET);
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

	open_pair(&p, AF_INET, AF_INET);
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

	open_pair(&p, AF_INET, AF_INET);
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
	tear_down();
	return unit_finish();
}
