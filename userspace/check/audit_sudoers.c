/* SPDX-License-Identifier: MIT */
/*
 * Logical lines of sudoers, and in them WHO HOSTS = (RUNAS) TAG: COMMAND, COMMAND. Invariant: a backslash takes the meaning from the
 * character behind it, quotes from all in between, and tags hold for the commands that follow, as sudoers(5) has it.
 */
#include "check/audit_sudoers.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "check/audit_impl.h"

#define LINE_BYTES 8192

struct sudoers {
	audit_sudo_fn fn;
	void *ctx;
	unsigned int line;
};

/* Ends @line at its comment. # before a digit is a user's number. */
static void cut_comment(char *line)
{
	bool quoted = false;

	for (char *c = line; *c; c++) {
		if (*c == '\\' && c[1])
			c++;
		else if (*c == '"')
			quoted = !quoted;
		else if (*c == '#' && !quoted && !isdigit((unsigned char)c[1])) {
			*c = '\0';
			return;
		}
	}
}

static char *strip(char *text)
{
	char *end;

	text += strspn(text, " \t\r");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r", end[-1]))
		*--end = '\0';
	return text;
}

/* The first of @stops outside of quotes, escapes and parentheses; NULL. */
static char *find_bare(char *text, const char *stops)
{
	bool quoted = false;
	int depth = 0;

	for (char *c = text; *c; c++) {
		if (*c == '\\' && c[1]) {
			c++;
			continue;
		}
		if (*c == '"')
			quoted = !quoted;
		if (quoted)
			continue;
		if (depth == 0 && strchr(stops, *c))
			return c;
		depth += *c == '(' ? 1 : *c == ')' && depth ? -1 : 0;
	}
	return NULL;
}

/* Ends the list of users at the front of @line, which may have spaces around its commas; returns what is behind. */
static char *cut_who(char *line)
{
	char *at = line;

	while ((at = find_bare(at, " \t"))) {
		char *next = at + strspn(at, " \t");
		const bool goes_on = (at > line && at[-1] == ',') || *next == ',' ||
				     (at > line && at[-1] == '!');

		if (!goes_on) {
			*at = '\0';
			return next;
		}
		at = next + (*next == ',');
		at += strspn(at, " \t");
	}
	return NULL;
}

/* Whether "(RUNAS)", without the parentheses, has root. A group behind a colon alone runs as oneself. */
static bool runs_as_root(char *runas)
{
	runas[strcspn(runas, ":")] = '\0';
	for (char *one = runas; one;) {
		char *comma = strchr(one, ','), *name;

		if (comma)
			*comma++ = '\0';
		name = strip(one);
		if (strcmp(name, "ALL") == 0 || strcmp(name, "root") == 0 ||
		    strcmp(name, "#0") == 0)
			return true;
		one = comma;
	}
	return false;
}

struct rights {
	bool root, nopasswd;   /* of what follows */
	bool all, all_without; /* found */
};

/* A command with what stands before it. */
static void command_take(char *text, struct rights *r)
{
	text = strip(text);
	if (*text == '(') {
		char *close = strchr(text, ')');

		if (!close)
			return;
		*close = '\0';
		r->root = runs_as_root(text + 1);
		text = strip(close + 1);
	}
	for (;;) {
		size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
		size_t gap = strspn(text + n, " \t");

		if (!n || text[n + gap] != ':' || (n == 3 && memcmp(text, "ALL", n) == 0))
			break;
		if (n == 8 && memcmp(text, "NOPASSWD", n) == 0)
			r->nopasswd = true;
		else if (n == 6 && memcmp(text, "PASSWD", n) == 0)
			r->nopasswd = false;
		text = strip(text + n + gap + 1);
	}
	if (strncmp(text, "ALL", 3) != 0 || (text[3] && !strchr(" \t:", text[3])) || !r->root)
		return;
	r->all = true;
	r->all_without = r->all_without || r->nopasswd;
}

static int specification(struct sudoers *s, char *line)
{
	struct rights r = { .root = true };
	char *rest = cut_who(line), *who = strip(line), *at = rest ? find_bare(rest, "=") : NULL;

	if (!at)
		return 0;
	for (at++; at;) {
		char *comma = find_bare(at, ",");

		if (comma)
			*comma++ = '\0';
		command_take(at, &r);
		at = comma;
	}
	if (r.all_without && strcmp(who, "root") != 0)
		return s->fn(AUDIT_SUDO_NOPASSWD, who, s->line, s->ctx);
	if (r.all && strcmp(who, "ALL") == 0)
		return s->fn(AUDIT_SUDO_EVERYBODY, who, s->line, s->ctx);
	return 0;
}

/* "Defaults!authenticate" is a command's: it does not begin with a space or a colon, and is passed over. */
static int defaults(struct sudoers *s, char *rest)
{
	char whom[256] = "";

	if (*rest && strchr(":@>", *rest)) {
		size_t n = strcspn(rest, " \t");

		if (n >= sizeof(whom))
			return 0;
		memcpy(whom, rest, n);
		whom[n] = '\0';
		rest += n;
	} else if (*rest != ' ' && *rest != '\t') {
		return 0;
	}
	while (rest) {
		char *comma = find_bare(rest, ",");

		if (comma)
			*comma++ = '\0';
		if (strcmp(strip(rest), "!authenticate") == 0)
			return s->fn(AUDIT_SUDO_NO_AUTHENTICATE, whom, s->line, s->ctx);
		rest = comma;
	}
	return 0;
}

static char *include_of(char *line, const char *word)
{
	const size_t n = strlen(word);

	if ((*line != '@' && *line != '#') || strncmp(line + 1, word, n) != 0 ||
	    (line[n + 1] != ' ' && line[n + 1] != '\t'))
		return NULL;
	line = strip(line + n + 1);
	if (*line == '"') {
		line++;
		line[strcspn(line, "\"")] = '\0';
	}
	return *line ? line : NULL;
}

static int line_take(struct sudoers *s, char *line)
{
	char *path;

	line = strip(line);
	path = include_of(line, "includedir");
	if (path)
		return s->fn(AUDIT_SUDO_INCLUDE_DIRECTORY, path, s->line, s->ctx);
	path = include_of(line, "include");
	if (path)
		return s->fn(AUDIT_SUDO_INCLUDE, path, s->line, s->ctx);
	cut_comment(line);
	line = strip(line);
	if (strncmp(line, "Defaults", 8) == 0)
		return defaults(s, line + 8);
	if (!*line || strstr(line, "_Alias ") || strstr(line, "_Alias\t"))
		return 0;
	return specification(s, line);
}

int audit_sudoers_parse(const char *text, size_t len, audit_sudo_fn fn, void *ctx)
{
	struct sudoers s = { .fn = fn, .ctx = ctx };
	const char *const end = text + len;
	char line[LINE_BYTES];
	unsigned int n = 0;
	int err = 0;

	while (!err && text < end) {
		size_t used = 0;

		s.line = n + 1;
		line[0] = '\0';
		while (audit_next_line(&text, end, line + used, sizeof(line) - used)) {
			n++;
			used += strlen(line + used);
			if (!used || line[used - 1] != '\\')
				break;
			line[--used] = '\0';
		}
		err = line_take(&s, line);
	}
	return err;
}
