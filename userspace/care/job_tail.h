/* SPDX-License-Identifier: MIT */
/* The end of a text of any length. */
#ifndef ISAMON_JOB_TAIL_H
#define ISAMON_JOB_TAIL_H

#include <stddef.h>
#include <stdint.h>

/* Invariant: bytes has room for 2 * max, and its last max of len are the end of all. */
struct job_tail {
	char *bytes;
	size_t len, max;
	uint64_t total;
};

/* Returns 0 or -ENOMEM. */
int job_tail_init(struct job_tail *tail, size_t max);
void job_tail_done(struct job_tail *tail);
void job_tail_add(struct job_tail *tail, const char *bytes, size_t n);
/* Owned by @tail; valid until the next is added. Where something is missing it begins with a whole line, if one begins there. */
const char *job_tail_get(const struct job_tail *tail, size_t *ret_len);

#endif
