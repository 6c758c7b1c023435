/* SPDX-License-Identifier: MIT */
/* One HTTP request after the other, waited for: aws/transport.h in a loop of its own. Not for the daemon's loop. */
#ifndef ISAMON_CARE_HTTP_H
#define ISAMON_CARE_HTTP_H

#include <stdint.h>

#include "aws/transport.h"
#include "base/buf.h"

struct http;

struct http_reply {
	int err;    /* 0: a whole answer came, with whatever status; otherwise -errno */
	int status; /* HTTP's; 0 without an answer */
	uint64_t took_ns;
	struct buf why;  /* of err: one plain line */
	struct buf body; /* of at most answer_max bytes */
};

/* Returns 0; -ENOENT: there is no libcurl (explained in @why); -ENOMEM. */
int http_new(struct buf *why, struct http **ret);
void http_free(struct http *h);

/* Asks, and blocks for at most r->timeout_ms. Always fills @ret in, which http_reply_done() empties. Returns ret->err. */
int http_ask(struct http *h, const struct transport_request *r, struct http_reply *ret);
void http_reply_done(struct http_reply *reply);

#endif
