/* SPDX-License-Identifier: MIT */
/* Asks a running daemon over its control socket. */
#ifndef ISAMON_ASK_H
#define ISAMON_ASK_H

#include "base/buf.h"

/*
 * GETs @target from the daemon whose control socket is @socket_path; the body replaces what is in @body.
 * Blocks, @timeout_ms at most. Returns 0; -ENOENT or -ECONNREFUSED: no daemon runs there; -EACCES: not
 * allowed to ask it; -EBUSY: it has too many clients (503); -EPROTO: it answered something else than 200;
 * -ECONNRESET, -EPIPE: it broke off without an answer; -ETIMEDOUT; another -errno.
 */
int ask_daemon(const char *socket_path, const char *target, int timeout_ms, struct buf *body);

#endif
