/* SPDX-License-Identifier: MIT */
/* nginx's log of errors: how often, and when last, it did not get an answer from the upstream, and why. */
#ifndef ISAMON_NGINX_LOG_H
#define ISAMON_NGINX_LOG_H

#include <stddef.h>
#include <stdint.h>

enum nginx_error {
	NGINX_REFUSED,     /* connect() failed (111: Connection refused) */
	NGINX_RESET,       /* (104: Connection reset by peer) while reading from the upstream */
	NGINX_CLOSED,      /* upstream prematurely closed connection */
	NGINX_TIMED_OUT,   /* upstream timed out (110: ...) */
	NGINX_UNREACHABLE, /* (113: No route to host), (101: Network is unreachable) */
	NGINX_NONE_LIVE,   /* no live upstreams */
	NGINX_DENIED, /* (13: Permission denied) while connecting: SELinux, or a socket's mode */
	NGINX_FILES,  /* (24: Too many open files) */
	NGINX_CONNECTIONS, /* worker_connections are not enough */
	NGINX_N_ERRORS,
};

struct nginx_errors {
	struct {
		unsigned int n;
		int64_t last_s; /* since the epoch */
	} of[NGINX_N_ERRORS];
	char upstream[128]; /* of the last line that names one; plain */
};

/* Counts in lines that are not older than @since_s (local time in the log). Any bytes may be in @text; its last line may be without an end. Adds to
 * @ret, which begins zeroed. */
void nginx_errors_count(const char *text, size_t len, int64_t since_s, struct nginx_errors *ret);

/* The same with the last @max bytes of the file @path. Returns 0; -ENOENT and other -errno of open(2); -EINVAL: no regular file. */
int nginx_errors_read(const char *path, size_t max, int64_t since_s, struct nginx_errors *ret);

/* "refused", "reset", ... */
const char *nginx_error_word(enum nginx_error e);

#endif
