/* SPDX-License-Identifier: MIT */
/*
 * The page /metrics: a list of collectors, written piece by piece.
 *
 * A collector writes its families in order and may stop between two samples when enough is in the
 * buffer; the cursor says where it goes on. So a page of any length is served without ever being in
 * memory whole, and without holding up the loop.
 */
#ifndef ISAMON_PAGE_H
#define ISAMON_PAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "metrics/expo.h"

#define PAGE_COLLECTORS_MAX 32

struct page_cursor {
	size_t family; /* the collector's own meaning; both are 0 at the start */
	size_t item;
};

/* Writes until done or until e->out->len >= @enough, one sample at least. Returns true when it
 * has no more. */
typedef bool (*page_collect_fn)(struct expo *e, struct page_cursor *at, size_t enough, void *ctx);

struct page {
	struct {
		page_collect_fn collect;
		void *ctx;
	} collectors[PAGE_COLLECTORS_MAX];
	size_t n;
};

/* One reading of the page. A plain value. */
struct page_reader {
	const struct page *page;
	enum expo_format format;
	size_t at;
	struct page_cursor cursor;
	bool done;
};

/* Appends a collector; asserts that there is room. @ctx must outlive the page. */
void page_add(struct page *p, page_collect_fn collect, void *ctx);
void page_read_start(struct page_reader *r, const struct page *p, enum expo_format format);
/* Appends the next piece to @out: until out->len >= @enough (at least one sample, if there is one
 * left). Sets r->done behind the last one ("# EOF" included). Returns 0 or the buffer's error. */
int page_read(struct page_reader *r, struct buf *out, size_t enough);

#endif
