/* SPDX-License-Identifier: MIT */
/* Compresses a stream piece by piece, as gzip (RFC 1952). */
#ifndef ISAMON_GZIP_H
#define ISAMON_GZIP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct gzip;

/* Takes some 100 KiB of memory. Returns 0 or -ENOMEM. */
int gzip_new(struct gzip **ret);
/* NULL is fine, and so is one that was not finished. */
void gzip_free(struct gzip *g);

/*
 * Compresses @n bytes and appends what comes out to @out, all of it: a reader can unpack everything
 * given so far. @last finishes the stream; nothing may be added afterwards.
 * Returns 0 or the buffer's error.
 */
int gzip_add(struct gzip *g, const void *bytes, size_t n, bool last, struct buf *out);

#endif
