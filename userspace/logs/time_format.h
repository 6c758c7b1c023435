/* SPDX-License-Identifier: MIT */
/*
 * Time stamps of log lines, by a format of the configuration.
 *
 * The format is strptime(3)'s, in English, with %f for a fraction of 1 to 9 digits behind '.' or ',', which a line
 * may leave out. Our own reader, for speed (millions a second) and because strptime() knows neither fractions nor where a
 * stamp ends. Not known are weeks, centuries, eras and %Z, %s apart. It must have %H, %I with %p, or %s.
 * What the format does not have is taken from now: the day is the last on which that time was, the year the last in
 * which that day was, an hour or a day into the future being allowed. Minutes and seconds that it does not have are 0.
 * A local time that exists twice is the earlier one unless that would go back behind the stamp before (by more than a minute: threads
 * write in any order; a stamp that is a day behind both says nothing); one that does not exist is read as if the clock had not been set.
 */
#ifndef ISAMON_TIME_FORMAT_H
#define ISAMON_TIME_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define TIME_FORMAT_LOOK 64 /* bytes of a line in which a stamp is looked for */
#define TIME_STAMP_NONE INT64_MIN

struct time_format;

struct time_stamp {
	int64_t ms;      /* since the epoch */
	size_t from, to; /* where it stands in the line */
};

/* @utc: stamps without %z are UTC, not local time (TZ or /etc/localtime as it is now). Returns 0; -EINVAL, explained in @why
 * ("%Q is not known; ..."); -ENOMEM. */
int time_format_new(const char *format, bool utc, struct buf *why, struct time_format **ret);
void time_format_free(struct time_format *f);
/*
 * Looks for a stamp that begins in the first 64 bytes of a line, not in the middle of a word. @now_ms: since the epoch, as
 * @before_ms, the stamp of the line before (TIME_STAMP_NONE). Returns 0, or -ENOENT: none, or one that cannot be,
 * such as of February 30 or of before 1970.
 */
int time_format_read(struct time_format *f, const char *line, size_t n, int64_t now_ms,
		     int64_t before_ms, struct time_stamp *ret);

#endif
