/* SPDX-License-Identifier: MIT */
/* Takes the ends off a name, from the right: what compressed it, then which one in the row it is. */
#include "logs/rotated_name.h"

#include <ctype.h>
#include <string.h>

#include "base/util.h"

static const char *const packed[] = { ".gz", ".bz2", ".xz", ".zst", ".Z", ".lz4", ".lzma", ".zip" };
static const char *const old[] = { ".old", ".bak", ".save", ".prev" };

/* Length of @name without @end; 0: it does not end so, or is nothing else. */
static size_t without(const char *name, size_t n, const char *end)
{
	size_t len = strlen(end);

	return n > len && memcmp(name + n - len, end, len) == 0 ? n - len : 0;
}

static size_t without_any(const char *name, size_t n, const char *const *ends, size_t n_ends)
{
	for (size_t i = 0; i < n_ends; i++) {
		size_t left = without(name, n, ends[i]);

		if (left)
			return left;
	}
	return 0;
}

/* Whether it has the digits of a whole date: then it may stand behind a '_', which is part of many a service's name. */
static bool is_date(const char *s, size_t n)
{
	size_t digits = 0;

	for (size_t i = 0; i < n; i++)
		digits += isdigit((unsigned char)s[i]) != 0;
	return digits >= 8;
}

/* Length of @name without a number or a date, and the '.', '-' or '_' before it. */
static size_t without_number(const char *name, size_t n)
{
	size_t from = n;
	bool digit = false;

	while (from && (isdigit((unsigned char)name[from - 1]) || strchr("-_:T", name[from - 1]))) {
		digit |= isdigit((unsigned char)name[from - 1]) != 0;
		from--;
	}
	if (!digit)
		return 0;
	if (from > 1 && name[from - 1] == '.')
		return from - 1;
	if (from && name[from] == '_' && is_date(name + from, n - from))
		return from;
	/* "-2026-11-26": the first of the dashes is the one before it. */
	while (from < n && name[from] != '-')
		from++;
	return from < n && from ? from : 0;
}

static enum rotated_form found(char ret_live[NAME_MAX + 1], enum rotated_form form,
			       const char *name, size_t n, const char *end)
{
	size_t len = strlen(end);

	if (n + len > NAME_MAX)
		return ROTATED_NOT;
	memcpy(ret_live, name, n);
	memcpy(ret_live + n, end, len + 1);
	return form;
}

enum rotated_form rotated_name(const char *name, char ret_live[NAME_MAX + 1])
{
	size_t n = strlen(name), plain, left;
	char end[NAME_MAX + 1];
	const char *dot;

	if (n > NAME_MAX)
		return ROTATED_NOT;
	plain = without_any(name, n, packed, ARRAY_SIZE(packed));
	if (plain)
		n = plain;
	left = without_number(name, n);
	if (!left)
		left = without_any(name, n, old, ARRAY_SIZE(old));
	if (left)
		return found(ret_live, ROTATED_BEHIND, name, left, "");
	dot = memrchr(name, '.', n);
	if (dot && dot > name && dot + 1 < name + n) {
		size_t len = n - (size_t)(dot - name);

		left = without_number(name, (size_t)(dot - name));
		memcpy(end, dot, len);
		end[len] = '\0';
		if (left)
			return found(ret_live, ROTATED_WITHIN, name, left, end);
	}
	return plain ? found(ret_live, ROTATED_BEHIND, name, n, "") : ROTATED_NOT;
}

bool rotated_name_is_gzip(const char *name)
{
	return without(name, strlen(name), ".gz") != 0;
}

bool rotated_name_is_foreign(const char *name)
{
	return !rotated_name_is_gzip(name) &&
	       without_any(name, strlen(name), packed, ARRAY_SIZE(packed));
}
