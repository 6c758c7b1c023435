/* SPDX-License-Identifier: MIT */
/*
 * The routes that there are, and which of them a record's path has. Routes are made once and stay where
 * they are; whether one may be made is the caller's to decide.
 */
#ifndef ISAMON_HTTP_ROUTES_H
#define ISAMON_HTTP_ROUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/table.h"
#include "http_abi.h"
#include "metrics/route.h"
#include "metrics/route_cache.h"
#include "metrics/sparse_histogram.h"
#include "metrics/stream_metrics.h"
#include "metrics/time_histogram.h"
#include "metrics/websocket_metrics.h"

/* Of one sample; a route with every byte of it escaped, and the other labels beside it. */
#define HTTP_LABELS_BYTES_MAX 1024

enum http_side { HTTP_SIDE_CLIENT, HTTP_SIDE_SERVER, HTTP_SIDE_N };

struct http_route {
	uint32_t index; /* in all */
	bool has_series;
	uint64_t requests;
	uint64_t client_errors;
	uint64_t server_errors;
	uint64_t aborts[HTTP_SIDE_N][HTTP_PHASE_N];
	uint64_t max_ns[2];
	struct sparse_histogram duration;
	struct time_histogram queue;
	struct sparse_histogram queue_fine;
	struct stream_route *stream;       /* NULL: it had none yet */
	struct websocket_route *websocket; /* NULL: it had none yet */
	const char *labels;                /* http_route="...", ready for the page */
	char name[];
};

struct http_routes {
	struct route_patterns *patterns;
	struct table *by_name;
	struct http_route **all; /* [0]: "other" */
	size_t n;
	size_t room;
	size_t n_bare;   /* named ones without series */
	struct buf name; /* scratch */
	struct route_cache cache;
};

/* Of memory that is all zero. Takes @patterns over, also on failure. Returns 0 or -ENOMEM; then
 * http_routes_done() is for the caller to call. */
int http_routes_init(struct http_routes *s, struct route_patterns *patterns);
void http_routes_done(struct http_routes *s);
/* Takes new patterns over, for paths that are asked for from now on. */
void http_routes_set_patterns(struct http_routes *s, struct route_patterns *patterns);

/* The route of a record's path, or NULL if there is none yet; *ret_configured then: a pattern matches
 * it. */
struct http_route *http_routes_find(struct http_routes *s, const struct http_record *r,
				    bool *ret_configured);
/* Makes the route of a path that has none; without series. NULL: no memory. */
struct http_route *http_routes_make(struct http_routes *s, const struct http_record *r);

#endif
