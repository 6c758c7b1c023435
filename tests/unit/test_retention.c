/* SPDX-License-Identifier: MIT */
/* Which backups stay: by age, days, weeks, months; and never nothing. */
#include "unit.h"

#include <time.h>

#include "../../userspace/care/retention.c"

#define NOW 1795651200 /* 2026-11-26 00:00:00 UTC, a Thursday */
#define H 3600
#define D 86400
#define ITEMS_MAX 12

/* An item each: age in hours; 'd' of data, 'c' of configuration; upper case: sound; '!': damaged. Expected: one letter each. */
struct row {
	const char *what;
	struct retention_rules rules;
	struct {
		int hours;
		char kind;
	} items[ITEMS_MAX];
	const char *kept; /* a age, d daily, w weekly, m monthly, l last, - none */
};

static const struct row rows[] = {
	{ "none of none", { .days = 30 }, { { 0, 0 } }, "" },
	{ "what is young enough stays", { .days = 2 }, { { 1, 'D' }, { 47, 'D' } }, "aa" },
	{ "what is as old as the rule says goes",
	  { .days = 2 },
	  { { 1, 'D' }, { 48, 'D' } },
	  "a-" },
	{ "what is from the future is young", { .days = 1 }, { { -50, 'D' }, { 50, 'D' } }, "a-" },
	{ "the last good one stays however old it is",
	  { .days = 1 },
	  { { 1000, 'D' }, { 2000, 'D' } },
	  "l-" },
	{ "a good one before newer ones that nobody verified",
	  { .days = 1 },
	  { { 100, 'd' }, { 200, 'D' }, { 300, 'D' } },
	  "-l-" },
	{ "a good one before newer ones that are damaged",
	  { .days = 1 },
	  { { 2, '!' }, { 200, 'D' }, { 300, 'D' } },
	  "al-" },
	{ "where none is good the newest that is not damaged",
	  { .days = 1 },
	  { { 100, '!' }, { 200, 'd' }, { 300, 'd' } },
	  "-l-" },
	{ "where all are damaged the newest", { .days = 1 }, { { 100, '!' }, { 200, '!' } }, "l-" },
	{ "each kind for itself",
	  { .days = 1 },
	  { { 1, 'D' }, { 100, 'C' }, { 101, 'D' }, { 102, 'C' } },
	  "al--" },
	{ "the last one of each of three days, days without one do not count",
	  { .daily = 3 },
	  { { 1, 'D' }, { 2, 'D' }, { 30, 'D' }, { 100, 'D' }, { 101, 'D' }, { 130, 'D' } },
	  "d-dd--" },
	{ "a day is one of the calendar, not 24 hours",
	  { .daily = 2 },
	  { { -1, 'D' }, { 1, 'D' }, { 23, 'D' } },
	  "dd-" },
	{ "of a day the good one stays, not the last",
	  { .daily = 2 },
	  { { 1, 'd' }, { 2, 'D' }, { 3, 'D' }, { 30, 'd' } },
	  "-d-d" },
	{ "a damaged one stands for no day", { .daily = 1 }, { { 1, '!' }, { 30, 'D' } }, "-d" },
	{ "weeks begin on Monday: Sunday is the week before",
	  { .weekly = 2 },
	  /* Wednesday, Monday 01:00, Sunday 23:00, Monday of that week, the week before */
	  { { 1, 'D' }, { 71, 'D' }, { 73, 'D' }, { 200, 'D' }, { 300, 'D' } },
	  "w-w--" },
	{ "months",
	  { .monthly = 2 },
	  /* November, 1 November, 31 October, September */
	  { { 1, 'D' }, { 25 * 24 - 1, 'D' }, { 25 * 24 + 1, 'D' }, { 60 * 24, 'D' } },
	  "m-m-" },
	{ "all rules together, the first that applies is told",
	  { .days = 1, .daily = 2, .weekly = 2, .monthly = 2 },
	  { { 1, 'D' }, { 30, 'D' }, { 50, 'D' }, { 200, 'D' }, { 700, 'D' }, { 2000, 'D' } },
	  "ad-wm-" },
	{ "no rule at all", { 0 }, { { 1, 'D' }, { 2, 'D' }, { 3, 'C' } }, "l-l" },
};

static void decides(void)
{
	static const char letters[] = "-adwml";

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		const size_t n = strlen(r->kept);
		struct retention_item items[ITEMS_MAX] = { 0 };
		char got[ITEMS_MAX + 1] = "";

		unit_begin("%s", r->what);
		for (size_t k = 0; k < n; k++) {
			const char kind = r->items[k].kind;

			items[k].created_s = NOW - (int64_t)r->items[k].hours * H;
			items[k].kind = kind == 'c' || kind == 'C';
			items[k].good = kind == 'D' || kind == 'C';
			items[k].bad = kind == '!';
		}
		retention_decide(items, n, &r->rules, NOW);
		for (size_t k = 0; k < n; k++)
			got[k] = letters[items[k].kept];
		EXPECT_STR(got, r->kept);
	}
}

/* The same night in a zone whose day begins at another hour. */
static void days_are_local(void)
{
	const struct retention_rules rules = { .daily = 5 };
	struct retention_item items[] = { { .created_s = NOW + 4 * H, .good = true },
					  { .created_s = NOW - 1 * H, .good = true } };

	setenv("TZ", "America/New_York", 1);
	tzset();
	retention_decide(items, 2, &rules, NOW + D);
	EXPECT_INT((int)items[0].kept, RETENTION_DAILY);
	EXPECT_INT((int)items[1].kept, RETENTION_NONE);
	setenv("TZ", "UTC", 1);
	tzset();
	retention_decide(items, 2, &rules, NOW + D);
	EXPECT_INT((int)items[1].kept, RETENTION_DAILY);
}

/* A year of nights: of each rule as many as it says, and each time the rules are applied the same ones. */
static void a_year(void)
{
	const struct retention_rules rules = { .days = 7, .daily = 14, .weekly = 8, .monthly = 12 };
	static struct retention_item items[365];
	unsigned int n[RETENTION_REASONS] = { 0 }, kept = 0;

	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		items[i] = (struct retention_item){ .created_s = NOW - (int64_t)i * D + 2 * H,
						    .good = true };
	retention_decide(items, ARRAY_SIZE(items), &rules, NOW + 3 * H);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		n[items[i].kept]++;
		if (items[i].kept)
			items[kept++] = items[i];
	}
	EXPECT_UINT(n[RETENTION_AGE], 7);
	EXPECT_UINT(n[RETENTION_DAILY], 7);
	EXPECT_UINT(n[RETENTION_WEEKLY], 5);
	EXPECT_UINT(n[RETENTION_MONTHLY], 11);
	retention_decide(items, kept, &rules, NOW + 3 * H);
	for (unsigned int i = 0; i < kept; i++)
		EXPECT(items[i].kept != RETENTION_NONE);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, decides },
		{ "days are those of the time zone", days_are_local },
		{ "a year of nights", a_year },
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
