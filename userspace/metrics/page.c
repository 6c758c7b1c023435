/* SPDX-License-Identifier: MIT */
/* The page: asks its collectors one after the other. It keeps nothing between two pieces but
 * the reader. */
#include "metrics/page.h"

#include <assert.h>

void page_add(struct page *p, page_collect_fn collect, void *ctx)
{
	assert(p->n < PAGE_COLLECTORS_MAX);
	p->collectors[p->n].collect = collect;
	p->collectors[p->n].ctx = ctx;
	p->n++;
}

void page_read_start(struct page_reader *r, const struct page *p, enum expo_format format)
{
	*r = (struct page_reader){ .page = p, .format = format };
}

int page_read(struct page_reader *r, struct buf *out, size_t enough)
{
	struct expo e = { .format = r->format, .out = out };

	while (!r->done && !out->err) {
		if (r->at == r->page->n) {
			expo_end(&e);
			r->done = !out->err;
		} else if (r->page->collectors[r->at].collect(&e, &r->cursor, enough,
							      r->page->collectors[r->at].ctx)) {
			r->at++;
			r->cursor = (struct page_cursor){ 0 };
		}
		if (out->len >= enough)
			break;
	}
	return out->err;
}
