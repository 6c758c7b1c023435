/* SPDX-License-Identifier: MIT */
/*
 * zlib's inflate over pread(2).
 * Invariant: at is the place in the file behind what z was given, offset that in the text behind what z gave. Once
 * err is set it stays, until the reader goes back.
 */
#include "logs/gunzip_reader.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* + 16: gzip's head and not zlib's */
#define PIECE_BYTES 16384
#define SKIP_BYTES 16384

struct gunzip_reader {
	int fd;
	off_t at;
	uint64_t offset;
	z_stream z;
	bool between; /* no member is open */
	bool any;     /* a member was whole */
	bool padding; /* what follows the last member is no other: gzip(1) passes over it, too */
	int err;
	unsigned char piece[PIECE_BYTES];
};

int gunzip_reader_new(int fd, struct gunzip_reader **ret)
{
	struct gunzip_reader *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->fd = fd;
	g->between = true;
	if (inflateInit2(&g->z, GZIP_WINDOW) != Z_OK) {
		free(g);
		return -ENOMEM;
	}
	*ret = g;
	return 0;
}

void gunzip_reader_free(struct gunzip_reader *g)
{
	if (!g)
		return;
	inflateEnd(&g->z);
	free(g);
}

static void begin_again(struct gunzip_reader *g)
{
	inflateReset(&g->z);
	g->z.avail_in = 0;
	g->at = 0;
	g->offset = 0;
	g->between = true;
	g->any = false;
	g->padding = false;
	g->err = 0;
}

/* 1: there is something for z; 0: the file has no more; -errno. */
static int piece_read(struct gunzip_reader *g)
{
	ssize_t n;

	if (g->z.avail_in)
		return 1;
	do
		n = pread(g->fd, g->piece, sizeof(g->piece), g->at);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	g->at += n;
	g->z.next_in = g->piece;
	g->z.avail_in = (uInt)n;
	return n > 0;
}

/* One step of z, whose output has room. Returns 0 or -errno. */
static int step(struct gunzip_reader *g)
{
	int code;

	if (g->between && g->any && g->z.next_in[0] != 0x1f) {
		g->padding = true;
		return 0;
	}
	g->between = false;
	code = inflate(&g->z, Z_NO_FLUSH);
	switch (code) {
	case Z_STREAM_END:
		g->between = true;
		g->any = true;
		inflateReset(&g->z);
		return 0;
	case Z_OK:
	case Z_BUF_ERROR: return 0;
	case Z_MEM_ERROR: return -ENOMEM;
	default: return -EBADMSG;
	}
}

/* The next bytes of the text. */
static ssize_t text_read(struct gunzip_reader *g, void *bytes, size_t size)
{
	size_t n;
	int more;

	if (size > INT_MAX)
		size = INT_MAX;
	g->z.next_out = bytes;
	g->z.avail_out = (uInt)size;
	while (g->z.avail_out && !g->err && !g->padding) {
		more = piece_read(g);
		if (more < 0)
			return more;
		if (!more)
			break;
		g->err = step(g);
	}
	n = size - g->z.avail_out;
	g->offset += n;
	return n || !g->err ? (ssize_t)n : g->err;
}

static ssize_t skip_to(struct gunzip_reader *g, uint64_t offset)
{
	unsigned char nothing[SKIP_BYTES];
	ssize_t n = 1;

	if (offset < g->offset)
		begin_again(g);
	while (g->offset < offset && n > 0) {
		const uint64_t left = offset - g->offset;

		n = text_read(g, nothing, left < sizeof(nothing) ? (size_t)left : sizeof(nothing));
	}
	return n;
}

ssize_t gunzip_reader_pread(struct gunzip_reader *g, void *bytes, size_t size, uint64_t offset)
{
	ssize_t n = skip_to(g, offset);

	return n > 0 && size ? text_read(g, bytes, size) : n < 0 ? n : 0;
}

bool gunzip_reader_is_whole(const struct gunzip_reader *g)
{
	return !g->err && g->any && g->between;
}
