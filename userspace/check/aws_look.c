/* SPDX-License-Identifier: MIT */
#include "check/aws_look.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

#define NS_PER_MS 1000000ull
#define TURN_MS 20

bool aws_look_used(const struct config *c)
{
	return c->cloudwatch_enabled || c->logs_enabled || c->n_alarms || *c->backup_s3_bucket;
}

int aws_look_open(const struct config *c, struct buf *why, struct aws_look *ret)
{
	*ret = (struct aws_look){ .base = event_base_new() };
	if (!ret->base)
		return -ENOMEM;
	return aws_session_new(ret->base, c, NULL, NULL, why, &ret->session);
}

void aws_look_close(struct aws_look *l)
{
	aws_session_free(l->session);
	if (l->base)
		event_base_free(l->base);
	*l = (struct aws_look){ 0 };
}

bool aws_look_wait(struct aws_look *l, unsigned int timeout_ms, bool (*done)(void *ctx), void *ctx)
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

static bool is_settled(void *ctx)
{
	const struct identity *i = aws_session_identity(ctx);

	return identity_region(i) || identity_settled(i);
}

const char *aws_look_region(struct aws_look *l, unsigned int timeout_ms)
{
	aws_look_wait(l, timeout_ms, is_settled, l->session);
	return identity_region(aws_session_identity(l->session));
}
