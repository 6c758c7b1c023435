/* SPDX-License-Identifier: MIT */
/*
 * zlib's deflate with a gzip head. A small window: the text of a page repeats itself within a few
 * lines, and every scrape that is under way has one of these.
 */
#include "base/gzip.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#define GZIP_LEVEL 3
#define GZIP_WINDOW (13 + 16) /* 8 KiB; + 16: gzip's head and not zlib's */
#define GZIP_MEMORY 7
#define GZIP_STEP 4096

struct gzip {
	z_stream z;
};

int gzip_new(struct gzip **ret)
{
	struct gzip *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	if (deflateInit2(&g->z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY,
			 Z_DEFAULT_STRATEGY) != Z_OK) {
		free(g);
		return -ENOMEM;
	}
	*ret = g;
	return 0;
}

void gzip_free(struct gzip *g)
{
	if (!g)
		return;
	deflateEnd(&g->z);
	free(g);
}

int gzip_add(struct gzip *g, const void *bytes, size_t n, bool last, struct buf *out)
{
	unsigned char step[GZIP_STEP];
	int err;

	assert(n <= UINT_MAX);
	g->z.next_in = (z_const Bytef *)(uintptr_t)bytes;
	g->z.avail_in = (uInt)n;
	do {
		g->z.next_out = step;
		g->z.avail_out = sizeof(step);
		deflate(&g->z, last ? Z_FINISH : Z_SYNC_FLUSH);
		err = buf_add(out, step, sizeof(step) - g->z.avail_out);
		if (err)
			return err;
	} while (g->z.avail_out == 0);
	return 0;
}
