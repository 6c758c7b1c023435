/* SPDX-License-Identifier: MIT */
/* A template says where digits stand and what stands between them; then the date must exist. */
#include "aws/timestamp.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Whether @s begins as @template says: 'd' is a digit, 'a' a letter, anything else itself. */
static bool looks_like(const char *s, const char *template)
{
	for (; *template; s++, template ++) {
		bool letter = (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z');

		if (*template == 'd' ? !is_digit(*s) : *template == 'a' ? !letter : *s != *template)
			return false;
	}
	return true;
}

static int number(const char *s, int n_digits)
{
	int n = 0;

	while (n_digits--)
		n = n * 10 + (*s++ - '0');
	return n;
}

static int days_of(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100) || year % 400 == 0;

	return days[month - 1] + (leap && month == 2);
}

/* @clock: "10:00:00". */
static int make_time(int year, int month, int day, const char *clock, time_t *ret_time)
{
	int hour = number(clock, 2), minute = number(clock + 3, 2), second = number(clock + 6, 2);
	struct tm tm = { .tm_year = year - 1900,
			 .tm_mon = month - 1,
			 .tm_mday = day,
			 .tm_hour = hour,
			 .tm_min = minute,
			 .tm_sec = second };

	if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_of(year, month) ||
	    hour > 23 || minute > 59 || second > 59)
		return -EINVAL;
	*ret_time = timegm(&tm);
	return 0;
}

int timestamp_parse(const char *s, time_t *ret_time)
{
	const char *end = s + strlen("2026-11-26T10:00:00");
	size_t n = 0;

	if (!looks_like(s, "dddd-dd-ddTdd:dd:dd"))
		return -EINVAL;
	if (*end == '.') {
		end++;
		while (is_digit(end[n]))
			n++;
		if (n < 1 || n > 9)
			return -EINVAL;
		end += n;
	}
	if (strcmp(end, "Z") != 0)
		return -EINVAL;
	return make_time(number(s, 4), number(s + 5, 2), number(s + 8, 2), s + 11, ret_time);
}

int timestamp_parse_http(const char *s, time_t *ret_time)
{
	static const char form[] = "aaa, dd aaa dddd dd:dd:dd GMT";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	if (strlen(s) != strlen(form))
		return -EINVAL;
	if (!looks_like(s, form))
		return -EINVAL;
	for (int month = 0; month < 12; month++)
		if (!memcmp(s + 8, months + 3 * (size_t)month, 3))
			return make_time(number(s + 12, 4), month + 1, number(s + 5, 2), s + 17,
					 ret_time);
	return -EINVAL;
}
