/* SPDX-License-Identifier: MIT */
/* The inside of struct http_metrics, for those that write its families. */
#ifndef ISAMON_HTTP_METRICS_IMPL_H
#define ISAMON_HTTP_METRICS_IMPL_H

#include <stdbool.h>

#include "metrics/http_metrics.h"
#include "metrics/http_routes.h"
#include "metrics/http_series.h"
#include "metrics/http_workers.h"

struct http_metrics {
	size_t max_series; /* of named routes */
	struct http_series_set series;
	size_t n_other_series; /* of series.n: those of "other" */

	struct http_stream_options streams;
	struct websocket_metrics websockets;
	struct http_workers workers;
	http_observe_fn observe; /* NULL: nobody */
	void *observe_ctx;

	bool has_totals;
	struct http_totals totals;
	uint64_t overflow;
	uint64_t bad_records;
	uint64_t approximate_starts;

	struct http_routes routes;
};

/* to - from; 0 if it runs backwards. */
static inline uint64_t http_difference(uint64_t from, uint64_t to)
{
	return to > from ? to - from : 0;
}

#endif
