/* SPDX-License-Identifier: MIT */
/* Which of the service's ports somebody listens on, from /proc/net/tcp and tcp6. */
#ifndef ISAMON_LISTENERS_H
#define ISAMON_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sets up[i] for each of @ports. The kernel lists listening sockets before all others
 * (tcp_seq_start, net/ipv4/tcp_ipv4.c), so reading stops at the first that is none: the cost does
 * not grow with the number of connections. @proc: "/proc". Sees this network namespace only.
 * Returns 0 or -errno.
 */
int listeners_find(const char *proc, const uint16_t *ports, size_t n, bool *up);

/* The same, and waiting[i]: how many connections wait there to be accepted, which the kernel tells in the place of a
 * listening socket's receive queue (get_tcp4_sock, net/ipv4/tcp_ipv4.c); of all its sockets together. */
int listeners_waiting(const char *proc, const uint16_t *ports, size_t n, bool *up,
		      uint64_t *waiting);

/* The same sockets by their inodes, as /proc/PID/fd names them ("socket:[4711]"): the first @max of them, in the
 * table's order. Returns 0 or -errno. */
int listeners_inodes(const char *proc, const uint16_t *ports, size_t n, uint64_t *inodes,
		     size_t max, size_t *ret_n);

#endif
