/* SPDX-License-Identifier: MIT */
/*
 * WebSockets: how many and how much from the kernel's totals; how long, closed by whom, and the turns
 * (a client's message until the service's first message behind it has left whole, which is when the
 * client has it) from records.
 *
 * What it costs: 0.4 KB for each route that ever had one.
 */
#ifndef ISAMON_WEBSOCKET_METRICS_H
#define ISAMON_WEBSOCKET_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "http_abi.h"
#include "metrics/page.h"
#include "metrics/sparse_histogram.h"
#include "metrics/time_histogram.h"

struct websocket_route {
	struct time_histogram duration;
	struct time_histogram turn;
};

/* Over all routes. All zero: empty. */
struct websocket_metrics {
	uint64_t closed[2][2]; /* by client, server; not clean, clean */
	uint64_t turns;
	struct sparse_histogram turn;
};

void websocket_done(struct websocket_metrics *w);
/* That a record of a turn or a WebSocket is one that there can be. */
bool websocket_record_is_good(const struct http_record *r);
/*
 * Accounts one, in *route too, which is made if it is NULL; the caller frees it. Of a WebSocket whose framing
 * was lost there is no record. Returns 0, or -ENOMEM: only what is over all routes was accounted.
 */
int websocket_add(struct websocket_metrics *w, struct websocket_route **route,
		  const struct http_record *r);
/* WebSockets that are open, by @t. Never below 0: the CPUs are not read in one instant. */
uint64_t websocket_open(const struct http_totals *t);
/* For page_add(): isamon_websocket_*; ctx is the struct http_metrics. */
bool websocket_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx);

#endif
