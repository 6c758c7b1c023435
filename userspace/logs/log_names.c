/* SPDX-License-Identifier: MIT */
/* Patterns to names. What is put in is cut between two characters, never within one. */
#include "logs/log_names.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"
#include "base/util.h"

#define GROUP_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/#"

struct name {
	char *to;
	size_t len;
	bool group;
};

static bool may_stand(const struct name *n, const char *s, size_t len)
{
	if (n->group)
		return len == 1 && strchr(GROUP_CHARS, *s);
	return *s != ':' && *s != '*' && utf8_is_plain(s, len);
}

static void add(struct name *n, const char *s, size_t size)
{
	uint32_t c;
	size_t len;

	for (; size && n->len + 4 <= LOG_NAME_MAX; s += len, size -= len) {
		len = utf8_next(s, size, &c);
		if (len && may_stand(n, s, len)) {
			memcpy(n->to + n->len, s, len);
			n->len += len;
			continue;
		}
		len = len ? len : 1;
		n->to[n->len++] = '-';
	}
}

/* The value of the place-holder that @s begins with, and its length; NULL: it is none. */
static const char *value_at(const char *s, const struct log_names *names, const char *date,
			    size_t *ret_len)
{
	const struct {
		const char *holder, *value;
	} known[] = {
		{ "{name}", names->name },
		{ "{instance_id}", names->instance_id ? names->instance_id : names->host },
		{ "{host}", names->host },
		{ "{date}", date },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		*ret_len = strlen(known[i].holder);
		if (!strncmp(s, known[i].holder, *ret_len))
			return known[i].value;
	}
	return NULL;
}

static void expand(const char *pattern, const struct log_names *names, const char *date,
		   struct name *n)
{
	const char *value;
	size_t len;

	assert(names->name && names->host);
	for (; *pattern; pattern += len) {
		value = value_at(pattern, names, date, &len);
		if (value) {
			add(n, value, strlen(value));
			continue;
		}
		len = 1 + strcspn(pattern + 1, "{");
		add(n, pattern, len);
	}
	if (!n->len)
		add(n, names->name, strlen(names->name));
	n->to[n->len] = '\0';
}

bool log_names_have_date(const char *pattern)
{
	return strstr(pattern, "{date}") != NULL;
}

void log_names_stream(const char *pattern, const struct log_names *names, int64_t time_ms,
		      char *ret)
{
	const time_t s = (time_t)(time_ms / 1000);
	struct name n = { .to = ret };
	char date[32] = "";
	struct tm tm;

	if (gmtime_r(&s, &tm))
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	expand(pattern, names, date, &n);
}

void log_names_group(const char *pattern, const struct log_names *names, char *ret)
{
	struct name n = { .to = ret, .group = true };

	expand(pattern, names, "", &n);
}
