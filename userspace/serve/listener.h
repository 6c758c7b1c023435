/* SPDX-License-Identifier: MIT */
/*
 * isamon's HTTP listeners, on libevent's loop: the public one (/metrics, /-/healthy, /-/ready, /) and
 * the control socket (the same, /top, /status and other targets of the daemon's) that only root can open.
 *
 * GET and HEAD only; limits on connections, header size and time, so that slow and hostile
 * clients cost little and never hold up the loop. Opening a listener makes the process ignore SIGPIPE.
 */
#ifndef ISAMON_LISTENER_H
#define ISAMON_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "metrics/page.h"

struct event_base;
struct listener;

/* Writes the JSON of a target. Returns 0 or -errno, which is answered with 500. */
typedef int (*listener_write_fn)(struct buf *out, void *ctx);

/* A further one of the control socket, with a ctx of its own. */
struct listener_target {
	const char *path; /* "/cloudwatch" */
	listener_write_fn write;
	void *ctx;
};

struct listener_source {
	const struct page *page;
	/* Called before each page: bring counters up to date. May be NULL. */
	void (*before_page)(void *ctx);
	/* Called when a page was sent whole: how long writing it took, in seconds. May be NULL. */
	void (*after_page)(double seconds, void *ctx);
	/* Write the JSON of /top and of /status (control socket only). NULL: 404. */
	listener_write_fn top;
	listener_write_fn status;
	const struct listener_target *targets;
	size_t n_targets;
	/* Whether /-/ready says 200; otherwise 503 with the reason appended to @why. May be NULL. */
	bool (*ready)(struct buf *why, void *ctx);
	void *ctx;
};

struct listener_limits {
	unsigned int max_connections;
	unsigned int timeout_s; /* from a request's first byte to its answer's last */
};

struct listener_stats {
	uint64_t accepted;
	uint64_t refused;  /* of these: beyond max_connections, or no memory */
	uint64_t timeouts; /* of these: cut because timeout_s was over */
	unsigned int open; /* now */
};

/* Listens on a TCP address ("127.0.0.1", "::1", ...; "::" takes IPv4, too). On failure returns -errno
 * and explains in @why. Does not block. @source is copied; what it points to must outlive the listener. */
int listener_open_tcp(struct event_base *base, const char *address, uint16_t port,
		      const struct listener_limits *limits, const struct listener_source *source,
		      struct buf *why, struct listener **ret);
/* Listens on a Unix socket @path, mode 0600, replacing one on which nobody listens any more; removed on
 * close if it is still the same. -EADDRINUSE: another isamon answers there. */
int listener_open_unix(struct event_base *base, const char *path,
		       const struct listener_limits *limits, const struct listener_source *source,
		       struct buf *why, struct listener **ret);
/* The port that was bound (useful when 0 was asked for); 0 for a Unix socket. */
uint16_t listener_port(const struct listener *l);
struct listener_stats listener_stats(const struct listener *l);
/* Closes it and its connections. NULL is fine. */
void listener_close(struct listener *l);

#endif
