/* SPDX-License-Identifier: MIT */
/* Writes an answer as HTTP/1.1 into the buffer of what is to be sent. */
#ifndef ISAMON_REPLY_H
#define ISAMON_REPLY_H

#include <stdbool.h>

#include "base/buf.h"
#include "serve/pages.h"

struct evbuffer;

/* How the end of the body is told. */
enum reply_framing {
	REPLY_NONE,    /* there is no body: HEAD */
	REPLY_LENGTH,  /* Content-Length, that of the answer's body */
	REPLY_CHUNKED, /* chunks */
	REPLY_CLOSE,   /* the end of the connection */
};

struct reply {
	enum reply_framing framing;
	bool keep_alive;
	bool http_1_0; /* the client's version */
};

void reply_head(struct evbuffer *out, const struct reply *r, const struct answer *a);
/* The next piece of the body; @last: nothing follows. */
void reply_piece(struct evbuffer *out, const struct reply *r, const struct buf *piece, bool last);

#endif
