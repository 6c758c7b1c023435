/* SPDX-License-Identifier: MIT */
/*
 * The listening sockets of the service's ports, as the kernel's NETLINK_SOCK_DIAG tells them (what `ss -ltm`
 * shows): how many connections wait to be accepted, how many may, how many segments were dropped.
 *
 * In state LISTEN, inet_diag_msg has the accept queue in idiag_rqueue and its limit (listen(2)'s backlog, at
 * most net.core.somaxconn) in idiag_wqueue: tcp_diag_get_info(), net/ipv4/tcp_diag.c. The queue is full when
 * its length is above the limit: sk_acceptq_is_full(), include/net/sock.h.
 */
#ifndef ISAMON_SOCK_DIAG_H
#define ISAMON_SOCK_DIAG_H

#include <stddef.h>
#include <stdint.h>

/* More listening sockets on the service's ports are not taken. */
#define SOCK_DIAG_SOCKETS_MAX 4096

struct listen_socket {
	uint64_t cookie; /* the kernel's, never used again: the socket's identity */
	uint32_t inode;  /* as /proc/PID/fd names it; 0: it has none any more */
	uint32_t length; /* connections that wait for accept(2) */
	uint32_t limit;
	uint32_t drops; /* SK_MEMINFO_DROPS, modulo 2^32; docs/metrics.md says what it counts */
	uint16_t port;
};

/* A list of them; all zero: empty. */
struct listen_sockets {
	struct listen_socket *items;
	size_t n;
	size_t size; /* allocated */
};

void listen_sockets_done(struct listen_sockets *s);

/*
 * Asks for the listening sockets of @ports, IPv4 and IPv6, in this network namespace; *ret is
 * written over, ascending by cookie, each socket once. Only listening sockets are asked for, so the cost does
 * not grow with the number of connections. Nothing stays open, needs no privilege, does not block.
 * Returns 0; -ENOENT: this kernel has no tcp_diag; -EPROTO: an answer that is none; -E2BIG: more than
 * SOCK_DIAG_SOCKETS_MAX; another -errno. On failure *ret is empty.
 */
int sock_diag_listening(const uint16_t *ports, size_t n_ports, struct listen_sockets *ret);

/*
 * Reads one datagram of an answer to the request @seq and appends its sockets of @ports to @into. Returns 1:
 * it was the last; 0: more are to come; -errno, the kernel's own or as above. For sock_diag_listening() and tests;
 * @bytes need not be aligned.
 */
int sock_diag_parse(const void *bytes, size_t len, uint32_t seq, const uint16_t *ports,
		    size_t n_ports, struct listen_sockets *into);

#endif
