/* SPDX-License-Identifier: MIT */
/*
 * Secrets of well-known forms are written as *** before a line leaves the host:
 * - values of names that end with password, passwd, pwd (but for a path, as in PWD=/root), passphrase, secret, token, api_key, apikey, access_key, secret_key,
 *   private_key, credentials or authorization (any case, - or _), behind = or :, bare or in quotes, as in
 *   JWT_SECRET=..., "api_key": "...", X-Auth-Token: ..., ?token=...; of authorization the scheme stays; with the escapes of JSON, also of
 *   JSON within JSON;
 * - what follows Cookie and Set-Cookie;
 * - what follows Bearer; JSON web tokens (eyJ....eyJ...);
 * - AWS access key ids (AKIA..., ASIA...); keys that begin with sk-, ghp_, gho_, ghs_, github_pat_, xoxb-, xoxp-;
 * - the password of a URL with one (postgres://user:***@host).
 * Written by hand, not as expressions: linear in the text, and a few nanoseconds for a line that has none.
 */
#ifndef ISAMON_SECRETS_H
#define ISAMON_SECRETS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* If the text has secrets, sets *ret_found and appends it to @out without them; otherwise writes nothing. Returns 0 or the
 * buffer's error. */
int secrets_mask(const char *text, size_t n, struct buf *out, bool *ret_found);

/* Calls @fn with the bytes of each secret, as they stand there; not 0: it ends with that. Returns 0 or what @fn returned. */
typedef int (*secrets_fn)(const char *secret, size_t n, void *ctx);
int secrets_each(const char *text, size_t n, secrets_fn fn, void *ctx);

#endif
