/* SPDX-License-Identifier: MIT */
/*
 * The hash table: open addressing, linear probing, removal by shifting back (no tombstones).
 *
 * Invariant: n_slots is a power of two; at most 2/3 of the slots are used; between the slot where a
 * key's hash points and the slot where it is, none is free. A slot is free when its value is NULL.
 * The hash is SipHash-1-3 (Aumasson and Bernstein 2012) with a random key for each table.
 */
#include "base/table.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/util.h"

#define TABLE_SLOTS_FIRST 16

struct slot {
	uint64_t hash;
	size_t key_len;
	char *key;
	void *value;
};

struct table {
	uint64_t seed[2];
	struct slot *slots;
	size_t n_slots;
	size_t count;
};

struct sip {
	uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate_left(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = rotate_left(s->v1, 13) ^ s->v0;
	s->v3 = rotate_left(s->v3, 16) ^ s->v2;
	s->v0 = rotate_left(s->v0, 32);
	s->v2 += s->v1;
	s->v0 += s->v3;
	s->v1 = rotate_left(s->v1, 17) ^ s->v2;
	s->v3 = rotate_left(s->v3, 21) ^ s->v0;
	s->v2 = rotate_left(s->v2, 32);
}

static inline void sip_word(struct sip *s, uint64_t word)
{
	s->v3 ^= word;
	sip_round(s);
	s->v0 ^= word;
}

static uint64_t hash_of(const uint64_t seed[2], const void *key, size_t len)
{
	struct sip s = {
		.v0 = seed[0] ^ 0x736f6d6570736575ull,
		.v1 = seed[1] ^ 0x646f72616e646f6dull,
		.v2 = seed[0] ^ 0x6c7967656e657261ull,
		.v3 = seed[1] ^ 0x7465646279746573ull,
	};
	const unsigned char *at = key;
	const unsigned char *end = at + (len & ~(size_t)7);
	uint64_t last = (uint64_t)len << 56;

	for (; at < end; at += 8) {
		uint64_t word;

		memcpy(&word, at, 8);
		sip_word(&s, le64toh(word));
	}
	for (size_t i = 0; i < (len & 7); i++)
		last |= (uint64_t)at[i] << (8 * i);
	sip_word(&s, last);
	s.v2 ^= 0xff;
	for (int i = 0; i < 3; i++)
		sip_round(&s);
	return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* Random, or where the kernel has nothing random to give (no entropy yet at boot, a seccomp
 * filter), at least hard to know. */
static void seed_make(struct table *t)
{
	if (getrandom(t->seed, sizeof(t->seed), GRND_NONBLOCK) == sizeof(t->seed))
		return;
	t->seed[0] = clock_realtime_ns() * 0x9e3779b97f4a7c15ull;
	t->seed[1] = clock_monotonic_ns() ^ (uintptr_t)t ^ (uint64_t)(uintptr_t)&t << 32;
}

struct table *table_new(void)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->slots = calloc(TABLE_SLOTS_FIRST, sizeof(*t->slots));
	if (!t->slots) {
		free(t);
		return NULL;
	}
	t->n_slots = TABLE_SLOTS_FIRST;
	seed_make(t);
	return t;
}

void table_clear(struct table *t, void (*free_value)(void *))
{
	for (size_t i = 0; i < t->n_slots && t->count; i++) {
		struct slot *s = &t->slots[i];

		if (!s->value)
			continue;
		if (free_value)
			free_value(s->value);
		free(s->key);
		*s = (struct slot){ 0 };
		t->count--;
	}
}

void table_free(struct table *t, void (*free_value)(void *))
{
	if (!t)
		return;
	table_clear(t, free_value);
	free(t->slots);
	free(t);
}

size_t table_count(const struct table *t)
{
	return t->count;
}

/* The key's slot, or the free one where it would go. There is always a free one. */
static struct slot *slot_find(const struct table *t, uint64_t hash, const void *key, size_t len)
{
	size_t mask = t->n_slots - 1, i = hash & mask;

	for (;; i = (i + 1) & mask) {
		struct slot *s = &t->slots[i];

		if (!s->value)
			return s;
		if (s->hash == hash && s->key_len == len && (!len || memcmp(s->key, key, len) == 0))
			return s;
	}
}

void *table_get(const struct table *t, const void *key, size_t key_len)
{
	return slot_find(t, hash_of(t->seed, key, key_len), key, key_len)->value;
}

static int table_grow(struct table *t)
{
	struct table bigger = { .n_slots = t->n_slots * 2 };
	size_t mask = bigger.n_slots - 1;

	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_slots; i++) {
		size_t to = t->slots[i].hash & mask;

		if (!t->slots[i].value)
			continue;
		while (bigger.slots[to].value)
			to = (to + 1) & mask;
		bigger.slots[to] = t->slots[i];
	}
	free(t->slots);
	t->slots = bigger.slots;
	t->n_slots = bigger.n_slots;
	return 0;
}

static int slot_fill(struct slot *s, uint64_t hash, const void *key, size_t key_len, void *value)
{
	char *copy = malloc(key_len ? key_len : 1);

	if (!copy)
		return -ENOMEM;
	if (key_len)
		memcpy(copy, key, key_len);
	*s = (struct slot){ .hash = hash, .key_len = key_len, .key = copy, .value = value };
	return 0;
}

int table_put(struct table *t, const void *key, size_t key_len, void *value)
{
	uint64_t hash = hash_of(t->seed, key, key_len);
	struct slot *s = slot_find(t, hash, key, key_len);
	int err;

	assert(value);
	if (s->value) {
		s->value = value;
		return 0;
	}
	if ((t->count + 1) * 3 > t->n_slots * 2) {
		err = table_grow(t);
		if (err)
			return err;
		s = slot_find(t, hash, key, key_len);
	}
	err = slot_fill(s, hash, key, key_len, value);
	if (err)
		return err;
	t->count++;
	return 0;
}

/* Fills the hole at @hole with what stands behind it and may stand there. */
static void shift_back(struct table *t, size_t hole)
{
	size_t mask = t->n_slots - 1;

	for (size_t i = (hole + 1) & mask; t->slots[i].value; i = (i + 1) & mask) {
		size_t home = t->slots[i].hash & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->slots[hole] = t->slots[i];
		hole = i;
	}
	t->slots[hole] = (struct slot){ 0 };
}

void *table_remove(struct table *t, const void *key, size_t key_len)
{
	struct slot *s = slot_find(t, hash_of(t->seed, key, key_len), key, key_len);
	void *value = s->value;

	if (!value)
		return NULL;
	free(s->key);
	shift_back(t, (size_t)(s - t->slots));
	t->count--;
	return value;
}
