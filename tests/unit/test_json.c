/* SPDX-License-Identifier: MIT */
/* JSON that is parsed while memory is short: it is not called wrong. */
#include "unit.h"

#include "nomem.h"

/* A buffer that grows by doubling is written beyond by jansson (2.14) when it cannot grow: not one of those. */
static void *some_malloc(size_t n)
{
	return n >= 16 && (n & (n - 1)) == 0 ? (malloc)(n) : nomem_malloc(n);
}

#undef malloc
#define malloc some_malloc
#include "base/json.c"

static const char text[] = "{\"a\": \"some text\", \"b\": [1, 2.5, null, {\"c\": \"\\u00e4\"}]}";

static void memory_is_short(void)
{
	unsigned int failed = 0;

	for (unsigned int n = 1; nomem_again(n); n++) {
		json_t *j = NULL;
		int err = json_parse(text, strlen(text), 0, &j);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		EXPECT((j != NULL) == !err);
		failed += err != 0;
		json_decref(j);
	}
	EXPECT(failed > 5);
}

static void wrong_ones_are_so(void)
{
	static const char *const wrong[] = { "", "{", "{\"a\": \"b}", "[1, 2", "nul", "\"\377\"" };

	nomem.fail_at = 0;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		json_t *j = NULL;

		EXPECT_INT(json_parse(wrong[i], strlen(wrong[i]), 0, &j), -EBADMSG);
		EXPECT(!j);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "memory is short", memory_is_short },
		{ "what is wrong is called so", wrong_ones_are_so },
	};

	json_watch_memory();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
