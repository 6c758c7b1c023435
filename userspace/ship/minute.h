/* SPDX-License-Identifier: MIT */
/*
 * What happens in the present minute, and the metrics that are made of it when it is over.
 *
 * The sums live in a file that is mapped (RUNTIME_DIRECTORY/isamon.minute): two copies and a number that says which is
 * whole, so that a kill -9 loses nothing that was taken. The isamon that comes next goes on with the minute, or, when that one is
 * over, puts it into the spool.
 */
#ifndef ISAMON_MINUTE_H
#define ISAMON_MINUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct minute;

/* A request that ended. */
struct minute_request {
	const char *route;
	bool answered;     /* its duration counts: complete, or upgraded where those count */
	bool server_error; /* status >= 500, or aborted by the server */
	uint64_t duration_ns;
	bool has_queue;
	uint64_t queue_ns;
};

#endif
