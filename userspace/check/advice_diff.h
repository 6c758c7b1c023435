/* SPDX-License-Identifier: MIT */
/* A change of a file as a unified diff, as patch(1) takes it. Pure functions over texts. */
#ifndef ISAMON_ADVICE_DIFF_H
#define ISAMON_ADVICE_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define ADVICE_EDITS_MAX 16

/* What happens at a line, counted from 1. */
struct advice_edit {
	size_t line;
	bool replaces;   /* the line; else @text comes behind it (behind line 0: first) */
	char text[2048]; /* a line or more, without the last newline */
};

/* In the order of their lines, of which each is replaced once at most. Zeroed is none. */
struct advice_edits {
	struct advice_edit list[ADVICE_EDITS_MAX];
	size_t n;
};

/* Adds one at its place: behind those of the same line. Returns 0, or -E2BIG: too many, or the text too long. */
int advice_edit(struct advice_edits *e, size_t line, bool replaces, const char *fmt, ...)
	_printf_(4, 5);

/* The number of lines in @text, and the one @line of them (without its newline; "" if there is none). */
size_t advice_lines(const char *text);
const char *advice_line(const char *text, size_t line, size_t *ret_len);

/* Appends the diff between @text, that of the file @path, and what @e makes of it; nothing if @e is empty. Returns 0; -ERANGE: there
 * is no such line; -EILSEQ: what would be shown is not plain text (base/utf8.h; carriage returns, Latin-1), so that patch(1) could not take it from
 * a terminal; or the buffer's error. */
int advice_diff(const char *path, const char *text, const struct advice_edits *e, struct buf *out);

#endif
