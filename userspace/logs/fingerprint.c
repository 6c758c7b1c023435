/* SPDX-License-Identifier: MIT */
/* Hashes by OpenSSL. A fingerprint that cannot be made, for want of memory, fits nothing but stays as it was. */
#include "logs/fingerprint.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "base/util.h"

static int hash_of(const void *bytes, size_t n, unsigned char ret[FINGERPRINT_BYTES])
{
	return EVP_Digest(n ? bytes : "", n, ret, NULL, EVP_sha256(), NULL) ? 0 : -ENOMEM;
}

int fingerprint_make(struct fingerprint *f, const void *head, size_t n)
{
	struct fingerprint made = { .len = n < FINGERPRINT_MAX ? (uint32_t)n : FINGERPRINT_MAX };
	int err;

	err = hash_of(head, made.len, made.hash);
	if (!err)
		*f = made;
	return err;
}

bool fingerprint_fits(const struct fingerprint *f, const void *head, size_t n)
{
	unsigned char hash[FINGERPRINT_BYTES];

	if (!f->len)
		return true;
	return n >= f->len && !hash_of(head, f->len, hash) &&
	       memcmp(hash, f->hash, sizeof(hash)) == 0;
}

bool fingerprint_follow(struct fingerprint *f, const void *head, size_t n)
{
	if (!fingerprint_fits(f, head, n))
		return false;
	if (f->len < FINGERPRINT_MAX && n > f->len)
		fingerprint_make(f, head, n);
	return true;
}

void tail_add(struct tail *t, const void *bytes, size_t n)
{
	const unsigned char *from = bytes;
	size_t keep;

	if (!n)
		return;
	if (n >= TAIL_MAX) {
		memcpy(t->bytes, from + n - TAIL_MAX, TAIL_MAX);
		t->len = TAIL_MAX;
		return;
	}
	keep = t->len + n > TAIL_MAX ? TAIL_MAX - n : t->len;
	memmove(t->bytes, t->bytes + t->len - keep, keep);
	memcpy(t->bytes + keep, from, n);
	t->len = (uint32_t)(keep + n);
}

int tail_hash(const struct tail *t, unsigned char ret[FINGERPRINT_BYTES])
{
	memset(ret, 0, FINGERPRINT_BYTES);
	return t->len ? hash_of(t->bytes, t->len, ret) : 0;
}
