/* SPDX-License-Identifier: MIT */
/* Decides by the rules, one after the other. Invariant: of each kind that has a good backup, a good one is kept. */
#include "care/retention.h"

#include <assert.h>
#include <time.h>

#include "base/clock.h"

const char *const retention_reasons[RETENTION_REASONS] = { "",       "age",     "daily",
							   "weekly", "monthly", "last" };

/* A number of the day, week or month that @s is in: the same for the same one. */
static int64_t period_of(int64_t s, enum retention_reason reason)
{
	const time_t at = s;
	struct tm tm;

	if (!localtime_r(&at, &tm))
		return s / DAY_S;
	switch (reason) {
	case RETENTION_MONTHLY: return (int64_t)tm.tm_year * 12 + tm.tm_mon;
	case RETENTION_WEEKLY:
		/* Its Monday, at noon: mktime() brings the day into range, and no clock is changed then. */
		tm.tm_mday -= (tm.tm_wday + 6) % 7;
		tm.tm_hour = 12;
		tm.tm_min = tm.tm_sec = 0;
		tm.tm_isdst = -1;
		mktime(&tm);
		return (int64_t)tm.tm_year * 1000 + tm.tm_yday;
	default: return (int64_t)tm.tm_year * 1000 + tm.tm_yday;
	}
}

static void keep(struct retention_item *item, enum retention_reason reason)
{
	if (item->kept == RETENTION_NONE)
		item->kept = reason;
}

/* A good one stands for its period before one that nobody has looked at. */
static bool stands_before(const struct retention_item *a, const struct retention_item *b)
{
	return !b || (a->good && !b->good);
}

static void keep_periods(struct retention_item *items, size_t n, int kind, uint64_t wanted,
			 enum retention_reason reason)
{
	struct retention_item *best = NULL;
	int64_t period = 0;

	for (size_t i = 0; i < n && wanted; i++) {
		int64_t p;

		if (items[i].kind != kind || items[i].bad)
			continue;
		p = period_of(items[i].created_s, reason);
		if (best && p != period) {
			keep(best, reason);
			best = NULL;
			wanted--;
		}
		period = p;
		if (stands_before(&items[i], best))
			best = &items[i];
	}
	if (best && wanted)
		keep(best, reason);
}

static void keep_last(struct retention_item *items, size_t n, int kind)
{
	struct retention_item *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (items[i].kind == kind &&
		    (stands_before(&items[i], best) || (best->bad && !items[i].bad)))
			best = &items[i];
	if (best)
		keep(best, RETENTION_LAST);
}

void retention_decide(struct retention_item *items, size_t n, const struct retention_rules *rules,
		      int64_t now_s)
{
	for (size_t i = 0; i < n; i++) {
		assert(!i || items[i].created_s <= items[i - 1].created_s);
		items[i].kept = RETENTION_NONE;
		if (rules->days && now_s - items[i].created_s < (int64_t)rules->days * DAY_S)
			items[i].kept = RETENTION_AGE;
	}
	for (int kind = 0; kind < RETENTION_KINDS; kind++) {
		keep_periods(items, n, kind, rules->daily, RETENTION_DAILY);
		keep_periods(items, n, kind, rules->weekly, RETENTION_WEEKLY);
		keep_periods(items, n, kind, rules->monthly, RETENTION_MONTHLY);
		keep_last(items, n, kind);
	}
}
