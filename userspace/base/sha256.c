/* SPDX-License-Identifier: MIT */
/* One-shot calls of OpenSSL's EVP interface. */
#include "base/sha256.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

void sha256_to_hex(const unsigned char bytes[SHA256_BYTES], char ret[SHA256_HEX])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < SHA256_BYTES; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[2 * SHA256_BYTES] = '\0';
}

int sha256_hex(const void *bytes, size_t n, char ret[SHA256_HEX])
{
	unsigned char hash[SHA256_BYTES];

	if (!EVP_Digest(n ? bytes : "", n, hash, NULL, EVP_sha256(), NULL))
		return -ENOMEM;
	sha256_to_hex(hash, ret);
	return 0;
}

int hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t n,
		unsigned char ret[SHA256_BYTES])
{
	unsigned char hash[SHA256_BYTES];

	if (key_len > INT_MAX || !HMAC(EVP_sha256(), key, (int)key_len, bytes, n, hash, NULL))
		return -ENOMEM;
	memcpy(ret, hash, sizeof(hash));
	return 0;
}
