/* SPDX-License-Identifier: MIT */
/* Fields are in range when they were read; a line that ends too early is no stamp. */
#include "logs/time_stamp.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

#define EPOCH_DIGITS_MAX 11 /* until the year 5138 */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

void stamp_skip_spaces(struct stamp_reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
		r->at++;
}

/* At least @min digits, of which at most @max are read; from @least to @most. */
static bool read_number(struct stamp_reader *r, size_t min, size_t max, unsigned int least,
			unsigned int most, unsigned int *ret)
{
	unsigned int v = 0;
	size_t n = 0;

	for (; n < max && r->at < r->end && is_digit(*r->at); n++)
		v = v * 10 + (unsigned int)(*r->at++ - '0');
	*ret = v;
	return n >= min && v >= least && v <= most;
}

/* Of one or two digits; days and hours may have a space instead of the first. */
static bool read_short(struct stamp_reader *r, bool padded, unsigned int least, unsigned int most,
		       unsigned int *ret)
{
	if (padded && r->at < r->end && *r->at == ' ')
		r->at++;
	return read_number(r, 1, 2, least, most, ret);
}

/* The full name, or its first three letters. */
static bool read_name(struct stamp_reader *r, const char *const *names, size_t n, unsigned int *ret)
{
	const size_t left = (size_t)(r->end - r->at);

	for (size_t i = 0; left >= 3 && i < n; i++) {
		const size_t len = strlen(names[i]);

		if (strncasecmp(r->at, names[i], 3) != 0)
			continue;
		r->at += left >= len && strncasecmp(r->at, names[i], len) == 0 ? len : 3;
		*ret = (unsigned int)i + 1;
		return true;
	}
	return false;
}

static bool read_month_name(struct stamp_reader *r)
{
	static const char *const names[] = { "January",   "February", "March",    "April",
					     "May",       "June",     "July",     "August",
					     "September", "October",  "November", "December" };

	return read_name(r, names, ARRAY_SIZE(names), &r->fields.month);
}

/* It is not compared with the date. */
static bool read_day_name(struct stamp_reader *r)
{
	static const char *const names[] = { "Monday", "Tuesday",  "Wednesday", "Thursday",
					     "Friday", "Saturday", "Sunday" };
	unsigned int day;

	return read_name(r, names, ARRAY_SIZE(names), &day);
}

static bool read_half(struct stamp_reader *r)
{
	if (r->end - r->at < 2 || (r->at[1] | 0x20) != 'm')
		return false;
	if ((r->at[0] | 0x20) == 'p')
		r->fields.has |= STAMP_AFTERNOON;
	else if ((r->at[0] | 0x20) != 'a')
		return false;
	r->at += 2;
	return true;
}

static bool read_fraction(struct stamp_reader *r)
{
	static const unsigned int weights[] = { 100, 10, 1 };
	const bool separated = r->at < r->end && (*r->at == '.' || *r->at == ',');
	const char *digits = r->at + separated;
	size_t n = 0;

	r->fields.fraction_ms = 0;
	for (; n < 9 && digits + n < r->end && is_digit(digits[n]); n++)
		if (n < ARRAY_SIZE(weights))
			r->fields.fraction_ms += weights[n] * (unsigned int)(digits[n] - '0');
	if (n)
		r->at = digits + n;
	return true;
}

/* +0100, +01:00, +01, Z, UTC, GMT */
static bool read_zone(struct stamp_reader *r)
{
	const size_t left = (size_t)(r->end - r->at);
	unsigned int hours, minutes = 0;
	int sign;

	r->fields.zone_s = 0;
	if (left && *r->at == 'Z') {
		r->at++;
		return true;
	}
	if (left >= 3 && (memcmp(r->at, "UTC", 3) == 0 || memcmp(r->at, "GMT", 3) == 0)) {
		r->at += 3;
		return true;
	}
	if (!left || (*r->at != '+' && *r->at != '-'))
		return false;
	sign = *r->at++ == '-' ? -1 : 1;
	if (!read_number(r, 2, 2, 0, 23, &hours))
		return false;
	if (r->end - r->at >= 3 && *r->at == ':' && is_digit(r->at[1]))
		r->at++;
	if (r->at < r->end && is_digit(*r->at) && !read_number(r, 2, 2, 0, 59, &minutes))
		return false;
	r->fields.zone_s = sign * (int64_t)(hours * 3600 + minutes * 60);
	return true;
}

static bool read_epoch(struct stamp_reader *r)
{
	size_t n = 0;

	r->fields.epoch_s = 0;
	for (; n < EPOCH_DIGITS_MAX && r->at < r->end && is_digit(*r->at); n++)
		r->fields.epoch_s = r->fields.epoch_s * 10 + (*r->at++ - '0');
	return n != 0;
}

static bool read_year(struct stamp_reader *r, bool is_short)
{
	unsigned int year;

	if (!read_number(r, is_short ? 2 : 4, is_short ? 2 : 4, 0, 9999, &year))
		return false;
	if (is_short)
		year += year < 69 ? 2000 : 1900;
	r->fields.year = year;
	return true;
}

bool stamp_read_field(struct stamp_reader *r, char letter)
{
	struct stamp_fields *t = &r->fields;

	switch (letter) {
	case 'Y': t->has |= STAMP_YEAR; return read_year(r, false);
	case 'y': t->has |= STAMP_YEAR; return read_year(r, true);
	case 'm': t->has |= STAMP_MONTH; return read_short(r, false, 1, 12, &t->month);
	case 'b': t->has |= STAMP_MONTH; return read_month_name(r);
	case 'd': t->has |= STAMP_DAY; return read_short(r, true, 1, 31, &t->day);
	case 'j': t->has |= STAMP_YEAR_DAY; return read_number(r, 1, 3, 1, 366, &t->year_day);
	case 'H': return read_short(r, true, 0, 23, &t->hour);
	case 'I': t->has |= STAMP_HALF; return read_short(r, true, 1, 12, &t->hour);
	case 'p': return read_half(r);
	case 'M': return read_short(r, false, 0, 59, &t->minute);
	case 'S': return read_short(r, false, 0, 60, &t->second);
	case 'f': return read_fraction(r);
	case 'z': t->has |= STAMP_ZONE; return read_zone(r);
	case 's': t->has |= STAMP_EPOCH; return read_epoch(r);
	case 'a': return read_day_name(r);
	default: return false;
	}
}

bool stamp_finish(struct stamp_fields *t)
{
	if (t->has & STAMP_HALF)
		t->hour = t->hour % 12 + (t->has & STAMP_AFTERNOON ? 12 : 0);
	return !(t->has & STAMP_YEAR) || t->year >= 1970;
}
