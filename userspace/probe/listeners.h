/* SPDX-License-Identifier: MIT */
/* Which of the service's ports somebody listens on: asked of the kernel by netlink (probe/sock_diag.h), or read off
 * /proc/net/tcp and tcp6. */
#ifndef ISAMON_LISTENERS_H
#define ISAMON_LISTENERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sets up[i] for each of @ports. Sees this network namespace only.
 *
 * Where @proc is "/proc" the kernel is asked for the listening sockets: some 0.03 ms. Where it does not answer (no
 * tcp_diag, no AF_NETLINK) the tables of @proc are read, and it is not asked again for a minute: each
 * question would have it look for the module. The tables have listening sockets before all others (tcp_seq_start,
 * net/ipv4/tcp_ipv4.c), so reading stops at the first that is none; but the kernel goes through its whole hash
 * table of connections to find that, which takes milliseconds where they are few.
 *
 * Returns 0 or -errno. Not for several threads.
 */
int listeners_find(const char *proc, const uint16_t *ports, size_t n, bool *up);

/* The same sockets by their inodes, as /proc/PID/fd names them ("socket:[4711]"): @max of them, in no order. Returns 0
 * or -errno. */
int listeners_inodes(const char *proc, const uint16_t *ports, size_t n, uint64_t *inodes,
		     size_t max, size_t *ret_n);

#endif
