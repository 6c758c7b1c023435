/* SPDX-License-Identifier: MIT */
/*
 * file_list -> archive_source -> libarchive (pax) -> gzip_parallel -> the file, and the manifest beside it.
 * Invariant: what is not whole is an error, never a shorter archive.
 */
#include "care/archive_write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"
#include "care/archive_write_impl.h"

int archive_write_explain(struct archive_writer *w, const char *what, const char *name, int err)
{
	char plain[FILE_LIST_PATH_MAX];

	if (w->why->len)
		return err;
	utf8_make_plain(name, strlen(name), plain, sizeof(plain));
	buf_printf(w->why, "cannot %s %s: %s", what, plain, strerror(-err));
	return err;
}

static int put_bytes(const void *bytes, size_t n, void *ctx)
{
	struct archive_writer *w = ctx;
	const char *at = bytes;
	uint64_t before = w->ret->archive_bytes;

	if (!EVP_DigestUpdate(w->whole, bytes, n))
		return -ENOMEM;
	w->ret->archive_bytes += n;
	while (n) {
		ssize_t put = write(w->fd, at, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return put < 0 ? -errno : -EIO;
		at += put;
		n -= (size_t)put;
	}
	/* The disk may begin: then little is left to do for who syncs it. (Not where it cannot: a pipe.) */
	if (before / ARCHIVE_WRITE_OUT != w->ret->archive_bytes / ARCHIVE_WRITE_OUT)
		sync_file_range(w->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

/* Says that all is well even when it is not: libarchive 3.6.2 leaks memory after an error of its client. w->err is looked at instead. */
static la_ssize_t give_gzip(struct archive *a, void *ctx, const void *bytes, size_t n)
{
	struct archive_writer *w = ctx;

	(void)a;
	if (!w->err)
		w->err = gzip_parallel_add(w->gzip, bytes, n);
	return (la_ssize_t)n;
}

/* The -errno of a call of libarchive that failed. */
int archive_write_failed(struct archive_writer *w, struct archive *a)
{
	const char *text = w->api.archive_error_string(a);

	if (w->err)
		return archive_write_explain(w, "write", "the archive", w->err);
	if (!w->why->len)
		buf_printf(w->why, "cannot write the archive: %s", text ? text : "no memory");
	return text ? -EIO : -ENOMEM;
}

/* --- the manifest, which grows outside of memory */

int archive_write_flush_manifest(struct archive_writer *w)
{
	const char *at = w->manifest.data;
	size_t n = w->manifest.len;

	while (n) {
		ssize_t put = write(w->manifest_fd, at, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return archive_write_explain(w, "write", "the manifest",
						     put < 0 ? -errno : -EIO);
		at += put;
		n -= (size_t)put;
	}
	buf_reset(&w->manifest);
	return 0;
}

/* --- the whole */

static int put_manifest(struct archive_writer *w)
{
	char hash[SHA256_HEX];
	int err = archive_manifest_end(w->members, &w->manifest);

	if (!err)
		err = archive_write_flush_manifest(w);
	if (!err)
		err = archive_source_take(w->source, w->manifest_fd, NULL);
	if (err)
		return archive_write_explain(w, "read", "the manifest", err);
	w->source->st.st_mode = S_IFREG | 0600;
	err = archive_write_begin(w, ARCHIVE_MANIFEST, -1, &w->source->st);
	if (!err)
		err = archive_write_source(w, ARCHIVE_MANIFEST, hash);
	archive_source_end(w->source);
	return err;
}

static int open_tar(struct archive_writer *w)
{
	struct archive_api *api = &w->api;

	w->tar = api->archive_write_new();
	w->disk = api->archive_read_disk_new();
	w->entry = api->archive_entry_new();
	if (!w->tar || !w->disk || !w->entry)
		return -ENOMEM;
	if (api->archive_read_disk_set_standard_lookup(w->disk) != ARCHIVE_OK ||
	    api->archive_read_disk_set_symlink_physical(w->disk) != ARCHIVE_OK)
		return archive_write_failed(w, w->disk);
	/* (with LIBARCHIVE.xattr too, GNU tar would warn of each) */
	if (api->archive_write_set_format_pax(w->tar) != ARCHIVE_OK ||
	    api->archive_write_set_format_option(w->tar, "pax", "xattrheader", "SCHILY") !=
		    ARCHIVE_OK ||
	    api->archive_write_add_filter_none(w->tar) != ARCHIVE_OK ||
	    api->archive_write_open(w->tar, w, NULL, give_gzip, NULL) != ARCHIVE_OK)
		return archive_write_failed(w, w->tar);
	return 0;
}

static int open_writer(struct archive_writer *w)
{
	struct gzip_parallel_options gzip = {
		.level = w->o->level, .n_threads = w->o->n_threads, .fn = put_bytes, .ctx = w
	};
	int err = archive_api_open(&w->api, w->why);

	if (err)
		return err;
	w->whole = EVP_MD_CTX_new();
	w->one = EVP_MD_CTX_new();
	w->links = table_new();
	if (!w->whole || !w->one || !w->links || !EVP_DigestInit_ex(w->whole, EVP_sha256(), NULL))
		return -ENOMEM;
	err = gzip_parallel_new(&gzip, &w->gzip);
	if (!err)
		err = archive_source_new(&w->source);
	if (err)
		return err;
	snprintf(w->scratch, sizeof(w->scratch), "%.4000s/archive.XXXXXX", w->o->scratch);
	if (!mkdtemp(w->scratch)) {
		w->scratch[0] = '\0';
		return archive_write_explain(w, "make a directory in", w->o->scratch, -errno);
	}
	w->manifest_fd = archive_source_temporary(w->scratch);
	if (w->manifest_fd < 0)
		return archive_write_explain(w, "make a file in", w->o->scratch, w->manifest_fd);
	return open_tar(w);
}

static void close_writer(struct archive_writer *w)
{
	if (w->tar)
		w->api.archive_write_free(w->tar);
	if (w->disk)
		w->api.archive_read_free(w->disk);
	if (w->entry)
		w->api.archive_entry_free(w->entry);
	gzip_parallel_free(w->gzip);
	archive_api_close(&w->api);
	archive_source_free(w->source);
	table_free(w->links, free);
	EVP_MD_CTX_free(w->whole);
	EVP_MD_CTX_free(w->one);
	buf_done(&w->manifest);
	file_closep(&w->manifest_fd);
	if (w->scratch[0])
		rmdir(w->scratch);
}

static int write_tree(struct archive_writer *w, int dir_fd)
{
	int err = archive_manifest_begin(w->o->host, w->dir, time(NULL), &w->manifest);

	if (!err)
		err = file_list_walk(dir_fd, w->o->list, archive_write_entry, w, w->why);
	if (!err)
		err = put_manifest(w);
	if (err)
		return err;
	if (w->api.archive_write_close(w->tar) != ARCHIVE_OK || w->err)
		return archive_write_failed(w, w->tar);
	err = gzip_parallel_finish(w->gzip);
	return err ? archive_write_explain(w, "write", "the archive", err) :
		     archive_write_hash(w->whole, w->ret->sha256);
}

int archive_write_tree(const char *dir, int fd, const struct archive_write_options *o,
		       struct buf *why, struct archive_written *ret)
{
	_cleanup_(file_closep) int dir_fd = -1;
	struct archive_writer *w;
	locale_t before;
	int err;

	*ret = (struct archive_written){ .skipped = BUF_INIT(ARCHIVE_NAMES_MAX),
					 .changed = BUF_INIT(ARCHIVE_NAMES_MAX),
					 .damaged = BUF_INIT(ARCHIVE_NAMES_MAX) };
	w = calloc(1, sizeof(*w));
	if (!w) {
		buf_add_str(why, "cannot write the archive: no memory");
		return -ENOMEM;
	}
	w->o = o;
	w->dir = dir;
	w->fd = fd;
	w->why = why;
	w->ret = ret;
	w->manifest_fd = -1;
	buf_init(&w->manifest, 4 * ARCHIVE_MANIFEST_FLUSH);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = dir_fd < 0 ? archive_write_explain(w, "open", dir, -errno) : open_writer(w);
	if (!err) {
		before = archive_api_enter(&w->api);
		err = write_tree(w, dir_fd);
		archive_api_leave(before);
	}
	close_writer(w);
	free(w);
	if (err && !why->len)
		buf_printf(why, "cannot write the archive: %s", strerror(-err));
	return err;
}

void archive_written_done(struct archive_written *w)
{
	buf_done(&w->skipped);
	buf_done(&w->changed);
	buf_done(&w->damaged);
}
