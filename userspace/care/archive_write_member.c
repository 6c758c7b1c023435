/* SPDX-License-Identifier: MIT */
/*
 * One entry of the tree becomes one member of the archive, and a line of the manifest.
 * Invariant: a hash in the manifest is of the bytes that went into the archive, whatever the file has become since.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"
#include "care/archive_write_impl.h"

#define LINKS_MAX 1000000u
#define TOLD_EVERY (16u << 20) /* bytes of one file */

static void note(struct buf *list, uint64_t *n, const char *path, const char *why)
{
	char plain[FILE_LIST_PATH_MAX];

	(*n)++;
	utf8_make_plain(path, strlen(path), plain, sizeof(plain));
	if (list->len + strlen(plain) + strlen(why) + 4 < list->max)
		buf_printf(list, "%s%s%s\n", plain, *why ? ": " : "", why);
}

static int add_manifest(struct archive_writer *w, const struct archive_member *m)
{
	struct archive_member with_names = *m;
	int err;

	with_names.user = w->api.archive_entry_uname(w->entry);
	with_names.group = w->api.archive_entry_gname(w->entry);
	err = archive_manifest_add(&with_names, &w->manifest);
	w->members++;
	if (err)
		return err;
	return w->manifest.len > ARCHIVE_MANIFEST_FLUSH ? archive_write_flush_manifest(w) : 0;
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

/* Everything of the file but its bytes, from @fd (-1: only from @st). */
int archive_write_begin(struct archive_writer *w, const char *path, int fd, const struct stat *st)
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
			return archive_write_failed(w, w->disk);
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

static int put_header(struct archive_writer *w)
{
	int rc = w->api.archive_write_header(w->tar, w->entry);

	return rc < ARCHIVE_WARN || w->err ? archive_write_failed(w, w->tar) : 0;
}

static int put_data(struct archive_writer *w, const void *bytes, size_t n)
{
	const char *at = bytes;

	while (n) {
		la_ssize_t put = w->api.archive_write_data(w->tar, at, n);

		if (put <= 0 || w->err)
			return archive_write_failed(w, w->tar);
		at += put;
		n -= (size_t)put;
	}
	return 0;
}

int archive_write_hash(EVP_MD_CTX *ctx, char ret[SHA256_HEX])
{
	unsigned char hash[SHA256_BYTES];

	if (!EVP_DigestFinal_ex(ctx, hash, NULL))
		return -ENOMEM;
	sha256_to_hex(hash, ret);
	return 0;
}

/* The bytes of w->source behind the header of w->entry. */
int archive_write_source(struct archive_writer *w, const char *path, char ret_sha256[SHA256_HEX])
{
	struct archive_source *s = w->source;
	uint64_t untold = 0;
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
			return archive_write_explain(w, "read", path, (int)got);
		if (!EVP_DigestUpdate(w->one, w->step, (size_t)got))
			return -ENOMEM;
		err = put_data(w, w->step, (size_t)got);
		untold += (uint64_t)got;
		if (!err && untold >= TOLD_EVERY && w->o->progress) {
			untold = 0;
			err = w->o->progress(path, w->ret->file_bytes + s->at, w->o->ctx);
		}
	}
	if (!err && (w->api.archive_write_finish_entry(w->tar) < ARCHIVE_WARN || w->err))
		err = archive_write_failed(w, w->tar);
	return err ? err : archive_write_hash(w->one, ret_sha256);
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

static int put_hardlink(struct archive_writer *w, const struct file_entry *e, const struct stat *st,
			const char *first)
{
	struct archive_member m = member_of(e->path, st);
	char target[FILE_LIST_PATH_MAX + 2];
	int err = archive_write_begin(w, e->path, -1, st);

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

static int remember_link(struct archive_writer *w, const char *path, const uint64_t key[2])
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
static int copy_database(struct archive_writer *w, const struct file_entry *e, int *ret_fd)
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
		return archive_write_explain(w, "copy the database", e->path, err);
	}
	*ret_fd = open(to, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	err = *ret_fd < 0 ? -errno : 0;
	unlink(to);
	return err ? archive_write_explain(w, "open the copy of", e->path, err) : 0;
}

static int put_file(struct archive_writer *w, const struct file_entry *e, int fd, int copy_fd)
{
	struct archive_source *s = w->source;
	struct archive_member m;
	struct stat st;
	int err = copy_fd >= 0 ? archive_source_take(s, copy_fd, NULL) :
				 archive_source_take(s, fd, w->scratch);

	if (err)
		return archive_write_explain(w, "read", e->path, err);
	st = s->st;
	if (copy_fd >= 0 && fstat(fd, &st))
		return archive_write_explain(w, "read", e->path, -errno);
	m = member_of(e->path, &st);
	m.size = s->size;
	m.database = copy_fd >= 0;
	err = archive_write_begin(w, e->path, fd, &st);
	if (!err)
		err = archive_write_source(w, e->path, m.sha256);
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

static int put_regular(struct archive_writer *w, const struct file_entry *e)
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
		return archive_write_explain(w, "read", e->path, fd < 0 ? fd : -errno);
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

static int put_directory(struct archive_writer *w, const struct file_entry *e)
{
	_cleanup_(file_closep) int fd =
		openat(e->dir_fd, e->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct archive_member m = member_of(e->path, &e->st);
	int err;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
			       0 :
			       archive_write_explain(w, "read", e->path, -errno);
	err = archive_write_begin(w, e->path, fd, &e->st);
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

static int put_symlink(struct archive_writer *w, const struct file_entry *e)
{
	struct archive_member m = member_of(e->path, &e->st);
	int err = archive_write_begin(w, e->path, -1, &e->st);

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

int archive_write_entry(const struct file_entry *e, void *ctx)
{
	struct archive_writer *w = ctx;
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
