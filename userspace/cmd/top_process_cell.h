/* SPDX-License-Identifier: MIT */
/* The cells of the table of processes in `isamon top`, and what stands beside and below it. */
#ifndef ISAMON_TOP_PROCESS_CELL_H
#define ISAMON_TOP_PROCESS_CELL_H

#include "cmd/top_format.h"
#include "cmd/top_process.h"

enum top_process_column {
	TOP_PROCESS_PID,
	TOP_PROCESS_ROLE,
	TOP_PROCESS_CPU,
	TOP_PROCESS_RSS,
	TOP_PROCESS_THREADS,
	TOP_PROCESS_FDS,
	TOP_PROCESS_REQUESTS,
	TOP_PROCESS_COLUMNS,
};

const char *top_process_column_name(enum top_process_column c);
/* Cells are written right-aligned in that many columns, the gap ahead of them included. */
int top_process_column_width(enum top_process_column c);
/* "-" for what is not known. */
void top_process_format_cell(const struct top_process_row *r, enum top_process_column c,
			     char cell[static TOP_CELL_MAX]);

/* "201 processes": all, however many have a row; and how many of them have old figures, or none yet. ASCII. */
void top_process_say_count(const struct top_view *v, struct buf *out);
/* "137 more, 12.5% CPU, 1.20G RSS": all but the first @shown rows, added up; "" if these are all. ASCII. */
void top_process_say_rest(const struct top_view *v, size_t shown, struct buf *out);

#endif
