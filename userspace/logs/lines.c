/* SPDX-License-Identifier: MIT */
/* Looks for line ends backwards, in blocks, and for times by bisection. Invariant of the latter: every line that begins before `low` is
 * older, and `low` moves only behind a line that said so itself. */
#include "logs/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/util.h"

#define BLOCK (16u * 1024)
#define LINE_LOOK 512          /* bytes of a line in which its time is looked for */
#define FORWARD_MAX (1u << 20) /* bytes to go without a line that has a time */

static ssize_t read_all(const struct lines *l, char *to, size_t n, uint64_t at)
{
	size_t done = 0;

	if (at >= l->size)
		return 0;
	if (n > l->size - at)
		n = (size_t)(l->size - at);
	while (done < n) {
		ssize_t got = l->pread(l->ctx, to + done, n - done, at + done);

		if (got < 0)
			return got;
		if (got == 0)
			break;
		done += (size_t)got;
	}
	return (ssize_t)done;
}

int lines_start(const struct lines *l, uint64_t at, uint64_t *ret)
{
	uint64_t stop = at > LINES_LOOK_BACK ? at - LINES_LOOK_BACK : 0, end = at;
	char block[BLOCK];

	while (end > stop) {
		size_t n = end - stop < BLOCK ? (size_t)(end - stop) : BLOCK;
		ssize_t got = read_all(l, block, n, end - n);
		const char *newline;

		if (got < 0)
			return (int)got;
		newline = memrchr(block, '\n', (size_t)got);
		if (newline) {
			*ret = end - n + (uint64_t)(newline - block) + 1;
			return 0;
		}
		end -= n;
	}
	*ret = stop;
	return 0;
}

/* Where the next line begins behind @at, at most @end. */
static int next_line(const struct lines *l, uint64_t at, uint64_t end, uint64_t *ret)
{
	char block[BLOCK];

	while (at < end) {
		ssize_t got = read_all(l, block, sizeof(block), at);
		const char *newline = got > 0 ? memchr(block, '\n', (size_t)got) : NULL;

		if (got < 0)
			return (int)got;
		if (got == 0)
			break;
		if (newline) {
			at += (uint64_t)(newline - block) + 1;
			*ret = at < end ? at : end;
			return 0;
		}
		at += (uint64_t)got;
	}
	*ret = end;
	return 0;
}

struct stamp {
	uint64_t at; /* where its line begins */
	int64_t ms;
};

/* The first line with a time that begins at @at, which is the beginning of one, or behind, and before @end. Returns 0, -ENOENT, or another
 * -errno. */
static int find_stamp(const struct lines *l, uint64_t at, uint64_t end, struct stamp *ret)
{
	uint64_t stop = end - at > FORWARD_MAX ? at + FORWARD_MAX : end;
	char line[LINE_LOOK];

	while (at < stop) {
		ssize_t got = read_all(l, line, sizeof(line), at);
		const char *newline = got > 0 ? memchr(line, '\n', (size_t)got) : NULL;
		size_t n = newline ? (size_t)(newline - line) : (size_t)(got > 0 ? got : 0);
		int err = 0;

		if (got <= 0)
			return got < 0 ? (int)got : -ENOENT;
		if (l->time(l->ctx, line, n, &ret->ms) == 0) {
			ret->at = at;
			return 0;
		}
		if (newline)
			at += n + 1;
		else
			err = next_line(l, at + n, stop, &at);
		if (err)
			return err;
	}
	return -ENOENT;
}

int lines_first_time(const struct lines *l, uint64_t at, int64_t *ret_ms)
{
	struct stamp s;
	int err = find_stamp(l, at, l->size > at ? l->size : at, &s);

	if (!err)
		*ret_ms = s.ms;
	return err;
}

int lines_find_time(const struct lines *l, int64_t since_ms, uint64_t *ret)
{
	uint64_t low = 0, high = l->size;

	while (high - low > LINES_NEAR) {
		uint64_t middle = low + (high - low) / 2, begin;
		struct stamp s;
		int err = next_line(l, middle, high, &begin);

		if (!err)
			err = find_stamp(l, begin, high, &s);
		if (err && err != -ENOENT)
			return err;
		if (!err && s.ms < since_ms)
			low = s.at;
		else
			high = middle;
	}
	*ret = low;
	return 0;
}
