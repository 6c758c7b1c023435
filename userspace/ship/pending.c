/* SPDX-License-Identifier: MIT */
/*
 * A file for each finished minute. Invariant: entries are sorted by start, then id; their number and bytes are within the maxima;
 * each had its file when it was entered. A name that begins with a dot was not finished.
 */
#include "ship/pending.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/number.h"
#include "base/util.h"

#define NEW_NAME ".new"

struct entry {
	int64_t start_s, id;
	size_t size;
};

struct pending {
	int dir_fd;
	struct entry entries[PENDING_MAX + 1];
	size_t n;
	uint64_t bytes, dropped;
};

#define NAME_BYTES 48 /* two numbers, a dash, a NUL */

/* --- names */

static void name_make(const struct entry *e, char *to, size_t size)
{
	snprintf(to, size, "%" PRIu64 "-%" PRIu64, (uint64_t)e->start_s, (uint64_t)e->id);
}

static int name_parse(const char *name, struct entry *e)
{
	const char *dash = strchr(name, '-');
	uint64_t start, id;
	char first[24];

	if (!dash || dash - name >= (ptrdiff_t)sizeof(first))
		return -EINVAL;
	memcpy(first, name, (size_t)(dash - name));
	first[dash - name] = '\0';
	if (number_parse_u64(first, 0, INT64_MAX, &start) ||
	    number_parse_u64(dash + 1, 0, UINT64_MAX, &id))
		return -EINVAL;
	e->start_s = (int64_t)start;
	e->id = (int64_t)id;
	return 0;
}

/* --- entries */

static void entry_forget(struct pending *p, size_t i)
{
	p->bytes -= p->entries[i].size;
	p->n--;
	memmove(&p->entries[i], &p->entries[i + 1], (p->n - i) * sizeof(p->entries[0]));
}

static void entry_delete(struct pending *p, size_t i)
{
	char name[NAME_BYTES];

	name_make(&p->entries[i], name, sizeof(name));
	unlinkat(p->dir_fd, name, 0);
	entry_forget(p, i);
}

static size_t entry_find(const struct pending *p, int64_t id)
{
	size_t i;

	for (i = 0; i < p->n && p->entries[i].id != id; i++)
		;
	return i;
}

static bool entry_is_before(const struct entry *a, const struct entry *b)
{
	return a->start_s != b->start_s ? a->start_s < b->start_s : a->id < b->id;
}

/* There is room for one more than the maximum; the oldest then goes. */
static void entry_enter(struct pending *p, const struct entry *e)
{
	size_t i = p->n;

	while (i && entry_is_before(e, &p->entries[i - 1]))
		i--;
	memmove(&p->entries[i + 1], &p->entries[i], (p->n - i) * sizeof(p->entries[0]));
	p->entries[i] = *e;
	p->n++;
	p->bytes += e->size;
	while (p->n > PENDING_MAX || p->bytes > PENDING_BYTES_MAX) {
		entry_delete(p, 0);
		p->dropped++;
	}
}

/* --- open */

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

static void look_at(struct pending *p, const char *name)
{
	struct entry e;
	struct stat st;

	if (strcmp(name, NEW_NAME) == 0)
		unlinkat(p->dir_fd, name, 0);
	if (name_parse(name, &e) || fstatat(p->dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) ||
	    !S_ISREG(st.st_mode) || st.st_size > (off_t)PENDING_BYTES_MAX)
		return;
	e.size = (size_t)st.st_size;
	entry_enter(p, &e);
}

static int look_around(struct pending *p)
{
	_cleanup_(dir_closep) DIR *d = NULL;
	struct dirent *e;
	int fd;

	fd = openat(p->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		file_closep(&fd);
		return -errno;
	}
	while ((e = readdir(d)))
		look_at(p, e->d_name);
	return 0;
}

static void pending_freep(struct pending **p)
{
	pending_close(*p);
}

int pending_open(const char *directory, struct buf *why, struct pending **ret)
{
	_cleanup_(pending_freep) struct pending *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->dir_fd = -1;
	err = file_make_directory(directory, 0750);
	if (!err)
		p->dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!err && p->dir_fd < 0)
		err = -errno;
	if (!err)
		err = look_around(p);
	if (err) {
		buf_printf(why, "cannot use the directory %s: %s", directory, strerror(-err));
		return err;
	}
	*ret = take(p);
	return 0;
}

void pending_close(struct pending *p)
{
	if (!p)
		return;
	file_closep(&p->dir_fd);
	free(p);
}

/* --- add */

static int write_new(struct pending *p, const void *payload, size_t n)
{
	_cleanup_(file_closep) int fd = -1;

	unlinkat(p->dir_fd, NEW_NAME, 0);
	fd = openat(p->dir_fd, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	return fd < 0 ? -errno : file_write(fd, payload, n);
}

int pending_add(struct pending *p, int64_t id, int64_t start_s, const void *payload, size_t n)
{
	const struct entry e = { .start_s = start_s, .id = id, .size = n };
	size_t before = entry_find(p, id);
	char name[NAME_BYTES];
	int err;

	if (start_s < 0)
		return -EINVAL;
	if (n > PENDING_BYTES_MAX)
		return -EFBIG;
	name_make(&e, name, sizeof(name));
	err = write_new(p, payload, n);
	if (!err && renameat(p->dir_fd, NEW_NAME, p->dir_fd, name))
		err = -errno;
	if (err) {
		unlinkat(p->dir_fd, NEW_NAME, 0);
		return err;
	}
	if (before < p->n && p->entries[before].start_s != start_s)
		entry_delete(p, before);
	else if (before < p->n)
		entry_forget(p, before);
	entry_enter(p, &e);
	return 0;
}

/* --- what is there */

static int read_one(const struct pending *p, const struct entry *e, struct buf *ret)
{
	_cleanup_(file_closep) int fd = -1;
	char name[NAME_BYTES], piece[16384];
	ssize_t n;

	name_make(e, name, sizeof(name));
	fd = openat(p->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, piece, sizeof(piece))) > 0 && !buf_add(ret, piece, (size_t)n))
		;
	return n < 0 ? -errno : ret->err;
}

int pending_each(struct pending *p,
		 int (*fn)(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx),
		 void *ctx)
{
	struct entry e = { .start_s = -1 };
	int err = 0, unread = 0, one;

	while (!err) {
		size_t i;
		_cleanup_(buf_done) struct buf payload = BUF_INIT(PENDING_BYTES_MAX);

		/* @fn may have removed some, or added. */
		for (i = 0; i < p->n && !entry_is_before(&e, &p->entries[i]); i++)
			;
		if (i == p->n)
			break;
		e = p->entries[i];
		one = read_one(p, &e, &payload);
		if (one == -ENOENT)
			entry_forget(p, i);
		else if (one)
			unread = unread ? unread : one;
		else
			err = fn(e.id, e.start_s, buf_str(&payload), payload.len, ctx);
	}
	return err ? err : unread;
}

void pending_remove(struct pending *p, int64_t id)
{
	size_t i = entry_find(p, id);

	if (i < p->n)
		entry_delete(p, i);
}

size_t pending_count(const struct pending *p)
{
	return p->n;
}

uint64_t pending_dropped(const struct pending *p)
{
	return p->dropped;
}
