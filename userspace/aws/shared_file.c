/* SPDX-License-Identifier: MIT */
/* Line by line, in place. Invariant: a line belongs to the section header above it, to none before the first. */
#include "aws/shared_file.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char *trim(char *s)
{
	size_t n;

	while (is_blank(*s))
		s++;
	for (n = strlen(s); n && is_blank(s[n - 1]); n--)
		s[n - 1] = '\0';
	return s;
}

/* White space and then # or ; begins a comment. */
static void cut_comment(char *s)
{
	for (; *s; s++) {
		if (is_blank(s[0]) && (s[1] == '#' || s[1] == ';')) {
			*s = '\0';
			return;
		}
	}
}

/* Whether @header, what stands in the brackets, names @profile. Quotes around a name are allowed. */
static bool is_profile(char *header, enum shared_file kind, const char *profile)
{
	char *name = trim(header);
	size_t n;

	if (kind == SHARED_CONFIG && strcmp(name, "default") != 0) {
		if (strncmp(name, "profile", 7) != 0 || !is_blank(name[7]))
			return false;
		name = trim(name + 7);
	}
	n = strlen(name);
	if (n >= 2 && (name[0] == '"' || name[0] == '\'') && name[n - 1] == name[0]) {
		name[n - 1] = '\0';
		name++;
	}
	return strcmp(name, profile) == 0;
}

static void to_lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

/* "key = value". */
static int take_key(char *line, shared_file_fn fn, void *ctx)
{
	char *equals = strchr(line, '=');
	char *key, *value;

	if (!equals)
		return 0;
	*equals = '\0';
	key = trim(line);
	value = equals + 1;
	cut_comment(value);
	value = trim(value);
	if (!*key)
		return 0;
	to_lower(key);
	return fn(key, value, ctx);
}

int shared_file_read(char *text, enum shared_file kind, const char *profile, shared_file_fn fn,
		     void *ctx, bool *ret_found)
{
	bool within = false, after_key = false;
	char *line, *next = text;
	int err;

	*ret_found = false;
	if (!strncmp(next, "\xef\xbb\xbf", 3))
		next += 3;
	while ((line = next)) {
		char *end = strchr(line, '\n');
		bool indented = is_blank(*line) && *line != '\r';

		next = end ? end + 1 : NULL;
		if (end)
			*end = '\0';
		line = trim(line);
		if (!*line || *line == '#' || *line == ';')
			continue;
		if (*line == '[') {
			char *close = strchr(line, ']');

			if (close)
				*close = '\0';
			within = close && is_profile(line + 1, kind, profile);
			after_key = false;
			*ret_found = *ret_found || within;
		} else if (within && !(indented && after_key)) {
			err = take_key(line, fn, ctx);
			if (err)
				return err;
			after_key = true;
		}
	}
	return 0;
}
