/* SPDX-License-Identifier: MIT */
/* nginx's processes. */
#ifndef ISAMON_NGINX_PROCESS_H
#define ISAMON_NGINX_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct nginx_processes {
	pid_t master; /* 0: none runs */
	unsigned int workers;
	/* When their newest and their oldest began, since boot; those that only finish what they have do not count. */
	uint64_t newest_ticks, oldest_ticks;
	/* Since the epoch: when the configuration was read last, which is when the oldest worker began (one that replaces a dead one is younger, and
	 * works by what had been read before); 0: not known. */
	double read_s;
};

/*
 * Finds the master process, which calls itself "nginx: master process ..." and is root's or ours, in our own network and PID namespaces
 * (containers have theirs), and its workers. One pass over /proc. Returns 0 or -errno.
 */
int nginx_processes_find(struct nginx_processes *ret);

#endif
