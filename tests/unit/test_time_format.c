/* SPDX-License-Identifier: MIT */
/* Time stamps: every conversion, what is no stamp, what is taken from now, both changes of the clock. */
#include "unit.h"

#include <time.h>

#include "nomem.h"

#include "base/buf.c"
#include "logs/time_format.c"
#include "logs/time_stamp.c"
#include "logs/time_zone.c"

#define AGENT "%Y-%m-%d %H:%M:%S,%f"
#define NOW 1795460400000ll /* 2026-11-23 19:00:00 UTC */

static void in_zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

static int read_at(const char *format, bool utc, const char *line, int64_t now_ms,
		   int64_t before_ms, struct time_stamp *ret)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct time_format *f = NULL;
	int err = time_format_new(format, utc, &why, &f);

	EXPECT_STR(buf_str(&why), "");
	if (!err)
		err = time_format_read(f, line, strlen(line), now_ms, before_ms, ret);
	time_format_free(f);
	return err;
}

static void reads(void)
{
	static const struct {
		const char *name, *format, *line;
		long long ms; /* -1: none */
		size_t from, to;
	} rows[] = {
		{ "Agent-ISA", AGENT, "2026-11-23 18:40:00,123 - app - INFO - x", 1795459200123, 0,
		  23 },
		{ "a dot for the comma", AGENT, "2026-11-23 18:40:00.123 x", 1795459200123, 0, 23 },
		{ "no fraction", AGENT, "2026-11-23 18:40:00 x", 1795459200000, 0, 19 },
		{ "a comma that is none", AGENT, "2026-11-23 18:40:00, x", 1795459200000, 0, 19 },
		{ "one digit", AGENT, "2026-11-23 18:40:00,5", 1795459200500, 0, 21 },
		{ "nine digits", AGENT, "2026-11-23 18:40:00,123456789", 1795459200123, 0, 29 },
		{ "ten digits", AGENT, "2026-11-23 18:40:00,1234567890", -1, 0, 0 },
		{ "%f without a separator", "%H:%M:%S%f", "18:40:00.25", 1795459200250, 0, 11 },
		{ "nginx access", "%d/%b/%Y:%H:%M:%S %z",
		  "1.2.3.4 - - [23/Nov/2026:18:40:00 +0100] \"GET /", 1795455600000, 13, 39 },
		{ "nginx error", "%Y/%m/%d %H:%M:%S", "2026/11/23 18:40:00 [error] 1#0: x",
		  1795459200000, 0, 19 },
		{ "ISO with T and Z", "%Y-%m-%dT%H:%M:%S.%f%z", "2026-11-23T18:40:00.5Z x",
		  1795459200500, 0, 22 },
		{ "zone with a colon", "%FT%T%z", "2026-11-23T18:40:00-05:30", 1795479000000, 0,
		  25 },
		{ "zone of hours", "%FT%T%z", "2026-11-23T18:40:00+01 x", 1795455600000, 0, 22 },
		{ "zone of a name", "%F %T %z", "2026-11-23 18:40:00 UTC", 1795459200000, 0, 23 },
		{ "zone of another name", "%F %T %z", "2026-11-23 18:40:00 CET", -1, 0, 0 },
		{ "zone of 24 hours", "%F %T %z", "2026-11-23 18:40:00 +2400", -1, 0, 0 },
		{ "epoch", "%s", "1795459200 x", 1795459200000, 0, 10 },
		{ "epoch with a fraction", "%s.%f", "1795459200.25 x", 1795459200250, 0, 13 },
		{ "epoch in brackets", "[%s]", "[1795459200]", 1795459200000, 0, 12 },
		{ "too long an epoch", "%s", "179545920012 x", -1, 0, 0 },
		{ "full month, 12 hours, pm", "%B %d, %Y %I:%M %p", "November 23, 2026 6:40 PM",
		  1795459200000, 0, 25 },
		{ "noon", "%F %r", "2026-11-23 12:00:00 pm", 1795435200000, 0, 22 },
		{ "midnight", "%F %r", "2026-11-23 12:00:00 AM", 1795392000000, 0, 22 },
		{ "13 of 12 hours", "%F %r", "2026-11-23 13:00:00 AM", -1, 0, 0 },
		{ "ctime", "%c", "Mon Nov 23 18:40:00 2026", 1795459200000, 0, 24 },
		{ "ctime, a day of one digit", "%c", "Tue Nov  3 18:40:00 2026", 1793731200000, 0,
		  24 },
		{ "day of the year", "%Y.%j %T", "2026.327 18:40:00", 1795459200000, 0, 17 },
		{ "day 366 of 365", "%Y.%j %T", "2026.366 18:40:00", -1, 0, 0 },
		{ "short year", "%y%m%d %T", "261123 18:40:00", 1795459200000, 0, 15 },
		{ "short year of the last century", "%D %T", "11/23/70 00:00:00", 28166400000, 0,
		  17 },
		{ "no seconds", "%F %R", "2026-11-23 18:40 x", 1795459200000, 0, 16 },
		{ "a percent sign", "%%%F %T", "%2026-11-23 18:40:00", 1795459200000, 0, 20 },
		{ "a leap second", "%F %T", "2016-12-31 23:59:60", 1483228800000, 0, 19 },
		{ "February 29 of a leap year", "%F %T", "2028-02-29 00:00:00", 1835395200000, 0,
		  19 },
		{ "February 29 of another", "%F %T", "2026-02-29 00:00:00", -1, 0, 0 },
		{ "February 29, 2100", "%F %T", "2100-02-29 00:00:00", -1, 0, 0 },
		{ "April 31", "%F %T", "2026-04-31 00:00:00", -1, 0, 0 },
		{ "month 13", "%F %T", "2026-13-01 00:00:00", -1, 0, 0 },
		{ "day 0", "%F %T", "2026-12-00 00:00:00", -1, 0, 0 },
		{ "hour 24", "%F %T", "2026-12-01 24:00:00", -1, 0, 0 },
		{ "minute 60", "%F %T", "2026-12-01 23:60:00", -1, 0, 0 },
		{ "before the epoch", "%F %T", "1969-12-31 23:59:59", -1, 0, 0 },
		{ "zeros", "%F %T", "0000-00-00 00:00:00", -1, 0, 0 },
		{ "cut off", "%F %T", "2026-11-23 18:40:", -1, 0, 0 },
		{ "empty", "%F %T", "", -1, 0, 0 },
		{ "garbage", "%F %T", "Traceback (most recent call last):", -1, 0, 0 },
		{ "in the middle of a number", "%Y-%m-%d %T", "12026-11-23 18:40:00", -1, 0, 0 },
		{ "behind a wrong one", "%F %T", "2026-13-01 00:00:00 2026-11-23 18:40:00",
		  1795459200000, 20, 39 },
		{ "at byte 63", "%F %T",
		  "...............................................................2026-11-23 18:40:00",
		  1795459200000, 63, 82 },
		{ "at byte 64", "%F %T",
		  "................................................................2026-11-23 18:40:00",
		  -1, 0, 0 },
		{ "any space for a space", "%F %T", "2026-11-23\t  18:40:00", 1795459200000, 0,
		  21 },
	};

	in_zone("UTC");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct time_stamp stamp = { .ms = 0 };
		int err;

		unit_begin("reads: %s", rows[i].name);
		err = read_at(rows[i].format, false, rows[i].line, NOW, TIME_STAMP_NONE, &stamp);
		EXPECT_INT(err, rows[i].ms < 0 ? -ENOENT : 0);
		if (rows[i].ms < 0)
			continue;
		EXPECT_INT(stamp.ms, rows[i].ms);
		EXPECT_UINT(stamp.from, rows[i].from);
		EXPECT_UINT(stamp.to, rows[i].to);
	}
}

static void refuses(void)
{
	static const struct {
		const char *format, *why;
	} rows[] = {
		{ "%Q", "%Q is not known; write one of" },
		{ "%H %", "ends with a single %" },
		{ "%Y-%m-%d", "has no hour" },
		{ "no stamp", "has no hour" },
		{ "%I:%M", "%I and %p go together" },
		{ "%H %p", "%I and %p go together" },
		{ " %T", "begins with a space" },
		{ "%T%T%T%T%T%T%T%T%T%T%T%T%T%T%T%T%T%T%T%T", "too long" },
		{ "%H0123456789012345678901234567890123456789012345678901234567890123456789",
		  "too long" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct time_format *f = NULL;

		unit_begin("refuses: %s", rows[i].format);
		EXPECT_INT(time_format_new(rows[i].format, false, &why, &f), -EINVAL);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		EXPECT(!f);
	}
}

/* What a stamp does not have. */
static void takes_from_now(void)
{
	static const struct {
		const char *name, *format, *line;
		long long now, ms;
	} rows[] = {
		{ "this year", "%b %e %T", "Nov 23 18:40:00 host x", NOW, 1795459200000 },
		{ "tomorrow is this year", "%b %e %T", "Nov 24 18:40:00", NOW, 1795545600000 },
		{ "in two days is the last year", "%b %e %T", "Nov 25 19:40:00", NOW,
		  1764099600000 },
		{ "at the turn of the year", "%b %e %T", "Dec 31 23:59:59",
		  1798761600000 /* Jan 1 */, 1798761599000 },
		{ "a second too early", "%b %e %T", "Jan  1 00:00:00", 1798761599000,
		  1798761600000 },
		{ "the last leap year", "%b %e %T", "Feb 29 00:00:00", NOW, 1709164800000 },
		{ "today", "%T", "18:40:00 x", NOW, 1795459200000 },
		{ "in less than an hour", "%T", "19:59:00 x", NOW, 1795463940000 },
		{ "yesterday", "%T", "20:40:00 x", NOW, 1795380000000 },
		{ "before midnight", "%T", "23:59:59 x", 1795392005000, 1795391999000 },
		{ "after midnight", "%T", "00:00:01 x", 1795391999000, 1795392001000 },
		{ "of a zone", "%T %z", "01:00:00 +0900", 1795363200000 /* 16:00 */,
		  1795363200000 },
		{ "the month", "%d %T", "02 00:00:00", NOW, 1793577600000 },
		{ "the day of the year", "%j %T", "001 00:00:00", NOW, 1767225600000 },
	};

	in_zone("UTC");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct time_stamp stamp = { .ms = 0 };

		unit_begin("from now: %s", rows[i].name);
		EXPECT_INT(read_at(rows[i].format, false, rows[i].line, rows[i].now,
				   TIME_STAMP_NONE, &stamp),
			   0);
		EXPECT_INT(stamp.ms, rows[i].ms);
	}
}

/* Madrid: 2026-03-29 02:00 became 03:00, 2026-10-25 03:00 became 02:00. New York: 2026-03-08 and 2026-11-01. */
static void changes_of_the_clock(void)
{
	static const struct {
		const char *name, *zone, *line;
		long long before, ms; /* seconds; before 0: none */
	} rows[] = {
		{ "winter", "Europe/Madrid", "2026-11-23 18:40:00", 0, 1795455600 },
		{ "summer", "Europe/Madrid", "2026-07-01 00:00:00", 0, 1782856800 },
		{ "before spring's", "Europe/Madrid", "2026-03-29 01:59:59", 0, 1774745999 },
		{ "behind spring's", "Europe/Madrid", "2026-03-29 03:00:00", 0, 1774746000 },
		{ "a time that never was", "Europe/Madrid", "2026-03-29 02:30:00", 0, 1774747800 },
		{ "before autumn's", "Europe/Madrid", "2026-10-25 01:59:59", 0, 1792886399 },
		{ "twice: the first", "Europe/Madrid", "2026-10-25 02:10:00", 0, 1792887000 },
		{ "twice: the first goes on", "Europe/Madrid", "2026-10-25 02:20:00", 1792887000,
		  1792887600 },
		{ "twice: threads in any order", "Europe/Madrid", "2026-10-25 02:10:00", 1792887030,
		  1792887000 },
		{ "twice: back, so the second", "Europe/Madrid", "2026-10-25 02:00:00", 1792889999,
		  1792890000 },
		{ "twice: the second goes on", "Europe/Madrid", "2026-10-25 02:58:00", 1792890000,
		  1792893480 },
		{ "twice: the next day's", "Europe/Madrid", "2026-10-25 02:59:59", 1792972800,
		  1792893599 },
		{ "twice: behind a wrong clock's", "Europe/Madrid", "2026-10-25 02:10:00",
		  253402300799, 1792887000 },
		{ "behind autumn's", "Europe/Madrid", "2026-10-25 03:00:00", 1792893599,
		  1792893600 },
		{ "spring, New York", "America/New_York", "2026-03-08 02:15:00", 0, 1772954100 },
		{ "spring behind, New York", "America/New_York", "2026-03-08 03:00:00", 0,
		  1772953200 },
		{ "autumn, New York", "America/New_York", "2026-11-01 01:30:00", 0, 1793511000 },
		{ "autumn again, New York", "America/New_York", "2026-11-01 01:00:00", 1793512799,
		  1793512800 },
		{ "half an hour, Lord Howe", "Australia/Lord_Howe", "2026-04-05 01:45:00",
		  1775314799, 1775315700 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const int64_t before = rows[i].before ? rows[i].before * 1000 : TIME_STAMP_NONE;
		struct time_stamp stamp = { .ms = 0 };

		unit_begin("clock: %s", rows[i].name);
		in_zone(rows[i].zone);
		EXPECT_INT(read_at("%F %T", false, rows[i].line, NOW, before, &stamp), 0);
		EXPECT_INT(stamp.ms / 1000, rows[i].ms);
	}
	unit_begin("clock: the second time cannot be later than now");
	in_zone("Europe/Madrid");
	struct time_stamp stamp;

	EXPECT_INT(read_at("%F %T", false, "2026-10-25 02:10:00", 1792889000000, 1792889000000,
			   &stamp),
		   0);
	EXPECT_INT(stamp.ms, 1792887000000);
	unit_begin("clock: utc is not local");
	EXPECT_INT(read_at("%F %T", true, "2026-11-23 18:40:00", NOW, TIME_STAMP_NONE, &stamp), 0);
	EXPECT_INT(stamp.ms, 1795459200000);
}

/* Every quarter of an hour of two years, against the C library. */
static void agrees_with_mktime(void)
{
	static const char *const zones[] = { "Europe/Madrid", "America/New_York", "Asia/Kolkata",
					     "Australia/Lord_Howe", "UTC" };

	for (size_t z = 0; z < ARRAY_SIZE(zones); z++) {
		struct time_zone zone = { .known = false };

		unit_begin("agrees with localtime: %s", zones[z]);
		in_zone(zones[z]);
		for (time_t t = 1767225600 - 7; t < 1767225600 + 2 * 365 * 86400; t += 900) {
			struct tm tm;
			int64_t local, s[2];

			localtime_r(&t, &tm);
			local = time_zone_days(tm.tm_year + 1900, (unsigned int)tm.tm_mon + 1,
					       (unsigned int)tm.tm_mday) *
					86400 +
				tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
			time_zone_read(&zone, local, s);
			if (s[0] != t && s[1] != t)
				FAIL_CASE("%lld is read as %lld or %lld", (long long)t,
					  (long long)s[0], (long long)s[1]);
		}
	}
}

static void no_memory(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(100);

	for (unsigned int n = 1; nomem_again(n); n++) {
		struct time_format *f = NULL;
		int err = time_format_new(AGENT, false, &why, &f);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		EXPECT((f != NULL) == (err == 0));
		time_format_free(f);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, reads },
		{ NULL, refuses },
		{ NULL, takes_from_now },
		{ NULL, changes_of_the_clock },
		{ NULL, agrees_with_mktime },
		{ "without memory there is no format", no_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
