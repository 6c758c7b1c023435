/* SPDX-License-Identifier: MIT */
/* Records as the kernel side would send them, and the page that comes of them. */
#ifndef ISAMON_TEST_HTTP_RECORDS_H
#define ISAMON_TEST_HTTP_RECORDS_H

#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "metrics/http_metrics.h"
#include "metrics/page.h"

#define MS 1000000ull

/* GET @path, answered @status in 3 ms, its first byte after 2. */
__attribute__((unused)) static struct http_record record(const char *path, unsigned int status)
{
	struct http_record r = {
		.start_ns = 1000 * MS,
		.first_byte_ns = 1002 * MS,
		.end_ns = 1003 * MS,
		.response_bytes = 300,
		.status = (uint16_t)status,
		.method = HTTP_METHOD_GET,
	};

	r.path_len = (uint8_t)strnlen(path, HTTP_PATH_MAX);
	memcpy(r.path, path, r.path_len);
	return r;
}

__attribute__((unused)) static void add_record(struct http_metrics *m, const struct http_record *r)
{
	http_metrics_add(m, r, (size_t)HTTP_RECORD_FIXED + r->path_len);
}

__attribute__((unused)) static void add_n(struct http_metrics *m, const char *path,
					  unsigned int status, unsigned int n)
{
	struct http_record r = record(path, status);

	while (n--)
		add_record(m, &r);
}

__attribute__((unused)) static void add_abort_record(struct http_metrics *m, const char *path,
						     enum http_end end, enum http_phase phase,
						     unsigned int status)
{
	struct http_record r = record(path, status);

	r.end = (uint8_t)end;
	r.phase = (uint8_t)phase;
	add_record(m, &r);
}

/* The page in pieces of @enough bytes. The caller frees it. */
__attribute__((unused)) static char *read_page(const struct page *p, enum expo_format format,
					       size_t enough)
{
	struct buf all = BUF_INIT(64 << 20), piece = BUF_INIT(64 << 20);
	struct page_reader r;

	page_read_start(&r, p, format);
	while (!r.done && !page_read(&r, &piece, enough)) {
		buf_add(&all, piece.data, piece.len);
		buf_reset(&piece);
	}
	buf_done(&piece);
	return buf_steal(&all);
}

__attribute__((unused)) static char *metrics_page(struct http_metrics *m)
{
	struct page p = { .n = 0 };

	http_metrics_add_pages(&p, m);
	return read_page(&p, EXPO_TEXT_004, SIZE_MAX);
}

#endif
