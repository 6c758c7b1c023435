/* SPDX-License-Identifier: MIT */
/*
 * What `isamon top` asks the daemon for, as JSON. Everything but what says otherwise is
 * cumulative: who shows it subtracts two readings.
 *
 * {"service": "agent-isa", "service_up": true, "monotonic_ns": N, "since_ns": N, "in_flight": N, "connections": N,
 *  "requests_started": N, "records_lost": N, "non_http": N,
 *  "routes": [{"route": "/x", "requests": N, "client_errors": N, "server_errors": N, "aborts": N,
 *              "max_ns": [N, N], "histogram": [[bucket, count], ...]}]}
 *
 * connections: those that are open. max_ns: as in struct http_route_stats. histogram: buckets
 * of metrics/histogram.h that are not empty, ascending; counts are modulo 2^32. Routes without
 * any request or abort are left out.
 */
#ifndef ISAMON_TOP_JSON_H
#define ISAMON_TOP_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "metrics/http_metrics.h"

struct top_source {
	const char *service; /* its name; what is not UTF-8 in it is replaced */
	bool service_up;
	uint64_t monotonic_ns; /* now */
	uint64_t since_ns;     /* when isamon started */
	const struct http_metrics *metrics;
};

/* Appends it. Returns 0 or the buffer's error. Some 5 KB a route at most. */
int top_json_write(const struct top_source *s, struct buf *out);

#endif
