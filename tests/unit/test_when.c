/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "unit.h"

#include "base/when.h"

/* Thursday 2026-11-26 10:00:00 UTC, 11:00 in Madrid. */
#define NOW 1795687200000
#define S 1000
#define HOUR 3600000

static void rows(void)
{
	static const struct {
		const char *text;
		int64_t ms; /* since NOW; 1: is none */
	} table[] = {
		{ "now", 0 },
		{ "90s", -90 * S },
		{ "10m", -600 * S },
		{ "1h", -HOUR },
		{ "2d", -48 * HOUR },
		{ "1w", -168 * HOUR },
		{ "0s", 0 },
		{ "today", -11 * HOUR },
		{ "yesterday", -35 * HOUR },
		{ "10:59", -60 * S },
		{ "11:00", 0 },
		{ "11:00:01", -24 * HOUR + S },
		{ "23:50", -24 * HOUR + 12 * HOUR + 50 * 60 * S },
		{ "10:59:59.500", -500 },
		{ "2026-11-26", -11 * HOUR },
		{ "2026-11-26T10:00", -HOUR },
		{ "2026-11-26 10:00:01", -HOUR + S },
		{ "2026-11-26 10:00:01,123", -HOUR + S + 123 },
		{ "2026-11-26T10:00:01.123456789", -HOUR + S + 123 },
		{ "2026-11-26T10:00Z", 0 },
		{ "2026-11-26T10:00:00z", 0 },
		{ "2026-11-26T10:00+02:00", -2 * HOUR },
		{ "2026-11-26T10:00-0330", HOUR * 3 + HOUR / 2 },
		{ "@1795687200", 0 },
		{ "@0", -NOW },
		{ "", 1 },
		{ "10", 1 },
		{ "m", 1 },
		{ "-10m", 1 },
		{ "10 m", 1 },
		{ "10mm", 1 },
		{ "99999999999999999999d", 1 },
		{ "10000000000w", 1 },
		{ "24:00", 1 },
		{ "9:30", 1 },
		{ "10:60", 1 },
		{ "10:30:", 1 },
		{ "10:30Z", 1 },
		{ "2026-02-29", 1 },
		{ "2026-13-01", 1 },
		{ "2026-11-00", 1 },
		{ "1969-12-31", 1 },
		{ "2026-11-26T", 1 },
		{ "2026-11-26T10", 1 },
		{ "2026-11-26T10:00:00.1", 1 },
		{ "2026-11-26T10:00+2", 1 },
		{ "2026-11-26T10:00ZZ", 1 },
		{ "2026-11-26x10:00", 1 },
		{ "@", 1 },
		{ "@-1", 1 },
		{ "@99999999999999", 1 },
		{ "tomorrow", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int64_t ms = 42;

		unit_begin("\"%s\"", table[i].text);
		EXPECT_INT(when_parse(table[i].text, NOW, &ms), table[i].ms == 1 ? -EINVAL : 0);
		EXPECT_INT(ms, table[i].ms == 1 ? 42 : NOW + table[i].ms);
	}
}

/* In Madrid 02:30 did not exist on 2026-03-29, and existed twice on 2026-10-25. */
static void daylight_saving(void)
{
	int64_t ms = 0, later = 0;

	EXPECT_INT(when_parse("2026-03-29T02:30", NOW, &ms), 0);
	EXPECT_INT(when_parse("2026-03-29T03:30", NOW, &later), 0);
	EXPECT(ms == later || ms == later - HOUR);
	EXPECT_INT(when_parse("2026-10-25T01:59", NOW, &ms), 0);
	EXPECT_INT(when_parse("2026-10-25T03:00", NOW, &later), 0);
	EXPECT_INT(later - ms, 2 * HOUR + 60 * S);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, rows },
		{ "clocks that are set", daylight_saving },
	};

	setenv("TZ", "Europe/Madrid", 1);
	tzset();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
