/* SPDX-License-Identifier: MIT */
/*
 * Members that say how long they are, as our own archives', by gunzip_members; from the first other one on all is zlib's, whose inflate
 * compares the checksum and the length at the end of each member itself.
 */
#include "care/archive_gunzip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/util.h"
#include "care/gunzip_members.h"

#define STEP (64u << 10)

struct archive_gunzip {
	struct archive_input file;
	struct gunzip_members *members; /* NULL: behind them */
	int err;
	const char *why;
	bool between; /* members: no bytes of the next one were seen */
	bool any;     /* member has ended */
	bool end;     /* of the file */
	z_stream z;
	unsigned char in[STEP], out[STEP];
};

int archive_gunzip_new(const struct archive_input *in, struct archive_gunzip **ret)
{
	struct archive_gunzip *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	if (inflateInit2(&g->z, 15 + 16) != Z_OK || /* + 16: gzip only */
	    gunzip_members_new(in, &g->members)) {
		archive_gunzip_free(g);
		return -ENOMEM;
	}
	g->file = *in;
	g->between = true;
	*ret = g;
	return 0;
}

void archive_gunzip_free(struct archive_gunzip *g)
{
	if (!g)
		return;
	gunzip_members_free(g->members);
	inflateEnd(&g->z);
	free(g);
}

const char *archive_gunzip_why(const struct archive_gunzip *g)
{
	return g->why ? g->why : "";
}

static int bad(struct archive_gunzip *g, const char *why)
{
	g->why = why;
	return -EBADMSG;
}

static int fill(struct archive_gunzip *g)
{
	ssize_t got;

	if (g->z.avail_in || g->end)
		return 0;
	got = archive_input_read(&g->file, g->in, sizeof(g->in));
	if (got < 0)
		return (int)got;
	g->z.next_in = g->in;
	g->z.avail_in = (uInt)got;
	g->end = got == 0;
	return 0;
}

/* What may stand between members, and behind the last one. */
static void skip_zeros(struct archive_gunzip *g)
{
	while (g->any && g->z.avail_in && !*g->z.next_in) {
		g->z.next_in++;
		g->z.avail_in--;
	}
}

static int step(struct archive_gunzip *g)
{
	int rc = inflate(&g->z, Z_NO_FLUSH);

	switch (rc) {
	case Z_STREAM_END:
		g->any = g->between = true;
		return inflateReset(&g->z) == Z_OK ? 0 : -EIO;
	case Z_OK:
	case Z_BUF_ERROR: return 0;
	case Z_MEM_ERROR: return -ENOMEM;
	default:
		if (g->any)
			return bad(g, "damaged, or there is something behind its end");
		return bad(g, g->z.total_out ?
				      "damaged" :
				      "not compressed by gzip, or damaged at its beginning");
	}
}

static ssize_t next(struct archive_gunzip *g)
{
	int err;

	g->z.next_out = g->out;
	g->z.avail_out = sizeof(g->out);
	while (g->z.avail_out == sizeof(g->out)) {
		err = fill(g);
		if (err)
			return err;
		if (g->between)
			skip_zeros(g);
		if (!g->z.avail_in && g->end)
			return g->between && g->any ? 0 : bad(g, "ends early");
		if (!g->z.avail_in)
			continue;
		g->between = false;
		err = step(g);
		if (err)
			return err;
	}
	return (ssize_t)(sizeof(g->out) - g->z.avail_out);
}

static void leave_members(struct archive_gunzip *g)
{
	size_t n;
	const unsigned char *rest = gunzip_members_rest(g->members, &n);

	memcpy(g->in, rest, n);
	g->z.next_in = g->in;
	g->z.avail_in = (uInt)n;
	g->any = gunzip_members_any(g->members);
	gunzip_members_free(take(g->members));
}

ssize_t archive_gunzip_next(struct archive_gunzip *g, const void **ret)
{
	ssize_t n = g->err;

	if (!n && g->members) {
		n = gunzip_members_next(g->members, ret);
		if (n == -EBADMSG)
			bad(g, gunzip_members_why(g->members));
		if (n == 0)
			leave_members(g);
	}
	if (!n) {
		n = next(g);
		*ret = g->out;
	}
	if (n < 0)
		g->err = (int)n;
	return n;
}
