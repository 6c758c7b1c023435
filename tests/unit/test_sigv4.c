/* SPDX-License-Identifier: MIT */
/* Signatures against those that AWS publishes, and what cannot be signed. */
#include "unit/unit.h"

#include <time.h>

#include "aws/sigv4.h"
#include "base/sha256.h"
#include "unit/sigv4_cases.h"

#define TOKEN \
	"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflf" \
	"KD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd" \
	"8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3i" \
	"SIlTJabIQwj2ICCR/oLxBA=="

/* The request of a row. @hash is written. */
static struct sigv4_request request(const struct sigv4_case *c, time_t time, const char *service,
				    char hash[SHA256_HEX])
{
	struct sigv4_request r = {
		.method = c->method,
		.path = c->path,
		.query = c->query,
		.headers = c->headers,
		.payload_hash = hash,
		.region = "us-east-1",
		.service = service,
		.time = time,
		.options = c->options,
	};

	while (r.n_headers < ARRAY_SIZE(c->headers) && c->headers[r.n_headers].name)
		r.n_headers++;
	EXPECT_INT(sha256_hex(c->body, strlen(c->body), hash), 0);
	return r;
}

/* What stands behind the last '=': the signature. */
static const char *signature(const struct buf *b)
{
	const char *at = strrchr(buf_str(b), '=');

	return at ? at + 1 : "";
}

static void play(const struct sigv4_case *c, const struct sigv4_key *key, time_t time,
		 const char *service)
{
	_cleanup_(buf_done) struct buf header = BUF_INIT(8192), query = BUF_INIT(8192);
	char hash[SHA256_HEX];
	struct sigv4_request r = request(c, time, service, hash);

	EXPECT_INT(sigv4_sign(&r, key, &header), 0);
	EXPECT_STR(signature(&header), c->header);
	if (!c->presigned)
		return;
	EXPECT_INT(sigv4_presign(&r, key, 3600, &query), 0);
	/* A signature ends the query, unless an unsigned token does. */
	EXPECT_STR(signature(&query), c->presigned);
}

static void published(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(sigv4_cases); i++) {
		const struct sigv4_key key = { "AKIDEXAMPLE",
					       "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
					       sigv4_cases[i].token ? TOKEN : NULL };

		unit_begin("%s", sigv4_cases[i].name);
		play(&sigv4_cases[i], &key, 1440938160, "service");
	}
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, its four examples. */
static const struct sigv4_case s3_cases[] = {
	{ .name = "S3: an object, a range of it",
	  .method = "GET",
	  .path = "/test.txt",
	  .query = "",
	  .headers = { { "Host", "examplebucket.s3.amazonaws.com" }, { "Range", "bytes=0-9" } },
	  .body = "",
	  .options = SIGV4_S3,
	  .header = "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ .name = "S3: an object is put, its key is encoded once",
	  .method = "PUT",
	  .path = "/test%24file.text",
	  .query = "",
	  .headers = { { "Host", "examplebucket.s3.amazonaws.com" },
		       { "Date", "Fri, 24 May 2013 00:00:00 GMT" },
		       { "x-amz-storage-class", "REDUCED_REDUNDANCY" } },
	  .body = "Welcome to Amazon S3.",
	  .options = SIGV4_S3,
	  .header = "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
	{ .name = "S3: a parameter without a value",
	  .method = "GET",
	  .path = "/",
	  .query = "lifecycle",
	  .headers = { { "Host", "examplebucket.s3.amazonaws.com" } },
	  .body = "",
	  .options = SIGV4_S3,
	  .header = "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
	{ .name = "S3: a list",
	  .method = "GET",
	  .path = "/",
	  .query = "prefix=J&max-keys=2",
	  .headers = { { "Host", "examplebucket.s3.amazonaws.com" } },
	  .body = "",
	  .options = SIGV4_S3,
	  .header = "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

static const struct sigv4_key s3_key = { "AKIAIOSFODNN7EXAMPLE",
					 "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", NULL };

static void s3(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(s3_cases); i++) {
		unit_begin("%s", s3_cases[i].name);
		play(&s3_cases[i], &s3_key, 1369353600, "s3");
	}
}

/* https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, its example. */
static void s3_presigned(void)
{
	_cleanup_(buf_done) struct buf query = BUF_INIT(8192);
	char hash[SHA256_HEX];
	struct sigv4_request r = request(&s3_cases[0], 1369353600, "s3", hash);

	r.n_headers = 1;
	r.payload_hash = SIGV4_UNSIGNED;
	EXPECT_INT(sigv4_presign(&r, &s3_key, 86400, &query), 0);
	EXPECT_STR(
		buf_str(&query),
		"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1"
		"%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=86400"
		"&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

static void the_header(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(8192);
	char hash[SHA256_HEX];
	struct sigv4_request r = request(&s3_cases[0], 1369353600, "s3", hash);

	EXPECT_INT(sigv4_sign(&r, &s3_key, &b), 0);
	EXPECT_STR(
		buf_str(&b),
		"AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
		"Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void refused(void)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(8192), small = BUF_INIT(20);
	struct sigv4_header many[33];
	char hash[SHA256_HEX];
	struct sigv4_request r = request(&s3_cases[0], 1369353600, "s3", hash);

	EXPECT_INT(sigv4_presign(&r, &s3_key, 0, &b), -EINVAL);
	EXPECT_INT(sigv4_presign(&r, &s3_key, 604801, &b), -EINVAL);
	EXPECT_INT(sigv4_sign(&r, &s3_key, &small), -EFBIG);
	r.n_headers = 0;
	EXPECT_INT(sigv4_sign(&r, &s3_key, &b), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct sigv4_header){ "Host", "a" };
	r.headers = many;
	r.n_headers = ARRAY_SIZE(many);
	EXPECT_INT(sigv4_sign(&r, &s3_key, &b), -EINVAL);
	EXPECT_UINT(b.len, 0);
	r.n_headers--;
	EXPECT_INT(sigv4_sign(&r, &s3_key, &b), 0);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "S3: a presigned URL", s3_presigned },
		{ "the value of the header", the_header },
		{ "what cannot be signed", refused },
	};

	unit_state.argc = argc;
	unit_state.argv = argv;
	published();
	s3();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
