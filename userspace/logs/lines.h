/* SPDX-License-Identifier: MIT */
/*
 * Where in a log to begin: so many bytes before its end, or at a time, without reading all of it. Files of any size; at most some
 * hundred KiB are read for each question, some MiB for a time.
 */
#ifndef ISAMON_LINES_H
#define ISAMON_LINES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The bytes of a log, as pread(2): how many, 0 behind the end, or -errno. */
typedef ssize_t (*lines_pread_fn)(void *ctx, void *bytes, size_t n, uint64_t offset);
/* The time of a line, since the epoch. Returns 0, or -ENOENT: it has none. */
typedef int (*lines_time_fn)(void *ctx, const char *line, size_t n, int64_t *ret_ms);

struct lines {
	lines_pread_fn pread;
	lines_time_fn time; /* of lines_find_time() */
	void *ctx;
	uint64_t size; /* what is behind that is not looked at */
};

/* Where the line begins that has the byte @at in it, or, of a line that is longer than LINES_LOOK_BACK, a place in it that is so
 * far back. Returns 0 or -errno. */
#define LINES_LOOK_BACK (256u * 1024)
int lines_start(const struct lines *l, uint64_t at, uint64_t *ret);

/*
 * By bisection: the beginning of a line before which every line is older than @since_ms, and which is at most LINES_NEAR bytes
 * before the first that is not, where the file is in the order of time. Lines without a time are as old as the one before them.
 * Never behind the first that is not older, in a file that is in order; so what is read from there on is filtered by time.
 * Returns 0 or -errno.
 */
#define LINES_NEAR (64u * 1024)
int lines_find_time(const struct lines *l, int64_t since_ms, uint64_t *ret);

/* The time of the first line from @at on, where one begins, that has one; looks at a MiB. Returns 0, -ENOENT: none has; or another -errno. */
int lines_first_time(const struct lines *l, uint64_t at, int64_t *ret_ms);

#endif
