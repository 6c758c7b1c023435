/* SPDX-License-Identifier: MIT */
/*
 * Time stamps of log lines, by a format of the configuration.
 *
 * The format is strptime(3)'s, with %f for a fraction of 1 to 9 digits behind '.' or ','. Our own reader, for speed (a
 * million a second) and because strptime() knows neither fractions nor where a stamp ends.
 * What the format does not have is taken from now: a year that would bring the time more than a day into the future is the last one.
 * A local time that exists twice is the earlier one unless that would go back behind the stamp before; one that does not exist is
 * read as if the clock had not been set.
 */
#ifndef ISAMON_TIME_FORMAT_H
#define ISAMON_TIME_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct time_format;

/* Returns 0; -EINVAL, explained in @why ("%Q is not known; ..."); -ENOMEM. */
int time_format_new(const char *format, bool utc, struct buf *why, struct time_format **ret);
void time_format_free(struct time_format *f);
/* Looks for a stamp in the first 64 bytes of a line. @now_ms and *ret_ms: since the epoch. Returns 0, or -ENOENT: none, or one
 * that cannot be. */
int time_format_read(struct time_format *f, const char *line, size_t n, int64_t now_ms,
		     int64_t *ret_ms);

#endif
