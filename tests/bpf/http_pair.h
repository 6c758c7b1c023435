/* SPDX-License-Identifier: MIT */
/* A server and a client in one process, and the probe on the server's port: for tests on real sockets. */
#ifndef ISAMON_HTTP_PAIR_H
#define ISAMON_HTTP_PAIR_H

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

/* A new case with a connection that was accepted. */
static void open_pair(struct pair *p, int listen_family, int client_family)
{
	begin();
	listen_on(p, listen_family);
	connect_to(p, client_family);
	take_in(p);
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

static void tear_down(void)
{
	drop_bpf__destroy(dropper);
	http_probe_close(probe);
}

#endif
