/* SPDX-License-Identifier: MIT */
/* Says when the service's ports begin or stop to have a listener; the probe itself needs no telling. */
#ifndef ISAMON_SERVICE_WATCH_H
#define ISAMON_SERVICE_WATCH_H

#include <stdbool.h>

#include "cmd/accept_watch.h"
#include "config/config.h"
#include "metrics/status_json.h"

struct service_watch {
	bool known; /* false: say how each port is, not only what has changed */
	bool up;    /* somebody listens on one of the ports */
	bool port_up[CONFIG_PORTS_MAX];
	double since_s; /* when it came to be up, or down, or was first looked at; since the epoch */
	bool was_down;  /* it came to be up at since_s; otherwise it was up before that */
	struct accept_watch accepts;
};

/* Looks, logs what has changed, and tells the manager. Where /proc cannot be read all stays as it was. Each second,
 * or more often; @answers: requests that were answered so far. */
void service_watch_look(struct service_watch *w, const struct config *c, uint64_t answers);
/* What `isamon status` is told of it. Needs s->now_s. */
void service_watch_status(const struct service_watch *w, const struct config *c, struct status *s);

#endif
