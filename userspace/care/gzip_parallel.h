/* SPDX-License-Identifier: MIT */
/*
 * Compresses a stream as gzip (RFC 1952) on several cores: members one after the other (care/gzip_member.h), that any gunzip reads as
 * one stream. The same bytes with any number of threads.
 *
 * Memory: about 2.5 MiB a thread. A stream is one thread's to use.
 */
#ifndef ISAMON_GZIP_PARALLEL_H
#define ISAMON_GZIP_PARALLEL_H

#include <stddef.h>
#include <stdint.h>

/* Takes @n bytes of what was compressed, in their order, in the thread that gave them. Returns 0 or -errno. */
typedef int (*gzip_parallel_fn)(const void *bytes, size_t n, void *ctx);

struct gzip_parallel;

struct gzip_parallel_options {
	int level;              /* 1 to 9 */
	unsigned int n_threads; /* as work_ring_threads() takes it; 0: by the CPUs */
	size_t block_bytes;     /* of a member, at most GZIP_MEMBER_BYTES_MAX; 0: 512 KiB */
	gzip_parallel_fn fn;
	void *ctx;
};

/* Returns 0 or -ENOMEM. */
int gzip_parallel_new(const struct gzip_parallel_options *o, struct gzip_parallel **ret);
/* NULL is fine, and so is one that was not finished. */
void gzip_parallel_free(struct gzip_parallel *g);
/* For _cleanup_(). */
void gzip_parallel_freep(struct gzip_parallel **g);

/* Blocks when all threads are busy. Returns 0, -ENOMEM, or what fn returned; after an error every call returns it. */
int gzip_parallel_add(struct gzip_parallel *g, const void *bytes, size_t n);
/* Waits for what is under way and ends the stream. Nothing may be added afterwards. Returns as gzip_parallel_add(). */
int gzip_parallel_finish(struct gzip_parallel *g);

#endif
