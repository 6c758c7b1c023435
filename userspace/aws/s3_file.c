/* SPDX-License-Identifier: MIT */
/* Files by pieces: their hashes, and their way into a request. */
#include <errno.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "aws/s3_impl.h"

#define PIECE ((size_t)32 * 1024)

static void free_md(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

void s3_base64_sha256(const unsigned char hash[SHA256_BYTES], char ret[S3_BASE64_SHA256])
{
	EVP_EncodeBlock((unsigned char *)ret, hash, SHA256_BYTES);
}

static ssize_t read_piece(int fd, void *to, size_t n, uint64_t at)
{
	ssize_t got;

	do
		got = pread(fd, to, n, (off_t)at);
	while (got < 0 && errno == EINTR);
	return got < 0 ? -errno : got ? got : -ENODATA;
}

/* Reads the range into the contexts; one that is NULL is left out. */
static int digest(int fd, uint64_t at, uint64_t len, EVP_MD_CTX *const *c, size_t n_c)
{
	unsigned char piece[PIECE];

	while (len) {
		const ssize_t n = read_piece(fd, piece, len < PIECE ? (size_t)len : PIECE, at);

		if (n < 0)
			return (int)n;
		for (size_t i = 0; i < n_c; i++)
			if (c[i] && !EVP_DigestUpdate(c[i], piece, (size_t)n))
				return -ENOMEM;
		at += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

static void to_hex(const unsigned char *bytes, size_t n, char *to)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*to++ = digits[bytes[i] >> 4];
		*to++ = digits[bytes[i] & 15];
	}
	*to = '\0';
}

int s3_hash(int fd, uint64_t at, uint64_t len, void *more, struct s3_hashes *ret)
{
	_cleanup_(free_md) EVP_MD_CTX *sha = EVP_MD_CTX_new();
	_cleanup_(free_md) EVP_MD_CTX *md5 = EVP_MD_CTX_new();
	unsigned char hash[16];
	bool has_md5;
	int err;

	if (!sha || !md5 || !EVP_DigestInit_ex(sha, EVP_sha256(), NULL))
		return -ENOMEM;
	/* A system in FIPS mode has none. */
	has_md5 = EVP_DigestInit_ex(md5, EVP_md5(), NULL);
	err = digest(fd, at, len, (EVP_MD_CTX *const[]){ sha, has_md5 ? md5 : NULL, more }, 3);
	if (err)
		return err;
	if (!EVP_DigestFinal_ex(sha, ret->sha256, NULL))
		return -ENOMEM;
	sha256_to_hex(ret->sha256, ret->hex);
	s3_base64_sha256(ret->sha256, ret->base64);
	ret->md5[0] = '\0';
	if (has_md5 && EVP_DigestFinal_ex(md5, hash, NULL))
		to_hex(hash, sizeof(hash), ret->md5);
	return 0;
}

int s3_progress(struct s3 *s)
{
	if (s->options.progress && !s->options.progress(s->done, s->total, s->options.ctx))
		return -ECANCELED;
	return 0;
}

static int told(size_t n, void *ctx)
{
	struct s3 *s = ctx;

	s->done += n;
	return s3_progress(s);
}

struct transport_source s3_source(struct s3 *s, int fd, uint64_t offset)
{
	return (struct transport_source){
		.fd = fd, .offset = (off_t)offset, .told = told, .ctx = s
	};
}
