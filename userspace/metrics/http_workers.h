/* SPDX-License-Identifier: MIT */
/*
 * Which process read how many requests. Bounded: of more than HTTP_WORKERS_MAX processes the one that
 * has read nothing for longest is forgotten, so a service that forks for each request cannot make it
 * grow.
 */
#ifndef ISAMON_HTTP_WORKERS_H
#define ISAMON_HTTP_WORKERS_H

#include <stddef.h>
#include <stdint.h>

#define HTTP_WORKERS_MAX 64

struct http_worker {
	uint32_t pid;      /* in the numbering of the first PID namespace */
	uint64_t requests; /* that ended and of which it had read the beginning */
};

/* All zero: empty. */
struct http_workers {
	struct http_worker all[HTTP_WORKERS_MAX];
	uint64_t used_at[HTTP_WORKERS_MAX]; /* of clock */
	uint64_t clock;                     /* requests counted */
	size_t n;
	size_t last; /* found last */
};

void http_workers_count(struct http_workers *w, uint32_t pid);
/* Whoever knows that a process ended, or that its number went to another one, says so. */
void http_workers_forget(struct http_workers *w, uint32_t pid);

#endif
