/* SPDX-License-Identifier: MIT */
/* The heuristic: what one segment of a path is called in a route. */
#ifndef ISAMON_ROUTE_NAME_H
#define ISAMON_ROUTE_NAME_H

#include <stddef.h>

/* A segment that is longer than this is an identifier. */
#define ROUTE_NAME_SEGMENT_MAX 64
/* What route_name_segment() may write: each byte percent-encoded. */
#define ROUTE_NAME_BYTES_MAX (3 * ROUTE_NAME_SEGMENT_MAX)

/* Writes the name of a decoded, plain segment to @to, which has ROUTE_NAME_BYTES_MAX bytes.
 * Returns its length. The name of a name is the same. */
size_t route_name_segment(const char *s, size_t n, char *to);

#endif
