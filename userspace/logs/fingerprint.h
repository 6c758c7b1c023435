/* SPDX-License-Identifier: MIT */
/*
 * By what a file is known again: a hash of its first bytes, which grows with it until it has FINGERPRINT_MAX of them, and
 * the bytes before the place where it was read to. Logs only grow: so whoever has the same beginning, and the same bytes before
 * that place, has everything between them.
 */
#ifndef ISAMON_FINGERPRINT_H
#define ISAMON_FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FINGERPRINT_MAX 1024
#define FINGERPRINT_BYTES 32
#define TAIL_MAX 256

/* len 0: nothing is known of it, and everything fits. */
struct fingerprint {
	unsigned char hash[FINGERPRINT_BYTES]; /* SHA-256 */
	uint32_t len;                          /* of so many bytes */
};

/* Of the first @n bytes of a file, or FINGERPRINT_MAX of them. Returns 0 or -ENOMEM (OpenSSL could not). */
int fingerprint_make(struct fingerprint *f, const void *head, size_t n);
/* Whether the file that begins with the @n bytes of @head (all it has, or FINGERPRINT_MAX) is the one. */
bool fingerprint_fits(const struct fingerprint *f, const void *head, size_t n);
/* The same; and if it is, and has more bytes now, they are taken in. */
bool fingerprint_follow(struct fingerprint *f, const void *head, size_t n);

/* The last bytes before some place. */
struct tail {
	unsigned char bytes[TAIL_MAX];
	uint32_t len;
};

/* @n more bytes were read. */
void tail_add(struct tail *t, const void *bytes, size_t n);
/* SHA-256 of them; zeros if there are none. Returns 0 or -ENOMEM. */
int tail_hash(const struct tail *t, unsigned char ret[FINGERPRINT_BYTES]);

#endif
