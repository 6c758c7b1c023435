/* SPDX-License-Identifier: MIT */
/* mask -> libarchive (pax) -> gzip -> the file, which gets its name when it is whole. Invariant: whatever is written to the archive comes out of
 * put(), which masks it. */
#include "check/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/gzip.h"
#include "care/archive_api.h"

#define NAME_MAX_BYTES 512
#define MISSING_MAX (64u << 10)
#define OUTPUT_MAX (16u << 20)
#define MISSING "MISSING.txt"

struct bundle {
	const struct mask *mask;
	char *path, *beside; /* of the file, and what it is called until it is whole */
	bool force;
	int fd;
	struct archive_api api;
	struct archive *tar;
	struct archive_entry *entry;
	struct gzip *gzip;
	struct buf missing;
	uint64_t bytes, written;
	int err; /* of the file; archive_write.c says why libarchive is not told */
	bool finished;
};

static int put_compressed(struct bundle *b, const void *bytes, size_t n, bool last)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUTPUT_MAX);
	int err = gzip_add(b->gzip, bytes, n, last, &out);

	err = err ?: file_write(b->fd, out.data, out.len);
	b->written += out.len;
	return err;
}

static la_ssize_t give(struct archive *a, void *ctx, const void *bytes, size_t n)
{
	struct bundle *b = ctx;

	(void)a;
	if (!b->err)
		b->err = put_compressed(b, bytes, n, false);
	return (la_ssize_t)n;
}

static int failed(const struct bundle *b)
{
	return b->err ? b->err : -EIO;
}

static int is_there(const char *path, struct buf *why)
{
	buf_printf(why, "%s is there already; name another, or --force", path);
	return -EEXIST;
}

static int make_file(struct bundle *b, const char *path, bool force, struct buf *why)
{
	struct stat st;
	int err;

	if (lstat(path, &st) == 0) {
		if (!force)
			return is_there(path, why);
		if (!S_ISREG(st.st_mode)) {
			buf_printf(why, "%s is not a file, and is not replaced", path);
			return -EEXIST;
		}
	}
	b->force = force;
	b->path = strdup(path);
	if (!b->path || asprintf(&b->beside, "%s.%d.new", path, (int)getpid()) < 0) {
		b->beside = NULL;
		return -ENOMEM;
	}
	b->fd = open(b->beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (b->fd >= 0)
		return 0;
	err = -errno;
	buf_printf(why, "cannot make %s: %s", b->beside, strerror(-err));
	free(take(b->beside)); /* it is not ours to remove */
	return err;
}

static int make_tar(struct bundle *b)
{
	b->tar = b->api.archive_write_new();
	b->entry = b->api.archive_entry_new();
	if (!b->tar || !b->entry)
		return -ENOMEM;
	if (b->api.archive_write_set_format_pax(b->tar) != ARCHIVE_OK ||
	    b->api.archive_write_add_filter_none(b->tar) != ARCHIVE_OK ||
	    b->api.archive_write_open(b->tar, b, NULL, give, NULL) != ARCHIVE_OK)
		return failed(b);
	return 0;
}

int bundle_open(const char *path, bool force, const struct mask *m, struct buf *why,
		struct bundle **ret)
{
	_cleanup_(bundle_freep) struct bundle *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	b->fd = -1;
	b->mask = m;
	buf_init(&b->missing, MISSING_MAX);
	err = archive_api_open(&b->api, why);
	err = err ?: make_file(b, path, force, why);
	err = err ?: gzip_new(&b->gzip);
	err = err ?: make_tar(b);
	if (err) {
		if (!why->len)
			buf_printf(why, "cannot write %s: %s", path, strerror(-err));
		return err;
	}
	*ret = take(b);
	return 0;
}

void bundle_free(struct bundle *b)
{
	if (!b)
		return;
	if (b->entry)
		b->api.archive_entry_free(b->entry);
	if (b->tar)
		b->api.archive_write_free(b->tar);
	gzip_free(b->gzip);
	archive_api_close(&b->api);
	if (b->beside && !b->finished)
		unlink(b->beside);
	file_closep(&b->fd);
	free(b->beside);
	free(b->path);
	buf_done(&b->missing);
	free(b);
}

void bundle_freep(struct bundle **b)
{
	bundle_free(*b);
}

static int put_member(struct bundle *b, const char *name, const char *text, size_t n)
{
	char path[NAME_MAX_BYTES];

	snprintf(path, sizeof(path), BUNDLE_DIRECTORY "/%s", name);
	b->api.archive_entry_clear(b->entry);
	b->api.archive_entry_copy_pathname(b->entry, path);
	b->api.archive_entry_set_filetype(b->entry, AE_IFREG);
	b->api.archive_entry_set_perm(b->entry, 0600);
	b->api.archive_entry_set_size(b->entry, (la_int64_t)n);
	b->api.archive_entry_set_mtime(b->entry, time(NULL), 0);
	if (b->api.archive_write_header(b->tar, b->entry) != ARCHIVE_OK ||
	    (n && b->api.archive_write_data(b->tar, text, n) != (la_ssize_t)n) ||
	    b->api.archive_write_finish_entry(b->tar) != ARCHIVE_OK || b->err)
		return failed(b);
	return 0;
}

/* Masking makes a text longer by three bytes for each secret at most, and by two for each byte that is no UTF-8. */
static int put(struct bundle *b, const char *name, const struct record_rules *rules,
	       const char *text, size_t n)
{
	_cleanup_(buf_done) struct buf masked = BUF_INIT(4 * (size_t)BUNDLE_TEXT_MAX);
	int err = mask_text(b->mask, rules, text, n, &masked);

	if (err == -ENOMEM)
		return err;
	if (err)
		bundle_miss(b, name, "a part of it could not be masked, and was left out");
	if (b->bytes + masked.len > BUNDLE_BYTES_MAX) {
		bundle_miss(b, name, "no room");
		return 0;
	}
	b->bytes += masked.len;
	return put_member(b, name, buf_str(&masked), masked.len);
}

int bundle_add(struct bundle *b, const char *name, const struct record_rules *rules,
	       const char *text, size_t n)
{
	locale_t before;
	int err;

	if (n > BUNDLE_TEXT_MAX) {
		const char *from = text + (n - BUNDLE_TEXT_MAX), *line;

		/* A line that is cut may have half a secret. */
		line = memchr(from, '\n', BUNDLE_TEXT_MAX);
		from = line ? line + 1 : text + n;
		n -= (size_t)(from - text);
		text = from;
		bundle_miss(b, name, "too long: only its end is there");
	}
	before = archive_api_enter(&b->api);
	err = put(b, name, rules, text, n);
	archive_api_leave(before);
	return err;
}

void bundle_miss(struct bundle *b, const char *name, const char *why)
{
	buf_printf(&b->missing, "%s: %s\n", name, why);
}

int bundle_finish(struct bundle *b, struct buf *why)
{
	int err = 0;

	if (b->missing.len) {
		locale_t before = archive_api_enter(&b->api);
		_cleanup_(buf_done) struct buf masked = BUF_INIT(4 * (size_t)MISSING_MAX);

		err = mask_text(b->mask, NULL, buf_str(&b->missing), b->missing.len, &masked);
		err = err ?: put_member(b, MISSING, buf_str(&masked), masked.len);
		archive_api_leave(before);
	}
	if (!err && b->api.archive_write_close(b->tar) != ARCHIVE_OK)
		err = failed(b);
	err = err ?: b->err;
	err = err ?: put_compressed(b, "", 0, true);
	if (!err && fsync(b->fd))
		err = -errno;
	if (!err &&
	    renameat2(AT_FDCWD, b->beside, AT_FDCWD, b->path, b->force ? 0 : RENAME_NOREPLACE))
		err = -errno;
	if (err == -EEXIST)
		is_there(b->path, why);
	else if (err)
		buf_printf(why, "cannot write %s: %s", b->path, strerror(-err));
	b->finished = !err;
	return err;
}

uint64_t bundle_size(const struct bundle *b)
{
	return b->written;
}
