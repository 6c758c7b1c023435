/* SPDX-License-Identifier: MIT */
/*
 * Responses that are streams: event streams (text/event-stream), and chunked ones that lasted longer than
 * a threshold from their first byte to their last. One that was broken off is one as well, and at most
 * the usual end of an event stream.
 *
 * What it costs: 0.6 KB for each route that ever had one.
 */
#ifndef ISAMON_STREAM_METRICS_H
#define ISAMON_STREAM_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "http_abi.h"
#include "metrics/page.h"
#include "metrics/time_histogram.h"

enum stream_time {
	STREAM_TIME_DURATION,
	STREAM_TIME_FIRST_BYTE,
	STREAM_TIME_SILENCE,
	STREAM_TIME_N
};
enum stream_end { STREAM_END_COMPLETE, STREAM_END_CLIENT, STREAM_END_SERVER, STREAM_END_N };

struct stream_route {
	struct time_histogram times[STREAM_TIME_N];
	uint64_t bytes;
	uint64_t ended[STREAM_END_N];
};

/* Whether a finished request's response was a stream: it had begun, and was no upgrade. */
bool stream_is(const struct http_record *r, uint64_t threshold_ns);
/* Accounts one in *route, which is made if it is NULL; the caller frees it. Returns 0 or -ENOMEM. */
int stream_add(struct stream_route **route, const struct http_record *r);

struct http_metrics;

/* Streams that ended, over all routes, by how. */
void stream_totals(const struct http_metrics *m, uint64_t ret_ended[static STREAM_END_N]);
/* For page_add(): isamon_stream_* and isamon_streams_ended; ctx is the struct http_metrics. */
bool stream_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx);

#endif
