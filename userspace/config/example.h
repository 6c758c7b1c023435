/* SPDX-License-Identifier: MIT */
/* The example configuration, dist/isamon.conf, which is part of the program: as it is, or with values set in their places. */
#ifndef ISAMON_EXAMPLE_H
#define ISAMON_EXAMPLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Owned by the program. */
const char *example_text(void);

struct example_value {
	const char *section;
	const char *label; /* of [section "label"]; NULL: a section without one */
	const char *key;   /* NULL: the section is only switched on, with the keys it has */
	const char *value;
	const char *comment; /* goes above it, one line; NULL: nothing */
};

/*
 * Appends the example with the @n values: a key of a section without label stands below its explanation, where it was commented out; a
 * section with a label is switched on, and has its other keys as they are in the example. Keys that may be repeated may be given
 * several times. Returns 0; -ENOENT: the example has no such section or key; -EINVAL: a value or comment of more than one line; the
 * buffer's error.
 */
int example_with(const struct example_value *values, size_t n, struct buf *out);

#endif
