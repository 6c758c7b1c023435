/* SPDX-License-Identifier: MIT */
/* Values out of a TOML file (toml.io, 1.0): texts, whole numbers, yes and no; what else stands there is passed over. */
#ifndef ISAMON_TOML_H
#define ISAMON_TOML_H

#include <stddef.h>

#define TOML_PATH_MAX 256 /* of the names of a value's tables and its own, with dots between them */
#define TOML_TEXT_MAX 4096

enum toml_type { TOML_TEXT, TOML_INTEGER, TOML_BOOL, TOML_OTHER };

/*
 * Called for each value, in the order of the file. @path: "aws.s3.bucket". @text: what the string says, in UTF-8; the digits of a decimal number,
 * without _ and +; "true" or "false"; "" for TOML_OTHER (fractions, dates, lists, inline tables, strings of several lines or more than TOML_TEXT_MAX bytes). What is not
 * 0 ends the reading.
 */
typedef int (*toml_fn)(const char *path, enum toml_type type, const char *text, void *ctx);

/*
 * Reads @n bytes of @text. Elements of an array of tables have the path of the table. It does not mind what only a stricter reader
 * would (a key that is there twice). Returns 0; what @fn returned; -EINVAL: not TOML, and *ret_line says where (from 1); -E2BIG: a path
 * is too long, likewise; -ENOMEM.
 */
int toml_parse(const char *text, size_t n, toml_fn fn, void *ctx, unsigned int *ret_line);

#endif
