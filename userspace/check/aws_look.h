/* SPDX-License-Identifier: MIT */
/* What checks that speak to AWS have in common: a session in a loop of their own, and its questions, each with a time of its own. */
#ifndef ISAMON_AWS_LOOK_H
#define ISAMON_AWS_LOOK_H

#include <event2/event.h>
#include <stdbool.h>

#include "aws/session.h"
#include "base/buf.h"
#include "config/config.h"

struct aws_look {
	struct event_base *base;
	struct aws_session *session;
};

/* Whether anything of the configuration uses AWS: CloudWatch, its logs, alarms, or S3. Where nothing does, AWS is not asked. */
bool aws_look_used(const struct config *c);

/* @c must outlive it. Returns 0 or -errno, explained in @why. @ret is filled in always, for aws_look_close(). */
int aws_look_open(const struct config *c, struct buf *why, struct aws_look *ret);
void aws_look_close(struct aws_look *l);

/* Runs the loop until @done says so, @timeout_ms at most. Returns whether it did. */
bool aws_look_wait(struct aws_look *l, unsigned int timeout_ms, bool (*done)(void *ctx), void *ctx);
/* The region; waits for the instance's metadata where nobody else tells it. NULL: it is not known. Owned by the session. */
const char *aws_look_region(struct aws_look *l, unsigned int timeout_ms);

#endif
