/* SPDX-License-Identifier: MIT */
/* A file has not changed if its size, mtime and ctime are the same after reading as before, and were not of this very moment. */
#include "care/archive_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

#define RESTS_AFTER_S 60
#define COPY_STEP (64u << 10)
#define TICK_NS \
	20000000 /* the times of files are those of the kernel's last tick, at most 10 ms ago */

int archive_source_new(struct archive_source **ret)
{
	struct archive_source *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->spool_fd = -1;
	s->memory = malloc(ARCHIVE_SOURCE_SMALL);
	if (!s->memory) {
		free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

static void close_spool(struct archive_source *s)
{
	if (s->spool_fd >= 0)
		close(s->spool_fd);
	s->spool_fd = -1;
}

void archive_source_free(struct archive_source *s)
{
	if (!s)
		return;
	close_spool(s);
	free(s->memory);
	free(s);
}

static bool same(const struct stat *a, const struct stat *b)
{
	return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	       a->st_mtim.tv_nsec == b->st_mtim.tv_nsec && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	       a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Too many holes, or a file system that does not tell: they are read as zeros. */
static void find_ranges(struct archive_source *s, int fd)
{
	off_t at = 0, end = (off_t)s->size;

	s->n_ranges = 0;
	s->sparse = false;
	if ((uint64_t)s->st.st_blocks * 512 >= s->size)
		return;
	while (at < end) {
		off_t data = lseek(fd, at, SEEK_DATA), hole;

		if (data < 0 && errno != ENXIO)
			return;
		if (data < 0 || data >= end)
			break;
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole <= data || s->n_ranges == ARCHIVE_SOURCE_RANGES_MAX) {
			s->n_ranges = 0;
			return;
		}
		at = hole < end ? hole : end;
		s->ranges[s->n_ranges++] =
			(struct archive_range){ (uint64_t)data, (uint64_t)(at - data) };
	}
	s->sparse = s->n_ranges != 1 || s->ranges[0].n != s->size;
}

static int begin(struct archive_source *s, int fd)
{
	if (fstat(fd, &s->st))
		return -errno;
	s->size = (uint64_t)s->st.st_size;
	s->at = 0;
	s->fd = fd;
	return 0;
}

static bool is_unchanged(const struct archive_source *s, int fd)
{
	struct stat now;

	return fstat(fd, &now) == 0 && same(&s->st, &now);
}

/* Whether it was written to so shortly before that a write while it was read may have left the same time. */
static bool is_fresh(const struct archive_source *s, const struct timespec *began)
{
	int64_t age = (began->tv_sec - s->st.st_ctim.tv_sec) * INT64_C(1000000000) +
		      began->tv_nsec - s->st.st_ctim.tv_nsec;

	return age >= 0 && age < TICK_NS;
}

/* How far the bytes at s->at go on as they are, data or hole. */
static uint64_t piece(const struct archive_source *s, bool *ret_data)
{
	*ret_data = !s->sparse;
	if (!s->sparse)
		return s->size - s->at;
	for (size_t i = 0; i < s->n_ranges; i++) {
		const struct archive_range *r = &s->ranges[i];

		if (s->at < r->offset)
			return r->offset - s->at;
		if (s->at < r->offset + r->n) {
			*ret_data = true;
			return r->offset + r->n - s->at;
		}
	}
	return s->size - s->at;
}

ssize_t archive_source_read(struct archive_source *s, void *to, size_t n)
{
	bool data;
	uint64_t left = piece(s, &data);
	ssize_t got;

	n = n < left ? n : (size_t)left;
	if (!n)
		return 0;
	if (s->in_memory) {
		memcpy(to, s->memory + s->at, n);
	} else if (!data) {
		memset(to, 0, n);
	} else {
		do
			got = pread(s->fd, to, n, (off_t)s->at);
		while (got < 0 && errno == EINTR);
		if (got < 0)
			return -errno;
		if (got == 0) /* it is shorter than it was */
			memset(to, 0, n);
		else
			n = (size_t)got;
	}
	s->at += n;
	return (ssize_t)n;
}

int archive_source_end(struct archive_source *s)
{
	if (!s->in_memory && s->spool_fd < 0 && !is_unchanged(s, s->fd))
		s->changed = true;
	close_spool(s);
	return 0;
}

static int read_to_memory(struct archive_source *s)
{
	ssize_t got;
	uint64_t n = 0;

	s->in_memory = s->sparse = false;
	while ((got = archive_source_read(s, s->memory + n, ARCHIVE_SOURCE_SMALL - n)) > 0)
		n += (uint64_t)got;
	s->in_memory = true;
	s->at = 0;
	return got < 0 ? (int)got : 0;
}

int archive_source_temporary(const char *dir)
{
	char path[4096];
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	if (errno != EOPNOTSUPP && errno != EISDIR)
		return -errno;
	if ((size_t)snprintf(path, sizeof(path), "%s/isamon.XXXXXX", dir) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

static int read_to_spool(struct archive_source *s)
{
	ssize_t got;
	int err = 0;

	if (ftruncate(s->spool_fd, 0) || ftruncate(s->spool_fd, (off_t)s->size))
		return -errno;
	while (!err && (got = archive_source_read(s, s->memory, COPY_STEP)) != 0) {
		if (got < 0)
			return (int)got;
		if (s->memory[0] || memcmp(s->memory, s->memory + 1, (size_t)got - 1) != 0)
			err = file_write_at(s->spool_fd, s->memory, (size_t)got,
					    (off_t)(s->at - (uint64_t)got));
	}
	s->at = 0;
	s->fd = s->spool_fd;
	return err;
}

/* Reads it, and again while it changes. */
static int read_first(struct archive_source *s, int fd)
{
	const struct timespec tick = { .tv_nsec = TICK_NS };
	struct timespec began;
	int err = 0;

	for (int try = 0; try < ARCHIVE_SOURCE_TRIES; try++) {
		if (try)
			nanosleep(&tick, NULL);
		clock_gettime(CLOCK_REALTIME, &began);
		err = begin(s, fd);
		if (err)
			return err;
		if (s->size <= ARCHIVE_SOURCE_SMALL && s->spool_fd < 0) {
			err = read_to_memory(s);
		} else if (s->spool_fd >= 0) {
			find_ranges(s, fd);
			err = read_to_spool(s);
		} else {
			return -EAGAIN; /* it is no longer small */
		}
		s->changed = is_fresh(s, &began) || !is_unchanged(s, fd);
		if (err || !s->changed)
			return err;
	}
	return 0;
}

static int read_directly(struct archive_source *s, int fd)
{
	int err = begin(s, fd);

	close_spool(s);
	s->changed = s->in_memory = false;
	if (!err)
		find_ranges(s, fd);
	return err;
}

int archive_source_take(struct archive_source *s, int fd, const char *scratch)
{
	time_t now = time(NULL);
	int err = read_directly(s, fd);

	if (err || !scratch)
		return err;
	if (s->size <= ARCHIVE_SOURCE_SMALL) {
		err = read_first(s, fd);
		if (err != -EAGAIN)
			return err;
		err = read_directly(s, fd);
		if (err)
			return err;
	}
	if (s->st.st_mtime + RESTS_AFTER_S < now && s->st.st_ctime + RESTS_AFTER_S < now)
		return 0;
	s->spool_fd = archive_source_temporary(scratch);
	if (s->spool_fd < 0)
		return s->spool_fd;
	err = read_first(s, fd);
	/* no room for a copy: then it is read once, and said if it changed */
	return err == -ENOSPC || err == -EDQUOT || err == -EFBIG ? read_directly(s, fd) : err;
}
