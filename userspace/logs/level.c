/* SPDX-License-Identifier: MIT */
/* Levels are looked for only where a form has them: what a stranger can write into a message, such as
 * the path of a request, must not become one. */
#include "logs/level.h"

#include <string.h>
#include <strings.h>

#include "base/util.h"

#define BRACKETS_MAX 3
#define NAME_MAX_BYTES 200

static const struct {
	const char *word;
	enum record_level level;
} words[] = {
	{ "info", RECORD_INFO },
	{ "error", RECORD_ERROR },
	{ "warning", RECORD_WARNING },
	{ "debug", RECORD_DEBUG },
	{ "warn", RECORD_WARNING },
	{ "notice", RECORD_INFO },
	{ "critical", RECORD_CRITICAL },
	{ "crit", RECORD_CRITICAL },
	{ "alert", RECORD_CRITICAL },
	{ "emerg", RECORD_CRITICAL },
	{ "fatal", RECORD_CRITICAL },
	{ "trace", RECORD_DEBUG },
	{ "err", RECORD_ERROR },
	/* supervisor's */
	{ "erro", RECORD_ERROR },
	{ "debg", RECORD_DEBUG },
	{ "trac", RECORD_DEBUG },
	{ "blat", RECORD_DEBUG },
};

const char *record_level_name(enum record_level l)
{
	static const char *const names[] = {
		"none", "debug", "info", "warning", "error", "critical"
	};

	_Static_assert(ARRAY_SIZE(names) == RECORD_LEVELS, "names");
	return l < RECORD_LEVELS ? names[l] : names[0];
}

enum record_level level_of_word(const char *word, size_t n)
{
	if (n < 3 || n > 8)
		return RECORD_NO_LEVEL;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if ((word[0] | 0x20) == words[i].word[0] && strlen(words[i].word) == n &&
		    strncasecmp(word, words[i].word, n) == 0)
			return words[i].level;
	return RECORD_NO_LEVEL;
}

static size_t letters(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && (s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z')
		i++;
	return i;
}

/* "] [1234] [INFO]": the first of these that is a level. */
static enum record_level in_brackets(const char *s, size_t n)
{
	size_t i = n && *s == ']';

	for (unsigned int tries = 0; tries < BRACKETS_MAX; tries++) {
		enum record_level level;
		size_t len;

		while (i < n && s[i] == ' ')
			i++;
		if (i == n || s[i] != '[')
			return RECORD_NO_LEVEL;
		for (len = 0, i++; i + len < n && s[i + len] != ']' && s[i + len] != '\n';)
			len++;
		if (i + len == n || s[i + len] != ']')
			return RECORD_NO_LEVEL;
		level = level_of_word(s + i, len);
		if (level != RECORD_NO_LEVEL)
			return level;
		i += len + 1;
	}
	return RECORD_NO_LEVEL;
}

static bool is_dash(const char *s, size_t n)
{
	return n >= 3 && memcmp(s, " - ", 3) == 0;
}

/* " - LEVEL - " or " - name - LEVEL - ", the name being one word. */
static enum record_level behind_dashes(const char *s, size_t n)
{
	for (unsigned int part = 0; part < 2 && is_dash(s, n); part++) {
		enum record_level level;
		size_t len = 0;

		s += 3;
		n -= 3;
		while (len < n && len < NAME_MAX_BYTES && (unsigned char)s[len] > ' ')
			len++;
		level = is_dash(s + len, n - len) ? level_of_word(s, len) : RECORD_NO_LEVEL;
		if (level != RECORD_NO_LEVEL)
			return level;
		s += len;
		n -= len;
	}
	return RECORD_NO_LEVEL;
}

static bool level_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The length of what may be a time stamp of the usual form, where no format says so. */
static size_t digits_len(const char *s, size_t n)
{
	size_t i = n && *s == '[';

	for (; i < n; i++) {
		if (level_digit(s[i]) || (s[i] && strchr("-/:.,+", s[i])))
			continue;
		if (s[i] == ' ' && i && i + 1 < n && (level_digit(s[i + 1]) || s[i + 1] == '+'))
			continue;
		if ((s[i] != 'T' && s[i] != 'Z') || !i || !level_digit(s[i - 1]))
			break;
	}
	return i;
}

enum record_level level_of_line(const char *text, size_t n, size_t from)
{
	const char *s;
	size_t left, len;
	enum record_level level;

	if (!from)
		from = digits_len(text, n);
	s = text + from;
	left = n - from;
	if (is_dash(s, left))
		return behind_dashes(s, left);
	level = in_brackets(s, left);
	if (level != RECORD_NO_LEVEL)
		return level;
	if (from && left && *s == ' ')
		s++, left--;
	len = letters(s, left);
	level = level_of_word(s, len);
	if (len < left && (s[len] == ':' || (from && s[len] == ' ')))
		return level;
	return RECORD_NO_LEVEL;
}
