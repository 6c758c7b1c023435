/* SPDX-License-Identifier: MIT */
/* A known secret in a text that writes some of its characters otherwise. */
#ifndef ISAMON_MASK_MATCH_H
#define ISAMON_MASK_MATCH_H

#include <stddef.h>

/*
 * How many bytes at the beginning of @text are @secret; 0: it does not begin with it. As it is, or with what JSON, Python and nginx write for a
 * character (\/ \" \n \u0061 \x61, also of several levels, one within the other) and URLs do (%61, + for a space). Backslashes are not
 * compared. Bounded by the length of @secret.
 */
size_t mask_match(const char *text, size_t n, const char *secret);

#endif
