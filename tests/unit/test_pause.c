/* SPDX-License-Identifier: MIT */
/* How long is waited after a call that failed: longer each time, never all at once, as long as AWS asks. */
#include "unit.h"

#include "aws/pause.h"

static void pauses(void)
{
	static const struct {
		const char *name;
		enum aws_failure failure;
		unsigned int n_failures;
		uint32_t asked_ms;
		uint64_t min_ms, max_ms; /* over all that @random may be */
	} rows[] = {
		{ "the first", AWS_TRANSIENT, 1, 0, 500, 1000 },
		{ "the second", AWS_TRANSIENT, 2, 0, 1000, 2000 },
		{ "the ninth", AWS_TRANSIENT, 9, 0, 128000, 256000 },
		{ "never more than five minutes", AWS_TRANSIENT, 4000000000u, 0, 150000, 300000 },
		{ "throttled", AWS_THROTTLED, 1, 0, 2500, 5000 },
		{ "denied", AWS_DENIED, 1, 0, 5000, 10000 },
		{ "asked for", AWS_THROTTLED, 1, 60000, 60000, 75000 },
		{ "asked for less", AWS_THROTTLED, 1, 100, 2500, 5000 },
		{ "asked for an hour", AWS_THROTTLED, 1, 3600000, 300000, 375000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct aws_answer a = { .failure = rows[i].failure,
					      .retry_after_ms = rows[i].asked_ms };
		uint64_t least = UINT64_MAX, most = 0;

		unit_begin("the pause: %s", rows[i].name);
		for (uint32_t random = 0; random < 400000; random++) {
			const uint64_t ms = aws_pause_ms(&a, rows[i].n_failures, random);

			least = ms < least ? ms : least;
			most = ms > most ? ms : most;
		}
		EXPECT_UINT(least, rows[i].min_ms);
		EXPECT_UINT(most, rows[i].max_ms);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, pauses },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
