/* SPDX-License-Identifier: MIT */
/* Hunks out of edits: those whose contexts touch are one. Invariant: edits are in order, and old lines are copied or replaced once. */
#include "check/advice_diff.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

#define CONTEXT 3
#define HUNK_MAX (256u << 10)

int advice_edit(struct advice_edits *e, size_t line, bool replaces, const char *fmt, ...)
{
	size_t at = e->n;
	va_list args;
	int n;

	if (e->n == ADVICE_EDITS_MAX)
		return -E2BIG;
	while (at > 0 && e->list[at - 1].line > line) {
		e->list[at] = e->list[at - 1];
		at--;
	}
	e->list[at].line = line;
	e->list[at].replaces = replaces;
	va_start(args, fmt);
	n = vsnprintf(e->list[at].text, sizeof(e->list[at].text), fmt, args);
	va_end(args);
	e->n++;
	return n >= 0 && (size_t)n < sizeof(e->list[at].text) ? 0 : -E2BIG;
}

size_t advice_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text += strcspn(text, "\n"), text += *text == '\n')
		n++;
	return n;
}

const char *advice_line(const char *text, size_t line, size_t *ret_len)
{
	for (size_t i = 1; *text && i < line; i++) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	*ret_len = strcspn(text, "\n");
	return text;
}

struct hunk {
	struct buf body;
	size_t n_old, n_new;
};

static void hunk_done(struct hunk *h)
{
	buf_done(&h->body);
}

static void put(struct hunk *h, char sign, const char *line, size_t len)
{
	buf_add_char(&h->body, sign);
	buf_add(&h->body, line, len);
	buf_add_char(&h->body, '\n');
	h->n_old += sign != '+';
	h->n_new += sign != '-';
}

static void put_old(struct hunk *h, char sign, const char *text, size_t line, size_t n_lines)
{
	size_t len;
	const char *at = advice_line(text, line, &len);

	put(h, sign, at, len);
	if (line == n_lines && at[len] != '\n')
		buf_add_str(&h->body, "\\ No newline at end of file\n");
}

/* What comes behind a last line without a newline gives it one: the line itself is replaced then. */
static bool lacks_newline(const char *text, size_t line, size_t n_lines)
{
	size_t len;
	const char *at = advice_line(text, line, &len);

	return line && line == n_lines && at[len] != '\n';
}

static void put_new(struct hunk *h, const char *text)
{
	for (const char *at = text;; at++) {
		const size_t n = strcspn(at, "\n");

		put(h, '+', at, n);
		at += n;
		if (!*at)
			return;
	}
}

/* The edits [from, to) of line @line; returns the first that is of another line. */
static size_t put_line(struct hunk *h, const char *text, size_t n_lines,
		       const struct advice_edits *e, size_t i, size_t line)
{
	bool replaced = false;

	for (size_t j = i; j < e->n && e->list[j].line == line; j++)
		replaced |= e->list[j].replaces;
	if (line && !replaced && i < e->n && e->list[i].line == line &&
	    lacks_newline(text, line, n_lines)) {
		size_t len;
		const char *at = advice_line(text, line, &len);

		put_old(h, '-', text, line, n_lines);
		put(h, '+', at, len);
	} else if (line) {
		put_old(h, replaced ? '-' : ' ', text, line, n_lines);
	}
	for (; i < e->n && e->list[i].line == line; i++)
		put_new(h, e->list[i].text);
	return i;
}

/* The first edit behind those whose contexts touch from @i on. */
static size_t group_end(const struct advice_edits *e, size_t i)
{
	for (i++; i < e->n && e->list[i].line <= e->list[i - 1].line + 2 * CONTEXT; i++)
		;
	return i;
}

/* As many lines before as behind, but at the ends of the file: patch(1) takes anything else for one of these. */
static int add_hunk(const char *text, const struct advice_edits *e, size_t i, size_t end,
		    ptrdiff_t *grown, struct buf *out)
{
	_cleanup_(hunk_done) struct hunk h = { .body = BUF_INIT(HUNK_MAX) };
	const size_t n_lines = advice_lines(text), last = e->list[end - 1].line + CONTEXT,
		     before = e->list[i].replaces ? CONTEXT : CONTEXT - 1;
	const size_t from = e->list[i].line > before ? e->list[i].line - before : 1;

	if (!e->list[i].line)
		i = put_line(&h, text, n_lines, e, i, 0);
	for (size_t line = from; line <= last && line <= n_lines; line++)
		i = put_line(&h, text, n_lines, e, i, line);
	if (h.body.err)
		return h.body.err;
	buf_printf(out, "@@ -%zu,%zu +%zu,%zu @@\n", h.n_old ? from : 0, h.n_old,
		   (size_t)((ptrdiff_t)from + *grown), h.n_new);
	*grown += (ptrdiff_t)h.n_new - (ptrdiff_t)h.n_old;
	return buf_add(out, buf_str(&h.body), h.body.len);
}

/* Lines and tabs are as patch(1) needs them; all else is shown as it is, or not at all. */
static bool is_plain(const char *text)
{
	while (*text) {
		const size_t n = strcspn(text, "\n\t");

		if (!utf8_is_plain(text, n))
			return false;
		text += n + (text[n] != '\0');
	}
	return true;
}

int advice_diff(const char *path, const char *text, const struct advice_edits *e, struct buf *out)
{
	_cleanup_(buf_done) struct buf hunks = BUF_INIT(HUNK_MAX);
	const size_t n_lines = advice_lines(text);
	/* patch(1) takes a name up to a blank, but for a tab behind it. */
	const char *end = strchr(path, ' ') ? "\t" : "";
	ptrdiff_t grown = 0;
	int err = 0;

	for (size_t i = 0; i < e->n; i++)
		if (e->list[i].line > n_lines || (e->list[i].replaces && !e->list[i].line))
			return -ERANGE;
	for (size_t i = 0; i < e->n && !err;) {
		const size_t to = group_end(e, i);

		err = add_hunk(text, e, i, to, &grown, &hunks);
		i = to;
	}
	if (err || !hunks.len)
		return err;
	if (!is_plain(path) || !is_plain(buf_str(&hunks)))
		return -EILSEQ;
	return buf_printf(out, "--- %s%s\n+++ %s%s\n%s", path, end, path, end, buf_str(&hunks));
}
