/* SPDX-License-Identifier: MIT */
/*
 * Regular expressions of the configuration, by PCRE2; bounded in time and memory whatever they meet.
 *
 * They are Perl's, in UTF-8; ^ and $ are the ends of the whole text unless the expression begins with
 * (?m). A match may take 50 ms of CPU and 2 MiB of memory; most expressions need less than a
 * microsecond. Nothing is compiled to machine code: the daemon may not make memory executable.
 */
#ifndef ISAMON_PATTERN_H
#define ISAMON_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define PATTERN_MASK "***"

struct pattern;

/* Returns 0; -EINVAL, explained in @why ("what is wrong, at character N"); -ENOMEM. */
int pattern_new(const char *expression, struct buf *why, struct pattern **ret);
void pattern_free(struct pattern *p);
/* @text is well-formed UTF-8 here and below: this is not looked at again. Whether it matches
 * somewhere; one that takes too long does not. */
bool pattern_matches(const struct pattern *p, const char *text, size_t n);
/*
 * Appends @text to @out with each match, or the first group of each if it has one, replaced by
 * "***". Where a match takes too long all that is behind the last one is replaced: what could not be
 * looked through is not shown. Returns 0, the buffer's error or -ENOMEM.
 */
int pattern_mask(const struct pattern *p, const char *text, size_t n, struct buf *out);

#endif
