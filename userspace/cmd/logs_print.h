/* SPDX-License-Identifier: MIT */
/*
 * Lines of logs for people, and for programs.
 *
 * As text: the name of the source, if there are several, and the record as it stands in its log; its further lines
 * under the first. Whatever a terminal would obey is a '?' (base/utf8.h), tabs apart. As JSON: an object a line, {"time", "source", "level",
 * "message", ...}.
 */
#ifndef ISAMON_LOGS_PRINT_H
#define ISAMON_LOGS_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "logs/records.h"

#define LOGS_NO_TIME INT64_MIN

struct logs_line {
	const char *source;
	size_t colour;   /* of the source: any number, the same for the same */
	int64_t time_ms; /* since the epoch, or LOGS_NO_TIME */
	enum record_level level;
	const char *text; /* UTF-8, without the last newline */
	size_t len;
	const char *exception; /* NULL: none */
	size_t exception_len;
};

struct logs_printer {
	bool json;
	bool colour;
	bool ascii;       /* JSON for a terminal */
	int source_width; /* columns of the longest name of a source; 0: the name is not shown */
	size_t line_max; /* bytes of a line of text, behind which it is cut, which is said; 0: it is whole */
};

/* As the terminal or the pipe that standard output is wants it: on a terminal long lines are cut. @source_width: 0 if there is one source only. */
void logs_printer_init(struct logs_printer *p, bool json, int source_width);

/* Appends it to @out. Returns 0 or the buffer's error, or -ENOMEM. */
int logs_format(const struct logs_printer *p, const struct logs_line *l, struct buf *out);
/* Writes it to standard output. Returns 0; -EPIPE: nobody reads any more; another -errno. */
int logs_print(const struct logs_printer *p, const struct logs_line *l);

/* Appends @text with '?' for what is not plain; tabs stay. Returns the buffer's error. */
int logs_add_plain(const char *text, size_t n, struct buf *out);
/* Columns that plain text takes, wide and combining characters as the locale has them. */
int logs_columns(const char *text, size_t n);

#endif
