/* SPDX-License-Identifier: MIT */
/* Who waits on which address for whoever comes: sockets of this network namespace, and the processes that have them open. */
#ifndef ISAMON_LISTENING_H
#define ISAMON_LISTENING_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

#define LISTENING_MAX 4096

struct listening {
	struct in6_addr address; /* IPv4 as ::ffff:a.b.c.d */
	bool any; /* every address of its family; an IPv6 one usually takes IPv4, too */
	bool udp;
	uint16_t port;
	uint64_t inode;
	pid_t pid;     /* the oldest that has it open; 0: not known */
	char name[64]; /* of that process, as it calls itself, plain */
	uid_t uid;     /* of that process, the effective one */
};

struct listening_list {
	struct listening *items;
	size_t n, size;
};

enum listening_table {
	LISTENING_TCP,
	LISTENING_TCP6,
	LISTENING_UDP,
	LISTENING_UDP6,
	LISTENING_TABLES
};

/*
 * Appends the sockets of a text like /proc/net/tcp, tcp6, udp or udp6 (Documentation/networking/proc_net_tcp.rst). Of TCP those that listen: it
 * ends at the first line that is of another kind (listening ones come first: tcp_seq_start, net/ipv4/tcp_ipv4.c). Of UDP those that are not
 * connected. A line that is none ends either. Returns 0, -ENOMEM, or -E2BIG: more than LISTENING_MAX.
 */
int listening_parse(const char *text, enum listening_table table, struct listening_list *ret);

/*
 * All that listen by TCP, with their processes as far as @proc shows these: all to root. @proc is "/proc", or a directory made like it. Goes
 * through all processes: milliseconds. Returns 0 or -errno. Free with listening_done(), which takes a zeroed one, too.
 */
int listening_read(const char *proc, struct listening_list *ret);
/* Those of UDP, too. */
int listening_read_all(const char *proc, struct listening_list *ret);
void listening_done(struct listening_list *l);

/* Whether a connection to @address (IPv4 as ::ffff:a.b.c.d) and @port comes to @l; sockets that listen on all IPv6 addresses take
 * IPv4 (net.ipv6.bindv6only is 0). */
bool listening_takes(const struct listening *l, const struct in6_addr *address, uint16_t port);

/* Appends "127.0.0.1:8000", "[::]:80". */
void listening_add_address(const struct in6_addr *address, uint16_t port, struct buf *out);
/* Appends "127.0.0.1:8000 (uvicorn, process 4711)". */
void listening_describe(const struct listening *l, struct buf *out);

#endif
