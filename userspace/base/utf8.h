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

#endif
