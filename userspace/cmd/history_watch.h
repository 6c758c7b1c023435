/* SPDX-License-Identifier: MIT */
/*
 * The history in the daemon: what is measured in each minute goes to its file (store/history.h) when the minute is over, and what there is
 * of one when the daemon ends.
 *
 * Always on. It costs a glance at the kernel's totals each second, a look at processes and host each HISTORY_LOOK_S seconds, and one row a
 * minute, written in a thread of its own. A disk that is full, or hangs, costs rows, is said once, and does no harm to the rest.
 */
#ifndef ISAMON_HISTORY_WATCH_H
#define ISAMON_HISTORY_WATCH_H

#include <event2/event.h>
#include <stdint.h>

#include "cmd/history_sum.h"
#include "config/config.h"

#define HISTORY_LOOK_S 10
/* How long the end of the daemon waits for the disk: with all the others that wait then, less than the unit's TimeoutStopSec. */
#define HISTORY_CLOSE_MS 5000

struct history_watch;

struct history_watch_hooks {
	void (*glance)(struct history_glance *g, void *ctx);
	/* Fills in what is known of the service; host and time are not its affair. Drains the records before, which are told to
	 * history_watch_observe(). */
	void (*look)(struct history_look *l, void *ctx);
	void *ctx;
};

/* Opens nothing yet; @c must live until history_watch_reload() names another. Returns 0 or -ENOMEM. */
int history_watch_new(struct event_base *base, const struct config *c,
		      const struct history_watch_hooks *hooks, struct history_watch **ret);
/* NULL is fine. */
void history_watch_free(struct history_watch *w);
/* From now on @c; its state directory is the same. */
void history_watch_reload(struct history_watch *w, const struct config *c);
/* As http_observe_fn: @ctx is the struct history_watch. */
void history_watch_observe(const struct http_observed *o, void *ctx);
/* Each second. Does not block. @now_s: since the epoch. */
void history_watch_second(struct history_watch *w, int64_t now_s, uint64_t monotonic_ns);

#endif
