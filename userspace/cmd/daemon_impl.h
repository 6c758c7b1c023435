/* SPDX-License-Identifier: MIT */
/* Inside the daemon: for daemon.c and daemon_*.c alone. */
#ifndef ISAMON_DAEMON_IMPL_H
#define ISAMON_DAEMON_IMPL_H

#include <event2/event.h>
#include <stdint.h>

#include "base/buf.h"
#include "care/schedule.h"
#include "cmd/cloudwatch.h"
#include "cmd/cloudwatch_look.h"
#include "cmd/daemon.h"
#include "cmd/history_watch.h"
#include "cmd/log_child.h"
#include "cmd/restore_watch.h"
#include "cmd/service_state.h"
#include "cmd/service_watch.h"
#include "cmd/status_watch.h"
#include "metrics/http_metrics.h"
#include "metrics/page.h"
#include "metrics/self.h"
#include "probe/http_probe.h"
#include "serve/listener.h"

enum { EVENT_TERM, EVENT_INT, EVENT_HUP, EVENT_RING, EVENT_DRAIN, EVENT_SECOND, EVENT_N };

struct daemon {
	const struct options *options;
	struct config *config;
	struct http_probe *probe;
	struct http_metrics *metrics;
	struct listener *http, *control;
	struct event_base *base;
	struct event *events[EVENT_N];
	struct page page;
	struct self self;
	uint64_t since_ns;
	uint64_t watchdog_ns, watchdog_due_ns;
	unsigned int drain_us;
	unsigned int
		quiet; /* drains in a row that found nothing, daemon_events.c: DRAINS_QUIET at most */
	uint64_t answers; /* requests, and turns of WebSockets, that were answered */
	struct service_watch service;
	struct service_state *state;
	struct status_watch status;
	struct cloudwatch *cloudwatch;
	struct cloudwatch_figures cloudwatch_figures;
	struct history_watch *history;
	struct log_child *logs;
	struct restore_watch restore;
	struct schedule *schedule;
	struct listener_target targets[CLOUDWATCH_TARGETS];
	int lock_fd;
};

/* Takes the lock of the runtime directory, which is made if it is missing. Returns 0, -EBUSY: another daemon has it, or another
 * -errno, explained in @why. */
int daemon_lock(struct daemon *d, struct buf *why);

/* Each once, with what the struct has above it. Return 0 or -errno, that of the
 * listeners explained in @why. */
int daemon_start_cloudwatch(struct daemon *d);
int daemon_start_history(struct daemon *d);
int daemon_start_listeners(struct daemon *d, struct buf *why);
int daemon_start_events(struct daemon *d);

/* Since the epoch. */
int64_t daemon_now_s(void);
/* Drains, and brings all figures up to now; @ctx is the daemon. */
void daemon_refresh(void *ctx);
/* Which probes are up. */
void daemon_refresh_probes(struct daemon *d);
/* Whether the service is up, and who listens for it. */
void daemon_look_for_service(struct daemon *d);

#endif
