/* SPDX-License-Identifier: MIT */
/* Any text as a log, of which the first four bytes say how much a reading gives and where it is looked: what comes out is the beginning of a
 * line, and no line that says a time at or behind the wanted one stands before it if the times are in order. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "logs/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each byte of it stands for so many, so that there are several blocks. */
#define BLOW_UP 64u

struct text {
	const uint8_t *bytes;
	size_t n, piece;
};

static char byte_at(const struct text *t, uint64_t at)
{
	char c = (char)t->bytes[at / BLOW_UP];

	return c == '\n' && at % BLOW_UP ? 'x' : c;
}

static ssize_t text_pread(void *ctx, void *to, size_t n, uint64_t offset)
{
	const struct text *t = ctx;
	uint64_t size = t->n * BLOW_UP;
	size_t i;

	for (i = 0; i < n && i < t->piece && offset + i < size; i++)
		((char *)to)[i] = byte_at(t, offset + i);
	return (ssize_t)i;
}

static int text_time(void *ctx, const char *line, size_t n, int64_t *ret_ms)
{
	(void)ctx;
	if (!n || line[0] < '0' || line[0] > '9')
		return -ENOENT;
	*ret_ms = line[0] - '0';
	return 0;
}

/* The first line whose time is not below @since; the size where there is none, or the times are not in order. */
static uint64_t first_of(struct text *t, int64_t since)
{
	uint64_t size = t->n * BLOW_UP, first = size;
	int64_t before = 0, ms;
	bool begins = true;

	for (uint64_t at = 0; at < size; at++) {
		char c = byte_at(t, at);

		if (begins && text_time(NULL, &c, 1, &ms) == 0) {
			if (ms < before)
				return size;
			before = ms;
			if (ms >= since && first == size)
				first = at;
		}
		begins = c == '\n';
	}
	return first;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct text t = { data + 4, size - 4, 0 };
	struct lines l = { text_pread, text_time, &t, 0 };
	uint64_t found;
	int64_t since;

	if (size < 5 || size > 2500)
		return 0;
	t.piece = 1 + data[0] * 64u;
	l.size = t.n * BLOW_UP;
	since = data[1] % 11;
	if (lines_find_time(&l, since, &found) || found > first_of(&t, since) ||
	    (found && byte_at(&t, found - 1) != '\n'))
		abort();
	found = (data[2] | (uint64_t)data[3] << 8) * BLOW_UP % (l.size + 1);
	if (lines_start(&l, found, &found) || found > l.size)
		abort();
	lines_first_time(&l, found, &since);
	return 0;
}
