/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as a sequence of records. Series and routes stay within their bounds, each good record is
 * counted once, and the page is the same in one piece and in small ones.
 *
 * Input: a byte max_series, then for each record a byte of its size and as many bytes.
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
		assert(histogram_count(&s.duration) == s.requests);
		n += s.requests + s.aborts;
	}
	return n;
}

static uint64_t count_series(const struct http_metrics *m)
{
	uint64_t n = 0;

	for (size_t i = 0; i < m->series.n; i++)
		for (size_t b = 0; b <= HTTP_TIME_BOUNDS; b++)
			n += m->series.all[i]->times[HTTP_TIME_DURATION].counts[b];
	return n;
}

static void check_page(struct http_metrics *m)
{
	struct page p = { .n = 0 };
	char *whole, *pieces;

	page_add(&p, http_metrics_collect, m);
	whole = read_page(&p, EXPO_OPENMETRICS_1, SIZE_MAX);
	pieces = read_page(&p, EXPO_OPENMETRICS_1, 1);
	assert(strcmp(whole, pieces) == 0);
	free(whole);
	free(pieces);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_metrics *m = NULL;
	struct buf top = BUF_INIT(16 << 20);
	struct top_source s = { .service = "fuzz" };
	uint64_t n, n_aborts = 0;
	size_t max_series;

	if (!size)
		return 0;
	max_series = data[0] % 32;
	if (http_metrics_new(NULL, max_series, &m))
		return 0;
	n = feed(m, data + 1, size - 1);
	assert(m->series.n <= max_series + OTHER_SERIES_MAX);
	assert(m->n_routes <= 1 + max_series + max_series / 4 + 1);
	assert(count_routes(m) + m->bad_records == n);
	for (size_t i = 0; i < m->n_routes; i++)
		for (int a = 0; a < HTTP_SIDE_N * HTTP_PHASE_N; a++)
			n_aborts += m->routes[i]->aborts[a / HTTP_PHASE_N][a % HTTP_PHASE_N];
	assert(count_series(m) + n_aborts + m->bad_records == n);
	check_page(m);
	s.metrics = m;
	assert(top_json_write(&s, &top) == 0);
	buf_done(&top);
	http_metrics_free(m);
	return 0;
}
