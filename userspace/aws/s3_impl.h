/* SPDX-License-Identifier: MIT */
/* What s3*.c know of each other. */
#ifndef ISAMON_S3_IMPL_H
#define ISAMON_S3_IMPL_H

#include "aws/endpoint.h"
#include "aws/fault.h"
#include "aws/keys.h"
#include "aws/retry.h"
#include "aws/s3.h"
#include "base/sha256.h"

#define S3_BASE64_SHA256 45
#define S3_HEADERS_MAX 16
#define S3_SIZE_MAX ((uint64_t)5 << 40)
#define S3_WHY_MAX 4096

struct s3 {
	struct event_base *base;
	struct transport *transport;
	struct credentials *credentials;
	struct identity *identity;
	struct s3_options options;

	/* where, once the region is known (host is not "") */
	char region[33];
	char origin[ENDPOINT_URL_MAX];      /* "https://BUCKET.s3.eu-west-1.amazonaws.com" */
	char host[2 * ENDPOINT_HOST_MAX];   /* as the header has it */
	char prefix[ENDPOINT_URL_MAX + 64]; /* before "/KEY": "" or "/BUCKET" */

	struct retry_bucket bucket;
	int64_t skew_s;
	uint64_t done, total; /* for progress */
	struct buf why;

	/* of the last call */
	int status;
	char code[FAULT_CODE_MAX];
	struct buf body, headers;
	bool outcome_unknown; /* one of its attempts may have had its effect without our knowing */
};

struct s3_call {
	const char *operation; /* "PutObject" */
	const char *action;    /* of a policy that allows it: "s3:PutObject" */
	const char *method;
	const char *key;   /* NULL: the bucket */
	const char *query; /* encoded; NULL: none */
	struct sigv4_header headers[S3_HEADERS_MAX];
	size_t n_headers;
	const void *body;
	size_t body_len;
	const struct transport_source *source; /* then with hash */
	const char *hash;                      /* of the body; NULL: found out */
	const struct transport_sink *sink;
	const char *root; /* of the XML in a success; NULL: it has none */
	/* Before each attempt; whether more has come since the one before, so that it does not count. */
	bool (*before)(void *ctx);
	void *ctx;
	bool no_timeout; /* only a stall ends it */
};

/* Adds a header, unless @value is NULL or "". */
void s3_add(struct s3_call *c, const char *name, const char *value);
/* Makes the call, with all its attempts. Errors as in s3.h, s3_why() says why; body, headers, status and code are the last answer's. */
int s3_do(struct s3 *s, const struct s3_call *c);
/* A header of the last answer, "" if it has none or a longer one. */
void s3_header(const struct s3 *s, const char *name, char *to, size_t size);

/* Finds out where the bucket is, waiting for the region. Returns 0, or -EINVAL with s3_why(). */
int s3_find_place(struct s3 *s);
/* Returns whether it is a bucket's name by S3's rules. */
bool s3_is_bucket(const char *name);
/* Returns whether it is a key by S3's rules: 1 to 1024 bytes of UTF-8. */
bool s3_is_key(const char *key);

/* Puts a whole line there, and returns @err. */
int _printf_(5, 6) s3_fail(struct s3 *s, int err, const char *operation, const char *key,
			   const char *fmt, ...);
/* The last answer's error, with what to do. @keys: whose secrets may not be told. Returns the -errno of the call. */
int s3_explain_answer(struct s3 *s, const struct s3_call *c, const struct transport_answer *a,
		      enum fault_kind kind, const struct fault *f, const struct keys *keys);

/* What was found out of a range of a file. */
struct s3_hashes {
	unsigned char sha256[SHA256_BYTES];
	char hex[SHA256_HEX];
	char base64[S3_BASE64_SHA256];
	char md5[33]; /* hexadecimal; "" where the library refuses MD5 */
};

/* Hashes of @len bytes at @at, read by pieces. @more: also updated with them (an EVP_MD_CTX), NULL: none. Returns 0, -ENODATA (the file
 * is shorter), -ENOMEM, or the error of reading. */
int s3_hash(int fd, uint64_t at, uint64_t len, void *more, struct s3_hashes *ret);
void s3_base64_sha256(const unsigned char hash[SHA256_BYTES], char ret[S3_BASE64_SHA256]);

/* Tells progress(). Returns 0 or -ECANCELED. */
int s3_progress(struct s3 *s);
/* A transport_source of @s' file that tells progress. */
struct transport_source s3_source(struct s3 *s, int fd, uint64_t offset);
/* Headers of whatever creates an object: encryption, storage class, the hash of the whole. */
void s3_add_creation(struct s3 *s, struct s3_call *c, const char *sha256);
/* HEAD says that the object is as it was sent. @checksum: S3's own, or NULL. Returns 0, -EBADMSG, -ENOENT, .... */
int s3_verify(struct s3 *s, const char *key, uint64_t size, const char *sha256,
	      const char *checksum);

/* A file in parts. As s3_put_file(); @size > 0, @sha256 is given. */
int s3_upload(struct s3 *s, const struct s3_put *put, uint64_t size, const char *sha256,
	      struct s3_sent *ret);

#endif
