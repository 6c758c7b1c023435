/* SPDX-License-Identifier: MIT */
/* The head of an HTTP/1.x request, as far as isamon's listener needs it. */
#ifndef ISAMON_REQUEST_H
#define ISAMON_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* A longer head is refused with 431, a longer target with 414. */
#define REQUEST_HEAD_MAX 8192
#define REQUEST_TARGET_MAX 2048

struct request {
	bool head_only; /* HEAD */
	bool http_1_0;
	bool keep_alive;   /* what the client asks for */
	const char *path;  /* without query; points into the head that was parsed */
	struct buf accept; /* lines joined by commas; buf_str() is "" where there was none */
	struct buf accept_encoding;
	bool has_accept_encoding;
};

/* How many of the @len bytes belong to the first request's head, its empty line included; 0: the
 * empty line is not there yet. Empty lines ahead of a request belong to it (RFC 9112 2.2). */
size_t request_head_length(const char *bytes, size_t len);

/*
 * Parses a head of @len bytes, which is changed and must live as long as *r. Returns 0, or the status
 * to answer with: 400, 405 (neither GET nor HEAD), 413 (it announces a body), 414, 431 (more Accept
 * lines than anybody sends), 505. request_done() in any case.
 */
unsigned int request_parse(char *head, size_t len, struct request *r);
void request_done(struct request *r);

#endif
