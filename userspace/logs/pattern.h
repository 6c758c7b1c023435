/* SPDX-License-Identifier: MIT */
/* Regular expressions of the configuration, by PCRE2; bounded in time and memory whatever they meet. */
#ifndef ISAMON_PATTERN_H
#define ISAMON_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct pattern;

/* Returns 0; -EINVAL, explained in @why with the place in the expression; -ENOMEM. */
int pattern_new(const char *expression, struct buf *why, struct pattern **ret);
void pattern_free(struct pattern *p);
/* Whether it matches somewhere in @text; one that takes too long does not. */
bool pattern_matches(const struct pattern *p, const char *text, size_t n);
/* Appends @text to @out with each match, or the first group of each if there is one, replaced by "***". Returns 0 or the buffer's error. */
int pattern_mask(const struct pattern *p, const char *text, size_t n, struct buf *out);

#endif
