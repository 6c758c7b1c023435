/* SPDX-License-Identifier: MIT */
/*
 * Reads ahead as far as there are slots. What ends the reading, an error too, is told when all that was before it has been handed out.
 */
#include "care/gunzip_members.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "care/gzip_member.h"
#include "care/work_ring.h"

struct piece {
	size_t n, in_room, bytes, out_room;
	unsigned char *in, *out;
};

struct gunzip_members {
	struct archive_input in;
	struct work_ring *ring;
	size_t n_pieces;
	struct piece pieces[2 * WORK_RING_THREADS_MAX + 1];
	struct gzip_unpacker *unpackers[WORK_RING_THREADS_MAX]; /* a thread's own */
	bool any, ended;
	int err; /* that ended it */
	const char *why;
	unsigned char head[GZIP_MEMBER_HEAD];
	size_t n_head;
};

static int unpack_piece(size_t slot, unsigned int thread, void *ctx)
{
	struct gunzip_members *g = ctx;
	struct piece *p = &g->pieces[slot];
	int err = 0;

	if (!g->unpackers[thread])
		err = gzip_unpacker_new(&g->unpackers[thread]);
	return err ? err :
		     gzip_unpacker_unpack(g->unpackers[thread], p->in, p->n, p->out, p->bytes);
}

int gunzip_members_new(const struct archive_input *in, struct gunzip_members **ret)
{
	struct gunzip_members *g = calloc(1, sizeof(*g));
	unsigned int n = work_ring_threads(0);

	if (!g)
		return -ENOMEM;
	g->in = *in;
	g->n_pieces = 2 * n + 1;
	if (work_ring_new(n, g->n_pieces, unpack_piece, g, &g->ring)) {
		free(g);
		return -ENOMEM;
	}
	*ret = g;
	return 0;
}

void gunzip_members_free(struct gunzip_members *g)
{
	if (!g)
		return;
	work_ring_free(g->ring);
	for (size_t i = 0; i < WORK_RING_THREADS_MAX; i++)
		gzip_unpacker_free(g->unpackers[i]);
	for (size_t i = 0; i < g->n_pieces; i++) {
		free(g->pieces[i].in);
		free(g->pieces[i].out);
	}
	free(g);
}

static bool make_room(unsigned char **memory, size_t *room, size_t n)
{
	if (*room >= n)
		return true;
	free(*memory);
	*memory = malloc(n);
	*room = *memory ? n : 0;
	return *memory != NULL;
}

static int read_piece(struct gunzip_members *g, struct piece *p)
{
	ssize_t got;

	if (!make_room(&p->in, &p->in_room, p->n) ||
	    !make_room(&p->out, &p->out_room, p->bytes ? p->bytes : 1))
		return -ENOMEM;
	memcpy(p->in, g->head, sizeof(g->head));
	got = archive_input_read_all(&g->in, p->in + sizeof(g->head), p->n - sizeof(g->head));
	if (got < 0)
		return (int)got;
	if ((size_t)got == p->n - sizeof(g->head))
		return 0;
	g->why = "ends early";
	return -EBADMSG;
}

static void read_next(struct gunzip_members *g)
{
	struct piece *p = &g->pieces[work_ring_next(g->ring)];
	ssize_t got = archive_input_read_all(&g->in, g->head, sizeof(g->head));

	g->n_head = got > 0 ? (size_t)got : 0;
	g->err = got < 0 ? (int)got : 0;
	g->ended = g->n_head < sizeof(g->head) || !gzip_member_parse(g->head, &p->n, &p->bytes);
	if (g->ended)
		return;
	g->any = true;
	g->err = read_piece(g, p);
	g->ended = g->err != 0;
	if (!g->ended)
		work_ring_give(g->ring);
}

static ssize_t take_piece(struct gunzip_members *g, const void **ret)
{
	size_t slot;
	int err = work_ring_take(g->ring, &slot);

	*ret = g->pieces[slot].out;
	if (!err)
		return (ssize_t)g->pieces[slot].bytes;
	/* What was read ahead is of no use. */
	while (work_ring_given(g->ring))
		work_ring_take(g->ring, &slot);
	g->err = err;
	g->ended = true;
	g->why = "damaged";
	return err;
}

ssize_t gunzip_members_next(struct gunzip_members *g, const void **ret)
{
	ssize_t n = 0;

	*ret = "";
	while (n == 0) {
		while (!g->ended && work_ring_given(g->ring) < g->n_pieces - 1)
			read_next(g);
		if (!work_ring_given(g->ring))
			return g->err;
		n = take_piece(g, ret);
	}
	return n;
}

const unsigned char *gunzip_members_rest(const struct gunzip_members *g, size_t *ret_n)
{
	*ret_n = g->n_head;
	return g->head;
}

bool gunzip_members_any(const struct gunzip_members *g)
{
	return g->any;
}

const char *gunzip_members_why(const struct gunzip_members *g)
{
	return g->why ? g->why : "";
}
