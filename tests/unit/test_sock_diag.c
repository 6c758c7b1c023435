/* SPDX-License-Identifier: MIT */
/* Listening sockets: recorded answers of a kernel, and real sockets whose figures are known. */
#include "probe/sock_diag.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "netlink_records.h"
#include "unit.h"

#define CLIENTS_MAX 8
#define CONNECTIONS 400

static const uint16_t port_8000[] = { 8000 };
static const uint16_t two_ports[] = { 8000, 2024 };

struct datagram {
	char bytes[1024];
	size_t len;
};

static void append(struct datagram *d, const char *record, size_t len)
{
	memcpy(d->bytes + d->len, record, len);
	d->len += len;
}

static struct datagram recorded(void)
{
	struct datagram d = { .len = 0 };

	append(&d, record_other, RECORD_SOCKET_BYTES);
	append(&d, record_first, RECORD_SOCKET_BYTES);
	append(&d, record_second, RECORD_SOCKET_BYTES);
	return d;
}

static void expect_socket(const struct listen_socket *s, uint16_t port, uint64_t cookie,
			  uint32_t length, uint32_t limit, uint32_t drops)
{
	EXPECT_UINT(s->port, port);
	EXPECT_UINT(s->cookie, cookie);
	EXPECT_UINT(s->length, length);
	EXPECT_UINT(s->limit, limit);
	EXPECT_UINT(s->drops, drops);
}

static void recording(void)
{
	_cleanup_(listen_sockets_done) struct listen_sockets s = { 0 };
	struct datagram d = recorded();

	REQUIRE_INT(sock_diag_parse(d.bytes, d.len, RECORD_SEQ, port_8000, 1, &s), 0);
	REQUIRE_UINT(s.n, 2);
	expect_socket(&s.items[0], 8000, 0x1845, 3, 2, 2);
	expect_socket(&s.items[1], 8000, 0x1846, 3, 2, 4);
	EXPECT_UINT(s.items[0].inode, 0x5690b0);
	REQUIRE_INT(sock_diag_parse(record_done, RECORD_DONE_BYTES, RECORD_SEQ, port_8000, 1, &s),
		    1);
	EXPECT_UINT(s.n, 2);
}

static void several_ports(void)
{
	_cleanup_(listen_sockets_done) struct listen_sockets s = { 0 };
	struct datagram d = recorded();

	append(&d, record_done, RECORD_DONE_BYTES);
	REQUIRE_INT(sock_diag_parse(d.bytes, d.len, RECORD_SEQ, two_ports, 2, &s), 1);
	REQUIRE_UINT(s.n, 3);
	expect_socket(&s.items[0], 2024, 0x0b18, 0, 128, 0);
}

/* Cut anywhere, an answer is refused, but at the boundaries of messages. */
static void cut(void)
{
	struct datagram d = recorded();

	for (size_t len = 0; len <= d.len; len++) {
		_cleanup_(listen_sockets_done) struct listen_sockets s = { 0 };
		int expected = len % RECORD_SOCKET_BYTES ? -EPROTO : 0;

		if (sock_diag_parse(d.bytes, len, RECORD_SEQ, two_ports, 2, &s) != expected)
			FAIL_CASE("cut to %zu bytes: not %d", len, expected);
	}
}

static int parse_changed(size_t at, const void *bytes, size_t n, struct listen_sockets *s)
{
	struct datagram d = { .len = 0 };

	append(&d, record_first, RECORD_SOCKET_BYTES);
	memcpy(d.bytes + at, bytes, n);
	return sock_diag_parse(d.bytes, d.len, RECORD_SEQ, port_8000, 1, s);
}

static void not_taken(void)
{
	_cleanup_(listen_sockets_done) struct listen_sockets s = { 0 };

	EXPECT_INT(parse_changed(8, "\x08", 1, &s), -EPROTO);     /* another request's */
	EXPECT_INT(parse_changed(0, "\x0f\x00", 2, &s), -EPROTO); /* shorter than a head */
	EXPECT_INT(parse_changed(0, "\xff\xff\xff\xff", 4, &s), -EPROTO);
	EXPECT_INT(parse_changed(RECORD_HEAD_BYTES + 72, "\x03\x00", 2, &s), -EPROTO);
	EXPECT_INT(parse_changed(RECORD_HEAD_BYTES + 72, "\xff\xff", 2, &s), -EPROTO);
	EXPECT_INT(parse_changed(RECORD_HEAD_BYTES + 1, "\x01", 1, &s), 0); /* established */
	EXPECT_INT(parse_changed(4, "\x77", 1, &s), 0);                     /* another kind */
	EXPECT_UINT(s.n, 0);
}

static int parse_error(int status)
{
	_cleanup_(listen_sockets_done) struct listen_sockets s = { 0 };
	char bytes[RECORD_DONE_BYTES];

	memcpy(bytes, record_done, sizeof(bytes));
	bytes[4] = 2; /* NLMSG_ERROR */
	memcpy(bytes + RECORD_HEAD_BYTES, &status, sizeof(status));
	return sock_diag_parse(bytes, sizeof(bytes), RECORD_SEQ, port_8000, 1, &s);
}

static void refusals(void)
{
	EXPECT_INT(parse_error(-ENOENT), -ENOENT);
	EXPECT_INT(parse_error(-EPERM), -EPERM);
	EXPECT_INT(parse_error(0), -EPROTO); /* an acknowledgement was not asked for */
	EXPECT_INT(parse_error(17), -EPROTO);
	EXPECT_INT(parse_error(-1000000), -EPROTO);
}

static void too_many(void)
{
	_cleanup_(listen_sockets_done) struct listen_sockets s = { 0 };
	int err = 0;

	for (size_t i = 0; i < SOCK_DIAG_SOCKETS_MAX && !err; i++)
		err = sock_diag_parse(record_first, RECORD_SOCKET_BYTES, RECORD_SEQ, port_8000, 1,
				      &s);
	EXPECT_INT(err, 0);
	EXPECT_UINT(s.n, SOCK_DIAG_SOCKETS_MAX);
	EXPECT_INT(sock_diag_parse(record_first, RECORD_SOCKET_BYTES, RECORD_SEQ, port_8000, 1, &s),
		   -E2BIG);
}

/* --- real sockets */

/* A listening socket on a loopback address; *port 0: any, which is written there. */
static int listen_on(int family, uint16_t *port, int backlog)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT,
				    .sin6_port = htons(*port) };
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons(*port) };
	struct sockaddr *a = family == AF_INET ? (void *)&four : (void *)&six;
	socklen_t len = family == AF_INET ? sizeof(four) : sizeof(six);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int));
	if (fd < 0 || bind(fd, a, len) || listen(fd, backlog) || getsockname(fd, a, &len)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*port = ntohs(family == AF_INET ? four.sin_port : six.sin6_port);
	return fd;
}

/* A client; it need not get through. */
static int client_of(uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) && errno == EINPROGRESS)
		poll(&p, 1, 100);
	return fd;
}

static bool asked(const uint16_t *ports, size_t n, struct listen_sockets *s)
{
	int err = sock_diag_listening(ports, n, s);

	if (err == -ENOENT || err == -EPROTONOSUPPORT)
		unit_skip("this kernel has no tcp_diag");
	else
		EXPECT_INT(err, 0);
	return !err;
}

static void real_queue(void)
{
	_cleanup_(listen_sockets_done) struct listen_sockets s = { 0 };
	int clients[CLIENTS_MAX], fd, n = 0;
	uint16_t port = 0;
	uint32_t drops;

	fd = listen_on(AF_INET, &port, 3);
	REQUIRE(fd >= 0);
	while (n < 2)
		clients[n++] = client_of(port);
	if (asked(&port, 1, &s) && EXPECT_UINT(s.n, 1)) {
		expect_socket(&s.items[0], port, s.items[0].cookie, 2, 3, 0);
		while (n < CLIENTS_MAX)
			clients[n++] = client_of(port);
		EXPECT_INT(sock_diag_listening(&port, 1, &s), 0);
		EXPECT_UINT(s.items[0].length, 4); /* the kernel takes one above the limit */
		drops = s.items[0].drops;
		EXPECT(drops >= CLIENTS_MAX - 4); /* each that was left out, each time it tried */
		close(accept(fd, NULL, NULL));
		EXPECT_INT(sock_diag_listening(&port, 1, &s), 0);
		EXPECT_UINT(s.items[0].length, 3);
		EXPECT(s.items[0].drops >= drops);
	}
	while (n)
		close(clients[--n]);
	close(fd);
}

static void both_families_and_several_sockets(void)
{
	_cleanup_(listen_sockets_done) struct listen_sockets s = { 0 };
	uint16_t ports[2] = { 0, 0 };
	int fds[4];

	fds[0] = listen_on(AF_INET, &ports[0], 5);
	fds[1] = listen_on(AF_INET, &ports[0], 6); /* the same port */
	fds[2] = listen_on(AF_INET6, &ports[0], 7);
	fds[3] = listen_on(AF_INET, &ports[1], 8);
	if (fds[2] < 0) {
		unit_skip("no IPv6 here");
	} else if (asked(ports, 1, &s) && EXPECT_UINT(s.n, 3)) {
		EXPECT_UINT(s.items[0].limit + s.items[1].limit + s.items[2].limit, 18);
		EXPECT(s.items[0].cookie < s.items[1].cookie);
		EXPECT_INT(sock_diag_listening(ports, 2, &s), 0);
		EXPECT_UINT(s.n, 4);
		close(fds[1]);
		fds[1] = -1;
		EXPECT_INT(sock_diag_listening(ports, 2, &s), 0);
		EXPECT_UINT(s.n, 3);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		file_closep(&fds[i]);
}

/* The shortest of some calls, in microseconds. */
static uint64_t cost_us(uint16_t port)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 50; i++) {
		_cleanup_(listen_sockets_done) struct listen_sockets s = { 0 };
		uint64_t began = clock_monotonic_ns(), took;

		if (sock_diag_listening(&port, 1, &s) || s.n != 1)
			return UINT64_MAX;
		took = clock_monotonic_ns() - began;
		least = took < least ? took : least;
	}
	return least / 1000;
}

static void many_connections(void)
{
	int clients[CONNECTIONS], accepted[CONNECTIONS], n = 0, fd;
	uint64_t before, after;
	uint16_t port = 0;

	fd = listen_on(AF_INET, &port, 16);
	REQUIRE(fd >= 0);
	before = cost_us(port);
	for (; n < CONNECTIONS; n++) {
		clients[n] = client_of(port);
		accepted[n] = accept(fd, NULL, NULL);
		EXPECT(accepted[n] >= 0);
	}
	after = cost_us(port);
	if (before == UINT64_MAX)
		unit_skip("this kernel has no tcp_diag");
	else if (after > before + CONNECTIONS / 2)
		FAIL_CASE("%ju us without connections, %ju with %d", (uintmax_t)before,
			  (uintmax_t)after, n);
	while (n--) {
		file_closep(&clients[n]);
		file_closep(&accepted[n]);
	}
	close(fd);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a recorded answer", recording },
		{ "a recorded answer, for several ports", several_ports },
		{ "an answer that is cut anywhere", cut },
		{ "what is none of it is refused or passed over", not_taken },
		{ "the kernel's refusal is handed on", refusals },
		{ "no more sockets than the limit", too_many },
		{ "a real queue: length, limit, drops", real_queue },
		{ "connections make it no dearer", many_connections },
		{ "IPv4, IPv6, SO_REUSEPORT", both_families_and_several_sockets },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
