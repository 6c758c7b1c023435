/* SPDX-License-Identifier: MIT */
/* Sockets on which somebody waits for strangers, and whose they are. Blocks on /proc only. */
#ifndef ISAMON_AUDIT_SOCKETS_H
#define ISAMON_AUDIT_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define AUDIT_SOCKETS_MAX 512
#define AUDIT_SOCKET_INODES_MAX 8

/* All sockets of one port. */
struct audit_socket {
	bool udp;
	bool wildcard; /* one of them is bound to every address */
	uint16_t port;
	char addresses[160];                      /* "0.0.0.0, ::" */
	uint64_t inodes[AUDIT_SOCKET_INODES_MAX]; /* of the first ones */
	size_t n_inodes;
	pid_t pid; /* a process that has it open; 0: none was found */
	uid_t uid; /* effective, of that process */
	char name[64];
	char unit[128]; /* of systemd; "": of none */
};

struct audit_sockets {
	struct audit_socket list[AUDIT_SOCKETS_MAX];
	size_t n;
	bool more; /* there are more */
};

/* Adds those of @text, as /proc/net/tcp, tcp6, udp and udp6 have them (Documentation/networking/proc_net_tcp.rst), that are bound to other
 * addresses than loopback; @loopback: to these, too. Of TCP those that listen, of UDP those that are not connected. Any text is taken. */
void audit_sockets_parse(const char *text, size_t len, bool udp, bool loopback,
			 struct audit_sockets *s);
/* All of this network namespace. Returns 0 or -errno. */
int audit_sockets_read(bool loopback, struct audit_sockets *ret);
/* Finds who has them open, as far as we may see. */
void audit_sockets_find_owners(struct audit_sockets *s);

/* The unit in the text of /proc/PID/cgroup: the last name in the first path that ends with .service, .scope or .socket; "" if there is none. */
void audit_unit_of_cgroup(const char *text, size_t len, char *unit, size_t size);

#endif
