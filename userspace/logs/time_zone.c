/* SPDX-License-Identifier: MIT */
/* The zone's rules are the C library's; asked once for a quarter of an hour, because mktime(3) costs
 * more than all the rest of a line. */
#include "logs/time_zone.h"

#include <time.h>

#include "base/clock.h"

#define QUARTER_S 900

/* The calendar repeats itself after 400 years; a year begins in March here, so that the leap day is its last. */
int64_t time_zone_days(int64_t year, unsigned int month, unsigned int day)
{
	const int64_t y = month <= 2 ? year - 1 : year;
	const int64_t era = (y >= 0 ? y : y - 399) / 400;
	const int64_t of_era = y - era * 400;
	const int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void time_zone_date(int64_t s, bool utc, struct tm *ret)
{
	time_t t = s;

	*ret = (struct tm){ .tm_year = 70, .tm_mday = 1 };
	if (utc)
		gmtime_r(&t, ret);
	else
		localtime_r(&t, ret);
}

static int64_t offset_at(int64_t s)
{
	struct tm tm;

	time_zone_date(s, false, &tm);
	return tm.tm_gmtoff;
}

static void learn(struct time_zone *z, int64_t local_s)
{
	const int64_t before = offset_at(local_s - DAY_S), after = offset_at(local_s + DAY_S);
	const bool can_be_before = offset_at(local_s - before) == before;
	const bool can_be_after = offset_at(local_s - after) == after;

	z->twice = can_be_before && can_be_after && before != after;
	z->offset_s[0] = can_be_before || !can_be_after ? before : after;
	z->offset_s[1] = z->twice ? after : z->offset_s[0];
	z->known = true;
}

void time_zone_read(struct time_zone *z, int64_t local_s, int64_t ret_s[2])
{
	const int64_t quarter = local_s / QUARTER_S;

	if (!z->known || z->quarter != quarter) {
		learn(z, quarter * QUARTER_S);
		z->quarter = quarter;
	}
	ret_s[0] = local_s - z->offset_s[0];
	ret_s[1] = local_s - z->offset_s[1];
}
