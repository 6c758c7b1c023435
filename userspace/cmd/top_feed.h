/* SPDX-License-Identifier: MIT */
/* Where `isamon top` has its samples from: the daemon, or a probe of its own. */
#ifndef ISAMON_TOP_FEED_H
#define ISAMON_TOP_FEED_H

#include <stdbool.h>

#include "base/buf.h"
#include "cmd/top_sample.h"
#include "config/config.h"
#include "metrics/route.h"

struct top_feed;

/*
 * Asks the daemon of this configuration; where there is none, or with @attach, attaches a probe of its own
 * (for root only). Takes @patterns over, also on failure; @c must outlive the source. On failure returns
 * -errno and explains in @why. Blocks for a second at most.
 */
int top_feed_open(const struct config *c, struct route_patterns *patterns, bool attach,
		  struct buf *why, struct top_feed **ret);
/* For _cleanup_(top_feed_closep). */
void top_feed_closep(struct top_feed **s);

/* "daemon" or "attached". */
const char *top_feed_name(const struct top_feed *s);
/* Takes a sample; the caller frees it. Returns 0, or -errno as ask_daemon() and top_sample_parse() have them:
 * the daemon may be back later. Blocks for a second at most. */
int top_feed_sample(struct top_feed *s, struct top_sample **ret);

/* Milliseconds until top_feed_turn() wants to be called, or -1: never. */
int top_feed_turn_ms(const struct top_feed *s);
/* Readable when that turn is wanted sooner; -1: never. */
int top_feed_fd(const struct top_feed *s);
/* Drains what its own probe has seen. Returns 0 or -errno. */
int top_feed_turn(struct top_feed *s);

#endif
