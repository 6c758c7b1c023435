/* SPDX-License-Identifier: MIT */
/*
 * When a schedule comes next. Days are gone through by the calendar alone; only within a day is the zone asked. Around most days its
 * offset is one, and local minutes are in their order; around the others every minute of the day is looked for by itself.
 */
#include "base/clock.h"
#include "care/cron.h"

#include <time.h>

#define DAYS_MAX (41 * 366)
/* What is local time L somewhere is, in UTC, within a day of L; and some more. */
#define AROUND_S (26 * 3600)

/* --- the calendar (Gregorian, days since 1970-01-01) */

struct date {
	unsigned int month, day, weekday;
};

/* Counted from March 1st of the year 0, years end with their leap day. */
static struct date date_of(int64_t days)
{
	const int64_t in_era = (days + 719468) % 146097;
	const int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	const int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
	const int64_t m = (5 * in_year + 2) / 153;

	return (struct date){
		.month = (unsigned int)(m < 10 ? m + 3 : m - 9),
		.day = (unsigned int)(in_year - (153 * m + 2) / 5 + 1),
		.weekday = (unsigned int)((days % 7 + 11) % 7),
	};
}

static bool has_day(const struct cron *c, int64_t days)
{
	const struct date d = date_of(days);
	const bool day = c->days & 1u << d.day, weekday = c->weekdays & 1u << d.weekday;

	return c->months & 1u << d.month && (c->either ? day || weekday : day && weekday);
}

/* --- the zone */

static int64_t offset_at(int64_t t)
{
	const time_t at = t;
	struct tm tm;

	return localtime_r(&at, &tm) ? tm.tm_gmtoff : 0;
}

/* The moment in (@from, @to] from which on the offset is no longer that of @from. */
static int64_t jump_between(int64_t from, int64_t to)
{
	const int64_t before = offset_at(from);

	while (to - from > 1) {
		const int64_t mid = from + (to - from) / 2;

		if (offset_at(mid) == before)
			from = mid;
		else
			to = mid;
	}
	return to;
}

/* A day around which the offset changes from @before to @after. */
struct change {
	int64_t before, after;
	int64_t jump;
};

/* The first moment after @after_s at which the local minute @local comes; 0: none. */
static int64_t moment_of(const struct cron *c, const struct change *z, int64_t local,
			 int64_t after_s)
{
	const int64_t first = local - z->before, second = local - z->after;
	const bool has_first = first < z->jump, has_second = second >= z->jump;

	if (!has_first && !has_second)
		return !c->any_hour && z->jump > after_s ? z->jump : 0;
	if (has_first && first > after_s)
		return first;
	if (has_second && second > after_s && (!has_first || c->any_minute || c->any_hour))
		return second;
	return 0;
}

/* --- a day */

static int64_t in_plain_day(const struct cron *c, int64_t day_s, int64_t offset, int64_t after_s)
{
	for (int h = 0; h < 24; h++) {
		const int64_t hour_s = day_s + h * 3600 - offset;

		if (!(c->hours & 1u << h) || hour_s + 3600 <= after_s)
			continue;
		for (int m = 0; m < 60; m++)
			if (c->minutes & 1ull << m && hour_s + m * 60 > after_s)
				return hour_s + m * 60;
	}
	return 0;
}

static int64_t in_changed_day(const struct cron *c, int64_t day_s, const struct change *z,
			      int64_t after_s)
{
	int64_t best = 0;

	for (int m = 0; m < 24 * 60; m++) {
		int64_t t;

		if (!(c->hours & 1u << m / 60) || !(c->minutes & 1ull << m % 60))
			continue;
		t = moment_of(c, z, day_s + m * 60, after_s);
		if (t && (!best || t < best))
			best = t;
	}
	return best;
}

/* The first time after @after_s that belongs to the local day; 0: none. */
static int64_t in_day(const struct cron *c, int64_t days, int64_t after_s)
{
	const int64_t day_s = days * DAY_S, from = day_s - AROUND_S, to = day_s + DAY_S + AROUND_S;
	struct change z = { .before = offset_at(from), .after = offset_at(to) };

	if (!has_day(c, days))
		return 0;
	if (z.before == z.after)
		return in_plain_day(c, day_s, z.before, after_s);
	z.jump = jump_between(from, to);
	return in_changed_day(c, day_s, &z, after_s);
}

int64_t cron_next(const struct cron *c, int64_t after_s)
{
	int64_t today;

	tzset();
	today = (after_s + offset_at(after_s)) / DAY_S;
	/* Where clocks are put back over midnight a day goes on after the next one began. */
	for (int64_t d = today - 1; d < today + DAYS_MAX; d++) {
		const int64_t t = in_day(c, d, after_s);
		const int64_t next = t ? in_day(c, d + 1, after_s) : 0;

		if (t)
			return next && next < t ? next : t;
	}
	return 0;
}
