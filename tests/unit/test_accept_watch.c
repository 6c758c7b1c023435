/* SPDX-License-Identifier: MIT */
/* Since when connections wait that nobody takes, from a look each second. */
#include "cmd/accept_watch.h"

#include "base/clock.h"
#include "unit.h"

#define T0 (1000 * NS_PER_SEC)

static void one_port(void)
{
	static const struct {
		const char *name;
		struct {
			uint64_t waiting, answers;
		} looks[6];
		uint64_t since; /* look at which it began, from 1; 0: none waits */
	} rows[] = {
		{ "nobody waits",
		  { { 0, 0 }, { 0, 1 }, { 0, 1 }, { 0, 1 }, { 0, 1 }, { 0, 1 } },
		  0 },
		{ "one waits for ever",
		  { { 0, 5 }, { 1, 5 }, { 1, 5 }, { 1, 5 }, { 1, 5 }, { 1, 5 } },
		  2 },
		{ "more and more wait",
		  { { 3, 5 }, { 9, 5 }, { 9, 5 }, { 20, 5 }, { 54, 5 }, { 54, 5 } },
		  1 },
		{ "one was taken",
		  { { 3, 5 }, { 3, 5 }, { 3, 5 }, { 2, 5 }, { 2, 5 }, { 2, 5 } },
		  4 },
		{ "all were taken, then others came",
		  { { 3, 5 }, { 3, 5 }, { 0, 5 }, { 0, 5 }, { 1, 5 }, { 1, 5 } },
		  5 },
		{ "a growing queue of which some are answered: they are taken",
		  { { 1, 5 }, { 2, 6 }, { 3, 8 }, { 4, 9 }, { 5, 10 }, { 6, 11 } },
		  6 },
		{ "an answer only at first",
		  { { 1, 5 }, { 2, 6 }, { 3, 7 }, { 4, 7 }, { 5, 7 }, { 6, 7 } },
		  3 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct accept_watch w = { 0 };

		unit_begin("%s", rows[i].name);
		for (size_t j = 0; j < ARRAY_SIZE(rows[i].looks); j++)
			accept_watch_look(&w, &rows[i].looks[j].waiting, 1,
					  rows[i].looks[j].answers, T0 + (j + 1) * NS_PER_SEC);
		EXPECT_UINT(w.since_ns[0], rows[i].since ? T0 + rows[i].since * NS_PER_SEC : 0);
	}
}

static void ports(void)
{
	struct accept_watch w = { 0 };

	accept_watch_look(&w, (const uint64_t[]){ 0, 2 }, 2, 0, T0);
	accept_watch_look(&w, (const uint64_t[]){ 1, 2 }, 2, 0, T0 + 1);
	accept_watch_look(&w, (const uint64_t[]){ 1, 1 }, 2, 0, T0 + 2);
	EXPECT_UINT(w.since_ns[0], T0 + 1);
	EXPECT_UINT(w.since_ns[1], T0 + 2);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, one_port },
		{ "each port for itself", ports },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
