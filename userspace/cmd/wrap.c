/* SPDX-License-Identifier: MIT */
#include "cmd/wrap.h"

#include <stdbool.h>
#include <string.h>

#define WIDTH 80

static size_t columns(const char *text, size_t n)
{
	size_t c = 0;

	for (size_t i = 0; i < n; i++)
		c += ((unsigned char)text[i] & 0xc0) != 0x80;
	return c;
}

void wrap_line(const char *lead, size_t indent, const char *text, size_t len, struct buf *out)
{
	size_t column = columns(lead, strlen(lead)), at = 0;
	bool first = true;

	len = strcspn(text, "\n") < len ? strcspn(text, "\n") : len;
	buf_add_str(out, lead);
	while (at < len) {
		size_t n = strcspn(text + at, " "), wide;

		if (n > len - at)
			n = len - at;
		wide = columns(text + at, n);
		if (!first && column + 1 + wide > WIDTH) {
			buf_printf(out, "\n%*s", (int)indent, "");
			column = indent;
			first = true;
		}
		if (!first)
			buf_add_char(out, ' ');
		buf_add(out, text + at, n);
		column += wide + !first;
		first = false;
		at += n + strspn(text + at + n, " ");
	}
	buf_add_char(out, '\n');
}
