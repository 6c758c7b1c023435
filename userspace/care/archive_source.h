/* SPDX-License-Identifier: MIT */
/* The bytes of one file for an archive: of one moment, if nobody writes to it all the time; with its holes. */
#ifndef ISAMON_ARCHIVE_SOURCE_H
#define ISAMON_ARCHIVE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define ARCHIVE_SOURCE_SMALL (1u << 20) /* up to here a file is read into memory first */
#define ARCHIVE_SOURCE_RANGES_MAX 1000
#define ARCHIVE_SOURCE_TRIES 3

struct archive_range {
	uint64_t offset, n;
};

struct archive_source {
	int fd;         /* the caller's; or that of a copy */
	int spool_fd;   /* of a copy; -1 */
	struct stat st; /* of the file, when it was read */
	uint64_t size;
	bool changed; /* it was written to each time; what is read is no single moment of it */
	/* Where there are bytes; the rest is zeros, whatever is written there later. None: all of it, or, if sparse, nothing of it. */
	bool sparse;
	size_t n_ranges;
	struct archive_range ranges[ARCHIVE_SOURCE_RANGES_MAX];
	bool in_memory;
	uint64_t at;
	unsigned char *memory; /* ARCHIVE_SOURCE_SMALL bytes */
};

/* @s->memory is the only thing that archive_source_new() makes. Returns 0 or -ENOMEM. */
int archive_source_new(struct archive_source **ret);
void archive_source_free(struct archive_source *s);

/*
 * Gets ready to read the regular file @fd, which stays the caller's and open until the next one. A small one, and one that was
 * written to within the last minute, is read now (into memory; into a temporary file in the directory @scratch) and again if it
 * changed, up to ARCHIVE_SOURCE_TRIES times. A large one that rests is read later, without a copy; see archive_source_end().
 * @scratch NULL: nobody else has the file, and it is read later, whatever its size.
 * Returns 0 or -errno.
 */
int archive_source_take(struct archive_source *s, int fd, const char *scratch);

/* The next bytes, 0 at the end; exactly s->size in all: what a file has lost meanwhile is zeros. Or -errno. */
ssize_t archive_source_read(struct archive_source *s, void *to, size_t n);
/* After the last byte: looks whether the file was written to while it was read, which is then in s->changed. */
int archive_source_end(struct archive_source *s);

/* A file in @dir that has no name. Returns a descriptor or -errno. */
int archive_source_temporary(const char *dir);

#endif
