/* SPDX-License-Identifier: MIT */
/* The inside of struct http_metrics, for http_metrics.c and http_page.c only. */
#ifndef ISAMON_HTTP_METRICS_IMPL_H
#define ISAMON_HTTP_METRICS_IMPL_H

#include <stdbool.h>

#include "base/table.h"
#include "metrics/http_metrics.h"
#include "metrics/http_series.h"
#include "metrics/route_cache.h"
#include "metrics/sparse_histogram.h"

enum http_side { HTTP_SIDE_CLIENT, HTTP_SIDE_SERVER, HTTP_SIDE_N };

struct http_route {
	uint32_t index; /* in routes */
	bool has_series;
	uint64_t requests;
	uint64_t client_errors;
	uint64_t server_errors;
	uint64_t aborts[HTTP_SIDE_N][HTTP_PHASE_N];
	uint64_t max_ns[2];
	struct sparse_histogram duration;
	char name[];
};

struct http_metrics {
	struct route_patterns *patterns;
	size_t max_series; /* of named routes */
	struct http_series_set series;
	size_t n_other_series; /* of series.n: those of "other" */

	struct table *by_name;
	struct http_route **routes; /* [0]: "other" */
	size_t n_routes;
	size_t routes_room;
	size_t n_bare_routes; /* named ones without series */
	struct buf name;      /* scratch */

	bool has_totals;
	struct http_totals totals;
	uint64_t overflow;
	uint64_t bad_records;
	uint64_t approximate_starts;

	struct route_cache cache;
};

#endif
