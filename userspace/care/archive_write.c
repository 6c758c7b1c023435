/* SPDX-License-Identifier: MIT */
/*
 * file_list -> archive_source -> libarchive (pax) -> gzip_parallel -> the file, and the manifest beside it.
 * Invariant: a hash in the manifest is of the bytes that went into the archive, whatever the file has become since.
 */
#include "care/archive_write.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/table.h"
#include "base/utf8.h"
#include "care/archive_api.h"
#include "care/archive_manifest.h"
#include "care/archive_source.h"
#include "care/gzip_parallel.h"

#define STEP (64u << 10)
#define LINKS_MAX 1000000u
#define MANIFEST_FLUSH (64u << 10)

struct writer {
	const struct archive_write_options *o;
	const char *dir;
	struct buf *why;
	struct archive_written *ret;
	struct archive_api api;
	struct archive *tar, *disk;
	struct archive_entry *entry;
	struct gzip_parallel *gzip;
	EVP_MD_CTX *whole, *one; /* hashes of the archive and of a file */
	struct archive_source *source;
	struct table *links; /* device and inode -> the first path */
	struct buf manifest; /* what is not in manifest_fd yet */
	uint64_t members;
	char scratch[FILE_LIST_PATH_MAX]; /* our own, in o->scratch */
	char name[FILE_LIST_PATH_MAX + 2];
	int fd, manifest_fd;
	int err; /* of writing, which libarchive only knows to have failed */
	unsigned char step[STEP];
};

static int explain(struct writer *w, const char *what, const char *name, int err)
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
	struct writer *w = ctx;
	const char *at = bytes;

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
	return 0;
}

/* Says that all is well even when it is not: libarchive 3.6.2 leaks memory after an error of its client. w->err is looked at instead. */
static la_ssize_t give_gzip(struct archive *a, void *ctx, const void *bytes, size_t n)
{
	struct writer *w = ctx;

	(void)a;
	if (!w->err)
		w->err = gzip_parallel_add(w->gzip, bytes, n);
	return (la_ssize_t)n;
}

/* The -errno of a call of libarchive that failed. */
static int tar_failed(struct writer *w, struct archive *a)
{
	const char *text = w->api.archive_error_string(a);

	if (w->err)
		return explain(w, "write", "the archive", w->err);
	if (!w->why->len)
		buf_printf(w->why, "cannot write the archive: %s", text ? text : "no memory");
	return text ? -EIO : -ENOMEM;
}

static void note(struct buf *list, uint64_t *n, const char *path, const char *why)
{
	char plain[FILE_LIST_PATH_MAX];

	(*n)++;
	utf8_make_plain(path, strlen(path), plain, sizeof(plain));
	if (list->len + strlen(plain) + strlen(why) + 4 < list->max)
		buf_printf(list, "%s%s%s\n", plain, *why ? ": " : "", why);
}

/* --- the manifest, which grows outside of memory */

static int flush_manifest(struct writer *w)
{
	const char *at = w->manifest.data;
	size_t n = w->manifest.len;

	while (n) {
		ssize_t put = write(w->manifest_fd, at, n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return explain(w, "write", "the manifest", put < 0 ? -errno : -EIO);
		at += put;
		n -= (size_t)put;
	}
	buf_reset(&w->manifest);
	return 0;
}

static int add_manifest(struct writer *w, const struct archive_member *m)
{
	struct archive_member with_names = *m;
	int err;

	with_names.user = w->api.archive_entry_uname(w->entry);
	with_names.group = w->api.archive_entry_gname(w->entry);
	err = archive_manifest_add(&with_names, &w->manifest);
	w->members++;
	if (err)
		return err;
	return w->manifest.len > MANIFEST_FLUSH ? flush_manifest(w) : 0;
}

/* libarchive writes fractions of a second before 1970 wrongly (seen in 3.6.2): they are left out. */
static long nanoseconds(const struct stat *st)
{
	return st->st_mtim.tv_sec < 0 ? 0 : st->st_mtim.tv_nsec;
}

static struct archive_member member_of(const char *path, const struct stat *st)
{
	return (struct archive_member){ .path = path,
					.mode = st->st_mode & 07777,
					.uid = st->st_uid,
					.gid = st->st_gid,
					.mtime_s = st->st_mtim.tv_sec,
					.mtime_ns = nanoseconds(st) };
}

/* --- members */

/* Everything of the file but its bytes, from @fd (-1: only from @st). */
static int begin_entry(struct writer *w, const char *path, int fd, const struct stat *st)
{
	struct archive_api *api = &w->api;
	struct archive_entry *e = w->entry;
	char by_fd[40];
	bool top = strcmp(path, ".") == 0;

	api->archive_entry_clear(e);
	snprintf(w->name, sizeof(w->name), "./%s", top ? "" : path);
	api->archive_entry_copy_pathname(e, w->name);
	api->archive_entry_copy_stat(e, st);
	if (fd >= 0) {
		snprintf(by_fd, sizeof(by_fd), "/proc/self/fd/%d", fd);
		api->archive_entry_copy_sourcepath(e, by_fd);
		if (api->archive_read_disk_entry_from_file(w->disk, e, fd, st) < ARCHIVE_WARN)
			return tar_failed(w, w->disk);
	}
	api->archive_entry_sparse_clear(e);
	api->archive_entry_set_fflags(e, 0, 0);
	api->archive_entry_set_mtime(e, st->st_mtim.tv_sec, nanoseconds(st));
	api->archive_entry_unset_atime(e);
	api->archive_entry_unset_ctime(e);
	api->archive_entry_unset_birthtime(e);
	api->archive_entry_set_dev(e, 0);
	api->archive_entry_set_ino(e, 0);
	api->archive_entry_set_nlink(e, 1);
	return 0;
}

static int put_header(struct writer *w)
{
	int rc = w->api.archive_write_header(w->tar, w->entry);

	return rc < ARCHIVE_WARN || w->err ? tar_failed(w, w->tar) : 0;
}

static int put_data(struct writer *w, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n) {
		la_ssize_t put = w->api.archive_write_data(w->tar, at, n);

		if (put <= 0 || w->err)
			return tar_failed(w, w->tar);
		at += put;
		n -= (size_t)put;
	}
	return 0;
}

static int finish_hash(EVP_MD_CTX *ctx, char ret[SHA256_HEX])
{
	unsigned char hash[SHA256_BYTES];

	if (!EVP_DigestFinal_ex(ctx, hash, NULL))
		return -ENOMEM;
	sha256_to_hex(hash, ret);
	return 0;
}

/* The bytes of w->source behind the header of w->entry. */
static int put_source(struct writer *w, const char *path, char ret_sha256[SHA256_HEX])
{
	struct archive_source *s = w->source;
	ssize_t got;
	int err;

	w->api.archive_entry_set_size(w->entry, (int64_t)s->size);
	for (size_t i = 0; s->sparse && i < s->n_ranges; i++)
		w->api.archive_entry_sparse_add_entry(w->entry, (int64_t)s->ranges[i].offset,
						      (int64_t)s->ranges[i].n);
	if (s->sparse && !s->n_ranges)
		w->api.archive_entry_sparse_add_entry(w->entry, (int64_t)s->size, 0);
	err = put_header(w);
	if (!err && !EVP_DigestInit_ex(w->one, EVP_sha256(), NULL))
		err = -ENOMEM;
	while (!err && (got = archive_source_read(s, w->step, sizeof(w->step))) != 0) {
		if (got < 0)
			return explain(w, "read", path, (int)got);
		if (!EVP_DigestUpdate(w->one, w->step, (size_t)got))
			return -ENOMEM;
		err = put_data(w, w->step, (size_t)got);
	}
	if (!err && (w->api.archive_write_finish_entry(w->tar) < ARCHIVE_WARN || w->err))
		err = tar_failed(w, w->tar);
	return err ? err : finish_hash(w->one, ret_sha256);
}

static bool is_sqlite(int fd)
{
	static const char magic[16] =
		"SQLite format 3"; /* with the NUL, sqlite.org/fileformat.html */
	char head[sizeof(magic)];

	return pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
	       memcmp(head, magic, sizeof(magic)) == 0;
}

/* Never waits for a FIFO that came in its place; leaves atime alone where it may. */
static int open_file(int dir_fd, const char *name)
{
	const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(dir_fd, name, flags | O_NOATIME);

	if (fd < 0 && errno == EPERM)
		fd = openat(dir_fd, name, flags);
	return fd < 0 ? -errno : fd;
}

/* Whether it is the log, index or journal of a database beside it, whose copy needs none. */
static bool belongs_to_database(const struct file_entry *e)
{
	static const char *const suffixes[] = { "-wal", "-shm", "-journal" };
	_cleanup_(file_closep) int fd = -1;
	char base[256];

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t n = strlen(e->name), tail = strlen(suffixes[i]);

		if (n <= tail || n >= sizeof(base) || strcmp(e->name + n - tail, suffixes[i]) != 0)
			continue;
		memcpy(base, e->name, n - tail);
		base[n - tail] = '\0';
		fd = open_file(e->dir_fd, base);
		return fd >= 0 && is_sqlite(fd);
	}
	return false;
}

static int put_hardlink(struct writer *w, const struct file_entry *e, const struct stat *st,
			const char *first)
{
	struct archive_member m = member_of(e->path, st);
	char target[FILE_LIST_PATH_MAX + 2];
	int err = begin_entry(w, e->path, -1, st);

	if (err)
		return err;
	snprintf(target, sizeof(target), "./%s", first);
	w->api.archive_entry_copy_hardlink(w->entry, target);
	w->api.archive_entry_set_size(w->entry, 0);
	err = put_header(w);
	if (err)
		return err;
	m.kind = ARCHIVE_HARDLINK;
	m.target = first;
	w->ret->links++;
	return add_manifest(w, &m);
}

static int remember_link(struct writer *w, const char *path, const uint64_t key[2])
{
	char *copy;
	int err;

	if (table_count(w->links) >= LINKS_MAX) /* then it is there twice */
		return 0;
	copy = strdup(path);
	err = copy ? table_put(w->links, key, 2 * sizeof(*key), copy) : -ENOMEM;
	if (err)
		free(copy);
	return err;
}

/*
 * Opens a copy of the database that @e is in *ret_fd; or leaves it at -1 if it cannot be copied as one.
 * (The copy has no name once it is open.)
 */
static int copy_database(struct writer *w, const struct file_entry *e, int *ret_fd)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	char from[2 * FILE_LIST_PATH_MAX], to[FILE_LIST_PATH_MAX + 16];
	int err;

	snprintf(from, sizeof(from), "%s/%s", w->dir, e->path);
	snprintf(to, sizeof(to), "%s/database", w->scratch);
	unlink(to);
	err = w->o->copy_database(from, to, &why, w->o->ctx);
	if (err == -EUCLEAN || err == -EBADMSG) {
		note(&w->ret->damaged, &w->ret->n_damaged, e->path, buf_str(&why));
		return 0;
	}
	if (err) {
		buf_add_str(w->why, buf_str(&why));
		return explain(w, "copy the database", e->path, err);
	}
	*ret_fd = open(to, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	err = *ret_fd < 0 ? -errno : 0;
	unlink(to);
	return err ? explain(w, "open the copy of", e->path, err) : 0;
}

static int put_file(struct writer *w, const struct file_entry *e, int fd, int copy_fd)
{
	struct archive_source *s = w->source;
	struct archive_member m;
	struct stat st;
	int err = archive_source_take(s, copy_fd >= 0 ? copy_fd : fd, w->scratch);

	if (err)
		return explain(w, "read", e->path, err);
	st = s->st;
	if (copy_fd >= 0 && fstat(fd, &st))
		return explain(w, "read", e->path, -errno);
	m = member_of(e->path, &st);
	m.size = s->size;
	m.database = copy_fd >= 0;
	err = begin_entry(w, e->path, fd, &st);
	if (!err)
		err = put_source(w, e->path, m.sha256);
	if (err)
		return err;
	archive_source_end(s);
	if (s->changed)
		note(&w->ret->changed, &w->ret->n_changed, e->path, "");
	w->ret->files++;
	w->ret->databases += m.database;
	w->ret->file_bytes += m.size;
	return add_manifest(w, &m);
}

static int put_regular(struct writer *w, const struct file_entry *e)
{
	_cleanup_(file_closep) int fd = -1, copy_fd = -1;
	const char *first;
	struct stat st;
	uint64_t key[2];
	int err;

	if (strcmp(e->path, ARCHIVE_MANIFEST) == 0) /* of an archive that was restored here */
		return 0;
	if (w->o->copy_database && belongs_to_database(e))
		return 0;
	fd = open_file(e->dir_fd, e->name);
	if (fd == -ENOENT || fd == -ELOOP || fd == -ENXIO)
		return 0;
	if (fd < 0 || fstat(fd, &st))
		return explain(w, "read", e->path, fd < 0 ? fd : -errno);
	if (!S_ISREG(st.st_mode))
		return 0;
	key[0] = st.st_dev;
	key[1] = st.st_ino;
	first = st.st_nlink > 1 ? table_get(w->links, key, sizeof(key)) : NULL;
	if (first)
		return put_hardlink(w, e, &st, first);
	if (w->o->copy_database && is_sqlite(fd)) {
		err = copy_database(w, e, &copy_fd);
		if (err)
			return err;
	}
	err = put_file(w, e, fd, copy_fd);
	return err || st.st_nlink < 2 ? err : remember_link(w, e->path, key);
}

static int put_directory(struct writer *w, const struct file_entry *e)
{
	_cleanup_(file_closep) int fd =
		openat(e->dir_fd, e->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct archive_member m = member_of(e->path, &e->st);
	int err;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
			       0 :
			       explain(w, "read", e->path, -errno);
	err = begin_entry(w, e->path, fd, &e->st);
	if (err)
		return err;
	w->api.archive_entry_set_size(w->entry, 0);
	err = put_header(w);
	if (err)
		return err;
	m.kind = ARCHIVE_DIRECTORY;
	w->ret->directories++;
	return add_manifest(w, &m);
}

static int put_symlink(struct writer *w, const struct file_entry *e)
{
	struct archive_member m = member_of(e->path, &e->st);
	int err = begin_entry(w, e->path, -1, &e->st);

	if (err)
		return err;
	w->api.archive_entry_copy_symlink(w->entry, e->link);
	w->api.archive_entry_set_size(w->entry, 0);
	err = put_header(w);
	if (err)
		return err;
	m.kind = ARCHIVE_SYMLINK;
	m.target = e->link;
	w->ret->links++;
	return add_manifest(w, &m);
}

static int put_entry(const struct file_entry *e, void *ctx)
{
	struct writer *w = ctx;
	int err = w->o->progress ? w->o->progress(e->path, w->ret->file_bytes, w->o->ctx) : 0;

	if (err)
		return err;
	switch (e->kind) {
	case FILE_REGULAR: return put_regular(w, e);
	case FILE_DIRECTORY: return put_directory(w, e);
	case FILE_SYMLINK: return put_symlink(w, e);
	case FILE_SKIPPED: break;
	}
	note(&w->ret->skipped, &w->ret->n_skipped, e->path, e->why);
	return 0;
}

/* --- the whole */

static int put_manifest(struct writer *w)
{
	char hash[SHA256_HEX];
	int err = archive_manifest_end(w->members, &w->manifest);

	if (!err)
		err = flush_manifest(w);
	if (!err)
		err = archive_source_take(w->source, w->manifest_fd, w->scratch);
	if (err)
		return explain(w, "read", "the manifest", err);
	w->source->st.st_mode = S_IFREG | 0600;
	err = begin_entry(w, ARCHIVE_MANIFEST, -1, &w->source->st);
	if (!err)
		err = put_source(w, ARCHIVE_MANIFEST, hash);
	archive_source_end(w->source);
	return err;
}

static int open_tar(struct writer *w)
{
	struct archive_api *api = &w->api;

	w->tar = api->archive_write_new();
	w->disk = api->archive_read_disk_new();
	w->entry = api->archive_entry_new();
	if (!w->tar || !w->disk || !w->entry)
		return -ENOMEM;
	if (api->archive_read_disk_set_standard_lookup(w->disk) != ARCHIVE_OK ||
	    api->archive_read_disk_set_symlink_physical(w->disk) != ARCHIVE_OK)
		return tar_failed(w, w->disk);
	/* (with LIBARCHIVE.xattr too, GNU tar would warn of each) */
	if (api->archive_write_set_format_pax(w->tar) != ARCHIVE_OK ||
	    api->archive_write_set_format_option(w->tar, "pax", "xattrheader", "SCHILY") !=
		    ARCHIVE_OK ||
	    api->archive_write_add_filter_none(w->tar) != ARCHIVE_OK ||
	    api->archive_write_open(w->tar, w, NULL, give_gzip, NULL) != ARCHIVE_OK)
		return tar_failed(w, w->tar);
	return 0;
}

static int open_writer(struct writer *w)
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
		return explain(w, "make a directory in", w->o->scratch, -errno);
	}
	w->manifest_fd = archive_source_temporary(w->scratch);
	if (w->manifest_fd < 0)
		return explain(w, "make a file in", w->o->scratch, w->manifest_fd);
	return open_tar(w);
}

static void close_writer(struct writer *w)
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

static int write_tree(struct writer *w, int dir_fd)
{
	int err = archive_manifest_begin(w->o->host, w->dir, time(NULL), &w->manifest);

	if (!err)
		err = file_list_walk(dir_fd, w->o->list, put_entry, w, w->why);
	if (!err)
		err = put_manifest(w);
	if (err)
		return err;
	if (w->api.archive_write_close(w->tar) != ARCHIVE_OK || w->err)
		return tar_failed(w, w->tar);
	err = gzip_parallel_finish(w->gzip);
	return err ? explain(w, "write", "the archive", err) :
		     finish_hash(w->whole, w->ret->sha256);
}

int archive_write_tree(const char *dir, int fd, const struct archive_write_options *o,
		       struct buf *why, struct archive_written *ret)
{
	_cleanup_(file_closep) int dir_fd = -1;
	struct writer *w;
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
	buf_init(&w->manifest, 4 * MANIFEST_FLUSH);
	dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = dir_fd < 0 ? explain(w, "open", dir, -errno) : open_writer(w);
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
