/* SPDX-License-Identifier: MIT */
/*
 * AWS Signature Version 4: proves to AWS who sends a request, without sending the secret.
 *
 * Pure functions over text. Ours, because libcurl's own differs by version and fails on some of S3's keys and queries.
 * Facts: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 */
#ifndef ISAMON_SIGV4_H
#define ISAMON_SIGV4_H

#include <stddef.h>
#include <time.h>

#include "base/buf.h"

/* In the place of a payload's hash: it is not signed (S3 over TLS, presigned URLs). */
#define SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"

struct sigv4_key {
	const char *id;     /* AKIA… or ASIA… */
	const char *secret; /* is not part of any result */
	const char *token;  /* of temporary ones; NULL: none */
};

struct sigv4_header {
	const char *name; /* in any case */
	const char *value;
};

enum sigv4_option {
	SIGV4_KEEP_PATH = 1 << 0,      /* "//" and ".." mean themselves */
	SIGV4_ENCODED_ONCE = 1 << 1,   /* the path is signed as it is sent, not encoded again */
	SIGV4_HASH_HEADER = 1 << 2,    /* the header x-amz-content-sha256 is sent, and signed */
	SIGV4_TOKEN_UNSIGNED = 1 << 3, /* the token is sent, but not signed */
	SIGV4_S3 = SIGV4_KEEP_PATH | SIGV4_ENCODED_ONCE | SIGV4_HASH_HEADER,
};

struct sigv4_request {
	const char *method;                 /* "POST" */
	const char *path;                   /* as it will be sent, from the '/' on */
	const char *query;                  /* likewise, without the '?'; "": none */
	const struct sigv4_header *headers; /* to be signed: host at least */
	size_t n_headers;                   /* at most 32 */
	const char *payload_hash;           /* sha256_hex() of the body, or SIGV4_UNSIGNED */
	const char *region;                 /* "eu-west-1" */
	const char *service;                /* "monitoring" */
	time_t time;                        /* now, as AWS sees it */
	unsigned int options;               /* enum sigv4_option */
};

#define SIGV4_DATE 17 /* "20260102T030405Z" */

/* @time in UTC, as the header x-amz-date and the signature have it. */
void sigv4_date(time_t time, char ret[SIGV4_DATE]);

/*
 * Signs @r into a header. What must be sent with it: the headers that it names, x-amz-date (sigv4_date()),
 * x-amz-security-token if there is a token, x-amz-content-sha256 (payload_hash) if asked for, and Authorization, whose
 * value is appended to @ret. These four are not to be among the named ones.
 * Returns 0; -EINVAL: too many headers, or no host; -ENOMEM, or the error of a buffer.
 */
int sigv4_sign(const struct sigv4_request *r, const struct sigv4_key *key, struct buf *ret);

/*
 * Signs @r into a query, valid for @seconds (1 to 604800): whoever has the URL may send the request with the headers that
 * it names. Appends the whole query string to @ret. Errors as sigv4_sign(); -EINVAL also for @seconds.
 */
int sigv4_presign(const struct sigv4_request *r, const struct sigv4_key *key, unsigned int seconds,
		  struct buf *ret);

#endif
