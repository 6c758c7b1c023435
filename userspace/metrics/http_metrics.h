/* SPDX-License-Identifier: MIT */
/*
 * The HTTP metrics of the service: takes records, keeps series, writes them out.
 *
 * Series are kept for each (method, route, status); the four histogram families (duration, time
 * to first byte, request and response body size) share them. Nothing that a client or the
 * service sends makes them grow beyond bounds:
 * - No more than max_series series of named routes are made; a request whose series would be
 *   one more goes to the route "other", and isamon_http_series_overflow_total counts it.
 * - A path that is not a route yet becomes one with its first answer that is no 404, or by
 *   matching a configured pattern. Until then it goes to "other" (which is no overflow): a
 *   scanner makes no routes.
 * - An aborted request has a route too: its path's, if that is one; otherwise it makes one,
 *   unless a 404 had begun. Of routes that have aborts only, at most max_series / 4 (+ 1) are
 *   kept; then "other" and overflow.
 * - "other" itself has at most 128 series (method, status) and, beyond these, one for each
 *   method without the label http_response_status_code. So there are never more than max_series
 *   + 138 series. A status is shown as it was sent; if none was seen (0), the label is absent.
 *
 * Turns and WebSockets (HTTP_KIND_*) have routes as requests have, and make one as an aborted request
 * does. Streams are in families of their own (stream_metrics.h), and by choice there only.
 *
 * What it costs: 64 KiB for remembered paths, 0.75 KB a series, 0.6 KB a route (0.6 KB more if it has
 * streams, 0.4 KB if it has WebSockets), and of a fine histogram 64 bytes for each octave in which there
 * are times (at most 30; a route has two, durations and queue).
 */
#ifndef ISAMON_HTTP_METRICS_H
#define ISAMON_HTTP_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http_abi.h"
#include "metrics/histogram.h"
#include "metrics/http_workers.h"
#include "metrics/page.h"
#include "metrics/route.h"

struct http_metrics;

/* One route as `isamon top` sees it; all cumulative but max_ns. */
struct http_route_stats {
	const char *route;      /* owned by the http_metrics */
	uint64_t requests;      /* complete ones and upgrades */
	uint64_t client_errors; /* 4xx */
	uint64_t server_errors; /* >= 500 and aborts by the server: CloudWatch's ErrorCount */
	uint64_t aborts;        /* by either side */
	uint64_t max_ns[2];     /* longest request of the present and of the last full second */
	struct histogram duration;
	struct histogram
		queue; /* until the service read them; only of those of which that is known */
};

/* WebSockets and streams as `isamon top` sees them; all cumulative but open. */
struct http_chat_stats {
	uint64_t open;        /* WebSockets */
	uint64_t messages[2]; /* of clients, of the service */
	uint64_t turns;
	struct histogram turn;
	uint64_t streams; /* that came to their end */
	uint64_t streams_aborted;
};

/* Which responses are streams beside event streams, and whether they are in
 * http_server_request_duration_seconds too. */
struct http_stream_options {
	uint64_t threshold_ns;
	bool in_duration;
};

/* What was accounted of one record. */
struct http_observed {
	enum { HTTP_OBSERVED_REQUEST, HTTP_OBSERVED_TURN } kind;
	const char *route; /* as the page has it; owned by the http_metrics */
	/* A request: it is in http_server_request_duration_seconds; a turn: always. */
	bool answered;
	bool server_error; /* as struct http_route_stats counts them */
	bool has_queue;
	uint64_t duration_ns;
	uint64_t queue_ns;
};
typedef void (*http_observe_fn)(const struct http_observed *o, void *ctx);

/* Takes @patterns over (also on failure). Returns 0 or -ENOMEM. */
int http_metrics_new(struct route_patterns *patterns, size_t max_series, struct http_metrics **ret);
void http_metrics_free(struct http_metrics *m);
/* Takes new patterns over, for requests that end from now on; series stay. */
void http_metrics_set_patterns(struct http_metrics *m, struct route_patterns *patterns);
/* For requests that end from now on. Until the first call: 1 s, and they are in it. */
void http_metrics_set_streams(struct http_metrics *m, const struct http_stream_options *o);

/*
 * Accounts one record; @size: bytes of it that are valid (HTTP_RECORD_FIXED + path_len). Never
 * fails: what cannot be kept in detail for lack of memory is counted as overflow, a record that
 * cannot be one in isamon_trace_bad_records_total and nowhere else. Of times that run backwards
 * the difference is 0. Complete requests and upgrades go to the histograms, aborts to
 * isamon_http_requests_aborted_total.
 */
void http_metrics_add(struct http_metrics *m, const struct http_record *r, size_t size);
/* From now on @fn is called from http_metrics_add() for each request that ended, in whatever way, and each turn of a
 * WebSocket; NULL: nobody is. It may not call http_metrics_*(). */
void http_metrics_observe(struct http_metrics *m, http_observe_fn fn, void *ctx);
/* The kernel's totals, summed over the CPUs, for the next page and for in-flight. Before the
 * first call the page has no families of totals. */
void http_metrics_set_totals(struct http_metrics *m, const struct http_totals *t);
const struct http_totals *http_metrics_totals(const struct http_metrics *m);
/* Requests that have ended in whatever way, by @t. */
uint64_t http_totals_ended(const struct http_totals *t);
/* Requests that have begun and not ended, by @t. Never below 0: the CPUs are not read in one
 * instant. */
uint64_t http_totals_in_flight(const struct http_totals *t);
/* Connections that are open, by @t; likewise. */
uint64_t http_totals_open_connections(const struct http_totals *t);

/* For page_add(): the http_* and isamon_http_* families; ctx is the struct http_metrics. */
bool http_metrics_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx);
/* Appends all collectors that there are of @m: those families, and isamon_stream_*,
 * isamon_websocket_*, isamon_tcp_*. */
void http_metrics_add_pages(struct page *p, struct http_metrics *m);

/* Routes, in the order in which they were first seen; the first is always "other", perhaps
 * unused. */
size_t http_metrics_n_routes(const struct http_metrics *m);
void http_metrics_route(const struct http_metrics *m, size_t i, struct http_route_stats *ret);
void http_metrics_chat(const struct http_metrics *m, struct http_chat_stats *ret);

/* The processes that read requests, in no order, and how many; returns how many processes. */
size_t http_metrics_workers(const struct http_metrics *m,
			    struct http_worker ret[static HTTP_WORKERS_MAX]);
/* Its number will not stand for that process any more: it ended, or another one got the number. */
void http_metrics_forget_worker(struct http_metrics *m, uint32_t pid);
/* Turns the seconds of max_ns; called once a second by the loop's owner. */
void http_metrics_tick(struct http_metrics *m);

#endif
