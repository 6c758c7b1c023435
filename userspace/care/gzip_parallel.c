/* SPDX-License-Identifier: MIT */
/*
 * The stream is cut into blocks of the same size, each of which becomes a member of its own. A block without what was before it costs
 * half a percent of the size, and lets who reads it use all cores, too.
 */
#include "care/gzip_parallel.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "care/gzip_member.h"
#include "care/work_ring.h"

#define BLOCK_BYTES (512u << 10)

struct block {
	size_t n, n_out;
	unsigned char *in, *out; /* out: made when it is first needed */
};

struct gzip_parallel {
	struct gzip_parallel_options o;
	struct work_ring *ring;
	struct block blocks[2 * WORK_RING_THREADS_MAX + 1];
	struct gzip_packer *packers[WORK_RING_THREADS_MAX]; /* a thread's own */
	size_t n_blocks;
	bool any, finished;
	int err;
};

static int pack_block(size_t slot, unsigned int thread, void *ctx)
{
	struct gzip_parallel *g = ctx;
	struct block *b = &g->blocks[slot];
	int err = 0;

	if (!b->out)
		b->out = malloc(GZIP_MEMBER_ROOM(g->o.block_bytes));
	if (!b->out)
		return -ENOMEM;
	if (!g->packers[thread])
		err = gzip_packer_new(g->o.level, &g->packers[thread]);
	return err ? err : gzip_packer_pack(g->packers[thread], b->in, b->n, b->out, &b->n_out);
}

int gzip_parallel_new(const struct gzip_parallel_options *o, struct gzip_parallel **ret)
{
	_cleanup_(gzip_parallel_freep) struct gzip_parallel *g = calloc(1, sizeof(*g));
	unsigned int n = work_ring_threads(o->n_threads);
	int err;

	if (!g)
		return -ENOMEM;
	g->o = *o;
	if (!g->o.block_bytes)
		g->o.block_bytes = BLOCK_BYTES;
	assert(g->o.block_bytes <= GZIP_MEMBER_BYTES_MAX);
	g->n_blocks = 2 * n + 1;
	for (size_t i = 0; i < g->n_blocks; i++) {
		g->blocks[i].in = malloc(g->o.block_bytes);
		if (!g->blocks[i].in)
			return -ENOMEM;
	}
	err = work_ring_new(n, g->n_blocks, pack_block, g, &g->ring);
	if (err)
		return err;
	*ret = take(g);
	return 0;
}

void gzip_parallel_free(struct gzip_parallel *g)
{
	if (!g)
		return;
	work_ring_free(g->ring);
	for (size_t i = 0; i < WORK_RING_THREADS_MAX; i++)
		gzip_packer_free(g->packers[i]);
	for (size_t i = 0; i < g->n_blocks; i++) {
		free(g->blocks[i].in);
		free(g->blocks[i].out);
	}
	free(g);
}

void gzip_parallel_freep(struct gzip_parallel **g)
{
	gzip_parallel_free(*g);
}

/* Waits for the oldest block and writes it. */
static int write_oldest(struct gzip_parallel *g)
{
	size_t slot;
	int err = work_ring_take(g->ring, &slot);
	struct block *b = &g->blocks[slot];

	b->n = 0;
	return err ? err : g->o.fn(b->out, b->n_out, g->o.ctx);
}

/* Hands the block that was filled to the threads. */
static int give_block(struct gzip_parallel *g)
{
	g->any = true;
	work_ring_give(g->ring);
	return work_ring_given(g->ring) == g->n_blocks ? write_oldest(g) : 0;
}

static int add(struct gzip_parallel *g, const unsigned char *bytes, size_t n)
{
	int err = 0;

	while (!err && n) {
		struct block *b = &g->blocks[work_ring_next(g->ring)];
		size_t step = g->o.block_bytes - b->n;

		step = step < n ? step : n;
		memcpy(b->in + b->n, bytes, step);
		b->n += step;
		bytes += step;
		n -= step;
		if (b->n == g->o.block_bytes)
			err = give_block(g);
	}
	return err;
}

int gzip_parallel_add(struct gzip_parallel *g, const void *bytes, size_t n)
{
	assert(!g->finished);
	if (!g->err)
		g->err = add(g, bytes, n);
	return g->err;
}

/* Of nothing there is a member, too: a file without one is no gzip. */
int gzip_parallel_finish(struct gzip_parallel *g)
{
	assert(!g->finished);
	g->finished = true;
	if (!g->err && (!g->any || g->blocks[work_ring_next(g->ring)].n))
		g->err = give_block(g);
	while (!g->err && work_ring_given(g->ring))
		g->err = write_oldest(g);
	return g->err;
}
