/* SPDX-License-Identifier: MIT */
/*
 * A growing buffer with a maximum from birth.
 *
 * Invariant: data is NULL or has len bytes and a NUL behind them, so that it can be used as a
 * string. A write that would pass max, or for which there is no memory, changes nothing and leaves
 * its error in err; every later write returns it too, so that a caller may check once at the end.
 */
#ifndef ISAMON_BUF_H
#define ISAMON_BUF_H

#include <stddef.h>

#include "base/util.h"

struct buf {
	char *data;
	size_t len;
	size_t size; /* allocated */
	size_t max;  /* of len */
	int err;     /* 0, -ENOMEM, -EFBIG, or -EINVAL (text that printf refuses) */
};

#define BUF_INIT(max_bytes) \
	{ \
		.max = (max_bytes) \
	}

void buf_init(struct buf *b, size_t max_bytes);
/* Frees the memory; @b may be used again with the same maximum. */
void buf_done(struct buf *b);
/* Empties it and clears the error, keeping the memory. */
void buf_reset(struct buf *b);

/* All return 0, or the buffer's error. @bytes and @s may not point into @b itself. */
int buf_add(struct buf *b, const void *bytes, size_t n);
int buf_add_str(struct buf *b, const char *s);
int buf_add_char(struct buf *b, char c);
int buf_add_u64(struct buf *b, unsigned long long v);
int buf_printf(struct buf *b, const char *fmt, ...) _printf_(2, 3);

/* The text, "" if there is none yet; owned by @b, valid until the next write. */
const char *buf_str(const struct buf *b);
/* Gives the text to the caller, who frees it, and empties @b; NULL if there is no memory for an
 * empty one. */
char *buf_steal(struct buf *b);

#endif
