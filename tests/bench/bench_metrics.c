/* SPDX-License-Identifier: MIT */
/*
 * What the metrics cost: a record (of 20 routes, 3 methods, 5 statuses), a page, plain and
 * compressed, and the answer to `isamon top`.
 */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/util.h"
#include "metrics/http_metrics.h"
#include "metrics/top_json.h"

#define RECORDS 2000000u
#define MIX 4096u
#define PIECE_BYTES (64 * 1024)

static struct http_record mix[MIX];
static uint32_t seed = 1;

static uint32_t next_random(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

enum path_kind { PATH_PLAIN, PATH_WITH_ID, PATH_UNKNOWN, PATH_OF_A_TURN };

static size_t make_path(char *to, size_t size, enum path_kind kind)
{
	unsigned int route = next_random() % 20, id = next_random();

	switch (kind) {
	case PATH_PLAIN: return (size_t)snprintf(to, size, "/api/v%u/thing/list", route);
	case PATH_WITH_ID: return (size_t)snprintf(to, size, "/api/v%u/files/%u", route, id);
	case PATH_OF_A_TURN: return (size_t)snprintf(to, size, "/ws/session-%u", id % 1000);
	case PATH_UNKNOWN: break;
	}
	return (size_t)snprintf(to, size, "/wp-%u/x%u.php", route, id);
}

static void make_record(struct http_record *r, enum path_kind kind)
{
	static const uint8_t methods[] = { HTTP_METHOD_GET, HTTP_METHOD_GET, HTTP_METHOD_GET,
					   HTTP_METHOD_POST, HTTP_METHOD_DELETE };
	static const uint16_t statuses[] = { 200, 200, 200, 200, 201, 304, 404, 500 };
	*r = (struct http_record){ .start_ns = 1000000000 };
	r->path_len = (uint8_t)make_path(r->path, sizeof(r->path), kind);
	r->method = methods[next_random() % ARRAY_SIZE(methods)];
	r->status = statuses[next_random() % ARRAY_SIZE(statuses)];
	r->first_byte_ns = r->start_ns + 50000 + next_random() % 2000000;
	r->end_ns = r->first_byte_ns + next_random() % 1000000;
	r->read_ns = r->start_ns + 20000 + next_random() % 30000;
	r->pid = 1000 + next_random() % 4;
	if (kind == PATH_OF_A_TURN) {
		r->kind = HTTP_KIND_TURN;
		r->status = 101;
	}
	r->request_bytes = r->method == HTTP_METHOD_POST ? next_random() % 5000 : 0;
	r->response_bytes = next_random() % 20000;
}

static struct http_metrics *new_metrics(size_t max_series)
{
	struct http_metrics *m;

	if (http_metrics_new(NULL, max_series, &m)) {
		fprintf(stderr, "no memory\n");
		abort();
	}
	return m;
}

static void bench_records(const char *what, enum path_kind kind)
{
	struct http_metrics *m = new_metrics(1000);
	uint64_t start, ns;

	for (unsigned int i = 0; i < MIX; i++)
		make_record(&mix[i], kind);
	for (unsigned int i = 0; i < MIX; i++)
		http_metrics_add(m, &mix[i], (size_t)HTTP_RECORD_FIXED + mix[i].path_len);
	start = clock_monotonic_ns();
	for (unsigned int i = 0; i < RECORDS; i++) {
		const struct http_record *r = &mix[i % MIX];

		http_metrics_add(m, r, (size_t)HTTP_RECORD_FIXED + r->path_len);
	}
	ns = clock_monotonic_ns() - start;
	printf("record, %-28s %6.1f ns\n", what, (double)ns / RECORDS);
	http_metrics_free(m);
}

/* Paths that are all different, made before the clock starts. */
static void bench_unknown(void)
{
	struct http_metrics *m = new_metrics(1000);
	uint64_t ns = 0;

	for (unsigned int round = 0; round < 50; round++) {
		uint64_t start;

		for (unsigned int i = 0; i < MIX; i++) {
			make_record(&mix[i], PATH_UNKNOWN);
			mix[i].status = 404;
		}
		start = clock_monotonic_ns();
		for (unsigned int i = 0; i < MIX; i++)
			http_metrics_add(m, &mix[i], (size_t)HTTP_RECORD_FIXED + mix[i].path_len);
		ns += clock_monotonic_ns() - start;
	}
	printf("record, %-28s %6.1f ns\n", "a scanner's, each path new", (double)ns / (50 * MIX));
	http_metrics_free(m);
}

static size_t heap_bytes(void)
{
	return mallinfo2().uordblks;
}

static struct http_metrics *fill(size_t n_series)
{
	struct http_metrics *m = new_metrics(n_series);

	for (unsigned int i = 0; i < n_series; i++) {
		struct http_record r;

		make_record(&r, PATH_PLAIN);
		r.path_len = (uint8_t)snprintf(r.path, sizeof(r.path), "/api/v1/route-%c%c/list",
					       'a' + i / 5 % 26, 'a' + i / 130 % 26);
		r.method = HTTP_METHOD_GET + i / 5 / 676 % 9;
		r.status = (uint16_t)(200 + i % 5);
		http_metrics_add(m, &r, (size_t)HTTP_RECORD_FIXED + r.path_len);
	}
	return m;
}

/* Writes the page piece by piece; with @z, through gzip. */
static size_t write_page(const struct page *p, z_stream *z)
{
	static unsigned char packed[PIECE_BYTES];
	_cleanup_(buf_done) struct buf piece = BUF_INIT(4 * PIECE_BYTES);
	struct page_reader r;
	size_t bytes = 0;

	page_read_start(&r, p, EXPO_OPENMETRICS_1);
	while (!r.done) {
		buf_reset(&piece);
		if (page_read(&r, &piece, PIECE_BYTES))
			abort();
		if (!z) {
			bytes += piece.len;
			continue;
		}
		z->next_in = (unsigned char *)piece.data;
		z->avail_in = (unsigned int)piece.len;
		do {
			z->next_out = packed;
			z->avail_out = sizeof(packed);
			deflate(z, r.done ? Z_FINISH : Z_NO_FLUSH);
			bytes += sizeof(packed) - z->avail_out;
		} while (!z->avail_out);
	}
	return bytes;
}

static void bench_page(size_t n_series)
{
	size_t before = heap_bytes(), memory, bytes;
	struct http_metrics *m = fill(n_series);
	struct page p = { .n = 0 };
	z_stream z = { 0 };
	uint64_t start;

	memory = heap_bytes() - before;
	http_metrics_add_pages(&p, m);
	start = clock_monotonic_ns();
	bytes = write_page(&p, NULL);
	printf("page of %5zu series, plain        %6.1f ms, %6.1f MB; memory %.2f MB\n", n_series,
	       (double)(clock_monotonic_ns() - start) / 1e6, (double)bytes / 1e6,
	       (double)memory / 1e6);
	if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	start = clock_monotonic_ns();
	bytes = write_page(&p, &z);
	printf("page of %5zu series, gzip -1      %6.1f ms, %6.2f MB\n", n_series,
	       (double)(clock_monotonic_ns() - start) / 1e6, (double)bytes / 1e6);
	deflateEnd(&z);
	http_metrics_free(m);
}

static void bench_top(void)
{
	struct http_metrics *m = fill(1000);
	struct buf out = BUF_INIT(16 << 20);
	struct top_source s = { .service = "bench", .metrics = m };
	uint64_t start = clock_monotonic_ns();

	if (top_json_write(&s, &out))
		abort();
	printf("top of 1,000 series               %6.2f ms, %.1f KB\n",
	       (double)(clock_monotonic_ns() - start) / 1e6, (double)out.len / 1e3);
	buf_done(&out);
	http_metrics_free(m);
}

int main(void)
{
	bench_records("paths that come again", PATH_PLAIN);
	bench_records("an identifier in the path", PATH_WITH_ID);
	bench_records("a turn of a WebSocket", PATH_OF_A_TURN);
	bench_unknown();
	bench_page(1000);
	bench_page(10000);
	bench_top();
	return 0;
}
