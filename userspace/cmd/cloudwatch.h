/* SPDX-License-Identifier: MIT */
/*
 * CloudWatch in the daemon: counts what happens in each minute, looks at the service from time to time, ends
 * the minute when it is over, and has it pushed.
 *
 * While [cloudwatch] enabled is no there is nothing of it: no file, no thread, no libcurl. What cannot be opened is said
 * once, tried again each minute, and does no harm to the rest of the daemon.
 */
#ifndef ISAMON_CLOUDWATCH_H
#define ISAMON_CLOUDWATCH_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "metrics/cloudwatch_page.h"
#include "metrics/http_metrics.h"
#include "metrics/status_json.h"
#include "serve/listener.h"
#include "ship/minute.h"

/* Of the control socket. */
#define CLOUDWATCH_TARGET "/cloudwatch"
#define CLOUDWATCH_TARGET_PREVIEW "/cloudwatch/preview"
#define CLOUDWATCH_TARGET_PUSH "/cloudwatch/push"
#define CLOUDWATCH_TARGETS 3

struct cloudwatch;

struct cloudwatch_hooks {
	/* Everything that has happened so far is told to cloudwatch_observe(). Before that: how many requests had ended since
	 * isamon began, and how many records were lost; false: that is not known. */
	bool (*drain)(uint64_t *ret_ended, uint64_t *ret_lost, void *ctx);
	/* Fills in what is known of service and probes; @l->monotonic_ns and the spool's age are not its affair. */
	void (*look)(struct minute_look *l, void *ctx);
	void *ctx;
};

/* Opens nothing yet. @c must live until cloudwatch_reload() names another. Returns 0 or -ENOMEM. */
int cloudwatch_new(struct event_base *base, struct config *c, const struct cloudwatch_hooks *hooks,
		   struct cloudwatch **ret);
/* Begins, if it is on. */
void cloudwatch_start(struct cloudwatch *w);
/* The present minute goes to the disk as it is; that is waited for (CLOUDWATCH_CLOSE_MS at most). NULL is fine. */
void cloudwatch_free(struct cloudwatch *w);
/* From now on @c. Returns whether it keeps the one before, and then frees that itself. */
bool cloudwatch_reload(struct cloudwatch *w, struct config *c);

/* As http_observe_fn: @ctx is the struct cloudwatch. */
void cloudwatch_observe(const struct http_observed *o, void *ctx);

/* Whether it is on; and whether everything is open, and CloudWatch lets us in. */
bool cloudwatch_enabled(const struct cloudwatch *w);
bool cloudwatch_up(const struct cloudwatch *w);
/* Brought up to date; owned by @w. */
struct cloudwatch_figures *cloudwatch_figures(struct cloudwatch *w);
/* What `isamon status` is told. */
void cloudwatch_status(struct cloudwatch *w, struct status *s);

/*
 * What `isamon metrics` is told over the control socket, each by one line of JSON (cmd/cloudwatch_json.h): how it stands; the
 * same after having begun a push; the same, and behind it the request that would be sent if the present minute ended now.
 */
void cloudwatch_targets(struct cloudwatch *w,
			struct listener_target ret[static CLOUDWATCH_TARGETS]);

#endif
