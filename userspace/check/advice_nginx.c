/* SPDX-License-Identifier: MIT */
/*
 * What nginx's files say of a place, and how lines are added to them.
 * Invariant: what may be set somewhere for a place (there, in its server, above it, in a file that is included) counts as set.
 */
#include "check/advice_nginx.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- what is set */

bool nginx_applies(const struct nginx_setting *s, const struct nginx_pass *p)
{
	if (*s->upstream)
		return false;
	if (s->server == SIZE_MAX)
		return true;
	return s->server == p->server && (!*s->location || strcmp(s->location, p->location) == 0);
}

bool nginx_is_set(const struct nginx_conf *c, const struct nginx_pass *p, const char *name,
		  const char *value)
{
	for (size_t i = 0; i < c->n_settings; i++) {
		const struct nginx_setting *s = &c->settings[i];

		if (nginx_applies(s, p) && strcmp(s->name, name) == 0 &&
		    (!value || strcmp(s->value, value) == 0))
			return true;
	}
	return false;
}

/* --- edits of one of its files */

int nginx_indent_of(const char *text, size_t line)
{
	size_t len;
	const char *at = advice_line(text, line, &len);

	return (int)strspn(at, " \t");
}

bool nginx_stands_alone(const char *text, size_t line, const char *name)
{
	size_t len, n = strlen(name);
	const char *at = advice_line(text, line, &len), *end = at + len;

	at += strspn(at, " \t");
	return (size_t)(end - at) > n && memcmp(at, name, n) == 0 &&
	       (at[n] == ' ' || at[n] == '\t') && memchr(at, ';', (size_t)(end - at)) &&
	       !memchr(at, '{', (size_t)(end - at)) && !memchr(at, '}', (size_t)(end - at));
}

bool nginx_in_location(const char *text, size_t line)
{
	int depth = 0;

	while (--line) {
		size_t len;
		const char *at = advice_line(text, line, &len), *end = at + len;

		at += strspn(at, " \t");
		if (*at == '#')
			continue;
		for (const char *c = end; c-- > at;) {
			depth += *c == '}';
			depth -= *c == '{';
			if (depth < 0)
				return strncmp(at, "location", 8) == 0;
		}
	}
	return false;
}

bool nginx_is_second(const struct nginx_conf *c, size_t i)
{
	const struct nginx_pass *p = &c->passes[i];

	while (i-- > 0)
		if (c->passes[i].server == p->server && c->passes[i].place.file == p->place.file &&
		    strcmp(c->passes[i].location, p->location) == 0)
			return true;
	return false;
}

int nginx_add_behind(struct editing *e, size_t line, const char *what)
{
	size_t len;
	const char *at = advice_line(e->text, line, &len);

	return advice_edit(&e->edits, line, false, "%.*s%s", nginx_indent_of(e->text, line), at,
			   what);
}

/* Of one file. Returns 0, -ENOMEM, or what says that there is no diff of it. */
static int diff_file(const struct advice_case *c, unsigned int file, int (*edit)(struct editing *e),
		     struct upstreams *new, struct buf *out)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(ADVICE_FILE_MAX);
	const char *path = c->host->proxy.files[file].path;
	struct editing *e;
	int err = advice_host_read(c->host, path, &text);

	if (err)
		return err;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	*e = (struct editing){
		.c = c, .conf = &c->host->proxy, .file = file, .text = buf_str(&text), .new = new
	};
	err = edit(e);
	if (!err)
		err = advice_host_diff(c->host, path, e->text, &e->edits, out);
	free(e);
	return err;
}

int nginx_diff_files(const struct advice_case *c, int (*edit)(struct editing *e), const char *words,
		     struct buf *out)
{
	_cleanup_(buf_done) struct buf diffs = BUF_INIT(ADVICE_TEXT_MAX);
	struct upstreams new = { .n = 0 };
	int err = 0;

	for (unsigned int i = 0; i < c->host->proxy.n_files && !err; i++)
		err = diff_file(c, i, edit, &new, &diffs);
	if (err == -ENOMEM)
		return err;
	return err || !diffs.len ? buf_add_str(out, words) : buf_add(out, diffs.data, diffs.len);
}
