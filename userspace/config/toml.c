/* SPDX-License-Identifier: MIT */
/* One pass over the text. Invariant: at never passes end, and each step takes a byte or fails, so that any bytes come to an end. */
#include "config/toml.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 64

struct words {
	char text[TOML_TEXT_MAX + 1];
	size_t n;
	bool over; /* there was more */
};

struct reading {
	const char *at, *end;
	unsigned int line;
	char path[TOML_PATH_MAX + 1];
	size_t n_path, n_table; /* of it: all, that of the present table */
	struct words value;
};

static bool ends(const struct reading *r)
{
	return r->at == r->end;
}

static int next(const struct reading *r)
{
	return ends(r) ? -1 : (unsigned char)*r->at;
}

static bool take_char(struct reading *r, char c)
{
	if (next(r) != (unsigned char)c)
		return false;
	r->line += c == '\n';
	r->at++;
	return true;
}

static bool has(const struct reading *r, const char *text)
{
	size_t n = strlen(text);

	return (size_t)(r->end - r->at) >= n && memcmp(r->at, text, n) == 0;
}

static bool take_text(struct reading *r, const char *text)
{
	if (!has(r, text))
		return false;
	r->at += strlen(text);
	return true;
}

static void skip_space(struct reading *r)
{
	while (next(r) == ' ' || next(r) == '\t')
		r->at++;
}

/* Space, and a comment up to the end of the line. */
static void skip_comment(struct reading *r)
{
	skip_space(r);
	if (next(r) == '#')
		while (!ends(r) && *r->at != '\n')
			r->at++;
}

static void skip_lines(struct reading *r)
{
	do
		skip_comment(r);
	while (take_text(r, "\r\n") ? r->line++, true : take_char(r, '\n'));
}

static void add(struct words *w, const char *bytes, size_t n)
{
	if (n > TOML_TEXT_MAX - w->n) {
		w->over = true;
		return;
	}
	memcpy(w->text + w->n, bytes, n);
	w->n += n;
	w->text[w->n] = 0;
}

static void empty(struct words *w)
{
	w->n = 0;
	w->text[0] = 0;
	w->over = false;
}

static int add_utf8(struct words *w, uint32_t c)
{
	char s[4];
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || !c)
		return -EINVAL;
	for (size_t i = n; i-- > 1; c >>= 6)
		s[i] = (char)(0x80 | (c & 0x3f));
	s[0] = (char)(n == 1 ? c : (0xf00u >> n & 0xff) | c);
	add(w, s, n);
	return 0;
}

static int escape_number(struct reading *r, int digits)
{
	uint32_t c = 0;

	while (digits-- > 0) {
		int h = next(r);

		if (h < 0 || !isxdigit(h))
			return -EINVAL;
		c = c * 16 + (uint32_t)(isdigit(h) ? h - '0' : tolower(h) - 'a' + 10);
		r->at++;
	}
	return add_utf8(&r->value, c);
}

static int escape(struct reading *r)
{
	static const char letters[] = "btnfr\"\\", meant[] = "\b\t\n\f\r\"\\";
	int c = next(r);
	const char *known = c > 0 ? strchr(letters, c) : NULL;

	if (c < 0)
		return -EINVAL;
	r->at++;
	if (known) {
		add(&r->value, &meant[known - letters], 1);
		return 0;
	}
	return c == 'u' ? escape_number(r, 4) : c == 'U' ? escape_number(r, 8) : -EINVAL;
}

/* A string of one line, behind its first quote. */
static int string(struct reading *r, char quote)
{
	int err = 0;

	while (!err && !take_char(r, quote)) {
		int c = next(r);

		if (c < 0 || c == 0x7f || (c < ' ' && c != '\t'))
			return -EINVAL;
		r->at++;
		if (c == '\\' && quote == '"')
			err = escape(r);
		else
			add(&r->value, r->at - 1, 1);
	}
	return err;
}

/* One of several lines, behind its first three quotes: passed over. */
static int long_string(struct reading *r, const char *quotes)
{
	while (!take_text(r, quotes)) {
		if (ends(r))
			return -EINVAL;
		if (*quotes == '"' && take_char(r, '\\') && ends(r))
			return -EINVAL;
		r->line += *r->at == '\n';
		r->at++;
	}
	/* Up to two quotes may stand before the three that end it. */
	for (int i = 0; i < 2; i++)
		take_char(r, *quotes);
	return 0;
}

static int any_string(struct reading *r, enum toml_type *ret)
{
	char quote = *r->at;
	const char *three = quote == '"' ? "\"\"\"" : "'''";

	int err;

	empty(&r->value);
	if (take_text(r, three)) {
		*ret = TOML_OTHER;
		return long_string(r, three);
	}
	r->at++;
	err = string(r, quote);
	*ret = r->value.over ? TOML_OTHER : TOML_TEXT;
	return err;
}

/* A list or an inline table: passed over, whatever is in it. */
static int skip_nested(struct reading *r)
{
	char open[DEPTH_MAX];
	size_t depth = 0;

	do {
		int c = next(r), err = 0;
		enum toml_type type;

		if (c < 0)
			return -EINVAL;
		if (c == '"' || c == '\'') {
			err = any_string(r, &type);
			if (err)
				return err;
			continue;
		}
		if (c == '#') {
			skip_comment(r);
			continue;
		}
		if (c == '[' || c == '{') {
			if (depth == DEPTH_MAX)
				return -EINVAL;
			open[depth++] = (char)c;
		} else if (c == ']' || c == '}') {
			if (open[--depth] != (c == ']' ? '[' : '{'))
				return -EINVAL;
		}
		take_char(r, (char)c);
	} while (depth);
	return 0;
}

static bool is_integer(const char *s)
{
	if (*s == '-' || *s == '+')
		s++;
	if (!isdigit((unsigned char)*s) || (*s == '0' && s[1]))
		return false;
	for (; *s; s++)
		if (!isdigit((unsigned char)*s) && !(*s == '_' && isdigit((unsigned char)s[1])))
			return false;
	return true;
}

/* Numbers, dates, true and false. */
static int word(struct reading *r, enum toml_type *ret)
{
	char *to = r->value.text;

	empty(&r->value);
	while (!ends(r) && !strchr("\r\n#,]}", *r->at))
		add(&r->value, r->at++, 1);
	while (r->value.n && isspace((unsigned char)r->value.text[r->value.n - 1]))
		r->value.text[--r->value.n] = 0;
	if (!r->value.n || !isprint((unsigned char)*to))
		return -EINVAL;
	*ret = TOML_OTHER;
	if (strcmp(to, "true") == 0 || strcmp(to, "false") == 0)
		*ret = TOML_BOOL;
	if (!is_integer(to))
		return 0;
	*ret = TOML_INTEGER;
	for (const char *from = to; *from; from++)
		if (*from != '_' && *from != '+')
			*to++ = *from;
	*to = 0;
	return 0;
}

static int add_name(struct reading *r, const char *name, size_t n)
{
	if (n + 1 > TOML_PATH_MAX - r->n_path)
		return -E2BIG;
	if (r->n_path)
		r->path[r->n_path++] = '.';
	memcpy(r->path + r->n_path, name, n);
	r->n_path += n;
	r->path[r->n_path] = 0;
	return 0;
}

/* a."b c".d, behind what path has already. */
static int key(struct reading *r)
{
	int err;

	do {
		const char *from;
		enum toml_type type;

		skip_space(r);
		from = r->at;
		if (next(r) == '"' || next(r) == '\'') {
			err = any_string(r, &type);
			if (!err && type != TOML_TEXT)
				err = -EINVAL;
			if (!err)
				err = add_name(r, r->value.text, r->value.n);
		} else {
			while (isalnum(next(r)) || next(r) == '_' || next(r) == '-')
				r->at++;
			err = r->at == from ? -EINVAL : add_name(r, from, (size_t)(r->at - from));
		}
		skip_space(r);
	} while (!err && take_char(r, '.'));
	return err;
}

static int table_head(struct reading *r)
{
	bool array = take_char(r, '[');
	int err;

	r->n_path = 0;
	err = key(r);
	if (!err && (!take_char(r, ']') || (array && !take_char(r, ']'))))
		err = -EINVAL;
	r->n_table = r->n_path;
	return err;
}

static int pair(struct reading *r, toml_fn fn, void *ctx)
{
	enum toml_type type = TOML_OTHER;
	int err;

	r->n_path = r->n_table;
	err = key(r);
	if (!err && !take_char(r, '='))
		err = -EINVAL;
	if (err)
		return err;
	skip_space(r);
	if (next(r) == '"' || next(r) == '\'')
		err = any_string(r, &type);
	else if (next(r) == '[' || next(r) == '{')
		err = skip_nested(r);
	else
		err = word(r, &type);
	return err ?: fn(r->path, type, type == TOML_OTHER ? "" : r->value.text, ctx);
}

int toml_parse(const char *text, size_t n, toml_fn fn, void *ctx, unsigned int *ret_line)
{
	struct reading *r = calloc(1, sizeof(*r));
	int err = 0;

	if (!r)
		return -ENOMEM;
	r->at = text;
	r->end = text + n;
	r->line = 1;
	take_text(r, "\xef\xbb\xbf");
	for (skip_lines(r); !err && !ends(r); skip_lines(r)) {
		unsigned int line = r->line;

		err = take_char(r, '[') ? table_head(r) : pair(r, fn, ctx);
		skip_comment(r);
		if (!err && !ends(r) && *r->at != '\n' && !has(r, "\r\n"))
			err = -EINVAL;
		if (err)
			*ret_line = line;
	}
	free(r);
	return err;
}
