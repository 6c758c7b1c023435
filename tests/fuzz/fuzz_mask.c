/* SPDX-License-Identifier: MIT */
/* Any bytes through a mask, as a text and as a configuration: a known secret never comes out, what comes out is UTF-8, and has as many lines. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "check/mask.h"

#define SECRET "s3cret"
#define OUT_MAX (8u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t lines(const char *text, size_t n)
{
	size_t found = 0;

	for (const char *end; n && (end = memchr(text, '\n', n)); found++) {
		n -= (size_t)(end + 1 - text);
		text = end + 1;
	}
	return found;
}

static void look(const struct buf *out, const char *text, size_t n)
{
	uint32_t c;

	assert(!out->err);
	assert(!memmem(buf_str(out), out->len, SECRET, strlen(SECRET)));
	assert(lines(buf_str(out), out->len) == lines(text, n));
	for (size_t at = 0, len; at < out->len; at += len) {
		len = utf8_next(buf_str(out) + at, out->len - at, &c);
		assert(len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUT_MAX), conf = BUF_INIT(OUT_MAX);
	_cleanup_(mask_done) struct mask m = { .n = 0 };
	const char *text = (const char *)data;

	if (mask_add(&m, SECRET) || size > (1u << 20))
		return 0;
	assert(mask_text(&m, NULL, text, size, &out) == 0);
	look(&out, text, size);
	assert(mask_configuration(&m, text, size, &conf) == 0);
	look(&conf, text, size);
	return 0;
}
