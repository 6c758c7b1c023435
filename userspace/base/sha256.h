/* SPDX-License-Identifier: MIT */
/* SHA-256 and HMAC-SHA-256, by OpenSSL, in the forms that signing and archives need. */
#ifndef ISAMON_SHA256_H
#define ISAMON_SHA256_H

#include <stddef.h>

#define SHA256_BYTES 32
#define SHA256_HEX (2 * SHA256_BYTES + 1) /* with the NUL */

/* Lower-case hexadecimal of the hash of @n bytes. Returns 0 or -ENOMEM (OpenSSL could not). */
int sha256_hex(const void *bytes, size_t n, char ret[SHA256_HEX]);
/* @ret may be @key. Returns 0 or -ENOMEM. */
int hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t n,
		unsigned char ret[SHA256_BYTES]);
void sha256_to_hex(const unsigned char bytes[SHA256_BYTES], char ret[SHA256_HEX]);

#endif
