/* SPDX-License-Identifier: MIT */
/*
 * The path cache: four-way set-associative, one cache line a set.
 *
 * The hash folds 128-bit products of the input and a random key: without the key nobody can make
 * paths that fall into one set or look alike.
 */
#include "metrics/route_cache.h"

#include <string.h>
#include <sys/random.h>

#include "base/clock.h"

_Static_assert(ROUTE_CACHE_WAYS * sizeof(struct route_cache_entry) == 64, "one line a set");

void route_cache_init(struct route_cache *c)
{
	memset(c, 0, sizeof(*c));
	if (getrandom(c->key, sizeof(c->key), GRND_NONBLOCK) != sizeof(c->key)) {
		c->key[0] = clock_realtime_ns() * 0x9e3779b97f4a7c15ull;
		c->key[1] = clock_monotonic_ns() ^ (uintptr_t)c << 16;
	}
}

void route_cache_clear(struct route_cache *c)
{
	memset(c->entries, 0, sizeof(c->entries));
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_of(const uint64_t key[2], const char *path, size_t len, bool cut)
{
	uint64_t hash = fold(key[0] ^ len, key[1] ^ (cut ? ~0ull : 0));
	uint64_t words[2];

	for (; len > sizeof(words); len -= sizeof(words), path += sizeof(words)) {
		memcpy(words, path, sizeof(words));
		hash = fold(words[0] ^ key[0] ^ hash, words[1] ^ key[1]);
	}
	words[0] = words[1] = 0;
	memcpy(words, path, len);
	hash = fold(words[0] ^ key[0] ^ hash, words[1] ^ key[1]);
	hash = fold(hash ^ key[1], 0x9e3779b97f4a7c15ull);
	return hash ? hash : 1;
}

struct route_cache_entry *route_cache_get(struct route_cache *c, const char *path, size_t len,
					  bool cut)
{
	uint64_t hash = hash_of(c->key, path, len, cut);
	struct route_cache_entry *set = c->entries[hash % ROUTE_CACHE_SETS];
	struct route_cache_entry *entry;

	for (unsigned int i = 0; i < ROUTE_CACHE_WAYS; i++)
		if (set[i].hash == hash)
			return &set[i];
	for (unsigned int i = 0; i < ROUTE_CACHE_WAYS; i++)
		if (!set[i].hash) {
			set[i].hash = hash;
			return &set[i];
		}
	entry = &set[c->next++ % ROUTE_CACHE_WAYS];
	*entry = (struct route_cache_entry){ .hash = hash };
	return entry;
}
