/* SPDX-License-Identifier: MIT */
/*
 * One dump for each address family. The kernel writes each datagram of a dump while it is asked for, so
 * there is always something to read until the dump is done: an empty socket is an error, not a reason
 * to wait. Messages are copied out of the datagram, so that nothing depends on how it is aligned.
 */
#include "probe/sock_diag.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/file.h"

/* The kernel makes its datagrams fit into what is asked for, 32 KiB at most. */
#define DATAGRAM_BYTES (32 * 1024)
/* A dump of SOCK_DIAG_SOCKETS_MAX sockets has fewer, at a few dozens in each. */
#define DATAGRAMS_MAX 10000

struct request {
	struct nlmsghdr head;
	struct inet_diag_req_v2 body;
};

void listen_sockets_done(struct listen_sockets *s)
{
	free(s->items);
	*s = (struct listen_sockets){ 0 };
}

static int listen_sockets_add(struct listen_sockets *s, const struct listen_socket *item)
{
	size_t size = s->size ? s->size * 2 : 8;
	struct listen_socket *items;

	if (s->n == SOCK_DIAG_SOCKETS_MAX)
		return -E2BIG;
	if (s->n == s->size) {
		items = reallocarray(s->items, size, sizeof(*items));
		if (!items)
			return -ENOMEM;
		s->items = items;
		s->size = size;
	}
	s->items[s->n++] = *item;
	return 0;
}

static bool is_of(uint16_t port, const uint16_t *ports, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

/* Finds the drops among the attributes behind the message. Where the kernel gives none they are 0. */
static int take_drops(const char *at, size_t len, uint32_t *ret)
{
	struct rtattr head;

	*ret = 0;
	while (len >= sizeof(head)) {
		size_t step;

		memcpy(&head, at, sizeof(head));
		if (head.rta_len < sizeof(head) || head.rta_len > len)
			return -EPROTO;
		if (head.rta_type == INET_DIAG_SKMEMINFO &&
		    head.rta_len >= RTA_LENGTH((SK_MEMINFO_DROPS + 1) * sizeof(*ret)))
			memcpy(ret, at + RTA_LENGTH(SK_MEMINFO_DROPS * sizeof(*ret)), sizeof(*ret));
		step = RTA_ALIGN((size_t)head.rta_len);
		if (step >= len)
			return 0;
		at += step;
		len -= step;
	}
	return len ? -EPROTO : 0;
}

static int take_socket(const char *at, size_t len, const uint16_t *ports, size_t n_ports,
		       struct listen_sockets *into)
{
	const size_t fixed = NLMSG_ALIGN(sizeof(struct inet_diag_msg));
	struct inet_diag_msg m;
	struct listen_socket s;
	int err;

	if (len < fixed)
		return -EPROTO;
	memcpy(&m, at, sizeof(m));
	s = (struct listen_socket){
		.cookie = (uint64_t)m.id.idiag_cookie[1] << 32 | m.id.idiag_cookie[0],
		.inode = m.idiag_inode,
		.port = ntohs(m.id.idiag_sport),
		.length = m.idiag_rqueue,
		.limit = m.idiag_wqueue,
	};
	if (m.idiag_state != TCP_LISTEN || !is_of(s.port, ports, n_ports))
		return 0;
	err = take_drops(at + fixed, len - fixed, &s.drops);
	return err ? err : listen_sockets_add(into, &s);
}

/* The end of a dump and an error both bring a number, 0 or -errno. */
static int take_status(const char *at, size_t len, bool done)
{
	int status = 0;

	if (len >= sizeof(status))
		memcpy(&status, at, sizeof(status));
	else if (!done)
		return -EPROTO;
	if (status < 0)
		return status < -4095 ? -EPROTO : status;
	return done ? 1 : -EPROTO;
}

int sock_diag_parse(const void *bytes, size_t len, uint32_t seq, const uint16_t *ports,
		    size_t n_ports, struct listen_sockets *into)
{
	const char *at = bytes;

	while (len) {
		struct nlmsghdr head;
		size_t step, body;
		int err = 0;

		if (len < sizeof(head))
			return -EPROTO;
		memcpy(&head, at, sizeof(head));
		if (head.nlmsg_len < NLMSG_HDRLEN || head.nlmsg_len > len || head.nlmsg_seq != seq)
			return -EPROTO;
		body = head.nlmsg_len - NLMSG_HDRLEN;
		if (head.nlmsg_type == NLMSG_DONE || head.nlmsg_type == NLMSG_ERROR)
			return take_status(at + NLMSG_HDRLEN, body, head.nlmsg_type == NLMSG_DONE);
		if (head.nlmsg_type == SOCK_DIAG_BY_FAMILY)
			err = take_socket(at + NLMSG_HDRLEN, body, ports, n_ports, into);
		if (err)
			return err;
		step = NLMSG_ALIGN((size_t)head.nlmsg_len);
		if (step >= len)
			return 0;
		at += step;
		len -= step;
	}
	return 0;
}

static int dump_ask(int fd, uint8_t family, uint32_t seq, const uint16_t *ports, size_t n_ports)
{
	const struct request r = {
		.head = { .nlmsg_len = sizeof(r),
			  .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			  .nlmsg_seq = seq },
		.body = { .sdiag_family = family,
			  .sdiag_protocol = IPPROTO_TCP,
			  .idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1),
			  .idiag_states = 1 << TCP_LISTEN,
			  .id.idiag_sport = n_ports == 1 ? htons(ports[0]) : 0 },
	};

	return send(fd, &r, sizeof(r), MSG_DONTWAIT) == sizeof(r) ? 0 : -errno;
}

static int dump_read(int fd, uint32_t seq, const uint16_t *ports, size_t n_ports,
		     struct listen_sockets *into)
{
	char bytes[DATAGRAM_BYTES];

	for (unsigned int i = 0; i < DATAGRAMS_MAX; i++) {
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT | MSG_TRUNC,
				     (struct sockaddr *)&from, &from_len);
		int result;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (from_len != sizeof(from) || from.nl_pid != 0)
			continue; /* not the kernel */
		if ((size_t)n > sizeof(bytes))
			return -EPROTO;
		result = sock_diag_parse(bytes, (size_t)n, seq, ports, n_ports, into);
		if (result)
			return result < 0 ? result : 0;
	}
	return -EPROTO;
}

static int dump(int fd, uint8_t family, const uint16_t *ports, size_t n_ports,
		struct listen_sockets *into)
{
	int err = dump_ask(fd, family, family, ports, n_ports);

	return err ? err : dump_read(fd, family, ports, n_ports, into);
}

static int dump_both(const uint16_t *ports, size_t n_ports, struct listen_sockets *into)
{
	_cleanup_(file_closep) int fd =
		socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
	int err;

	if (fd < 0)
		return -errno;
	err = dump(fd, AF_INET, ports, n_ports, into);
	return err ? err : dump(fd, AF_INET6, ports, n_ports, into);
}

static int by_cookie(const void *a, const void *b)
{
	const struct listen_socket *x = a, *y = b;

	return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

/* A table that changes while it is dumped may tell a socket twice. */
static void sort(struct listen_sockets *s)
{
	size_t n = 0;

	if (!s->n)
		return;
	qsort(s->items, s->n, sizeof(*s->items), by_cookie);
	for (size_t i = 0; i < s->n; i++)
		if (!n || s->items[i].cookie != s->items[n - 1].cookie)
			s->items[n++] = s->items[i];
	s->n = n;
}

int sock_diag_listening(const uint16_t *ports, size_t n_ports, struct listen_sockets *ret)
{
	int err;

	ret->n = 0;
	err = dump_both(ports, n_ports, ret);
	if (err)
		ret->n = 0;
	else
		sort(ret);
	return err;
}
