/* SPDX-License-Identifier: MIT */
/*
 * The connections of one listener: reads requests, sends answers, keeps the limits.
 *
 * One request of a connection is answered at a time, and nothing is read meanwhile: pipelined ones
 * wait in the socket. Between its first byte and the last byte of its answer lie timeout_s at
 * most, however busy the client looks; a page that is cut short is cut by a reset, so that nobody takes
 * it for a whole one.
 */
#ifndef ISAMON_CONN_H
#define ISAMON_CONN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "serve/listener.h"

struct conn;
struct event_base;

TAILQ_HEAD(conn_list, conn);

struct conn_pool {
	struct event_base *base;
	struct listener_source source;
	struct listener_limits limits;
	bool control; /* the Unix socket: /top and /status are answered */
	struct conn_list all;
	struct listener_stats stats;
};

void conn_pool_init(struct conn_pool *p, struct event_base *base,
		    const struct listener_limits *limits, const struct listener_source *source,
		    bool control);
/* Closes every connection. */
void conn_pool_done(struct conn_pool *p);

/* Takes over a connected, non-blocking socket. Where the limit is reached, a connection
 * that waits between two requests makes room; if there is none, the new one gets a 503 and is closed. */
void conn_pool_add(struct conn_pool *p, int fd);

#endif
