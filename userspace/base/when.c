/* SPDX-License-Identifier: MIT */
/* Reads moments by hand, because strptime(3) takes "2026-02-30" and what stands behind the end. Invariant: the whole text is read,
 * or nothing is. */
#include "base/when.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

#include "base/number.h"
#include "base/util.h"

#define MS 1000
#define AGO_MAX_S (100ull * 366 * 24 * 3600)
#define EPOCH_MAX_S 253402300799ull /* the end of 9999 */

/* What is left of the text. */
struct reading {
	const char *at;
};

/* A number of @min to @max digits; -1: there is none. */
static int digits(struct reading *r, int min, int max)
{
	int n = 0, value = 0;

	while (n < max && r->at[n] >= '0' && r->at[n] <= '9')
		value = value * 10 + (r->at[n++] - '0');
	if (n < min)
		return -1;
	r->at += n;
	return value;
}

static bool take_one_of(struct reading *r, const char *chars)
{
	if (!*r->at || !strchr(chars, *r->at))
		return false;
	r->at++;
	return true;
}

static int ago(const char *text, int64_t now_ms, int64_t *ret_ms)
{
	static const struct {
		char unit;
		uint64_t s;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	char number[16];
	size_t n = strlen(text);
	uint64_t value;

	if (n < 2 || n > sizeof(number))
		return -EINVAL;
	memcpy(number, text, n - 1);
	number[n - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (units[i].unit != text[n - 1])
			continue;
		if (number_parse_u64(number, 0, AGO_MAX_S / units[i].s, &value))
			return -EINVAL;
		*ret_ms = now_ms - (int64_t)(value * units[i].s) * MS;
		return 0;
	}
	return -EINVAL;
}

/* "14:30", "14:30:05", "14:30:05,123" */
static int clock_time(struct reading *r, struct tm *tm, int *ret_ms)
{
	tm->tm_hour = digits(r, 2, 2);
	if (tm->tm_hour < 0 || tm->tm_hour > 23 || !take_one_of(r, ":"))
		return -EINVAL;
	tm->tm_min = digits(r, 2, 2);
	tm->tm_sec = 0;
	*ret_ms = 0;
	if (tm->tm_min < 0 || tm->tm_min > 59)
		return -EINVAL;
	if (take_one_of(r, ":")) {
		tm->tm_sec = digits(r, 2, 2);
		if (tm->tm_sec < 0 || tm->tm_sec > 60)
			return -EINVAL;
		if (take_one_of(r, ".,")) {
			*ret_ms = digits(r, 3, 3);
			digits(r, 0, 6);
		}
	}
	return *ret_ms < 0 ? -EINVAL : 0;
}

static int date(struct reading *r, struct tm *tm)
{
	int day;

	tm->tm_year = digits(r, 4, 4) - 1900;
	if (tm->tm_year < 70 || !take_one_of(r, "-"))
		return -EINVAL;
	tm->tm_mon = digits(r, 2, 2) - 1;
	if (tm->tm_mon < 0 || tm->tm_mon > 11 || !take_one_of(r, "-"))
		return -EINVAL;
	tm->tm_mday = day = digits(r, 2, 2);
	if (day < 1)
		return -EINVAL;
	(void)timegm(tm); /* February 30 becomes another day */
	return tm->tm_mday == day ? 0 : -EINVAL;
}

/* Z, "+02:00", "-0330"; none is -ENOENT. */
static int offset(struct reading *r, int *ret_s)
{
	int hours, minutes, sign = *r->at == '-' ? -1 : 1;

	if (take_one_of(r, "Zz")) {
		*ret_s = 0;
		return 0;
	}
	if (!take_one_of(r, "+-"))
		return -ENOENT;
	hours = digits(r, 2, 2);
	take_one_of(r, ":");
	minutes = digits(r, 2, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return -EINVAL;
	*ret_s = sign * (hours * 3600 + minutes * 60);
	return 0;
}

static int64_t local(const struct tm *tm)
{
	struct tm copy = *tm;

	copy.tm_isdst = -1;
	return (int64_t)mktime(&copy) * MS;
}

static int calendar(const char *text, int64_t *ret_ms)
{
	struct reading r = { text };
	struct tm tm = { 0 };
	int ms = 0, offset_s, err = date(&r, &tm);

	if (err)
		return err;
	if (!*r.at) {
		*ret_ms = local(&tm);
		return 0;
	}
	err = take_one_of(&r, "Tt ") ? clock_time(&r, &tm, &ms) : -EINVAL;
	if (err)
		return err;
	err = offset(&r, &offset_s);
	if (*r.at || err == -EINVAL)
		return -EINVAL;
	*ret_ms = (err ? local(&tm) : ((int64_t)timegm(&tm) - offset_s) * MS) + ms;
	return 0;
}

/* Midnight, so many days ago. */
static int64_t midnight(int64_t now_ms, int days)
{
	time_t now = (time_t)(now_ms / MS);
	struct tm tm;

	localtime_r(&now, &tm);
	tm.tm_mday -= days;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	return local(&tm);
}

static int last_time(const char *text, int64_t now_ms, int64_t *ret_ms)
{
	time_t now = (time_t)(now_ms / MS);
	struct reading r = { text };
	struct tm tm;
	int64_t then;
	int ms, err;

	localtime_r(&now, &tm);
	err = clock_time(&r, &tm, &ms);
	if (err || *r.at)
		return -EINVAL;
	then = local(&tm) + ms;
	if (then > now_ms) {
		tm.tm_mday--;
		then = local(&tm) + ms;
	}
	*ret_ms = then;
	return 0;
}

int when_parse(const char *text, int64_t now_ms, int64_t *ret_ms)
{
	uint64_t s;

	if (text[0] == '@') {
		if (number_parse_u64(text + 1, 0, EPOCH_MAX_S, &s))
			return -EINVAL;
		*ret_ms = (int64_t)s * MS;
		return 0;
	}
	if (strcmp(text, "now") == 0)
		*ret_ms = now_ms;
	else if (strcmp(text, "today") == 0)
		*ret_ms = midnight(now_ms, 0);
	else if (strcmp(text, "yesterday") == 0)
		*ret_ms = midnight(now_ms, 1);
	else if (ago(text, now_ms, ret_ms) && last_time(text, now_ms, ret_ms))
		return calendar(text, ret_ms);
	return 0;
}
