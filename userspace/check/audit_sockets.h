/* SPDX-License-Identifier: MIT */
/* Ports on which somebody waits for strangers, and whose they are (check/listening.h). Blocks on /proc only. */
#ifndef ISAMON_AUDIT_SOCKETS_H
#define ISAMON_AUDIT_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "check/listening.h"

#define AUDIT_SOCKETS_MAX 512

/* All sockets of one port. */
struct audit_socket {
	bool udp;
	bool wildcard; /* one of them is bound to every address */
	uint16_t port;
	char addresses[160]; /* "0.0.0.0, ::" */
	pid_t pid;           /* a process that has one open; 0: none was found */
	uid_t uid;           /* effective, of that process */
	char name[64];
	char unit[128]; /* of systemd; "": of none */
};

struct audit_sockets {
	struct audit_socket list[AUDIT_SOCKETS_MAX];
	size_t n;
	bool more; /* there are more */
};

/* Adds those that are bound to other addresses than loopback; @loopback: to these, too. */
void audit_sockets_add(const struct listening_list *l, bool loopback, struct audit_sockets *s);
/* All of this network namespace, and who has them open, as far as we may see. Returns 0 or -errno. */
int audit_sockets_read(bool loopback, struct audit_sockets *ret);

#endif
