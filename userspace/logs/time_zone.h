/* SPDX-License-Identifier: MIT */
/* From local time to time since the epoch, a million times a second; both changes of the clock. */
#ifndef ISAMON_TIME_ZONE_H
#define ISAMON_TIME_ZONE_H

#include <stdbool.h>
#include <stdint.h>

/* Remembers the last quarter of an hour: clocks are changed between two. */
struct time_zone {
	int64_t quarter;
	int64_t offset_s
		[2]; /* local time without UTC: before a change of the clock, and behind it */
	bool known, twice;
};

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
int64_t time_zone_days(int64_t year, unsigned int month, unsigned int day);
/* The local date, as struct tm has it, of a time since the epoch. @utc: the date of UTC. */
struct tm;
void time_zone_date(int64_t s, bool utc, struct tm *ret);
/* @local_s: seconds since 1970-01-01 00:00 on the clock on the wall. ret_s[0] is the earlier of the two times at
 * which it showed that, ret_s[1] the later; the same where there is one. At none: as if the clock had
 * not been set yet. */
void time_zone_read(struct time_zone *z, int64_t local_s, int64_t ret_s[2]);

#endif
