/* SPDX-License-Identifier: MIT */
/*
 * Lines go through inih one at a time. Our reader sees each line before inih does: it knows its
 * number, keeps the section and the value, which may be longer than inih's lines and a secret, and
 * withholds what inih would misread.
 * Invariant: inih never gets more than one line a call, nor one that it would cut or continue.
 */
#include "config/parse.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "config/value.h"

#define PROBLEMS_MAX 50
/* The longest is an alarm's: a name of 255 characters of UTF-8. */
#define SECTION_MAX 1040
/* A path (4096) or a session token, and its key. */
#define LINE_MAX_BYTES 4352
/* Of a value, in messages. */
#define SHOWN_MAX 200

struct parse {
	const struct schema *schema;
	const struct parse_source *source;
	void *whole;
	struct table *lines;
	struct buf *problems;
	const char *at; /* the next line */
	unsigned int line;
	unsigned int n_problems;
	char header[SECTION_MAX + 1];         /* what stands between [ and ] */
	const struct schema_section *section; /* NULL: none yet, or not known */
	void *into;                           /* whose fields the section's keys are */
	char text[LINE_MAX_BYTES + 1];        /* of the line */
	char *value;                          /* in it, behind the = */
	bool awaits_key; /* inih has got a line that must turn out to be a key */
	int err;         /* -ENOMEM */
};

/* Begins a problem; false: enough were told. */
static bool problem_begin(struct parse *p)
{
	p->n_problems++;
	if (p->n_problems > PROBLEMS_MAX)
		return false;
	buf_printf(p->problems, "%s:%u: ", p->source->name, p->line);
	return true;
}

static void _printf_(2, 3) problem(struct parse *p, const char *fmt, ...)
{
	char text[SECTION_MAX + 2 * SHOWN_MAX + 400];
	va_list args;

	if (!problem_begin(p))
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	buf_printf(p->problems, "%s\n", text);
}

/* What identifies a value in the table of lines. Has no padding, being a key as bytes. */
struct place {
	const void *key;
	const void *into;
	size_t i;
};

static void line_put(struct parse *p, const void *key, size_t i)
{
	struct place place = { .key = key, .into = p->into, .i = i };
	int err = table_put(p->lines, &place, sizeof(place), (void *)(uintptr_t)p->line);

	if (err)
		p->err = err;
}

unsigned int parse_line_of(const struct table *lines, const struct schema_key *k, const void *into,
			   size_t i)
{
	struct place place = { .key = k, .into = into, .i = i };

	return (unsigned int)(uintptr_t)table_get(lines, &place, sizeof(place));
}

unsigned int parse_section_line_of(const struct table *lines, const void *item)
{
	struct place place = { .into = item };

	return (unsigned int)(uintptr_t)table_get(lines, &place, sizeof(place));
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Cuts white space off both ends. */
static char *trim(char *s)
{
	size_t n;

	while (is_space(*s))
		s++;
	for (n = strlen(s); n && is_space(s[n - 1]); n--)
		s[n - 1] = '\0';
	return s;
}

/* What a message may show of the value of @name, in @to: not a secret, nor too much. */
static const char *shown(const struct parse *p, const char *name, const char *value,
			 char to[SHOWN_MAX + 4])
{
	bool known = p->section && schema_find_key(p->schema, p->section->name, name);
	size_t n;

	if (schema_is_secret(p->schema, name) ||
	    (!known && p->section && strcmp(p->section->name, "aws") == 0))
		return memcpy(to, "...", 4);
	utf8_make_plain(value, strlen(value), to, SHOWN_MAX + 1);
	n = strlen(to);
	if (n < strlen(value))
		memcpy(to + n, "...", 4);
	return to;
}

static void section_unknown(struct parse *p, const char *name)
{
	const char *nearest = schema_nearest_section(p->schema, name);

	if (!problem_begin(p))
		return;
	buf_printf(p->problems, "[%s]: there is no such section; ", p->header);
	if (nearest) {
		buf_printf(p->problems, "[%s] was probably meant\n", nearest);
		return;
	}
	buf_add_str(p->problems, "there are");
	for (size_t i = 0; i < p->schema->n_sections; i++)
		buf_printf(p->problems, "%s [%s]", i ? "," : "", p->schema->sections[i].name);
	buf_add_char(p->problems, '\n');
}

/* False: there is none, and a problem or an error says why. */
static bool item_begin(struct parse *p, const struct schema_section *section, const char *label)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1024);
	struct table *labels = p->lines;
	struct place place = { .key = section };
	unsigned char key[sizeof(place) + SECTION_MAX];
	size_t n = sizeof(place) + strlen(label);
	unsigned int before;
	int err;

	/* A label is found by its section and itself, an item's line by the item. */
	memcpy(key, &place, sizeof(place));
	memcpy(key + sizeof(place), label, strlen(label));
	before = (unsigned int)(uintptr_t)table_get(labels, key, n);
	if (before) {
		problem(p,
			"[%s]: stands in line %u already; give it another name, or make one of them",
			p->header, before);
		return false;
	}
	err = section->item(p->whole, label, &why, &p->into);
	if (err == 0)
		err = table_put(labels, key, n, (void *)(uintptr_t)p->line);
	if (err == -ENOMEM)
		p->err = err;
	else if (err)
		problem(p, "[%s]: %s", p->header, buf_str(&why));
	else
		line_put(p, NULL, 0);
	return err == 0;
}

/* @label is NULL, or what stands behind the section's name, with its quotes. */
static void section_enter(struct parse *p, const struct schema_section *section, char *label)
{
	size_t n = label ? strlen(label) : 0;

	if (!section->item && label) {
		problem(p, "[%s]: [%s] takes no label; write [%s]", p->header, section->name,
			section->name);
		return;
	}
	p->into = p->whole;
	if (section->item) {
		if (n < 3 || label[0] != '"' || label[n - 1] != '"' ||
		    strchr(label + 1, '"') != label + n - 1) {
			problem(p, "[%s]: a label is missing; write [%s \"a name\"]", p->header,
				section->name);
			return;
		}
		label[n - 1] = '\0';
		if (!item_begin(p, section, label + 1))
			return;
	}
	p->section = section;
}

/* Takes the section's line, "[...]", apart. */
static void section_line(struct parse *p, char *line)
{
	char name[SECTION_MAX + 1];
	char *end = strrchr(line, ']'), *label;
	const struct schema_section *section;
	size_t n;

	p->section = NULL;
	p->header[0] = '\0';
	if (!end) {
		problem(p, "%.60s: the section's ] is missing", line);
		p->header[0] = '?'; /* its keys are not looked at */
		return;
	}
	*end = '\0';
	n = strlen(line + 1);
	memcpy(p->header, n <= SECTION_MAX ? line + 1 : "?", n <= SECTION_MAX ? n + 1 : 2);
	if (n > SECTION_MAX) {
		problem(p, "[%.60s...]: longer than %d bytes", line + 1, SECTION_MAX);
		return;
	}
	if (end[1]) {
		problem(p, "[%s]: there is more behind the ]; write it on a line of its own",
			p->header);
	}
	memcpy(name, p->header, sizeof(name));
	n = strcspn(name, " \t");
	label = name[n] ? trim(name + n) : NULL;
	name[n] = '\0';
	section = schema_find_section(p->schema, name);
	if (section)
		section_enter(p, section, label);
	else
		section_unknown(p, name);
}

static void key_unknown(struct parse *p, const char *name, const char *value)
{
	const char *section = p->section->name;
	const char *nearest = schema_nearest_key(p->schema, section, name);
	const char *other = schema_section_of(p->schema, name);
	bool first = true;

	char part[SHOWN_MAX + 4];

	if (!problem_begin(p))
		return;
	buf_printf(p->problems, "[%s] %s = %s: there is no such key here; ", p->header, name,
		   shown(p, name, value, part));
	if (other) {
		buf_printf(p->problems, "it belongs in [%s]\n", other);
		return;
	}
	if (nearest) {
		buf_printf(p->problems, "%s was probably meant\n", nearest);
		return;
	}
	buf_printf(p->problems, "[%s] has", section);
	for (size_t i = 0; i < p->schema->n_keys; i++) {
		if (strcmp(p->schema->keys[i].section, section) != 0)
			continue;
		buf_printf(p->problems, "%s %s", first ? "" : ",", p->schema->keys[i].name);
		first = false;
	}
	buf_add_char(p->problems, '\n');
}

/* Sets the field; the first of a repeatable key's lines takes the place of its defaults. */
static void key_set(struct parse *p, const struct schema_key *k, const char *value)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1024);
	unsigned int before = parse_line_of(p->lines, k, p->into, 0);
	char part[SHOWN_MAX + 4];
	int err;

	shown(p, k->name, value, part);
	if (before && k->type != SCHEMA_STRINGS) {
		problem(p, "[%s] %s = %s: stands in line %u already; keep one of them", p->header,
			k->name, part, before);
		return;
	}
	if (!before && k->type == SCHEMA_STRINGS)
		value_clear(k, p->into);
	line_put(p, k, value_count(k, p->into));
	err = value_set(k, p->into, value, &why);
	if (err == -ENOMEM)
		p->err = err;
	else if (err)
		problem(p, "[%s] %s = %s: %s", p->header, k->name, part, buf_str(&why));
}

static void key_line(struct parse *p, const char *name, const char *value)
{
	const struct schema_key *k;
	char part[SHOWN_MAX + 4];

	shown(p, name, value, part);
	if (!p->header[0]) {
		problem(p,
			"%s = %s: stands before the first section; put it behind a line like [%s]",
			name, part,
			schema_section_of(p->schema, name) ?: p->schema->sections[0].name);
		return;
	}
	if (!p->section)
		return; /* the section's own line was a problem */
	k = schema_find_key(p->schema, p->section->name, name);
	if (!k)
		key_unknown(p, name, value);
	else if (strstr(value, " ;") || strstr(value, "\t;") || strstr(value, " #") ||
		 strstr(value, "\t#") || value[0] == '#')
		problem(p,
			"[%s] %s = %s: a comment cannot follow a value; give it a line of its own",
			p->header, name, part);
	else
		key_set(p, k, value);
}

/* inih's callback for a key. It may pass no name for a section, and no value for a lone word. */
static int on_key(void *user, const char *section, const char *name, const char *value)
{
	struct parse *p = user;

	(void)section;
	if (!name || !value || !p->value)
		return 1;
	p->awaits_key = false;
	key_line(p, name, p->value);
	return 1;
}

/* Tells of the line before, if it was to be a key and was none. */
static void settle(struct parse *p)
{
	if (p->awaits_key)
		problem(p, "neither a [section], nor key = value, nor a comment (# or ;)");
	p->awaits_key = false;
}

/* How much of the line is the name of a key, at most @max: the rest may be a secret. */
static size_t key_len(const char *line, size_t max)
{
	size_t n = 0;

	while (n < max && line[n] != '=' && line[n] != ':')
		n++;
	return n;
}

/* Whether the line may be taken apart (@line has @n bytes, and is trimmed); else a problem was noted. */
static bool line_is_sound(struct parse *p, const char *line, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)line[i];

		if ((c < ' ' && c != '\t') || c == 127) {
			problem(p, "a control byte (0x%02x) in column %zu; remove it", c, i + 1);
			return false;
		}
	}
	for (size_t i = 0, len; i < n; i += len) {
		uint32_t c;

		len = utf8_next(line + i, n - i, &c);
		if (len == 0) {
			problem(p, "column %zu is not UTF-8; write it anew", i + 1);
			return false;
		}
	}
	if (n > LINE_MAX_BYTES) {
		problem(p, "%.*s...: the line has %zu bytes; at most %d are possible",
			(int)key_len(line, 40), line, n, LINE_MAX_BYTES);
		return false;
	}
	return true;
}

/* Copies the next line to p->text, without what is around it, and looks at it. */
static void line_take(struct parse *p)
{
	const char *end = p->source->text + p->source->len;
	const char *newline = memchr(p->at, '\n', (size_t)(end - p->at));
	const char *from = p->at, *until = newline ? newline : end;

	p->at = newline ? newline + 1 : end;
	p->line++;
	if (p->line == 1 && until - from >= 3 && memcmp(from, "\xef\xbb\xbf", 3) == 0)
		from += 3;
	while (from < until && is_space(*from))
		from++;
	while (from < until && is_space(until[-1]))
		until--;
	p->text[0] = '\0';
	if (from == until || *from == '#' || *from == ';')
		return;
	if (!line_is_sound(p, from, (size_t)(until - from)))
		return;
	memcpy(p->text, from, (size_t)(until - from));
	p->text[until - from] = '\0';
	p->awaits_key = p->text[0] != '[';
}

/* Gives inih the name of a key and its =, if that is what the line begins with. */
static void name_give(struct parse *p, char *to, size_t size)
{
	size_t n = strcspn(p->text, "=:");

	p->value = NULL;
	to[0] = '\0';
	if (!p->text[n] || n + 3 > size || memmem(p->text, n, " ;", 2) ||
	    memmem(p->text, n, "\t;", 2))
		return;
	p->value = trim(p->text + n + 1);
	memcpy(to, p->text, n + 1);
	to[n + 1] = '\0';
}

/* inih's reader, in the manner of fgets(). Sections are ours: it gets an empty line for them. */
static char *next_line(char *to, int size, void *stream)
{
	struct parse *p = stream;
	size_t n;

	settle(p);
	if (p->err || p->at == p->source->text + p->source->len)
		return NULL;
	line_take(p);
	to[0] = '\0';
	if (p->text[0] == '[')
		section_line(p, p->text);
	else
		name_give(p, to, (size_t)size - 1);
	n = strlen(to);
	memcpy(to + n, "\n", 2);
	return to;
}

int parse_text(const struct schema *s, const struct parse_source *source, void *whole,
	       struct table *lines, struct buf *problems)
{
	struct parse p = {
		.schema = s,
		.source = source,
		.whole = whole,
		.lines = lines,
		.problems = problems,
		.at = source->text,
	};
	int n = ini_parse_stream(next_line, &p, on_key, &p);

	explicit_bzero(p.text, sizeof(p.text));
	if (p.err || n == -2)
		return -ENOMEM;
	if (n != 0 && p.n_problems == 0)
		problem(&p, "cannot be understood");
	if (p.n_problems > PROBLEMS_MAX)
		buf_printf(problems, "%s: and %u more\n", source->name,
			   p.n_problems - PROBLEMS_MAX);
	return p.n_problems ? -EINVAL : 0;
}
