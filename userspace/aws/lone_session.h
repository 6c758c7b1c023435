/* SPDX-License-Identifier: MIT */
/* A session in a loop of its own: of commands and checks, which wait for each answer. */
#ifndef ISAMON_LONE_SESSION_H
#define ISAMON_LONE_SESSION_H

#include <event2/event.h>
#include <stdbool.h>

#include "aws/session.h"
#include "base/buf.h"
#include "config/config.h"

struct lone_session {
	struct event_base *base;
	struct aws_session *session;
};

/* @c must outlive it. Returns 0 or -errno, explained in @why. @ret is filled in always, for lone_session_close(). */
int lone_session_open(const struct config *c, struct buf *why, struct lone_session *ret);
void lone_session_close(struct lone_session *l);

/* Runs the loop until @done says so, @timeout_ms at most. Returns whether it did. */
bool lone_session_wait(struct lone_session *l, unsigned int timeout_ms, bool (*done)(void *ctx),
		       void *ctx);
/* Waits until region and instance id are known, or cannot be had. */
void lone_session_settle(struct lone_session *l);
/* The region; waits for the instance's metadata where nobody else tells it. NULL: it is not known. Owned by the session. */
const char *lone_session_region(struct lone_session *l, unsigned int timeout_ms);

#endif
