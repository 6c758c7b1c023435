/* SPDX-License-Identifier: MIT */
/* UTF-8 (RFC 3629), for bytes from strangers. */
#ifndef ISAMON_UTF8_H
#define ISAMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Reads one character of @s, which has @n > 0 bytes. Returns its length and sets *ret_char, or
 * 0 where no well-formed one begins (overlong forms, surrogates and what is above U+10FFFF
 * included). */
size_t utf8_next(const char *s, size_t n, uint32_t *ret_char);

/* Whether all of it is well-formed text that a terminal or a page can show as it is: no control
 * characters (C0, DEL, C1), no line or paragraph separators, nothing that is invisible or turns the
 * direction of what follows. */
bool utf8_is_plain(const char *s, size_t n);

/* Copies @s, which ends at @n bytes or a NUL, with '?' for each character that is not plain and each byte that is part
 * of none; never longer than before. Ends it with a NUL; what does not fit into @size > 0 bytes is cut, between two
 * characters. For names that strangers gave, wherever they become a part of a line. */
void utf8_make_plain(const char *s, size_t n, char *to, size_t size);

#endif
