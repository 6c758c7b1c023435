/* SPDX-License-Identifier: MIT */
/* The hash table, against a plain list of what it should hold. */
#include "unit.h"

#include "nomem.h"

#include "base/table.c"

#define N_KEYS 600

static void hashes_as_published(void)
{
	/* Key 00 01 ... 0f, message 00 01 ...: SipHash-1-3 of 0 to 3 bytes. */
	static const uint64_t expected[] = { 0xabac0158050fc4dc, 0xc9f49bf37d57ca93,
					     0x82cb9b024dc7d44d, 0x8bf80ab8e7ddf7fb };
	static const uint64_t seed[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	static const unsigned char message[] = { 0, 1, 2 };

	for (size_t n = 0; n < ARRAY_SIZE(expected); n++)
		EXPECT_UINT(hash_of(seed, message, n), expected[n]);
}

static void holds_what_was_put(void)
{
	struct table *t = table_new();
	int a = 1, b = 2;

	REQUIRE(t);
	EXPECT(!table_get(t, "key", 3));
	EXPECT_INT(table_put(t, "key", 3, &a), 0);
	EXPECT_INT(table_put(t, "", 0, &b), 0);
	EXPECT_INT(table_put(t, "key\0x", 5, &b), 0);
	EXPECT(table_get(t, "key", 3) == &a);
	EXPECT(table_get(t, "", 0) == &b);
	EXPECT(table_get(t, "key\0x", 5) == &b);
	EXPECT(!table_get(t, "key\0y", 5));
	EXPECT(!table_get(t, "ke", 2));
	EXPECT_INT(table_put(t, "key", 3, &b), 0);
	EXPECT(table_get(t, "key", 3) == &b);
	EXPECT_UINT(table_count(t), 3);
	EXPECT(table_remove(t, "key", 3) == &b);
	EXPECT(!table_remove(t, "key", 3));
	EXPECT_UINT(table_count(t), 2);
	table_free(t, NULL);
	table_free(NULL, NULL);
}

static size_t key_make(unsigned int i, char *key, size_t size)
{
	return (size_t)snprintf(key, size, "/api/%u/%.*s", i, (int)(i % 40),
				"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst");
}

/* Puts and removes by a fixed sequence of numbers; a list of flags says what must be there. */
static void agrees_with_a_list(void)
{
	static bool there[N_KEYS];
	static int values[N_KEYS];
	struct table *t = table_new();
	uint32_t random = 12345;
	size_t count = 0;
	char key[80];

	REQUIRE(t);
	for (int step = 0; step < 60000; step++) {
		unsigned int i;
		size_t n;

		random = random * 1664525u + 1013904223u;
		i = (random >> 8) % N_KEYS;
		n = key_make(i, key, sizeof(key));
		EXPECT(table_get(t, key, n) == (there[i] ? &values[i] : NULL));
		if ((random >> 30) < (step / 10000 % 2 ? 1 : 3)) {
			EXPECT_INT(table_put(t, key, n, &values[i]), 0);
			count += !there[i];
			there[i] = true;
		} else {
			EXPECT(table_remove(t, key, n) == (there[i] ? &values[i] : NULL));
			count -= there[i];
			there[i] = false;
		}
		EXPECT_UINT(table_count(t), count);
	}
	for (unsigned int i = 0; i < N_KEYS; i++) {
		size_t n = key_make(i, key, sizeof(key));

		EXPECT(table_get(t, key, n) == (there[i] ? &values[i] : NULL));
	}
	table_free(t, NULL);
}

static unsigned int n_freed;

static void free_one(void *value)
{
	n_freed++;
	free(value);
}

static void frees_values(void)
{
	struct table *t = table_new();

	REQUIRE(t);
	n_freed = 0;
	for (unsigned int i = 0; i < 100; i++)
		EXPECT_INT(table_put(t, &i, sizeof(i), calloc(1, 1)), 0);
	table_clear(t, free_one);
	EXPECT_UINT(n_freed, 100);
	EXPECT_UINT(table_count(t), 0);
	for (unsigned int i = 0; i < 10; i++)
		EXPECT_INT(table_put(t, &i, sizeof(i), calloc(1, 1)), 0);
	table_free(t, free_one);
	EXPECT_UINT(n_freed, 110);
}

static void has_a_seed_of_its_own(void)
{
	struct table *a = table_new(), *b = table_new();

	REQUIRE(a && b);
	EXPECT(a->seed[0] != b->seed[0] || a->seed[1] != b->seed[1]);
	table_free(a, NULL);
	table_free(b, NULL);
}

static void survives_lack_of_memory(void)
{
	for (unsigned int n = 1; nomem_again(n); n++) {
		struct table *t = table_new();
		unsigned int i, failed = UINT32_MAX;
		size_t expected = 0;

		for (i = 0; t && i < 100; i++) {
			int err = table_put(t, &i, sizeof(i), &i);

			EXPECT(err == 0 || (err == -ENOMEM && failed == UINT32_MAX));
			if (err)
				failed = i;
			expected += err == 0;
		}
		EXPECT(t || nomem_hit());
		for (i = 0; t && i < 100; i++)
			EXPECT(!table_get(t, &i, sizeof(i)) == (i == failed));
		EXPECT_UINT(t ? table_count(t) : 0, expected);
		table_free(t, NULL);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the hash is SipHash-1-3", hashes_as_published },
		{ "what was put is there, until it is removed", holds_what_was_put },
		{ "60,000 puts and removals agree with a list", agrees_with_a_list },
		{ "values are freed once, by whom they should", frees_values },
		{ "no two tables have the same seed", has_a_seed_of_its_own },
		{ "the nth allocation failing changes nothing", survives_lack_of_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
