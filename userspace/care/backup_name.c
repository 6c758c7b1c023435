/* SPDX-License-Identifier: MIT */
/* Names of archives. Invariant: what backup_name_make() makes backup_name_parse() takes, with the same moment but for the hour that is
 * there twice. */
#include "care/backup_name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/util.h"

#define SUFFIX ".tar.gz"

const char *const backup_kind_names[BACKUP_KINDS] = { "data", "config" };

/* @n digits. Returns their value, or -1. */
static int digits(const char *s, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		value = value * 10 + s[i] - '0';
	}
	return value;
}

/* "20261126" or "20261126-020000", to the end of @s. */
static bool parse_moment(const char *s, int64_t *ret_s)
{
	const size_t n = strlen(s);
	struct tm tm = { .tm_isdst = -1 }, was;
	time_t at;

	if ((n != 8 && n != 15) || digits(s, 8) < 0)
		return false;
	if (n == 15 && (s[8] != '-' || digits(s + 9, 6) < 0))
		return false;
	tm.tm_year = digits(s, 4) - 1900;
	tm.tm_mon = digits(s + 4, 2) - 1;
	tm.tm_mday = digits(s + 6, 2);
	if (n == 15) {
		tm.tm_hour = digits(s + 9, 2);
		tm.tm_min = digits(s + 11, 2);
		tm.tm_sec = digits(s + 13, 2);
	}
	if (tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59)
		return false;
	was = tm;
	at = mktime(&tm);
	if (tm.tm_mday != was.tm_mday || tm.tm_mon != was.tm_mon || tm.tm_year != was.tm_year)
		return false;
	*ret_s = at;
	return true;
}

bool backup_name_parse(const char *name, const char *file, struct catalogue_entry *ret)
{
	const size_t len = strlen(file), name_len = strlen(name);
	const size_t suffix_len = sizeof(SUFFIX) - 1;

	if (len >= sizeof(ret->file) || len <= name_len + 1 + suffix_len ||
	    len - name_len - 1 - suffix_len >= sizeof(ret->id) ||
	    memcmp(file, name, name_len) != 0 || file[name_len] != '-' ||
	    strcmp(file + len - suffix_len, SUFFIX) != 0)
		return false;
	snprintf(ret->id, sizeof(ret->id), "%.*s", (int)(len - name_len - 1 - suffix_len),
		 file + name_len + 1);
	snprintf(ret->file, sizeof(ret->file), "%s", file);
	for (int kind = 0; kind < BACKUP_KINDS; kind++) {
		const size_t n = strlen(backup_kind_names[kind]);

		ret->kind = (enum backup_kind)kind;
		if (strncmp(ret->id, backup_kind_names[kind], n) == 0 && ret->id[n] == '-')
			return parse_moment(ret->id + n + 1, &ret->created_s);
	}
	return false;
}

int backup_name_make(const char *name, enum backup_kind kind, int64_t created_s, char *to,
		     size_t size)
{
	const time_t at = created_s;
	char moment[32];
	struct tm tm;
	int n;

	if (!localtime_r(&at, &tm) || !strftime(moment, sizeof(moment), "%Y%m%d-%H%M%S", &tm))
		return -ENAMETOOLONG;
	n = snprintf(to, size, "%s-%s-%s" SUFFIX, name, backup_kind_names[kind], moment);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

bool backup_name_means(const char *text, const struct catalogue_entry *e)
{
	const char *slash = strrchr(text, '/');
	const char *moment = strchr(e->id, '-');

	if (slash)
		text = slash + 1;
	return strcmp(text, e->id) == 0 || strcmp(text, e->file) == 0 ||
	       (moment && strcmp(text, moment + 1) == 0);
}
