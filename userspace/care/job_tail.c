/* SPDX-License-Identifier: MIT */
/* Keeps twice as much as is wanted, so that bytes are moved once for each that is kept. */
#include "care/job_tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int job_tail_init(struct job_tail *tail, size_t max)
{
	*tail = (struct job_tail){ .bytes = malloc(2 * max), .max = max };
	return tail->bytes ? 0 : -ENOMEM;
}

void job_tail_done(struct job_tail *tail)
{
	free(tail->bytes);
	*tail = (struct job_tail){ 0 };
}

void job_tail_add(struct job_tail *tail, const char *bytes, size_t n)
{
	tail->total += n;
	if (n >= tail->max) {
		memcpy(tail->bytes, bytes + n - tail->max, tail->max);
		tail->len = tail->max;
		return;
	}
	if (tail->len + n > 2 * tail->max) {
		memmove(tail->bytes, tail->bytes + tail->len - tail->max, tail->max);
		tail->len = tail->max;
	}
	memcpy(tail->bytes + tail->len, bytes, n);
	tail->len += n;
}

const char *job_tail_get(const struct job_tail *tail, size_t *ret_len)
{
	const size_t n = tail->len < tail->max ? tail->len : tail->max;
	const char *from = tail->bytes + tail->len - n, *newline;

	*ret_len = n;
	if (n == tail->total)
		return from;
	newline = memchr(from, '\n', n);
	if (!newline || newline + 1 == from + n)
		return from;
	*ret_len = (size_t)(from + n - (newline + 1));
	return newline + 1;
}
