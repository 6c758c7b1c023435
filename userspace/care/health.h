/* SPDX-License-Identifier: MIT */
/* Whether the service answers: one GET to 127.0.0.1, or to ::1 where nobody listens there. */
#ifndef ISAMON_HEALTH_H
#define ISAMON_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "care/http.h"

#define HEALTH_PATH "/health"
#define HEALTH_PATH_OTHER "/api/health" /* asked where HEALTH_PATH is not found (404) */

struct health {
	bool ok;    /* it answered 2xx */
	int status; /* 0: no answer */
	uint64_t took_ns;
	char path[257]; /* the one that answered, or was asked last */
	int err;        /* 0: a whole answer; otherwise -errno, and why there was none */
	char body[121]; /* its first bytes, plain */
	char why[600]; /* of not being ok: one plain line, "port 8000 refuses connections"; "" otherwise */
};

/*
 * Asks http://127.0.0.1:@port@path, or, if that is refused, http://[::1]:@port@path, on a connection of its own, for at most @timeout_ms. @path: CONFIG_HEALTH_NONE asks for /
 * and is content with any answer. Of a body 64 KiB are taken, more is no error of the service but is said. Returns ret->ok.
 */
bool health_ask(struct http *h, uint16_t port, const char *path, unsigned int timeout_ms,
		struct health *ret);

#endif
