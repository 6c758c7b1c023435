/* SPDX-License-Identifier: MIT */
/*
 * Parts of URLs as AWS wants them encoded and as it signs them
 * (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, "UriEncode").
 */
#ifndef ISAMON_URI_H
#define ISAMON_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Appends @n bytes, all but letters, digits and -._~ as %XX; with @slashes '/' too. Returns 0 or the buffer's error. */
int uri_encode(struct buf *b, const char *s, size_t n, bool slashes);

/* Appends @path without empty segments, "." and ".." (RFC 3986 5.2.4, and one slash for several); it starts
 * with '/'. Returns 0 or the buffer's error. */
int uri_normalize(struct buf *b, const char *path);

/*
 * Appends the query string @query ("a=1&b", without '?') in canonical form: every name and value decoded and encoded
 * again, sorted by name and value, '=' behind each name. Returns 0, -E2BIG (more than 128 parameters) or -ENOMEM, or
 * the buffer's error.
 */
int uri_sort_query(struct buf *b, const char *query);

#endif
