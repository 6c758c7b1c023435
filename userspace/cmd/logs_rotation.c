/* SPDX-License-Identifier: MIT */
/* Reads logrotate's files, as far as it is needed to know what is rotated and how: words, lines and braces. */
#include "cmd/logs_rotation.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "cmd/logs_print.h"

#define PATHS_MAX 256
#define WORD_MAX_BYTES 4096

struct words {
	char *list[PATHS_MAX];
	size_t n;
};

static void words_clear(struct words *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->list[i]);
	w->n = 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line, without its quotes and backslashes; NULL at the end of the line, or without memory (then *ret_err).
 * '{' and '}' are words of their own. */
static char *word(const char **at, const char *end, int *ret_err)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(WORD_MAX_BYTES);
	char quote = 0, *text;

	while (*at < end && (is_blank(**at) || **at == ','))
		++*at;
	if (*at == end || **at == '#')
		return NULL;
	if (**at == '{' || **at == '}') {
		buf_add_char(&b, *(*at)++);
	} else {
		for (; *at < end; ++*at) {
			char c = **at;

			if (!quote && (is_blank(c) || c == ',' || c == '{'))
				break;
			if (quote ? c == quote : c == '"' || c == '\'') {
				quote = quote ? 0 : c;
				continue;
			}
			if (c == '\\' && *at + 1 < end)
				c = *++*at;
			buf_add_char(&b, c);
		}
	}
	text = buf_steal(&b);
	if (!text)
		*ret_err = -ENOMEM;
	return text;
}

struct rotation_reading {
	struct words paths;
	bool inside, in_script;
	bool copytruncate, copytruncate_of_all;
	bool olddir_follows; /* it is the next word */
	char olddir[PATH_MAX], olddir_of_all[PATH_MAX];
	rotation_rule_fn fn;
	void *ctx;
};

static int end_section(struct rotation_reading *r)
{
	int err = 0;

	for (size_t i = 0; i < r->paths.n && !err; i++) {
		const struct rotation_rule rule = { r->paths.list[i], r->copytruncate, r->olddir };

		err = r->fn(&rule, r->ctx);
	}
	words_clear(&r->paths);
	r->inside = false;
	return err;
}

static bool begins_script(const char *w)
{
	static const char *const scripts[] = { "prerotate", "postrotate", "firstaction",
					       "lastaction", "preremove" };

	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++)
		if (strcmp(w, scripts[i]) == 0)
			return true;
	return false;
}

static void set_olddir(struct rotation_reading *r, const char *olddir)
{
	snprintf(r->olddir, sizeof(r->olddir), "%s", olddir);
	if (!r->inside)
		snprintf(r->olddir_of_all, sizeof(r->olddir_of_all), "%s", olddir);
	r->olddir_follows = false;
}

/* The first word of a line. */
static void take_option(struct rotation_reading *r, const char *w)
{
	if (begins_script(w))
		r->in_script = true;
	if (strcmp(w, "copytruncate") == 0 || strcmp(w, "nocopytruncate") == 0) {
		r->copytruncate = *w == 'c';
		if (!r->inside)
			r->copytruncate_of_all = r->copytruncate;
	}
	if (strcmp(w, "noolddir") == 0)
		set_olddir(r, "");
	r->olddir_follows = strcmp(w, "olddir") == 0;
}

/* Returns 1 if the word was kept. */
static int take_word(struct rotation_reading *r, char *w, bool first)
{
	if (strcmp(w, "}") == 0)
		return r->inside ? end_section(r) : 0;
	if (strcmp(w, "{") == 0) {
		r->inside = true;
		r->copytruncate = r->copytruncate_of_all;
		memcpy(r->olddir, r->olddir_of_all, sizeof(r->olddir));
		return 0;
	}
	if (r->olddir_follows && !first) {
		set_olddir(r, w);
		return 0;
	}
	if (first)
		take_option(r, w);
	if (r->inside || *w != '/' || r->paths.n == PATHS_MAX)
		return 0;
	r->paths.list[r->paths.n++] = w;
	return 1;
}

static int read_line(struct rotation_reading *r, const char *line, const char *end)
{
	bool first = true;
	int err = 0;
	char *w;

	while (!err && (w = word(&line, end, &err))) {
		int kept = 0;

		if (r->in_script)
			r->in_script = strcmp(w, "endscript") != 0;
		else
			kept = take_word(r, w, first);
		/* "include /etc/..." names no log: paths come first. */
		if (first && !r->inside && *w != '/' && *w != '{' && *w != '}' &&
		    !r->olddir_follows)
			line = end;
		first = false;
		if (kept != 1)
			free(w);
		err = kept == 1 || err ? err : kept;
	}
	return err;
}

int rotation_read(const char *text, rotation_rule_fn fn, void *ctx)
{
	struct rotation_reading r = { .fn = fn, .ctx = ctx };
	int err = 0;

	while (*text && !err) {
		const char *end = text + strcspn(text, "\n");

		err = read_line(&r, text, end);
		text = *end ? end + 1 : end;
	}
	words_clear(&r.paths);
	return err;
}

/* "2026-11-26-8:0:0"; of old versions "2026-11-26". */
static int parse_date(const char *text, int64_t *ret_s)
{
	struct tm tm = { .tm_isdst = -1 };
	const char *rest = strptime(text, "%Y-%m-%d", &tm);

	if (!rest)
		return -EINVAL;
	if (*rest == '-')
		strptime(rest, "-%H:%M:%S", &tm);
	tm.tm_isdst = -1;
	*ret_s = (int64_t)mktime(&tm);
	return 0;
}

int rotation_last(const char *text, const char *path, int64_t *ret_s)
{
	bool found = false;

	while (*text) {
		const char *end = text + strcspn(text, "\n"), *at = text;
		int err = 0;
		int64_t s;
		char *name = *text == '"' ? word(&at, end, &err) : NULL;

		if (name && (!path || strcmp(name, path) == 0)) {
			at += strspn(at, " ");
			if (parse_date(at, &s) == 0 && (!found || s > *ret_s)) {
				*ret_s = s;
				found = true;
			}
		}
		free(name);
		text = *end ? end + 1 : end;
	}
	return found ? 0 : -ENOENT;
}

bool rotation_file_missing(const char *path)
{
	return access(path, F_OK) != 0;
}

const char *rotation_state_file(void)
{
	static const char *const paths[] = { "/var/lib/logrotate/status",
					     "/var/lib/logrotate/logrotate.status",
					     "/var/lib/logrotate.status" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (access(paths[i], F_OK) == 0)
			return paths[i];
	return NULL;
}

static bool is_complaint(const char *line)
{
	return strncmp(line, "error:", 6) == 0 || strncmp(line, "warning:", 8) == 0;
}

bool rotation_print_output(const char *text, size_t n, FILE *to)
{
	const char *end = text + n;
	bool error = false;

	while (text < end) {
		_cleanup_(buf_done) struct buf line = BUF_INIT(64 * 1024);
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		logs_add_plain(text, (size_t)((newline ? newline : end) - text), &line);
		if (to)
			fprintf(to, "%s\n", buf_str(&line));
		else if (is_complaint(buf_str(&line)))
			fprintf(stderr, "%s\n", buf_str(&line));
		error |= strncmp(buf_str(&line), "error:", 6) == 0;
		text = newline ? newline + 1 : end;
	}
	return error;
}
