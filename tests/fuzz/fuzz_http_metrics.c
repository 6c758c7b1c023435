/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a sequence of records. Series, routes and workers stay within their bounds, each good record
 * is counted once, where its kind is counted, and the page is the same in one piece and in small ones.
 *
 * Input: a byte max_series (its highest bit: streams are not in the durations), then for each record a
 * byte of its size and as many bytes.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/http_metrics.h"
#include "metrics/http_metrics_impl.h"
#include "metrics/top_json.h"
#include "unit/http_records.h"

#define OTHER_SERIES_MAX 138

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns how many there were. */
static uint64_t feed(struct http_metrics *m, const uint8_t *data, size_t size)
{
	uint64_t n = 0;

	while (size > 0) {
		struct http_record r = { 0 };
		size_t len = data[0];

		data++;
		size--;
		if (len > size)
			len = size;
		memcpy(&r, data, len < sizeof(r) ? len : sizeof(r));
		http_metrics_add(m, &r, len);
		data += len;
		size -= len;
		n++;
	}
	return n;
}

static uint64_t count_routes(const struct http_metrics *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < http_metrics_n_routes(m); i++) {
		struct http_route_stats s;

		http_metrics_route(m, i, &s);
		assert(histogram_count(&s.duration) == s.requests ||
		       (!m->streams.in_duration && histogram_count(&s.duration) < s.requests));
		assert(histogram_count(&s.queue) <= s.requests + s.aborts);
		n += s.requests + s.aborts;
	}
	return n;
}

static uint64_t count_series(const struct http_metrics *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->series.n; i++)
		for (size_t b = 0; b <= TIME_HISTOGRAM_BOUNDS; b++)
			n += m->series.all[i]->times[HTTP_TIME_DURATION].counts[b];
	return n;
}

/* Turns and WebSockets that ended: by route as many as over all. */
static uint64_t count_websockets(const struct http_metrics *m)
{
	uint64_t n = 0, over_all = m->websockets.turns;

	for (size_t i = 0; i < m->routes.n; i++) {
		const struct websocket_route *w = m->routes.all[i]->websocket;

		n += w ? time_histogram_count(&w->duration) + time_histogram_count(&w->turn) : 0;
	}
	for (int i = 0; i < 4; i++)
		over_all += m->websockets.closed[i / 2][i % 2];
	assert(n == over_all);
	return n;
}

static uint64_t count_streams_left_out(const struct http_metrics *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < http_metrics_n_routes(m); i++) {
		struct http_route_stats s;

		http_metrics_route(m, i, &s);
		n += s.requests - histogram_count(&s.duration);
	}
	return n;
}

static void check_workers(const struct http_metrics *m)
{
	struct http_worker list[HTTP_WORKERS_MAX];
	size_t n = http_metrics_workers(m, list);
	uint64_t requests = 0;

	assert(n <= HTTP_WORKERS_MAX);
	for (size_t i = 0; i < n; i++) {
		assert(list[i].pid && list[i].requests);
		requests += list[i].requests;
		for (size_t j = 0; j < i; j++)
			assert(list[i].pid != list[j].pid);
	}
	assert(requests <= m->workers.clock);
}

static void check_page(struct http_metrics *m)
{
	struct page p = { .n = 0 };
	char *whole, *pieces;

	http_metrics_add_pages(&p, m);
	whole = read_page(&p, EXPO_OPENMETRICS_1, SIZE_MAX);
	pieces = read_page(&p, EXPO_OPENMETRICS_1, 1);
	assert(strcmp(whole, pieces) == 0);
	free(whole);
	free(pieces);
}

/* That each of the @n records is in one place. */
static void check_counts(const struct http_metrics *m, uint64_t n)
{
	uint64_t n_websockets = count_websockets(m), n_aborts = 0;

	for (size_t i = 0; i < m->routes.n; i++)
		for (int a = 0; a < HTTP_SIDE_N * HTTP_PHASE_N; a++)
			n_aborts += m->routes.all[i]->aborts[a / HTTP_PHASE_N][a % HTTP_PHASE_N];
	assert(count_routes(m) + n_websockets + m->bad_records == n);
	assert(count_series(m) + count_streams_left_out(m) + n_aborts + n_websockets +
		       m->bad_records ==
	       n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_metrics *m = NULL;
	struct buf top = BUF_INIT(16 << 20);
	struct top_source s = { .service = "fuzz" };
	uint64_t n;
	size_t max_series;

	if (!size)
		return 0;
	max_series = data[0] % 32;
	if (http_metrics_new(NULL, max_series, &m))
		return 0;
	if (data[0] & 0x80)
		http_metrics_set_streams(m, &(struct http_stream_options){ .threshold_ns = 1000 });
	n = feed(m, data + 1, size - 1);
	assert(m->series.n <= max_series + OTHER_SERIES_MAX);
	assert(m->routes.n <= 1 + max_series + max_series / 4 + 1);
	check_counts(m, n);
	check_workers(m);
	check_page(m);
	s.metrics = m;
	assert(top_json_write(&s, &top) == 0);
	buf_done(&top);
	http_metrics_free(m);
	return 0;
}
