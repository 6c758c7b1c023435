/* SPDX-License-Identifier: MIT */
/* Prose for a terminal of 80 columns. */
#ifndef ISAMON_WRAP_H
#define ISAMON_WRAP_H

#include <stddef.h>

#include "base/buf.h"

/* Appends @text, UTF-8, up to its first newline and no further than @len, as lines: behind @lead, broken between words, what goes on behind @indent
 * spaces. A word that is longer than a line stands on one of its own. A character is a column. Errors are the buffer's. */
void wrap_line(const char *lead, size_t indent, const char *text, size_t len, struct buf *out);

#endif
