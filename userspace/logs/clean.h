/* SPDX-License-Identifier: MIT */
/*
 * From the bytes of a log to UTF-8 without NUL.
 *
 * Each maximal part of a sequence that is not UTF-8 (Unicode 15, 3.9, "U+FFFD Substitution of Maximal Subparts") becomes one
 * U+FFFD, and each NUL.
 */
#ifndef ISAMON_CLEAN_H
#define ISAMON_CLEAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define CLEAN_HELD_MAX 3 /* bytes of a character whose end was not seen yet */
#define CLEAN_CHAR_MAX 4 /* bytes that one character may be made of, or become */

struct clean {
	bool latin1; /* the bytes are ISO 8859-1 */
	uint64_t invalid, nul;
	char held[CLEAN_HELD_MAX];
	size_t n_held;
};

/*
 * Appends what @s is to @to, whole characters, until less than CLEAN_CHAR_MAX bytes are left below @max of it. What may go
 * on with the next bytes is held back, unless @last. *ret_taken: how many of @s were taken, those held back included.
 * Returns 0 or -ENOMEM; then go on with what was not taken.
 */
int clean_add(struct clean *c, const char *s, size_t n, bool last, size_t max, struct buf *to,
	      size_t *ret_taken);

#endif
