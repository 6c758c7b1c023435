/* SPDX-License-Identifier: MIT */
/*
 * Logical lines of sudoers, kept as statements. Invariant: a backslash takes the meaning from the character behind it, quotes from all in
 * between; a comment ends with its line, whatever stands at its end.
 */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "check/audit_sudoers_impl.h"

#define LINE_BYTES (64u << 10)
#define FIRST_SIZE 16
#define DEPTH_MAX 16

int audit_sudoers_new(struct audit_sudoers **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret ? 0 : -ENOMEM;
}

static void statement_done(struct sudoers_statement *t)
{
	free(t->name);
	free(t->text);
	free(t->path);
}

void audit_sudoers_free(struct audit_sudoers *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		statement_done(&s->list[i]);
	free(s->list);
	free(s);
}

void audit_sudoers_freep(struct audit_sudoers **s)
{
	audit_sudoers_free(*s);
}

/* --- texts */

char *sudoers_strip(char *text)
{
	char *end;

	text += strspn(text, " \t\r");
	end = text + strlen(text);
	while (end > text && strchr(" \t\r", end[-1]))
		*--end = '\0';
	return text;
}

char *sudoers_find(char *text, const char *stops)
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

char *sudoers_unquote(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\\' && from[1])
			from++;
		else if (*from == '"')
			continue;
		*to++ = *from;
	}
	*to = '\0';
	return text;
}

/* --- statements */

static int keep(struct audit_sudoers *s, const struct sudoers_statement *t)
{
	const size_t size = s->size ? 2 * s->size : FIRST_SIZE;
	struct sudoers_statement new = { .kind = t->kind, .line = t->line }, *list = s->list;

	if (s->n == SUDOERS_STATEMENTS_MAX)
		return -E2BIG;
	if (s->n == s->size)
		list = realloc(list, size * sizeof(*list));
	if (!list)
		return -ENOMEM;
	if (s->n == s->size)
		s->size = size;
	s->list = list;
	new.name = t->name ? strdup(t->name) : NULL;
	new.text = strdup(t->text);
	new.path = strdup(t->path);
	if (!new.text || !new.path || (t->name && !new.name)) {
		statement_done(&new);
		return -ENOMEM;
	}
	s->list[s->n++] = new;
	return 0;
}

/* NAME = MEMBERS : NAME = MEMBERS */
static int keep_aliases(struct audit_sudoers *s, struct sudoers_statement *t, char *text)
{
	int err = 0;

	while (text && !err) {
		char *next = sudoers_find(text, ":"), *members;

		if (next)
			*next++ = '\0';
		members = sudoers_find(text, "=");
		if (members) {
			*members++ = '\0';
			t->name = sudoers_strip(text);
			t->text = members;
			err = keep(s, t);
		}
		text = next;
	}
	return err;
}

/* What is behind @word, if @line begins with it; NULL. */
static char *behind(char *line, const char *word)
{
	const size_t n = strlen(word);

	return strncmp(line, word, n) == 0 && strchr(" \t", line[n]) && line[n] ? line + n : NULL;
}

static int keep_line(struct audit_sudoers *s, const char *path, unsigned int number, char *line)
{
	static const struct {
		const char *word;
		enum sudoers_kind kind;
	} aliases[] = {
		{ "User_Alias", SUDOERS_USERS },
		{ "Runas_Alias", SUDOERS_RUNAS },
		{ "Cmnd_Alias", SUDOERS_COMMANDS },
		{ "Cmd_Alias", SUDOERS_COMMANDS },
	};
	struct sudoers_statement t = { .path = (char *)(uintptr_t)path, .line = number };

	line = sudoers_strip(line);
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
		char *rest = behind(line, aliases[i].word);

		t.kind = aliases[i].kind;
		if (rest)
			return keep_aliases(s, &t, rest);
	}
	if (!*line || behind(line, "Host_Alias"))
		return 0;
	t.kind = SUDOERS_RIGHTS;
	t.text = line;
	/* "Defaults!COMMAND" and what else there may be: not a user, for whom a space would follow. */
	if (strncmp(line, "Defaults", 8) == 0 && (!line[8] || strchr(" \t:@!>", line[8]))) {
		t.kind = SUDOERS_DEFAULTS;
		t.text = line + 8;
	}
	return keep(s, &t);
}

/* --- lines */

/* Ends @line at its comment; # before a digit is a user's number. Returns whether there was one. */
static bool cut_comment(char *line)
{
	bool quoted = false;

	for (char *c = line; *c; c++) {
		if (*c == '\\' && c[1])
			c++;
		else if (*c == '"')
			quoted = !quoted;
		else if (*c == '#' && !quoted && !isdigit((unsigned char)c[1])) {
			*c = '\0';
			return true;
		}
	}
	return false;
}

/* What is behind "@include" or "#include", @word; NULL. */
static char *behind_include(char *line, const char *word)
{
	line += strspn(line, " \t");
	return *line == '@' || *line == '#' ? behind(line + 1, word) : NULL;
}

/* The path of it, which ends at a space that is neither escaped nor in quotes; NULL. */
static char *include_of(char *line, const char *word)
{
	char *path = behind_include(line, word), *end;

	if (!path)
		return NULL;
	path = sudoers_strip(path);
	end = sudoers_find(path, " \t");
	if (end)
		*end = '\0';
	sudoers_unquote(path);
	return *path ? path : NULL;
}

/* Takes the backslash off the end with which a line goes on; spaces may follow it. */
static bool goes_on(struct buf *line)
{
	size_t end = line->len, n = 0;

	while (end && strchr(" \t\r", line->data[end - 1]))
		end--;
	while (n < end && line->data[end - 1 - n] == '\\')
		n++;
	if (n % 2 == 0)
		return false;
	line->len = end - 1;
	line->data[line->len] = '\0';
	return true;
}

/* Appends the next line of [*at, end) without its comment; returns whether the one behind it belongs to it. What has no room is left out. */
static bool add_line(const char **at, const char *end, struct buf *line)
{
	const char *newline = memchr(*at, '\n', (size_t)(end - *at));
	const size_t length = (size_t)((newline ? newline : end) - *at), before = line->len;
	const size_t room = line->max - before;
	bool ends = false;

	buf_add(line, *at, length < room ? length : room);
	*at += length + (newline != NULL);
	if (line->err || line->len == before)
		return false;
	if (before ||
	    (!behind_include(line->data, "include") && !behind_include(line->data, "includedir")))
		ends = cut_comment(line->data + before);
	line->len = before + strlen(line->data + before);
	return !ends && goes_on(line) && *at < end;
}

static int take_line(struct audit_sudoers *s, const char *path, unsigned int number, char *line,
		     audit_sudo_include_fn fn, void *ctx)
{
	char *included = include_of(line, "includedir");

	if (included)
		return fn(included, true, ctx);
	included = include_of(line, "include");
	return included ? fn(included, false, ctx) : keep_line(s, path, number, line);
}

int audit_sudoers_add(struct audit_sudoers *s, const char *path, const char *text, size_t len,
		      audit_sudo_include_fn fn, void *ctx)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT(LINE_BYTES);
	const char *const end = text + len;
	unsigned int n = 0;
	int err = 0;

	while (!err && text < end) {
		const unsigned int first = n + 1;

		buf_reset(&line);
		do
			n++;
		while (add_line(&text, end, &line));
		err = line.err == -ENOMEM ? -ENOMEM : 0;
		if (!err && line.len)
			err = take_line(s, path, first, line.data, fn, ctx);
	}
	return err;
}

/* --- lists */

struct walk {
	struct audit_sudoers *s;
	enum sudoers_kind kind;
	sudoers_member_fn fn;
	void *ctx;
	unsigned int depth;
};

static bool is_alias_name(const char *text)
{
	return isupper((unsigned char)*text) &&
	       text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")] == '\0' &&
	       strcmp(text, "ALL") != 0;
}

static const struct sudoers_statement *find_alias(const struct walk *w, const char *name)
{
	for (size_t i = 0; i < w->s->n; i++) {
		const struct sudoers_statement *t = &w->s->list[i];

		if (t->kind == w->kind && strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}

static int walk_list(struct walk *w, char *list, bool negated);

static int walk_member(struct walk *w, char *item, bool negated)
{
	const struct sudoers_statement *alias;
	char *copy;
	int err;

	for (item = sudoers_strip(item); *item == '!'; item = sudoers_strip(item + 1))
		negated = !negated;
	if (!*item)
		return 0;
	if (w->s->steps++ >= SUDOERS_STEPS_MAX)
		return -E2BIG;
	alias = is_alias_name(item) ? find_alias(w, item) : NULL;
	if (!alias)
		return w->fn(item, negated, w->ctx);
	if (w->depth == DEPTH_MAX)
		return 0; /* of itself, which sudo refuses */
	copy = strdup(alias->text);
	if (!copy)
		return -ENOMEM;
	w->depth++;
	err = walk_list(w, copy, negated);
	w->depth--;
	free(copy);
	return err;
}

static int walk_list(struct walk *w, char *list, bool negated)
{
	int err = 0;

	while (list && !err) {
		char *next = sudoers_find(list, ",");

		if (next)
			*next++ = '\0';
		err = walk_member(w, list, negated);
		list = next;
	}
	return err;
}

int sudoers_each(struct audit_sudoers *s, enum sudoers_kind kind, char *list, sudoers_member_fn fn,
		 void *ctx)
{
	struct walk w = { .s = s, .kind = kind, .fn = fn, .ctx = ctx };

	return walk_list(&w, list, false);
}
