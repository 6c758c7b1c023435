/* SPDX-License-Identifier: MIT */
/* Keeps twice as much as is wanted, so that bytes are moved once for each that is kept. */
#include "care/job_tail.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int job_tail_init(struct job_tail *t, size_t max)
{
	*t = (struct job_tail){ .bytes = malloc(2 * max), .max = max };
	return t->bytes ? 0 : -ENOMEM;
}

void job_tail_done(struct job_tail *t)
{
	free(t->bytes);
	*t = (struct job_tail){ 0 };
}

void job_tail_add(struct job_tail *t, const char *bytes, size_t n)
{
	t->total += n;
	if (n >= t->max) {
		memcpy(t->bytes, bytes + n - t->max, t->max);
		t->len = t->max;
		return;
	}
	if (t->len + n > 2 * t->max) {
		memmove(t->bytes, t->bytes + t->len - t->max, t->max);
		t->len = t->max;
	}
	memcpy(t->bytes + t->len, bytes, n);
	t->len += n;
}

const char *job_tail_get(const struct job_tail *t, size_t *ret_len)
{
	const size_t n = t->len < t->max ? t->len : t->max;
	const char *from = t->bytes + t->len - n, *newline;

	*ret_len = n;
	if (n == t->total)
		return from;
	newline = memchr(from, '\n', n);
	if (!newline || newline + 1 == from + n)
		return from;
	*ret_len = (size_t)(from + n - (newline + 1));
	return newline + 1;
}
