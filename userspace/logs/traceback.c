/* SPDX-License-Identifier: MIT */
#include "logs/traceback.h"

#include <string.h>

#include "logs/level.h"

static bool begins_with(const char *s, size_t n, const char *with)
{
	const size_t len = strlen(with);

	return n >= len && memcmp(s, with, len) == 0;
}

static bool is_indented(const char *s, size_t n)
{
	return n == 0 || *s == ' ' || *s == '\t';
}

/* The margin of a group: "  | ", "  + ", "    | ". */
static size_t margin_len(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && s[i] == ' ')
		i++;
	if (i + 1 < n && (s[i] == '|' || s[i] == '+') && s[i + 1] == ' ')
		return i + 2;
	return 0;
}

static bool is_start(const char *s, size_t n)
{
	return n && (*s == 'T' || *s == 'E') &&
	       (begins_with(s, n, "Traceback (most recent call last):") ||
		begins_with(s, n, "Exception Group Traceback (most recent call last):"));
}

static bool is_chain(const char *s, size_t n)
{
	return begins_with(s, n,
			   "During handling of the above exception, another exception occurred:") ||
	       begins_with(s, n,
			   "The above exception was the direct cause of the following exception:");
}

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.';
}

/* "ValueError: ...", "openai.RateLimitError: ...", "KeyboardInterrupt"; but "INFO: ..." is the next
 * line of the log. */
static bool read_type(struct traceback *t, const char *s, size_t n)
{
	size_t len = 0;

	while (len < n && is_name(s[len]))
		len++;
	if (len == 0 || (s[0] >= '0' && s[0] <= '9') || (len < n && s[len] != ':') ||
	    level_of_word(s, len) != RECORD_NO_LEVEL)
		return false;
	t->type_len = len < sizeof(t->type) ? len : sizeof(t->type);
	memcpy(t->type, s, t->type_len);
	return true;
}

bool traceback_step(struct traceback *t, const char *line, size_t n)
{
	const enum traceback_state before = t->state;
	size_t margin;

	if (before == TRACEBACK_NONE && !(n && strchr("TE +|", *line)))
		return false;
	margin = margin_len(line, n);
	if (is_start(line + margin, n - margin)) {
		t->state = TRACEBACK_INSIDE;
		return before == TRACEBACK_CHAINED || (margin && before != TRACEBACK_NONE);
	}
	if (before == TRACEBACK_NONE)
		return false;
	if (!margin && is_indented(line, n))
		return true;
	if (is_chain(line + margin, n - margin)) {
		t->state = TRACEBACK_CHAINED;
		return true;
	}
	if (is_indented(line + margin, n - margin))
		return true;
	if (before == TRACEBACK_INSIDE && read_type(t, line + margin, n - margin)) {
		t->state = TRACEBACK_OVER;
		return true;
	}
	if (margin)
		return true;
	t->state = TRACEBACK_NONE;
	return false;
}
