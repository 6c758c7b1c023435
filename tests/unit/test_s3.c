/* SPDX-License-Identifier: MIT */
/* The S3 client against answers by a script: where it goes, what it sends, what it says when that fails. */
#include "unit/http_server.h"

#include <sys/mman.h>
#include <unistd.h>

#include "aws/s3_impl.h"
#include "unit/client_stubs.h"

bool identity_settled(const struct identity *i)
{
	(void)i;
	return true;
}

#define HUSH "hush-secret-of-nobody"
#define ID "x-amz-request-id: R1\r\n"
#define EMPTY(status, headers) "HTTP/1.1 " status "\r\n" ID headers "Content-Length: 0\r\n\r\n"

static struct event_base *base;
static struct transport *transport;
static struct s3 *s3;
static char endpoint[64];

static void set_up(const struct server_step *steps, size_t n)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(512);
	const struct transport_options none = { 0 };
	const struct s3_options o = { .bucket = "the-bucket", .endpoint_url = endpoint };

	base = event_base_new();
	server_start(base, steps, n);
	snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", server.port);
	memset(&credentials, 0, sizeof(credentials));
	credentials.key = (struct sigv4_key){ "AKID", HUSH, "token-" HUSH };
	identity = (struct identity){ "eu-west-1", "" };
	EXPECT_INT(transport_new(base, &none, &why, &transport), 0);
	EXPECT_INT(s3_new(base, transport, &credentials, &identity, &o, &why, &s3), 0);
	EXPECT_STR(buf_str(&why), "");
}

static void tear_down(void)
{
	s3_free(take(s3));
	transport_free(take(transport));
	server_stop();
	event_base_free(base);
}

/* --- where */

static void places(void)
{
	static const struct {
		const char *bucket, *region, *endpoint, *origin, *prefix;
	} rows[] = {
		{ "abc", "eu-west-1", NULL, "https://abc.s3.eu-west-1.amazonaws.com", "" },
		{ "a.b.c", "eu-west-1", NULL, "https://s3.eu-west-1.amazonaws.com", "/a.b.c" },
		{ "abc", "cn-north-1", NULL, "https://abc.s3.cn-north-1.amazonaws.com.cn", "" },
		{ "abc", "r", "http://127.0.0.1:8080", "http://127.0.0.1:8080", "/abc" },
		{ "abc", "r", "https://h/x/", "https://h", "/x/abc" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(512);
		const struct s3_options o = { .bucket = rows[i].bucket,
					      .region = rows[i].region,
					      .endpoint_url = rows[i].endpoint };
		struct s3 *s;

		unit_begin("place: %s in %s, %s", rows[i].bucket, rows[i].region,
			   rows[i].endpoint ? rows[i].endpoint : "AWS");
		unsetenv("AWS_ENDPOINT_URL");
		unsetenv("AWS_ENDPOINT_URL_S3");
		REQUIRE_INT(s3_new(NULL, NULL, NULL, NULL, &o, &why, &s), 0);
		EXPECT_INT(s3_find_place(s), 0);
		EXPECT_STR(s->origin, rows[i].origin);
		EXPECT_STR(s->prefix, rows[i].prefix);
		s3_free(s);
	}
}

static void options(void)
{
	static const struct {
		const char *name;
		struct s3_options o;
		const char *why; /* NULL: good */
	} rows[] = {
		{ "a bucket", { .bucket = "a-b.c1" }, NULL },
		{ "none", { .bucket = NULL }, "bucket's name" },
		{ "too short", { .bucket = "ab" }, "bucket's name" },
		{ "upper case", { .bucket = "Abc" }, "bucket's name" },
		{ "a slash", { .bucket = "a/bc" }, "bucket's name" },
		{ "two dots", { .bucket = "a..b" }, "bucket's name" },
		{ "an address", { .bucket = "10.0.0.1" }, "bucket's name" },
		{ "a dash at its end", { .bucket = "abc-" }, "bucket's name" },
		{ "a class that is none",
		  { .bucket = "abc", .storage_class = "A\r\nB" },
		  "storage class" },
		{ "encryption", { .bucket = "abc", .sse = "aws:kms", .kms_key_id = "k" }, NULL },
		{ "another encryption", { .bucket = "abc", .sse = "rot13" }, "AES256 or aws:kms" },
		{ "a key without it", { .bucket = "abc", .kms_key_id = "k" }, "aws:kms only" },
		{ "too slow", { .bucket = "abc", .bytes_per_s = 1000 }, "bandwidth" },
		{ "small parts", { .bucket = "abc", .part_bytes = 1000 }, "5 MiB" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(512);
		struct s3 *s = NULL;

		unit_begin("options: %s", rows[i].name);
		EXPECT_INT(s3_new(NULL, NULL, NULL, NULL, &rows[i].o, &why, &s),
			   rows[i].why ? -EINVAL : 0);
		EXPECT_HAS(buf_str(&why), rows[i].why ? rows[i].why : "");
		s3_free(s);
	}
}

/* --- what goes wrong */

#define ERROR_BODY(status, headers, xml) \
	"HTTP/1.1 " status "\r\n" ID headers \
	"Connection: close\r\n\r\n<?xml version=\"1.0\"?><Error>" xml "</Error>"
#define CODE(code, message) "<Code>" code "</Code><Message>" message "</Message>"

static int list_nothing(const struct s3_entry *e, void *ctx)
{
	(void)e;
	(void)ctx;
	return 0;
}

static void failures(void)
{
	static const struct {
		const char *name, *answer;
		int err;
		const char *why;
		unsigned int asked;
	} rows[] = {
		{ "no bucket", ERROR_BODY("404 Not Found", "", CODE("NoSuchBucket", "m")), -ENXIO,
		  "answered 404 NoSuchBucket: m; create the bucket", 1 },
		{ "denied", ERROR_BODY("403 Forbidden", "", CODE("AccessDenied", "Access Denied.")),
		  -EACCES,
		  "AccessDenied: Access Denied; allow s3:ListBucket on arn:aws:s3:::the-bucket in the IAM policy behind the keys of profile tester",
		  1 },
		{ "another region, by the header",
		  ERROR_BODY("301 Moved", "x-amz-bucket-region: us-west-2\r\n",
			     CODE("PermanentRedirect", "m")),
		  -EXDEV, "the bucket is in the region us-west-2, not in eu-west-1", 1 },
		{ "another region, by the body",
		  ERROR_BODY("400 Bad Request", "",
			     CODE("AuthorizationHeaderMalformed",
				  "m") "<Region>us-west-2</Region>"),
		  -EXDEV, "the bucket is in the region us-west-2, not in eu-west-1", 1 },
		{ "a secret in a message",
		  ERROR_BODY("400 Bad Request", "", CODE("InvalidArgument", "no " HUSH " here")),
		  -EPROTO, "no *** here", 1 },
		{ "not S3's", "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n<html>", -EAGAIN,
		  "that is not how S3 answers", 1 },
		{ "not S3's 200", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>", -EAGAIN,
		  "answered 200", 6 },
		{ "not done here", ERROR_BODY("501 No", "", CODE("NotImplemented", "m")),
		  -EOPNOTSUPP, "this store is not Amazon's", 1 },
		{ "not well", ERROR_BODY("503 No", "", CODE("InternalError", "m")), -EAGAIN,
		  "503 InternalError: m", 6 },
		{ "an error in a 200", ERROR_BODY("200 OK", "", CODE("InternalError", "m")),
		  -EAGAIN, "200 InternalError: m", 6 },
		{ "keys that are no good",
		  ERROR_BODY("403 No", "", CODE("InvalidAccessKeyId", "m")), -EACCES,
		  "renew those of profile tester", 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct server_step step = { rows[i].answer, SERVER_CLOSE, 0 };

		unit_begin("fails: %s", rows[i].name);
		set_up(&step, 1);
		EXPECT_INT(s3_list(s3, "", list_nothing, NULL), rows[i].err);
		EXPECT_HAS(s3_why(s3), "ListObjectsV2 s3://the-bucket: ");
		EXPECT_HAS(s3_why(s3), rows[i].why);
		EXPECT(!strstr(s3_why(s3), HUSH));
		EXPECT_UINT(server.n_requests, rows[i].asked);
		tear_down();
	}
}

static void no_keys(void)
{
	const struct server_step step = { EMPTY("200 OK", ""), SERVER_KEEP, 0 };

	set_up(&step, 1);
	credentials.err = -ENOENT;
	EXPECT_INT(s3_delete(s3, "k"), -EACCES);
	EXPECT_STR(s3_why(s3), "DeleteObject s3://the-bucket/k: no source has keys; do this");
	EXPECT_UINT(server.n_requests, 0);
	EXPECT_INT(s3_delete(s3, ""), -EINVAL);
	EXPECT_INT(s3_delete(s3, "a\xff"), -EINVAL);
	tear_down();
}

/* --- what is sent */

static void small_file(void)
{
	static const char sha[] =
		"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
	static const char base64[] = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
	static const struct server_step steps[] = {
		{ EMPTY("200 OK",
			"x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\r\n"),
		  SERVER_KEEP, 0 },
		{ "HTTP/1.1 200 OK\r\n" ID
		  "x-amz-meta-sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\r\n"
		  "x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=\r\n"
		  "Content-Length: 5\r\n\r\n",
		  SERVER_KEEP, 0 },
		{ EMPTY("200 OK", ""), SERVER_KEEP, 0 },
		{ "HTTP/1.1 200 OK\r\n" ID "Content-Length: 6\r\n\r\n", SERVER_KEEP, 0 },
	};
	struct s3_put put = { .key = "a b/c" };
	struct s3_sent sent;

	set_up(steps, ARRAY_SIZE(steps));
	put.fd = memfd_create("file", MFD_CLOEXEC);
	EXPECT(write(put.fd, "hello", 5) == 5);
	EXPECT_INT(s3_put_file(s3, &put, &sent), 0);
	EXPECT(sent.checked && sent.verified && sent.size == 5);
	EXPECT_HAS(buf_str(&server.requests[0].head), "PUT /the-bucket/a%20b/c HTTP/1.1\r\n");
	EXPECT_STR(server_header(0, "x-amz-content-sha256"), sha);
	EXPECT_STR(server_header(0, "x-amz-checksum-sha256"), base64);
	EXPECT_STR(server_header(0, "x-amz-meta-sha256"), sha);
	EXPECT_STR(server_header(0, "if-none-match"), "*");
	EXPECT_STR(server_header(0, "x-amz-security-token"), "token-" HUSH);
	EXPECT_HAS(server_header(0, "authorization"), "/eu-west-1/s3/aws4_request");
	EXPECT_HAS(server_header(0, "authorization"),
		   "SignedHeaders=content-type;host;if-none-match;x-amz-checksum-sha256;"
		   "x-amz-content-sha256;x-amz-date;x-amz-meta-sha256;x-amz-security-token");
	EXPECT_STR(buf_str(&server.requests[0].body), "hello");
	/* Whose size is another. */
	EXPECT_INT(s3_put_file(s3, &put, &sent), -EBADMSG);
	EXPECT_HAS(s3_why(s3), "there are 6 bytes, 5 were sent");
	EXPECT(!sent.checked && !sent.verified);
	close(put.fd);
	tear_down();
}

/* The answer to the first attempt was lost; the second is told that the key is there. */
static void lost_answer(void)
{
	static const struct server_step steps[] = {
		{ NULL, SERVER_RESET, 0 },
		{ ERROR_BODY("412 No", "", CODE("PreconditionFailed", "m")), SERVER_CLOSE, 0 },
		{ "HTTP/1.1 200 OK\r\n" ID
		  "x-amz-meta-sha256: 2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\r\n"
		  "Content-Length: 5\r\n\r\n",
		  SERVER_KEEP, 0 },
		{ NULL, SERVER_RESET, 0 },
		{ ERROR_BODY("412 No", "", CODE("PreconditionFailed", "m")), SERVER_CLOSE, 0 },
		{ "HTTP/1.1 200 OK\r\n" ID "Content-Length: 7\r\n\r\n", SERVER_KEEP, 0 },
	};
	struct s3_put put = { .key = "k" };
	struct s3_sent sent;

	set_up(steps, ARRAY_SIZE(steps));
	put.fd = memfd_create("file", MFD_CLOEXEC);
	EXPECT(write(put.fd, "hello", 5) == 5);
	EXPECT_INT(s3_put_file(s3, &put, &sent), 0);
	EXPECT_INT(s3_put_file(s3, &put, &sent), -EEXIST);
	EXPECT_HAS(s3_why(s3), "another object with this key, and it is kept");
	close(put.fd);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, places },
		{ NULL, options },
		{ NULL, failures },
		{ "without keys, or with a key that is none, nothing is asked", no_keys },
		{ "a small file is sent, signed and verified", small_file },
		{ "an answer that was lost is no failure if the object is there", lost_answer },
	};

	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("all_proxy");
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
