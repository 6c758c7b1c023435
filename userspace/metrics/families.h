/* SPDX-License-Identifier: MIT */
/*
 * A collector as a table: families of single numbers, and families with an item for each of something.
 *
 * The cursor is (family, item). Items may only ever get more, and stay where they are: then going on by
 * index never skips or repeats one, and what is made during a reading stands at the end of the
 * families that are still to come.
 */
#ifndef ISAMON_FAMILIES_H
#define ISAMON_FAMILIES_H

#include "metrics/page.h"

/* Samples of one family of numbers. */
#define FAMILY_NUMBERS_MAX 4

struct family {
	struct expo_family expo;
	/* NULL: always. False: the family is not on the page at all, not even its name. */
	bool (*there)(const void *ctx);

	/* A family of numbers: their values, and the labels of each; none: one without labels. */
	uint64_t (*value)(const void *ctx, size_t item);
	const char *labels[FAMILY_NUMBERS_MAX + 1];

	/* Otherwise: how many items there are, and writing one (perhaps as no sample). */
	size_t (*n_items)(const void *ctx);
	void (*write)(struct expo *e, const struct expo_family *f, const void *ctx, size_t item);
};

/* What a page_collect_fn does, for the @n families of @list. */
bool families_collect(const struct family *list, size_t n, struct expo *e, struct page_cursor *at,
		      size_t enough, const void *ctx);

#endif
