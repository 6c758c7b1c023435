/* SPDX-License-Identifier: MIT */
/* What `isamon init` writes and says of what it has found. */
#ifndef ISAMON_INIT_TEXT_H
#define ISAMON_INIT_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "base/buf.h"
#include "check/discover.h"

/* Appends the configuration: the example with the values in their places, each with its source above it. Returns 0 or -errno. */
int init_text(const struct discovery *d, struct buf *out);
/* A line for each value, found or guessed, and the notes. */
void init_tell(const struct discovery *d, FILE *to);
/* The same as JSON; @path: where it was written, NULL: nowhere. The caller frees; NULL: no memory. */
json_t *init_json(const struct discovery *d, const char *path);

#endif
