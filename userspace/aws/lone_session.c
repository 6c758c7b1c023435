/* SPDX-License-Identifier: MIT */
#include "aws/lone_session.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

#define TURN_MS 20

int lone_session_open(const struct config *c, struct buf *why, struct lone_session *ret)
{
	*ret = (struct lone_session){ .base = event_base_new() };
	if (!ret->base)
		return -ENOMEM;
	return aws_session_new(ret->base, c, NULL, NULL, why, &ret->session);
}

void lone_session_close(struct lone_session *l)
{
	aws_session_free(l->session);
	if (l->base)
		event_base_free(l->base);
	*l = (struct lone_session){ 0 };
}

bool lone_session_wait(struct lone_session *l, unsigned int timeout_ms, bool (*done)(void *ctx),
		       void *ctx)
{
	const struct timeval turn = { .tv_usec = TURN_MS * 1000 };
	uint64_t end_ns = clock_monotonic_ns() + timeout_ms * NS_PER_MS;

	while (!done(ctx)) {
		if (clock_monotonic_ns() >= end_ns)
			return false;
		event_base_loopexit(l->base, &turn);
		event_base_loop(l->base, EVLOOP_ONCE);
	}
	return true;
}

void lone_session_settle(struct lone_session *l)
{
	struct identity *identity = aws_session_identity(l->session);

	while (!identity_settled(identity) && event_base_loop(l->base, EVLOOP_ONCE) == 0)
		;
}

static bool has_region(void *ctx)
{
	const struct identity *i = aws_session_identity(ctx);

	return identity_region(i) || identity_settled(i);
}

const char *lone_session_region(struct lone_session *l, unsigned int timeout_ms)
{
	lone_session_wait(l, timeout_ms, has_region, l->session);
	return identity_region(aws_session_identity(l->session));
}
