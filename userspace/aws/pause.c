/* SPDX-License-Identifier: MIT */
/* Invariant: a fleet that failed together does not come back together. */
#include "aws/pause.h"

#include "base/util.h"

#define PAUSE_MAX_MS 300000u

static const unsigned int first_pauses_ms[] = {
	[AWS_TRANSIENT] = 1000, [AWS_THROTTLED] = 5000, [AWS_NO_CREDENTIALS] = 1000,
	[AWS_NO_REGION] = 1000, [AWS_DENIED] = 10000,   [AWS_REJECTED] = 1000,
};

uint64_t aws_pause_ms(const struct aws_answer *a, unsigned int n_failures, uint32_t random)
{
	uint64_t pause = a->failure < ARRAY_SIZE(first_pauses_ms) ? first_pauses_ms[a->failure] : 0;
	uint64_t asked = a->retry_after_ms < PAUSE_MAX_MS ? a->retry_after_ms : PAUSE_MAX_MS;

	pause <<= n_failures < 10 ? n_failures - 1 : 9;
	if (pause > PAUSE_MAX_MS)
		pause = PAUSE_MAX_MS;
	pause -= random % (pause / 2 + 1);
	/* One that was asked for is not to be the same for all. */
	return pause > asked ? pause : asked + random % (asked / 4 + 1);
}
