/* SPDX-License-Identifier: MIT */
/* Without memory a list of patterns is refused whole. */
#include "unit.h"

#include "nomem.h"

#include "metrics/route_patterns.c"

static void each_allocation(void)
{
	char one[] = "/a/{b}", two[] = "/", three[] = "/c/{d...}";
	char *list[] = { one, two, three };
	unsigned int n;

	for (n = 1; nomem_again(n); n++) {
		struct route_patterns *p = NULL;
		const char *why = NULL;
		size_t bad = 99;
		int err = route_patterns_new(list, ARRAY_SIZE(list), &p, &bad, &why);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		EXPECT(!err == (p != NULL));
		EXPECT_UINT(bad, 99);
		route_patterns_free(p);
	}
	EXPECT(n > 7);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "each allocation may fail", each_allocation },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
