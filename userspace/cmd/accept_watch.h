/* SPDX-License-Identifier: MIT */
/*
 * Whether anybody takes the connections that wait to be accepted. The kernel tells how many wait, not how many were
 * taken; that some were shows in a queue that got shorter, or in an answer to any client. Where neither is
 * seen from one look to the next, nobody takes them. A slow or a long answer is no sign of that: it waits in
 * no queue. Pure arithmetic.
 */
#ifndef ISAMON_ACCEPT_WATCH_H
#define ISAMON_ACCEPT_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

struct accept_watch {
	uint64_t waiting[CONFIG_PORTS_MAX]; /* of the last look */
	uint64_t since_ns
		[CONFIG_PORTS_MAX]; /* since when connections wait and none is taken; 0: none waits */
	uint64_t answers;           /* of the last look */
};

/* Each second, or more often. @waiting: connections that wait to be accepted, for each of @n ports, always in the same
 * order; @answers: requests that were answered so far, of any port. */
void accept_watch_look(struct accept_watch *w, const uint64_t *waiting, size_t n, uint64_t answers,
		       uint64_t now_ns);

#endif
