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
	double read_s; /* since the epoch: when the newest worker began, and so when its configuration was read last; 0: not known */
};

/*
 * Finds the master process, which calls itself "nginx: master process ..." and is root's or ours, in our own network and PID namespaces
 * (containers have theirs), and its workers. One pass over /proc. Returns 0 or -errno.
 */
int nginx_processes_find(struct nginx_processes *ret);

#endif
