/* SPDX-License-Identifier: MIT */
/*
 * An object into a file. Invariant: the file's bytes before `at` are the object's; whatever breaks, the next attempt asks for what is from
 * there on, of the same object (If-Match).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "aws/s3_impl.h"
#include "base/file.h"

struct get {
	struct s3 *s;
	int fd;
	uint64_t at, size;
	uint64_t asked_at; /* where the attempt before began */
	bool refused;      /* an answer that is not what was asked for */
	char range[48];
};

static int take_bytes(int status, const void *bytes, size_t n, void *ctx)
{
	struct get *g = ctx;
	int err;

	/* All of it, where a part was asked for. */
	if (status == 200 && g->asked_at) {
		g->refused = true;
		return -EPROTO;
	}
	if (n > g->size - g->at)
		return -EBADMSG;
	err = file_write_at(g->fd, bytes, n, g->at);
	if (err)
		return err;
	g->at += n;
	g->s->done = g->at;
	return s3_progress(g->s);
}

static bool ask_from_here(void *ctx)
{
	struct get *g = ctx;
	const bool more = g->at > g->asked_at;

	g->asked_at = g->at;
	snprintf(g->range, sizeof(g->range), "bytes=%" PRIu64 "-", g->at);
	return more;
}

static int fetch(struct get *g, const char *key, const struct s3_object *o)
{
	const struct transport_sink sink = { .etag = o->etag[0] ? o->etag : NULL,
					     .got = take_bytes,
					     .ctx = g };
	struct s3_call c = {
		.operation = "GetObject",
		.action = "s3:GetObject",
		.method = "GET",
		.key = key,
		.sink = &sink,
		.before = ask_from_here,
		.ctx = g,
		.no_timeout = true,
	};
	int err;

	snprintf(g->range, sizeof(g->range), "bytes=0-");
	s3_add(&c, "Range", g->range);
	s3_add(&c, "If-Match", o->etag);
	err = s3_do(g->s, &c);
	if (g->refused)
		return s3_fail(
			g->s, -EPROTO, c.operation, key,
			"a part was asked for and the whole came; fetch it from its beginning");
	if (err == -EEXIST)
		return s3_fail(g->s, -ESTALE, c.operation, key,
			       "the object was replaced while it was fetched; fetch it again");
	if (!err && g->at != g->size)
		return s3_fail(g->s, -EBADMSG, c.operation, key,
			       "%" PRIu64 " of %" PRIu64 " bytes came", g->at, g->size);
	return err;
}

static int check(struct s3 *s, const char *key, int fd, const struct s3_object *o)
{
	const bool own = o->checksum[0] && !strchr(o->checksum, '-');
	struct s3_hashes h;
	int err;

	if (!o->sha256[0] && !own)
		return 0;
	err = s3_hash(fd, 0, o->size, NULL, &h);
	if (err)
		return s3_fail(s, err, "GetObject", key, "what was written cannot be read: %s",
			       strerror(-err));
	if ((o->sha256[0] && strcmp(h.hex, o->sha256) != 0) ||
	    (own && strcmp(h.base64, o->checksum) != 0))
		return s3_fail(
			s, -EBADMSG, "GetObject", key,
			"what came has another SHA-256 than what was sent; fetch it again from "
			"its beginning");
	return 0;
}

int s3_get_file(struct s3 *s, const char *key, int fd, uint64_t from, const char *want_etag,
		struct s3_object *ret)
{
	struct get g = { .s = s, .fd = fd, .at = from };
	struct s3_object o;
	int err = s3_head(s, key, &o);

	if (err)
		return err;
	if (want_etag && *want_etag && strcmp(want_etag, o.etag) != 0)
		return s3_fail(s, -ESTALE, "GetObject", key,
			       "the object is another than before; fetch it from its beginning");
	if (from > o.size)
		return s3_fail(s, -EINVAL, "GetObject", key,
			       "the file is longer than the object already");
	g.size = s->total = o.size;
	s->done = from;
	if (from < o.size)
		err = fetch(&g, key, &o);
	if (!err && ftruncate(fd, (off_t)o.size))
		err = s3_fail(s, -errno, "GetObject", key, "the file cannot be cut: %s",
			      strerror(errno));
	if (!err)
		err = check(s, key, fd, &o);
	if (!err && ret)
		*ret = o;
	return err;
}
