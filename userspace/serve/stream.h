/* SPDX-License-Identifier: MIT */
/* One page on its way to one client: its text, compressed if wanted, piece by piece. */
#ifndef ISAMON_STREAM_H
#define ISAMON_STREAM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "metrics/page.h"

/* About how many bytes of text a piece has. */
#define STREAM_PIECE_BYTES (64 * 1024)

struct stream;

/* @page must outlive it. Returns 0 or -ENOMEM. */
int stream_open(const struct page *page, enum expo_format format, bool gzip, struct stream **ret);
/* NULL is fine, and so is one that was not read to its end. */
void stream_close(struct stream *s);
/* Appends the next piece to @out; *ret_last says that nothing follows. Returns 0 or -errno, after
 * which the stream is only good for closing. */
int stream_read(struct stream *s, struct buf *out, bool *ret_last);
/* Seconds spent in stream_read() so far: the writing of the page, without the client's share. */
double stream_seconds(const struct stream *s);

#endif
