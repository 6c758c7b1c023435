/* SPDX-License-Identifier: MIT */
/*
 * What `isamon top` asks the daemon for, as JSON. Everything but what says otherwise is
 * cumulative: who shows it subtracts two readings.
 *
 * {"service": "agent-isa", "service_up": true, "monotonic_ns": N, "since_ns": N, "in_flight": N,
 *  "connections": N, "requests_started": N, "records_lost": N, "non_http": N,
 *  "websockets": {"open": N, "messages_in": N, "messages_out": N, "turns": N, "turn": [[bucket, count], ...]},
 *  "streams": {"ended": N, "aborted": N},
 *  "processes": [{"pid": N, "start_ticks": N, "at_ns": N, "role": "worker", "cpu_ns": N, "cpu_ns_per_second": N,
 *                 "rss_bytes": N, "threads": N, "fds": N, "requests": N}, ...],
 *  "processes_rest": {"processes": N, "unsampled": N, "cpu_ns_per_second": N, "rss_bytes": N},
 *  "routes": [{"route": "/x", "requests": N, "client_errors": N, "server_errors": N, "aborts": N,
 *              "max_ns": [N, N], "histogram": [[bucket, count], ...], "queue": [[bucket, count], ...]}]}
 *
 * connections, open: those that are open. ended: streams that came to their end. max_ns: as in struct
 * http_route_stats. histogram, queue, turn: buckets of metrics/histogram.h that are not empty,
 * ascending; counts are modulo 2^32. Routes without any request or abort are left out.
 *
 * processes: absent where nobody knows them. One is the same as before if pid and start_ticks (field 22 of
 * /proc/PID/stat) are. role: "main", "worker", "helper". cpu_ns: user and system since it began.
 * rss_bytes, threads, fds: as they are. requests: those that it read. at_ns: when that was so, on the
 * clock of monotonic_ns. cpu_ns_per_second: over a second or more before that. All but pid, start_ticks, role
 * and cpu_ns may be absent: not known.
 *
 * The list has the busiest ones. processes_rest, with it: all others together, how many there are, and how many of all
 * were not sampled this time.
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
	/* Appends the list of processes, from its [ on, and what comes with it; returns 0 or -errno. NULL: there is
	 * none. */
	int (*processes)(struct buf *out, void *ctx);
	void *processes_ctx;
};

/* Appends it. Returns 0, the buffer's error, or that of processes(). Some 10 KB a route at most. */
int top_json_write(const struct top_source *s, struct buf *out);

#endif
