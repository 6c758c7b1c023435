/* SPDX-License-Identifier: MIT */
/*
 * A set of keys that somebody gave us, and the JSON in which the instance's metadata and a container's endpoint give them.
 *
 * Invariant: id and secret are both NULL, or both there; all texts are printable ASCII without spaces, so that they can
 * stand in a header. Memory that held a secret is wiped before it is freed.
 */
#ifndef ISAMON_KEYS_H
#define ISAMON_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "aws/sigv4.h"
#include "base/buf.h"

#define KEYS_TOKEN_MAX 16384

struct keys {
	char *id, *secret, *token; /* token: NULL: none */
	time_t expires;            /* 0: never, as far as is known */
};

/* Copies; @token may be NULL or "". Returns 0; -EINVAL: one of them cannot be what it is said to be; -ENOMEM; @k, which
 * must be empty, is filled only on success. */
int keys_set(struct keys *k, const char *id, const char *secret, const char *token, time_t expires);
/* Wipes, frees, empties. */
void keys_done(struct keys *k);
/* Whether id, secret and token are the same. */
bool keys_same(const struct keys *a, const struct keys *b);
struct sigv4_key keys_sigv4(const struct keys *k);

/*
 * Reads {"AccessKeyId": ..., "SecretAccessKey": ..., "Token": ..., "Expiration": ...}. A "Code" other than "Success" is an
 * error that the other side tells; it must be there if @wants_code. Returns 0; -EACCES: such an error; -EPROTO: not such
 * JSON; -ENOMEM; explained in @why without any of the text's secrets.
 */
int keys_parse_json(const char *text, size_t len, bool wants_code, struct keys *ret,
		    struct buf *why);

/* How a source hands over what it has, from the loop: @keys, which may be taken (moved out), is NULL on an error, and @why then says
 * in one line what, where, why and what to do, without secrets; both are valid until it returns. */
typedef void (*keys_fn)(int err, struct keys *keys, const char *why, void *ctx);

/* Overwrites the string and frees it. NULL is fine. */
void secret_free(char *s);
/* For _cleanup_(secret_buf_done) struct buf: wipes it first. (What a buffer leaves behind when it grows is not wiped: give
 * it its size first, with secret_buf_reserve().) */
void secret_buf_done(struct buf *b);
/* Puts "***" where @text holds @secret, and where it ends with a beginning of it. NULL, or one of less than 4 bytes: nothing. */
void secret_strike(char *text, const char *secret);
/* Allocates max bytes at once, so that it never grows. Returns 0 or -ENOMEM. */
int secret_buf_reserve(struct buf *b);

#endif
