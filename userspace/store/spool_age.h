/* SPDX-License-Identifier: MIT */
/*
 * Which minutes are too old, by a clock that may be wrong.
 *
 * Dropping cannot be undone, a wrong clock can be set right. So a clock that has jumped is not believed for an hour (of
 * CLOCK_BOOTTIME): one that moved by more than 5 minutes against CLOCK_BOOTTIME while isamon ran, or, at the start, one by which even the
 * newest minute is too old. Meanwhile nothing is dropped for its age: CloudWatch, whose clock is right, may still take it.
 */
#ifndef ISAMON_SPOOL_AGE_H
#define ISAMON_SPOOL_AGE_H

#include <stdbool.h>
#include <stdint.h>

#define SPOOL_AGE_DOUBT_S 3600
#define SPOOL_AGE_JUMP_S 300

struct spool_age {
	bool begun;
	int64_t offset_s;      /* of the clock to CLOCK_BOOTTIME, when it was looked at last */
	int64_t doubt_until_s; /* of CLOCK_BOOTTIME */
};

/*
 * Minutes that began before what it returns are too old; INT64_MIN: none is. @now_s: since the epoch; @boot_s: of CLOCK_BOOTTIME;
 * @newest_s: start of the newest minute; 0: there is none.
 */
int64_t spool_age_horizon(struct spool_age *a, int64_t now_s, int64_t boot_s, int64_t newest_s,
			  uint64_t max_age_s);

#endif
