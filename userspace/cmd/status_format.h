/* SPDX-License-Identifier: MIT */
/* The screen of `isamon status`, and the durations, sizes and times on it. */
#ifndef ISAMON_STATUS_FORMAT_H
#define ISAMON_STATUS_FORMAT_H

#include <stdbool.h>

#include "base/buf.h"
#include "metrics/status_json.h"

/* No cell is longer, its NUL included. */
#define STATUS_CELL_MAX 48

/* "4.2 s", "59 s", "3 min 20 s", "1 h 12 min", "3 d 4 h"; "?" for what is no duration. */
void status_format_duration(double s, char cell[static STATUS_CELL_MAX]);
/* "812 B", "41.2 KiB", "1.20 GiB". */
void status_format_bytes(uint64_t bytes, char cell[static STATUS_CELL_MAX]);

/* The "s" of "2 files", which one file has not. */
static inline const char *status_format_s(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* Appends the screen of a judged status, its verdict first; with @colour in ANSI's. Lines of what is not
 * known are left out. Times are local. Returns 0 or the buffer's error. */
int status_format(const struct status *s, bool colour, struct buf *out);

#endif
