/* SPDX-License-Identifier: MIT */
/*
 * Schedules as cron(5) has them: minute, hour, day of the month, month, day of the week; and when the next time is.
 *
 * A field is `*`, a number, a name (JAN to DEC, SUN to SAT), a range a-b, each of the last two perhaps with a step /n, or a list
 * of these by comma; 7 is Sunday, too. @yearly (@annually), @monthly, @weekly, @daily (@midnight) and @hourly stand for five
 * fields. If both the day of the month and that of the week are restricted, that is do not begin with `*`, either is enough.
 *
 * Times are local ones (tzset(3), TZ). When clocks are changed, each time comes once:
 *  - one that does not exist, because clocks are put forward over it, is the moment at which they are; several that one jump takes
 *    are one. It is not so where the hour has a `*`: such a job comes by the hours that there are.
 *  - one that is there twice is the first of both. Where the minute or the hour has a `*` it is both: what
 *    comes every ten minutes goes on so.
 */
#ifndef ISAMON_CRON_H
#define ISAMON_CRON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

#define CRON_TEXT_MAX 255

struct cron {
	uint64_t minutes; /* bit 0 to 59 */
	uint32_t hours;   /* 0 to 23 */
	uint32_t days;    /* 1 to 31 */
	uint16_t months;  /* 1 to 12 */
	uint8_t weekdays; /* 0 (Sunday) to 6 */
	bool either;      /* one of both days is enough */
	bool any_minute;  /* written with a * */
	bool any_hour;
};

/* Returns 0; -EINVAL: it is no schedule, or there is no such day; then "what is wrong; what to write" is appended to @why. */
int cron_parse(const char *text, struct buf *why, struct cron *ret);

/* The first time after @after_s, both in seconds since the epoch. 0: there is none within 41 years, which is so for
 * none that cron_parse() takes, before the year 9000. */
int64_t cron_next(const struct cron *c, int64_t after_s);

#endif
