/* SPDX-License-Identifier: MIT */
/* Schedules: what is taken, what is refused and why; when they come next, in zones of all kinds, beside a slow reference that
 * looks at every minute. */
#include "care/cron.h"

#include <time.h>

#include "base/buf.h"
#include "unit.h"

static bool parse(const char *text, struct cron *ret)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);

	return EXPECT_INT(cron_parse(text, &why, ret), 0) && EXPECT_STR(buf_str(&why), "");
}

static void takes(void)
{
	static const struct {
		const char *text;
		uint64_t minutes;
		uint32_t hours, days;
		uint16_t months;
		uint8_t weekdays;
		bool either, any_minute, any_hour;
	} rows[] = {
		{ "0 2 * * *", 1, 4, 0xfffffffe, 0x1ffe, 0x7f, false, false, false },
		{ " 5\t2   * * * ", 32, 4, 0xfffffffe, 0x1ffe, 0x7f, false, false, false },
		{ "@daily", 1, 1, 0xfffffffe, 0x1ffe, 0x7f, false, false, false },
		{ "@MIDNIGHT ", 1, 1, 0xfffffffe, 0x1ffe, 0x7f, false, false, false },
		{ "@hourly", 1, 0xffffff, 0xfffffffe, 0x1ffe, 0x7f, false, false, true },
		{ "@weekly", 1, 1, 0xfffffffe, 0x1ffe, 1, false, false, false },
		{ "@monthly", 1, 1, 2, 0x1ffe, 0x7f, false, false, false },
		{ "@annually", 1, 1, 2, 2, 0x7f, false, false, false },
		{ "*/15 */6 * * *", 1 | 1 << 15 | 1 << 30 | 1ull << 45, 0x41041, 0xfffffffe, 0x1ffe,
		  0x7f, false, true, true },
		{ "10-14/2,59 0-3 1,31 jan-Mar,DEC Mon-FRI", 0x5400 | 1ull << 59, 15, 1u << 31 | 2,
		  0x100e, 0x3e, true, false, false },
		{ "0 0 1 1 7", 1, 1, 2, 2, 1, true, false, false },
		{ "0 0 * * 5-7", 1, 1, 0xfffffffe, 0x1ffe, 0x61, false, false, false },
		{ "0 0 * * sat-sun", 1, 1, 0xfffffffe, 0x1ffe, 0x41, false, false, false },
		{ "0 0 * * sun-mon", 1, 1, 0xfffffffe, 0x1ffe, 0x03, false, false, false },
		{ "0 0 */10 * mon", 1, 1, 1u << 31 | 1 << 21 | 1 << 11 | 2, 0x1ffe, 2, false, false,
		  false },
		{ "0 0 29 2 *", 1, 1, 1 << 29, 4, 0x7f, false, false, false },
		{ "0 0 30 2 sun", 1, 1, 1 << 30, 4, 1, true, false, false },
		{ "0 0 1-31 1-12 0-6", 1, 1, 0xfffffffe, 0x1ffe, 0x7f, true, false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cron c;

		unit_begin("takes %s", rows[i].text);
		if (!parse(rows[i].text, &c))
			continue;
		EXPECT_UINT(c.minutes, rows[i].minutes);
		EXPECT_UINT(c.hours, rows[i].hours);
		EXPECT_UINT(c.days, rows[i].days);
		EXPECT_UINT(c.months, rows[i].months);
		EXPECT_UINT(c.weekdays, rows[i].weekdays);
		EXPECT_INT(c.either, rows[i].either);
		EXPECT_INT(c.any_minute, rows[i].any_minute);
		EXPECT_INT(c.any_hour, rows[i].any_hour);
	}
}

static void refuses(void)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "", "fields are missing; write five fields" },
		{ "0 2 * *", "fields are missing" },
		{ "0 2 * * * root", "there is more than five fields" },
		{ "60 2 * * *", "minute 60: not there; write 0 to 59" },
		{ "0 24 * * *", "hour 24: not there; write 0 to 23" },
		{ "0 0 0 * *", "day of the month 0: not there; write 1 to 31" },
		{ "0 0 * 13 *", "month 13: not there; write 1 to 12, or a name such as JAN" },
		{ "0 0 * * 8",
		  "day of the week 8: not there; write 0 to 7, or a name such as MON" },
		{ "0 0 * * mo", "day of the week mo: not there" },
		{ "0 0 * * monday", "day of the week monday: not understood" },
		{ "-1 0 * * *", "minute -1: not there" },
		{ "+1 0 * * *", "minute +1: not there" },
		{ "1.5 0 * * *", "minute 1.5: not understood" },
		{ "99999999999999999999 0 * * *", "not there" },
		{ "5-1 0 * * *", "minute 5-1: ends before it begins" },
		{ "0 0 * * 6-0", "day of the week 6-0: ends before it begins" },
		{ "0/5 0 * * *", "minute 0/5: a step wants a range; write */N" },
		{ "*/0 0 * * *", "minute */0: not a step" },
		{ "*/60 0 * * *", "minute */60: not a step" },
		{ "*/ 0 * * *", "minute */: not a step" },
		{ "1-5/ 0 * * *", "not a step" },
		{ "1- 0 * * *", "minute 1-: not there" },
		{ "*-5 0 * * *", "minute *-5: not understood" },
		{ "1,,2 0 * * *", "minute : not understood" },
		{ ",1 0 * * *", "not understood" },
		{ "1, 0 * * *", "not understood" },
		{ "? 0 * * *", "minute ?: not there" },
		{ "0 0 L * *", "day of the month L: not there" },
		{ "0 0 30 2 *", "none of its months has such a day" },
		{ "0 0 31 2,4,6,9,11 *", "none of its months has such a day" },
		{ "@reboot", "not a name of a schedule; write @hourly" },
		{ "@", "not a name of a schedule" },
		{ "@daily 5", "not a name of a schedule" },
		{ "@dailydailydailydaily", "not a name of a schedule" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct cron c = { .hours = 77 };

		unit_begin("refuses \"%s\"", rows[i].text);
		EXPECT_INT(cron_parse(rows[i].text, &why, &c), -EINVAL);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		EXPECT_UINT(c.hours, 77);
	}
}

static void use_zone(const char *zone)
{
	setenv("TZ", zone, 1);
	tzset();
}

static int64_t utc(const char *text)
{
	struct tm tm = { 0 };

	if (!strptime(text, "%Y-%m-%d %H:%M:%S", &tm))
		FAIL_CASE("not a time: %s", text);
	return timegm(&tm);
}

static void comes_next(void)
{
	/* After UTC, at which local times, each with its offset. */
	static const struct {
		const char *name, *zone, *schedule, *after;
		const char *next[4];
	} rows[] = {
		{ "a day",
		  "UTC",
		  "0 2 * * *",
		  "2026-11-26 02:00:00",
		  { "2026-11-27 02:00 +0000", "2026-11-28 02:00 +0000" } },
		{ "a second before",
		  "UTC",
		  "0 2 * * *",
		  "2026-11-26 01:59:59",
		  { "2026-11-26 02:00 +0000" } },
		{ "the end of a month",
		  "UTC",
		  "0 0 31 * *",
		  "2026-01-31 00:00:00",
		  { "2026-03-31 00:00 +0000", "2026-05-31 00:00 +0000" } },
		{ "a leap day",
		  "UTC",
		  "0 0 29 2 *",
		  "2026-01-01 00:00:00",
		  { "2028-02-29 00:00 +0000", "2032-02-29 00:00 +0000" } },
		{ "no leap day in 2100",
		  "UTC",
		  "0 0 29 2 *",
		  "2096-02-29 00:00:00",
		  { "2104-02-29 00:00 +0000" } },
		{ "a leap day on every second weekday",
		  "UTC",
		  "0 0 29 2 */6",
		  "2026-01-01 00:00:00",
		  { "2032-02-29 00:00 +0000", "2048-02-29 00:00 +0000" } },
		{ "either day",
		  "UTC",
		  "0 0 13 * FRI",
		  "2026-11-10 00:00:00",
		  { "2026-11-13 00:00 +0000", "2026-11-20 00:00 +0000",
		    "2026-11-27 00:00 +0000" } },
		{ "both days",
		  "UTC",
		  "0 0 */2 * FRI",
		  "2026-11-10 00:00:00",
		  { "2026-11-13 00:00 +0000", "2026-11-27 00:00 +0000" } },
		{ "a time that does not exist",
		  "Europe/Madrid",
		  "30 2 * * *",
		  "2026-03-28 02:00:00",
		  { "2026-03-29 03:00 +0200", "2026-03-30 02:30 +0200" } },
		{ "several of one jump",
		  "Europe/Madrid",
		  "*/15 2 * * *",
		  "2026-03-29 00:00:00",
		  { "2026-03-29 03:00 +0200", "2026-03-30 02:00 +0200",
		    "2026-03-30 02:15 +0200" } },
		{ "the first that exists again",
		  "Europe/Madrid",
		  "0 3 * * *",
		  "2026-03-28 12:00:00",
		  { "2026-03-29 03:00 +0200", "2026-03-30 03:00 +0200" } },
		{ "the hours that there are",
		  "Europe/Madrid",
		  "30 * * * *",
		  "2026-03-29 00:00:00",
		  { "2026-03-29 01:30 +0100", "2026-03-29 03:30 +0200",
		    "2026-03-29 04:30 +0200" } },
		{ "a time that is there twice",
		  "Europe/Madrid",
		  "30 2 * * *",
		  "2026-10-24 12:00:00",
		  { "2026-10-25 02:30 +0200", "2026-10-26 02:30 +0100" } },
		{ "between both",
		  "Europe/Madrid",
		  "30 2 * * *",
		  "2026-10-25 01:10:00",
		  { "2026-10-26 02:30 +0100" } },
		{ "every half hour goes on",
		  "Europe/Madrid",
		  "*/30 2 * * *",
		  "2026-10-24 12:00:00",
		  { "2026-10-25 02:00 +0200", "2026-10-25 02:30 +0200", "2026-10-25 02:00 +0100",
		    "2026-10-25 02:30 +0100" } },
		{ "every hour goes on",
		  "Europe/Madrid",
		  "@hourly",
		  "2026-10-24 23:30:00",
		  { "2026-10-25 02:00 +0200", "2026-10-25 02:00 +0100",
		    "2026-10-25 03:00 +0100" } },
		{ "half an hour forward",
		  "Australia/Lord_Howe",
		  "15 2 * * *",
		  "2026-10-03 00:00:00",
		  { "2026-10-04 02:30 +1100", "2026-10-05 02:15 +1100" } },
		{ "half an hour back",
		  "Australia/Lord_Howe",
		  "45 1 * * *",
		  "2026-04-04 00:00:00",
		  { "2026-04-05 01:45 +1100", "2026-04-06 01:45 +1030" } },
		{ "not in the half hour",
		  "Australia/Lord_Howe",
		  "15 1 * * *",
		  "2026-04-04 00:00:00",
		  { "2026-04-05 01:15 +1100", "2026-04-06 01:15 +1030" } },
		{ "midnight does not exist",
		  "America/Havana",
		  "@daily",
		  "2024-03-09 12:00:00",
		  { "2024-03-10 01:00 -0400", "2024-03-11 00:00 -0400" } },
		{ "midnight is there twice",
		  "America/Havana",
		  "@daily",
		  "2024-11-02 12:00:00",
		  { "2024-11-03 00:00 -0400", "2024-11-04 00:00 -0500" } },
		{ "back into yesterday",
		  "America/Sao_Paulo",
		  "30 23 * * *",
		  "2018-02-17 12:00:00",
		  { "2018-02-17 23:30 -0200", "2018-02-18 23:30 -0300" } },
		{ "a day that does not exist",
		  "Pacific/Apia",
		  "0 12 30 12 *",
		  "2011-12-29 12:00:00",
		  { "2011-12-31 00:00 +1400", "2012-12-30 12:00 +1400" } },
		{ "a quarter of an hour off",
		  "Asia/Kathmandu",
		  "0 2 * * *",
		  "2026-11-26 00:00:00",
		  { "2026-11-27 02:00 +0545" } },
		{ "a zone that is none",
		  "Nowhere/Nowhere",
		  "0 2 * * *",
		  "2026-11-26 00:00:00",
		  { "2026-11-26 02:00 +0000" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cron c;
		int64_t at;

		unit_begin("%s: %s in %s", rows[i].name, rows[i].schedule, rows[i].zone);
		use_zone(rows[i].zone);
		if (!parse(rows[i].schedule, &c))
			continue;
		at = utc(rows[i].after);
		for (size_t k = 0; k < 4 && rows[i].next[k]; k++) {
			char text[64];
			struct tm tm;
			time_t t;

			t = at = cron_next(&c, at);
			strftime(text, sizeof(text), "%Y-%m-%d %H:%M %z", localtime_r(&t, &tm));
			EXPECT_STR(text, rows[i].next[k]);
		}
	}
}

/* --- the reference */

static bool matches(const struct cron *c, const struct tm *tm)
{
	const bool day = c->days & 1u << tm->tm_mday, weekday = c->weekdays & 1u << tm->tm_wday;

	return c->minutes & 1ull << tm->tm_min && c->hours & 1u << tm->tm_hour &&
	       c->months & 1u << (tm->tm_mon + 1) && (c->either ? day || weekday : day && weekday);
}

static int64_t wall_of(int64_t t)
{
	const time_t at = t;
	struct tm tm;

	localtime_r(&at, &tm);
	return t + tm.tm_gmtoff;
}

static bool wall_matches(const struct cron *c, int64_t wall)
{
	const time_t at = wall;
	struct tm tm;

	gmtime_r(&at, &tm);
	return matches(c, &tm);
}

/* Whether the same local minute was there before: a day at most. */
static bool came_before(int64_t t)
{
	const int64_t wall = wall_of(t);

	for (int64_t b = t - 1800; b > t - 3 * 3600; b -= 1800)
		if (wall_of(b) == wall)
			return true;
	return false;
}

static bool is_due(const struct cron *c, int64_t t)
{
	const int64_t wall = wall_of(t);

	if (wall_matches(c, wall) && (c->any_minute || c->any_hour || !came_before(t)))
		return true;
	if (c->any_hour)
		return false;
	for (int64_t w = wall_of(t - 60) + 60; w < wall; w += 60)
		if (wall_matches(c, w))
			return true;
	return false;
}

static uint64_t random_state = 88172645463325252ull;

static unsigned int random_below(unsigned int n)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned int)(random_state % n);
}

static void random_field(struct buf *out, unsigned int min, unsigned int max)
{
	const unsigned int a = min + random_below(max - min + 1), b = a + random_below(max - a + 1);

	switch (random_below(5)) {
	case 0: buf_add_str(out, "* "); break;
	case 1: buf_printf(out, "*/%u ", 1 + random_below(max)); break;
	case 2: buf_printf(out, "%u-%u ", a, b); break;
	case 3: buf_printf(out, "%u,%u ", a, b); break;
	default: buf_printf(out, "%u ", a); break;
	}
}

/* Around each change of the clocks of a year, minute by minute. */
static void try_zone(const char *zone, int64_t around, unsigned int rounds)
{
	use_zone(zone);
	for (unsigned int i = 0; i < rounds; i++) {
		_cleanup_(buf_done) struct buf text = BUF_INIT(300);
		const int64_t end = around + 2 * 86400;
		int64_t t = around - 86400 + random_below(86400), want;
		struct cron c;

		random_field(&text, 0, 59);
		random_field(&text, 0, 3);
		buf_add_str(&text, random_below(2) ? "* * *" : "1-8,20-31 * *");
		if (!parse(buf_str(&text), &c))
			return;
		for (int found = 0; found < 8; found++) {
			for (want = t / 60 * 60 + 60; want < end && !is_due(&c, want); want += 60)
				;
			if (want >= end)
				break;
			if (!EXPECT_INT(cron_next(&c, t), want)) {
				FAIL_CASE("%s after %lld in %s", buf_str(&text), (long long)t,
					  zone);
				return;
			}
			t = want;
		}
	}
}

static void is_as_the_reference(void)
{
	static const char *const zones[] = { "Europe/Madrid",       "America/New_York",
					     "Australia/Lord_Howe", "America/Havana",
					     "America/Sao_Paulo",   "Africa/Casablanca",
					     "America/St_Johns",    "Asia/Gaza",
					     "Antarctica/Troll",    "UTC" };

	for (size_t i = 0; i < ARRAY_SIZE(zones); i++) {
		/* Years that are over: what governments decide of others changes with the machine's tzdata. (Cuba did not change its clocks back
		 * in 2026.) */
		const int64_t year = i == 4 || i == 6 ? 1500000000 - 11 * 31556952 : 1704067200;
		int changes = 0;

		unit_begin("is as the reference: %s", zones[i]);
		use_zone(zones[i]);
		for (int64_t t = year; t < year + 400 * 86400ll && changes < 4; t += 3600) {
			if (wall_of(t) - wall_of(t - 3600) == 3600)
				continue;
			changes++;
			try_zone(zones[i], t, 40);
		}
		if (i + 1 < ARRAY_SIZE(zones))
			EXPECT(changes >= 2);
		else
			try_zone(zones[i], year, 20);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, takes },
		{ NULL, refuses },
		{ NULL, comes_next },
		{ NULL, is_as_the_reference },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
