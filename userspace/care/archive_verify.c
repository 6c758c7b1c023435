/* SPDX-License-Identifier: MIT */
/* Reads an archive for nothing but the checks; what begins as a SQLite database is unpacked beside, and looked at. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"
#include "care/archive_read_impl.h"

#define HEAD_BYTES 16

struct verifier {
	const struct archive_read_options *o;
	struct archive_was *ret;
	struct buf *why;
	char dir[4096], path[4110];
	const char *name;
	int fd; /* of the copy of a database; -1 */
	size_t n_head;
	char head[HEAD_BYTES];
};

static int verify_begin(const struct archive_member *m, struct archive_entry *e, void *ctx)
{
	struct verifier *v = ctx;

	(void)e;
	v->name = m->path;
	v->n_head = 0;
	return 0;
}

static int put_at(struct verifier *v, const void *bytes, size_t n, uint64_t offset)
{
	while (n) {
		ssize_t put = pwrite(v->fd, bytes, n, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return archive_refuse(v->why, v->path, strerror(put < 0 ? errno : EIO),
					      put < 0 ? -errno : -EIO);
		bytes = (const char *)bytes + put;
		n -= (size_t)put;
		offset += (uint64_t)put;
	}
	return 0;
}

/* The first bytes, which may come one by one: a block ends where a piece of the gzip file does. */
static int look_at_head(struct verifier *v, const void *bytes, size_t n, uint64_t offset)
{
	static const char magic[HEAD_BYTES] = "SQLite format 3"; /* with the NUL */
	size_t step = HEAD_BYTES - v->n_head < n ? HEAD_BYTES - v->n_head : n;

	if (offset != v->n_head || !step)
		return 0;
	memcpy(v->head + v->n_head, bytes, step);
	v->n_head += step;
	if (v->n_head < HEAD_BYTES || memcmp(v->head, magic, HEAD_BYTES) != 0)
		return 0;
	v->fd = open(v->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (v->fd < 0)
		return archive_refuse(v->why, v->path, strerror(errno), -errno);
	return put_at(v, v->head, HEAD_BYTES, 0);
}

static int verify_data(const void *bytes, size_t n, uint64_t offset, void *ctx)
{
	struct verifier *v = ctx;
	int err = v->o->check_database ? look_at_head(v, bytes, n, offset) : 0;

	return err || v->fd < 0 ? err : put_at(v, bytes, n, offset);
}

static void note_unsound(struct verifier *v, const char *text)
{
	char plain[4096];
	struct buf *b = &v->ret->unsound;

	v->ret->n_unsound++;
	utf8_make_plain(v->name, strlen(v->name), plain, sizeof(plain));
	if (b->len + strlen(plain) + strlen(text) + 4 < b->max)
		buf_printf(b, "%s: %s\n", plain, text);
}

static int verify_end(struct archive_member *m, void *ctx)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(4096);
	struct verifier *v = ctx;
	int err;

	if (v->fd < 0)
		return 0;
	err = ftruncate(v->fd, (off_t)m->size) ? -errno : 0;
	file_closep(&v->fd);
	v->fd = -1;
	if (!err)
		err = v->o->check_database(v->path, &text, v->o->ctx);
	unlink(v->path);
	m->database = !err;
	if (err != -EBADMSG && err != -EUCLEAN)
		return err ? archive_refuse(v->why, v->name,
					    text.len ? buf_str(&text) : strerror(-err), err) :
			     0;
	note_unsound(v, buf_str(&text));
	return 0;
}

int archive_verify(int fd, const struct archive_read_options *o, struct buf *why,
		   struct archive_was *ret)
{
	struct verifier *v = calloc(1, sizeof(*v));
	struct archive_sink sink = {
		.begin = verify_begin, .data = verify_data, .end = verify_end, .ctx = v
	};
	struct archive_api api = { 0 };
	int err;

	*ret = (struct archive_was){ .unsound = BUF_INIT(ARCHIVE_UNSOUND_MAX) };
	if (!v)
		return archive_refuse(why, "the archive", strerror(ENOMEM), -ENOMEM);
	v->o = o;
	v->ret = ret;
	v->why = why;
	v->fd = -1;
	snprintf(v->dir, sizeof(v->dir), "%.4000s/verify.XXXXXX", o->scratch);
	err = archive_api_open(&api, why);
	if (!err && !mkdtemp(v->dir))
		err = archive_refuse(why, o->scratch, strerror(errno), -errno);
	if (!err) {
		snprintf(v->path, sizeof(v->path), "%s/database", v->dir);
		err = archive_read_members(fd, &api, o, &sink, why, ret);
		file_closep(&v->fd);
		unlink(v->path);
		rmdir(v->dir);
	}
	archive_api_close(&api);
	free(v);
	return err ? archive_refuse(why, "the archive", strerror(-err), err) : 0;
}
