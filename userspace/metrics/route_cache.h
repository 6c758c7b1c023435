/* SPDX-License-Identifier: MIT */
/*
 * Remembers which route a path has, so that naming it (a few hundred ns) is done once.
 *
 * Of fixed size: 64 KiB, 4,096 paths, one of the four of its set makes room. A path is known by
 * a 64-bit hash with a secret key, not by its bytes: a foreign path is taken for a remembered
 * one with a probability of 2^-52 a look-up, once in a thousand years at 140,000 new paths a
 * second.
 */
#ifndef ISAMON_ROUTE_CACHE_H
#define ISAMON_ROUTE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROUTE_CACHE_SETS 1024
#define ROUTE_CACHE_WAYS 4

struct route_cache_entry {
	uint64_t hash;  /* 0: free */
	uint32_t value; /* the caller's: 0 in a new entry */
	uint32_t age;   /* the caller's: 0 in a new entry */
};

struct route_cache {
	uint64_t key[2];
	unsigned int next; /* way to be overwritten */
	struct route_cache_entry entries[ROUTE_CACHE_SETS][ROUTE_CACHE_WAYS]
		__attribute__((aligned(64)));
};

/* Draws the key; the memory is all zero otherwise. */
void route_cache_init(struct route_cache *c);
/* The entry of a path, made if there is none. Valid until the next call. */
struct route_cache_entry *route_cache_get(struct route_cache *c, const char *path, size_t len,
					  bool cut);
void route_cache_clear(struct route_cache *c);

#endif
