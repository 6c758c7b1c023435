/* SPDX-License-Identifier: MIT */
/*
 * Messages on standard error, one write(2) a line:
 *   the journal (JOURNAL_STREAM names standard error)  <3>cannot listen on ...
 *   a file     2026-11-23T18:40:00.123Z isamon[4711]: error: cannot listen on ...
 *   otherwise (a terminal, a pipe)          isamon: error: cannot listen on ...
 * An info message has no word for its level. A message of several lines gets the prefix on each;
 * what is not plain UTF-8 (base/utf8.h) is written as '?', and what is over 8 KiB is cut. A name that strangers gave
 * may hold a newline: utf8_make_plain() it first.
 * Never blocks on anything but the write itself; keeps errno (so "%m" may be used).
 */
#ifndef ISAMON_LOG_H
#define ISAMON_LOG_H

#include "base/util.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* The most that is written; the default is LOG_LEVEL_INFO. */
void log_set_level(enum log_level level);

void log_write(enum log_level level, const char *fmt, ...) _printf_(2, 3);

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
