/* SPDX-License-Identifier: MIT */
/* Walks a table of families. */
#include "metrics/families.h"

static size_t n_items(const struct family *f, const void *ctx)
{
	size_t n = 1;

	if (!f->value)
		return f->n_items(ctx);
	while (f->labels[n])
		n++;
	return n;
}

static void write_item(struct expo *e, const struct family *f, const void *ctx, size_t item)
{
	if (f->value)
		expo_u64(e, &f->expo, f->labels[item], f->value(ctx, item));
	else
		f->write(e, &f->expo, ctx, item);
}

bool families_collect(const struct family *list, size_t n, struct expo *e, struct page_cursor *at,
		      size_t enough, const void *ctx)
{
	for (; at->family < n; at->family++, at->item = 0) {
		const struct family *f = &list[at->family];

		if (f->there && !f->there(ctx))
			continue;
		if (at->item == 0)
			expo_begin(e, &f->expo);
		while (at->item < n_items(f, ctx)) {
			write_item(e, f, ctx, at->item++);
			if (e->out->len >= enough || e->out->err)
				return false;
		}
	}
	return true;
}
