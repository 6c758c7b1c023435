/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests without waiting: libcurl's multi interface in an event loop.
 *
 * libcurl is opened when the first transport is made, not linked: it and what it needs take 6 MB, which a daemon without
 * CloudWatch does not have to pay. Not for use by several threads. Never follows redirects; verifies TLS, if it is not told otherwise.
 * A request is sent once: what libcurl would send again by itself on another connection has failed. A kept connection that was idle
 * for 30 s is not used again.
 * Writes no header, URL query or body to the log at any level.
 */
#ifndef ISAMON_TRANSPORT_H
#define ISAMON_TRANSPORT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "aws/sigv4.h"
#include "base/buf.h"

struct transport;
struct transport_call;

struct transport_options {
	const char *proxy;     /* NULL: as the environment says (https_proxy, no_proxy) */
	const char *ca_bundle; /* a PEM file; NULL: the system's */
};

/* A body that is not in memory: body_len bytes of a file. Read with pread(2) by small pieces as they are sent; a disk that is slow
 * holds the loop up. Stays open and unchanged until the call has ended. */
struct transport_source {
	int fd;
	off_t offset;
	/* Told of each piece, before it is sent; not 0 (-errno): the call ends with it. NULL: nobody is. */
	int (*told)(size_t n, void *ctx);
	void *ctx;
};

/* Where the body of an answer goes whose status is 200 or 206; that of another is kept, up to answer_max. Not 0 (-errno): the call
 * ends with it. Valid until the call has ended. */
struct transport_sink {
	const char *etag; /* only if the answer's ETag is this one; NULL: any */
	int (*got)(int status, const void *bytes, size_t n, void *ctx);
	void *ctx;
};

struct transport_request {
	const char *method; /* "POST" */
	const char *url;
	const char *unix_socket; /* NULL: the host and port of the URL; else they are names only */
	const char *connect_to;  /* "127.0.0.1:443", "[::1]:443": likewise; NULL */
	const struct sigv4_header *headers; /* sent as they are */
	size_t n_headers;
	const void *body;
	size_t body_len;
	const struct transport_source *source; /* in place of body, for a PUT; NULL: none */
	const struct transport_sink *sink;     /* NULL: the answer is kept */
	unsigned int connect_timeout_ms;       /* 0: libcurl's, 5 minutes */
	unsigned int timeout_ms;               /* of the whole; 0: none */
	unsigned int stall_s; /* in which not one byte moves; 0: none. Then -ETIMEDOUT. */
	uint64_t bytes_per_s; /* at most, in either direction; 0: no limit */
	size_t answer_max;    /* bytes of a body that are taken; more is an error, -EFBIG */
	bool direct;          /* through no proxy (IMDS, container credentials) */
	bool any_certificate; /* TLS is not verified: for a look at what is served, never for what has a secret in it */
};

struct transport_answer {
	int err;         /* 0: a whole answer came, with whatever status; otherwise -errno */
	const char *why; /* of err, one line for a message: "cannot connect to HOST port N: ..." */
	bool ours;       /* err is that of the request's source or sink */
	bool unsent; /* the request surely did not reach the server whole: it had no effect there */
	int status;  /* HTTP's; 0 without an answer */
	const char *body; /* NUL-terminated */
	size_t body_len;
	const char *headers; /* the answer's head, "Name: value\r\n" lines; NUL-terminated */
};

/* Called once for each call that was started and not cancelled, from the loop, never from within transport_start().
 * @a and what it points to are valid until it returns. May start other calls and free this transport's user, but not
 * the transport itself. */
typedef void (*transport_done_fn)(const struct transport_answer *a, void *ctx);

/* The process ignores SIGPIPE from then on. Returns 0; -ENOENT: there is no libcurl.so.4 (explained in @why); another -errno. */
int transport_new(struct event_base *base, const struct transport_options *o, struct buf *why,
		  struct transport **ret_transport);
/* Cancels what is under way. NULL is fine. */
void transport_free(struct transport *t);

/* Copies everything of @r, but for what source and sink point to. Returns 0, -EINVAL (URL or method) or -ENOMEM; *ret_call (may be NULL) is valid until its
 * callback has been called. */
int transport_start(struct transport *t, const struct transport_request *r, transport_done_fn fn,
		    void *ctx, struct transport_call **ret_call);
/* Ends it without a callback; does nothing from within its own. NULL is fine. */
void transport_cancel(struct transport_call *call);

/* Appends the value of a header of the answer (any case, the first of several) to @ret. Returns whether it is there. */
bool transport_header(const struct transport_answer *a, const char *name, struct buf *ret);

#endif
