/* SPDX-License-Identifier: MIT */
/* The clock is compared with CLOCK_BOOTTIME, which nobody sets, and which goes on during a sleep. */
#include "store/spool_age.h"

/* Further away than any clock, so that no sum overflows. */
#define AGE_MAX_S (INT64_MAX / 4)

int64_t spool_age_horizon(struct spool_age *a, int64_t now_s, int64_t boot_s, int64_t newest_s,
			  uint64_t max_age_s)
{
	const int64_t max_s = max_age_s < AGE_MAX_S ? (int64_t)max_age_s : AGE_MAX_S;
	const int64_t offset_s = now_s - boot_s;
	const int64_t moved_s = offset_s - a->offset_s;
	bool jumped;

	if (a->begun)
		jumped = moved_s > SPOOL_AGE_JUMP_S || moved_s < -SPOOL_AGE_JUMP_S;
	else
		jumped = newest_s && newest_s < now_s - max_s;
	a->begun = true;
	a->offset_s = offset_s;
	if (jumped)
		a->doubt_until_s = boot_s + SPOOL_AGE_DOUBT_S;
	return boot_s < a->doubt_until_s ? INT64_MIN : now_s - max_s;
}
