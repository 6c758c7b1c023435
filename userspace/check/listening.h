/* SPDX-License-Identifier: MIT */
/*
 * Who listens on which port, TCP and UDP, in this network namespace. Facts: proc_net_tcp.rst of the kernel's documentation, proc(5). A
 * socket's owner is found by going through the descriptors of all processes, which only root may see.
 */
#ifndef ISAMON_LISTENING_H
#define ISAMON_LISTENING_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "probe/proc.h"

#define LISTENING_MAX 1024
#define LISTENING_CGROUP_MAX 256

struct listening_socket {
	char address[INET6_ADDRSTRLEN];
	bool any,
		loopback; /* it listens at every address of the host; only at one that no other host reaches */
	bool udp, v6;
	uint16_t port;
	uint64_t inode;
	uid_t uid; /* of whoever made it */
	/* One of the processes that have it; 0: none was seen. */
	pid_t pid;
	char name[PROC_NAME_SIZE];
	char cgroup
		[LISTENING_CGROUP_MAX]; /* "/system.slice/nginx.service"; "" if it is not known */
};

struct listening {
	struct listening_socket *list;
	size_t n, size;
	bool more; /* than LISTENING_MAX */
};

/* All of them, by port. @proc is "/proc", or a directory made like it. Blocks on the kernel's tables only. Returns 0 or -errno. @ret is filled in
 * always, for listening_done(). */
int listening_look(const char *proc, struct listening *ret);
void listening_done(struct listening *l);

/* Adds what a table of the kernel has: /proc/net/tcp, tcp6, udp, udp6. Lines that are none are passed over. Returns 0 or -ENOMEM. */
int listening_parse(const char *text, bool udp, bool v6, struct listening *into);

#endif
