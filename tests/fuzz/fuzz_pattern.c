/* SPDX-License-Identifier: MIT */
/*
 * "EXPRESSION\nTEXT": refused and explained, or matched and masked in bounded time; a text in which nothing matches stays as it
 * was. And the masks of well-known secrets over the same text.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "logs/pattern.h"
#include "logs/secrets.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds)
{
	if (!holds)
		abort();
}

static bool is_utf8(const char *s, size_t n)
{
	uint32_t c;

	for (size_t at = 0, len; at < n; at += len) {
		len = utf8_next(s + at, n - at, &c);
		if (!len)
			return false;
	}
	return true;
}

static void mask_secrets(const char *text, size_t n)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(4u << 20);
	bool found;

	require(secrets_mask(text, n, &out, &found) == 0);
	require(found || out.len == 0);
	require(is_utf8(buf_str(&out), out.len));
}

static void try_pattern(const struct pattern *p, const char *text, size_t n)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(4u << 20);
	bool matches = pattern_matches(p, text, n);

	require(pattern_mask(p, text, n, &out) == 0);
	require(is_utf8(buf_str(&out), out.len));
	require(matches || strstr(buf_str(&out), PATTERN_MASK) ||
		(out.len == n && memcmp(buf_str(&out), text, n) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *newline = size ? memchr(data, '\n', size) : NULL;
	const size_t len = newline ? (size_t)(newline - data) : 0, n = size - len - 1;
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct pattern *p = NULL;
	char expression[200], *text;
	int err;

	if (!newline || len >= sizeof(expression) || memchr(data, '\0', size) ||
	    !is_utf8((const char *)newline + 1, n))
		return 0;
	memcpy(expression, data, len);
	expression[len] = '\0';
	text = malloc(n + 1);
	require(text != NULL);
	memcpy(text, newline + 1, n);
	mask_secrets(text, n);
	err = pattern_new(expression, &why, &p);
	require(err == 0 || (err == -EINVAL && why.len));
	if (!err)
		try_pattern(p, text, n);
	pattern_free(p);
	free(text);
	return 0;
}
