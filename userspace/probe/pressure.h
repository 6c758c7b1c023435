/* SPDX-License-Identifier: MIT */
/*
 * What explains a slow service: the accept queues of its ports, and its cgroup's throttling and pressure.
 *
 * The kernel's counters die with their socket and their cgroup; these do not: they begin at 0 with struct
 * pressure, never go down, and go on when the service comes back with new ones. A socket that is new since the
 * look before, and a cgroup made anew under the same path, are counted from their beginning; what is there at the
 * first look, from there. What happened between the last look and the end of a socket or cgroup is not known.
 */
#ifndef ISAMON_PRESSURE_H
#define ISAMON_PRESSURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "probe/cgroup_stat.h"
#include "probe/sock_diag.h"

struct pressure;

/* All the listening sockets of a port together. */
struct pressure_port {
	uint16_t port;
	bool known;      /* the kernel has been asked for it */
	bool listening;  /* somebody listens; otherwise length and limit are 0 */
	uint64_t length; /* connections that wait to be accepted, now */
	uint64_t limit;
	uint64_t drops; /* since the first look */
};

/* Returns 0 or -ENOMEM. Reads the table of mounts. */
int pressure_new(struct pressure **ret);
/* NULL is fine. */
void pressure_free(struct pressure *p);

/* Those that stay keep their counters. At most CONFIG_PORTS_MAX. */
void pressure_set_ports(struct pressure *p, const uint16_t *ports, size_t n);

/*
 * Looks, if the last look is a second ago or more; does not block. @pid: a process of the
 * service, whose cgroup it is about; 0: there is none. Returns 0, or -errno as sock_diag_listening() has it:
 * the ports are not known then, the cgroup is.
 */
int pressure_look(struct pressure *p, pid_t pid, uint64_t now_ns);

/* The ports, in the order in which they were set; owned by @p. */
const struct pressure_port *pressure_ports(const struct pressure *p, size_t *ret_n);
/* Counters since the first look; has_* says what has ever been there. The ids are 0. Owned by @p. */
const struct cgroup_stat *pressure_cgroup(const struct pressure *p);

/* What a look found, for pressure_look() and tests. @s: ascending by cookie; its items are taken over. */
void pressure_take_sockets(struct pressure *p, struct listen_sockets *s);
void pressure_take_cgroup(struct pressure *p, const struct cgroup_dirs *dirs,
			  const struct cgroup_stat *now);

#endif
