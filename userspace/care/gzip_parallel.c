/* SPDX-License-Identifier: MIT */
/*
 * Blocks deflated apart from each other, each with the 32 KiB before it as its dictionary, ended by Z_SYNC_FLUSH so that they can stand
 * one after the other, the last one by Z_FINISH.
 * Invariant: the blocks are a ring. [head, filling) were given to the threads, in this order; filling is the caller's. Blocks change their state
 * under the lock only; the bytes of a block are the thread's while it is GIVEN or BUSY, and the caller's otherwise.
 */
#include "care/gzip_parallel.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define BLOCK_BYTES (512u << 10)
#define DICTIONARY_BYTES (32u << 10)
#define WINDOW (-15) /* raw deflate: head and tail are written here */
#define MEMORY 8

enum block_state { BLOCK_FREE, BLOCK_GIVEN, BLOCK_BUSY, BLOCK_DONE };

struct block {
	enum block_state state;
	int err;
	bool last;
	size_t n, n_dictionary, n_out, out_size;
	uLong crc;
	unsigned char *in, *out; /* in: the dictionary's room, then the bytes */
};

struct gzip_parallel {
	struct gzip_parallel_options o;
	pthread_mutex_t lock;
	pthread_cond_t given, done;
	bool stop;
	pthread_t threads[GZIP_PARALLEL_THREADS_MAX];
	unsigned int n_threads;
	struct block *blocks;
	size_t n_blocks, head, filling, in_flight;
	z_stream own; /* for want of threads */
	bool has_own;
	bool begun, finished;
	int err;
	uLong crc;
	uint32_t length; /* modulo 2^32, as the tail has it */
};

static int open_deflate(const struct gzip_parallel *g, z_stream *z)
{
	*z = (z_stream){ 0 };
	return deflateInit2(z, g->o.level, Z_DEFLATED, WINDOW, MEMORY, Z_DEFAULT_STRATEGY) == Z_OK ?
		       0 :
		       -ENOMEM;
}

/* Room for what the block can become: deflateBound() knows of no flush, which takes 5 bytes and may come twice. */
static int compress_block(z_stream *z, struct block *b)
{
	size_t room = deflateBound(z, b->n) + 32;
	int rc;

	if (b->out_size < room) {
		free(b->out);
		b->out = malloc(room);
		b->out_size = b->out ? room : 0;
	}
	if (!b->out || deflateReset(z) != Z_OK)
		return -ENOMEM;
	if (b->n_dictionary && deflateSetDictionary(z, b->in + DICTIONARY_BYTES - b->n_dictionary,
						    (uInt)b->n_dictionary) != Z_OK)
		return -EIO;
	z->next_in = b->in + DICTIONARY_BYTES;
	z->avail_in = (uInt)b->n;
	z->next_out = b->out;
	z->avail_out = (uInt)b->out_size;
	rc = deflate(z, b->last ? Z_FINISH : Z_SYNC_FLUSH);
	if (rc != (b->last ? Z_STREAM_END : Z_OK) || z->avail_in || !z->avail_out)
		return -EIO;
	b->n_out = b->out_size - z->avail_out;
	b->crc = crc32(0, b->in + DICTIONARY_BYTES, (uInt)b->n);
	return 0;
}

static struct block *next_given(struct gzip_parallel *g)
{
	for (size_t i = 0; i < g->in_flight; i++) {
		struct block *b = &g->blocks[(g->head + i) % g->n_blocks];

		if (b->state == BLOCK_GIVEN)
			return b;
	}
	return NULL;
}

static void *work(void *arg)
{
	struct gzip_parallel *g = arg;
	struct block *b;
	z_stream z;
	int err = open_deflate(g, &z), block_err;

	pthread_mutex_lock(&g->lock);
	while (!g->stop) {
		b = next_given(g);
		if (!b) {
			pthread_cond_wait(&g->given, &g->lock);
			continue;
		}
		b->state = BLOCK_BUSY;
		pthread_mutex_unlock(&g->lock);
		block_err = err ? err : compress_block(&z, b);
		pthread_mutex_lock(&g->lock);
		b->err = block_err;
		b->state = BLOCK_DONE;
		pthread_cond_signal(&g->done);
	}
	pthread_mutex_unlock(&g->lock);
	if (!err)
		deflateEnd(&z);
	return NULL;
}

static unsigned int count_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 1; /* more CPUs than a cpu_set_t has */
	return (unsigned int)CPU_COUNT(&set);
}

static void start_threads(struct gzip_parallel *g, unsigned int n)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (g->n_threads < n && pthread_create(&g->threads[g->n_threads], NULL, work, g) == 0)
		g->n_threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

int gzip_parallel_new(const struct gzip_parallel_options *o, struct gzip_parallel **ret)
{
	struct gzip_parallel *g = calloc(1, sizeof(*g));
	unsigned int n = o->n_threads ? o->n_threads : count_cpus();

	if (!g)
		return -ENOMEM;
	g->o = *o;
	if (!g->o.block_bytes)
		g->o.block_bytes = BLOCK_BYTES;
	assert(g->o.block_bytes >= DICTIONARY_BYTES && g->o.block_bytes <= 64u << 20);
	n = n < GZIP_PARALLEL_THREADS_MAX ? n : GZIP_PARALLEL_THREADS_MAX;
	pthread_mutex_init(&g->lock, NULL);
	pthread_cond_init(&g->given, NULL);
	pthread_cond_init(&g->done, NULL);
	g->n_blocks = 2 * n;
	g->blocks = calloc(g->n_blocks, sizeof(*g->blocks));
	for (size_t i = 0; g->blocks && i < g->n_blocks; i++) {
		g->blocks[i].in = malloc(DICTIONARY_BYTES + g->o.block_bytes);
		if (!g->blocks[i].in) {
			gzip_parallel_free(g);
			return -ENOMEM;
		}
	}
	if (!g->blocks) {
		gzip_parallel_free(g);
		return -ENOMEM;
	}
	g->crc = crc32(0, NULL, 0);
	if (n > 1)
		start_threads(g, n);
	*ret = g;
	return 0;
}

void gzip_parallel_free(struct gzip_parallel *g)
{
	if (!g)
		return;
	pthread_mutex_lock(&g->lock);
	g->stop = true;
	pthread_cond_broadcast(&g->given);
	pthread_mutex_unlock(&g->lock);
	for (unsigned int i = 0; i < g->n_threads; i++)
		pthread_join(g->threads[i], NULL);
	for (size_t i = 0; g->blocks && i < g->n_blocks; i++) {
		free(g->blocks[i].in);
		free(g->blocks[i].out);
	}
	free(g->blocks);
	if (g->has_own)
		deflateEnd(&g->own);
	pthread_cond_destroy(&g->given);
	pthread_cond_destroy(&g->done);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

void gzip_parallel_freep(struct gzip_parallel **g)
{
	gzip_parallel_free(*g);
}

static int put_head(struct gzip_parallel *g)
{
	/* magic, deflate, no flags, no time, no hint, Unix: the same bytes for the same stream */
	static const unsigned char head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };

	g->begun = true;
	return g->o.fn(head, sizeof(head), g->o.ctx);
}

static int put_tail(struct gzip_parallel *g)
{
	unsigned char tail[8];

	for (unsigned int i = 0; i < 4; i++) {
		tail[i] = (unsigned char)(g->crc >> 8 * i);
		tail[4 + i] = (unsigned char)(g->length >> 8 * i);
	}
	return g->o.fn(tail, sizeof(tail), g->o.ctx);
}

/* Waits for the oldest block and writes it. */
static int take_oldest(struct gzip_parallel *g)
{
	struct block *b = &g->blocks[g->head];
	int err;

	pthread_mutex_lock(&g->lock);
	while (b->state != BLOCK_DONE)
		pthread_cond_wait(&g->done, &g->lock);
	b->state = BLOCK_FREE;
	g->head = (g->head + 1) % g->n_blocks;
	g->in_flight--;
	pthread_mutex_unlock(&g->lock);
	err = b->err ? b->err : g->o.fn(b->out, b->n_out, g->o.ctx);
	g->crc = crc32_combine(g->crc, b->crc, (z_off_t)b->n);
	g->length += (uint32_t)b->n;
	return err;
}

static int compress_here(struct gzip_parallel *g, struct block *b)
{
	int err;

	if (!g->has_own) {
		err = open_deflate(g, &g->own);
		if (err)
			return err;
		g->has_own = true;
	}
	b->err = compress_block(&g->own, b);
	b->state = BLOCK_DONE;
	return b->err;
}

/* Hands the block that was filled to the threads, and begins the next one with its end as the dictionary. */
static int give_block(struct gzip_parallel *g, bool last)
{
	struct block *b = &g->blocks[g->filling], *next;
	size_t n = b->n < DICTIONARY_BYTES ? b->n : DICTIONARY_BYTES;
	int err = 0;

	b->last = last;
	pthread_mutex_lock(&g->lock);
	b->state = BLOCK_GIVEN;
	g->in_flight++;
	if (!g->n_threads)
		err = compress_here(g, b);
	pthread_cond_signal(&g->given);
	pthread_mutex_unlock(&g->lock);
	g->filling = (g->filling + 1) % g->n_blocks;
	if (!err && g->in_flight == g->n_blocks)
		err = take_oldest(g);
	if (err || last)
		return err;
	next = &g->blocks[g->filling];
	memcpy(next->in + DICTIONARY_BYTES - n, b->in + DICTIONARY_BYTES + b->n - n, n);
	next->n_dictionary = n;
	next->n = 0;
	return 0;
}

static int add(struct gzip_parallel *g, const unsigned char *bytes, size_t n)
{
	int err = g->begun ? 0 : put_head(g);

	while (!err && n) {
		struct block *b = &g->blocks[g->filling];
		size_t step = g->o.block_bytes - b->n;

		step = step < n ? step : n;
		memcpy(b->in + DICTIONARY_BYTES + b->n, bytes, step);
		b->n += step;
		bytes += step;
		n -= step;
		if (b->n == g->o.block_bytes)
			err = give_block(g, false);
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

int gzip_parallel_finish(struct gzip_parallel *g)
{
	assert(!g->finished);
	g->finished = true;
	if (!g->err && !g->begun)
		g->err = put_head(g);
	if (!g->err)
		g->err = give_block(g, true);
	while (!g->err && g->in_flight)
		g->err = take_oldest(g);
	if (!g->err)
		g->err = put_tail(g);
	return g->err;
}
