/* SPDX-License-Identifier: MIT */
/* The growing buffer. Invariant: data is NULL, or len < size and data[len] is NUL; len <= max. */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_SIZE_FIRST 64

void buf_init(struct buf *b, size_t max_bytes)
{
	*b = (struct buf)BUF_INIT(max_bytes);
}

void buf_done(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->err = 0;
	if (b->data)
		b->data[0] = '\0';
}

static int buf_grow(struct buf *b, size_t size)
{
	size_t doubled = b->size > SIZE_MAX / 2 ? size : b->size * 2;
	char *data;

	if (doubled < BUF_SIZE_FIRST)
		doubled = BUF_SIZE_FIRST;
	if (size < doubled)
		size = doubled;
	data = realloc(b->data, size);
	if (!data)
		return b->err = -ENOMEM;
	b->data = data;
	b->size = size;
	return 0;
}

/* Makes room for @n more bytes and the NUL. */
static int buf_reserve(struct buf *b, size_t n)
{
	if (b->err)
		return b->err;
	if (n > b->max - b->len || b->len + n == SIZE_MAX)
		return b->err = -EFBIG;
	if (b->len + n < b->size)
		return 0;
	return buf_grow(b, b->len + n + 1);
}

int buf_add(struct buf *b, const void *bytes, size_t n)
{
	int err = buf_reserve(b, n);

	if (err)
		return err;
	if (n)
		memcpy(b->data + b->len, bytes, n);
	b->len += n;
	b->data[b->len] = '\0';
	return 0;
}

int buf_add_str(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_add_char(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_add_u64(struct buf *b, unsigned long long v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	return buf_add(b, digits + at, sizeof(digits) - at);
}

int buf_printf(struct buf *b, const char *fmt, ...)
{
	size_t room = b->size - b->len;
	va_list args;
	int n, err;

	va_start(args, fmt);
	n = vsnprintf(b->data ? b->data + b->len : NULL, b->data ? room : 0, fmt, args);
	va_end(args);
	err = n < 0 ? -EINVAL : buf_reserve(b, (size_t)n);
	if (err) {
		if (b->data)
			b->data[b->len] = '\0';
		return b->err = b->err ? b->err : err;
	}
	if ((size_t)n >= room) {
		va_start(args, fmt);
		vsnprintf(b->data + b->len, b->size - b->len, fmt, args);
		va_end(args);
	}
	b->len += (size_t)n;
	return 0;
}

const char *buf_str(const struct buf *b)
{
	return b->data ? b->data : "";
}

char *buf_steal(struct buf *b)
{
	char *text = b->data ? b->data : calloc(1, 1);

	buf_init(b, b->max);
	return text;
}
