/* SPDX-License-Identifier: MIT */
/* Numbers, times and routes as `isamon top` writes them: short, aligned, safe for any terminal. */
#ifndef ISAMON_TOP_FORMAT_H
#define ISAMON_TOP_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "cmd/top_view.h"

/* No cell of a number is longer, its NUL included. */
#define TOP_CELL_MAX 16

/* Three digits at least: "870 us", "12.3 ms", "1.20 s", "300 s". */
void top_format_time(uint64_t ns, char cell[static TOP_CELL_MAX]);
/* "0", "0.25", "12.5", "1234", "98.7k", "1.23M". */
void top_format_rate(double rate, char cell[static TOP_CELL_MAX]);

/* Three digits, by powers of 1024: "870K", "12.3M", "1.20G". */
void top_format_bytes(uint64_t bytes, char cell[static TOP_CELL_MAX]);

/*
 * Appends @text in at most @columns columns; what is too long loses its middle to an ellipsis. Control
 * bytes, invisible characters and whatever is no UTF-8 become "?"; so does everything above
 * ASCII unless @utf8. SIZE_MAX columns: never cut. Returns the columns used.
 */
size_t top_format_text(const char *text, size_t columns, bool utf8, struct buf *out);

/* Appends the line of WebSockets and streams: "3 WebSockets  12.5 msg/s  2.00 turns/s p50 ...". ASCII. */
void top_format_chat(const struct top_view *v, struct buf *out);

/* Whether the locale's characters are UTF-8. */
bool top_format_utf8(void);

enum top_column {
	TOP_REQUESTS,
	TOP_ERRORS,
	TOP_QUEUE,
	TOP_P50,
	TOP_P90,
	TOP_P99,
	TOP_MAX,
	TOP_COLUMNS,
};

const char *top_column_name(enum top_column c);
/* A number is written right-aligned in that many columns, the gap ahead of it included. */
int top_column_width(enum top_column c);
/* The column that an order sorts by. */
enum top_column top_sort_column(enum top_sort by);
/*
 * The columns that fit beside a route on a screen of so many, as bits 1 << column. On a narrow one P90 is left out
 * first, then MAX, P50, QUEUE and ERR/S, until TOP_ROUTE_MIN columns are left for the route; never REQ/S, nor
 * @sorted, by which the rows are in order.
 */
unsigned int top_columns_shown(int columns, enum top_column sorted);
#define TOP_ROUTE_MIN 24
/* A row's cell: "-" for a time without requests, or a queue of which nothing is known. */
void top_format_cell(const struct top_row *r, enum top_column c, char cell[static TOP_CELL_MAX]);

#endif
