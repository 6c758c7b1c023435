/* SPDX-License-Identifier: MIT */
/* Calls of AWS: what goes over the wire, what keeps them from it, and what must not come out. */
#include "unit/client_fixture.h"

#include <time.h>
#include <zlib.h>

#include "base/sha256.h"

/* --- what goes over the wire */

static void add_signed(struct sigv4_header *h, size_t *n, const char *name, char *value,
		       size_t size)
{
	snprintf(value, size, "%s", server_header(0, name));
	if (*value)
		h[(*n)++] = (struct sigv4_header){ name, value };
}

/* Signs what has arrived again. */
static void expect_signed(const char *path, const char *service)
{
	static const char *const names[] = { "host", "content-type", "x-amz-target",
					     "x-amzn-query-mode", "content-encoding" };
	_cleanup_(buf_done) struct buf expected = BUF_INIT(8192);
	char hash[SHA256_HEX], values[ARRAY_SIZE(names)][256];
	struct sigv4_header headers[ARRAY_SIZE(names)];
	struct tm tm = { 0 };
	struct sigv4_request r = {
		.method = "POST",
		.path = path,
		.query = "",
		.headers = headers,
		.payload_hash = hash,
		.region = "eu-west-1",
		.service = service,
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		add_signed(headers, &r.n_headers, names[i], values[i], sizeof(values[i]));
	EXPECT_INT(sha256_hex(buf_str(&server.requests[0].body), server.requests[0].body.len, hash),
		   0);
	EXPECT(strptime(server_header(0, "x-amz-date"), "%Y%m%dT%H%M%SZ", &tm) != NULL);
	r.time = timegm(&tm);
	EXPECT_NEAR((double)r.time, (double)time(NULL), 20);
	EXPECT_INT(sigv4_sign(&r, &credentials.key, &expected), 0);
	EXPECT_STR(server_header(0, "authorization"), buf_str(&expected));
	EXPECT_STR(server_header(0, "x-amz-security-token"),
		   credentials.key.token ? credentials.key.token : "");
}

static void cloudwatch(void)
{
	steps[0] = (struct server_step){ answer(0, "200 OK", JSON ID, "{}"), SERVER_KEEP, 0 };
	set_up(1);
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_OK);
	EXPECT_INT(got.a.status, 200);
	EXPECT_STR(got.body, "{}");
	EXPECT_STR(got.id, "8f7a-1");
	EXPECT_STR(got.message, "");
	EXPECT_UINT(got.a.attempts, 1);
	EXPECT_UINT(got.a.sent_bytes, 24);
	EXPECT(!got.a.outcome_unknown);
	EXPECT(!strncmp(buf_str(&server.requests[0].head), "POST / HTTP/1.1\r\n", 17));
	EXPECT_STR(buf_str(&server.requests[0].body), put.body);
	EXPECT_STR(server_header(0, "content-type"), "application/x-amz-json-1.0");
	EXPECT_STR(server_header(0, "x-amz-target"), "GraniteServiceVersion20100801.PutMetricData");
	EXPECT_STR(server_header(0, "x-amzn-query-mode"), "true");
	EXPECT_STR(server_header(0, "content-encoding"), "");
	expect_signed("/", "monitoring");
	tear_down();
}

static void logs(void)
{
	static const struct aws_request r = {
		.service = AWS_LOGS,
		.operation = "PutLogEvents",
		.body = "{}",
		.body_len = 2,
	};

	/* PutLogEvents may answer with nothing at all in it. */
	steps[0] = (struct server_step){ answer(0, "200 OK", ID, ""), SERVER_KEEP, 0 };
	set_up(1);
	options.endpoint_url = "http://127.0.0.1:1";
	options.logs_endpoint_url = endpoint;
	aws_client_free(client);
	EXPECT_INT(aws_client_new(base, transport, &credentials, &identity, &options, &client), 0);
	ask(&r);
	EXPECT_INT(got.a.failure, AWS_OK);
	EXPECT_STR(server_header(0, "content-type"), "application/x-amz-json-1.1");
	EXPECT_STR(server_header(0, "x-amz-target"), "Logs_20140328.PutLogEvents");
	EXPECT_STR(server_header(0, "x-amzn-query-mode"), "");
	expect_signed("/", "logs");
	tear_down();
}

static void sts(void)
{
	static const struct aws_request r = {
		.service = AWS_STS,
		.operation = "GetCallerIdentity",
		.body = "Action=GetCallerIdentity&Version=2011-06-15",
		.body_len = 43,
	};

	steps[0] = (struct server_step){
		answer(0, "200 OK", "",
		       "<GetCallerIdentityResponse><Arn>a</Arn><RequestId>r-1</RequestId></GetCallerIdentityResponse>"),
		SERVER_KEEP, 0
	};
	set_up(1);
	credentials.key.token = NULL;
	snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u/base/", server.port);
	ask(&r);
	EXPECT_INT(got.a.failure, AWS_OK);
	EXPECT_STR(got.id, "r-1");
	EXPECT_STR(server_header(0, "x-amz-target"), "");
	expect_signed("/base/", "sts");
	tear_down();
}

static void packed(void)
{
	char text[8000], unpacked[sizeof(text) + 100];
	struct aws_request r = put;
	z_stream z = { 0 };

	steps[0] = (struct server_step){ answer(0, "200 OK", JSON ID, "{}"), SERVER_KEEP, 0 };
	set_up(1);
	memset(text, 'a', sizeof(text));
	r.body = text;
	r.body_len = sizeof(text);
	r.gzip = true;
	ask(&r);
	EXPECT_INT(got.a.failure, AWS_OK);
	EXPECT_STR(server_header(0, "content-encoding"), "gzip");
	EXPECT_UINT(got.a.sent_bytes, server.requests[0].body.len);
	EXPECT(got.a.sent_bytes < 500);
	expect_signed("/", "monitoring");
	z.next_in = (unsigned char *)server.requests[0].body.data;
	z.avail_in = (unsigned int)server.requests[0].body.len;
	z.next_out = (unsigned char *)unpacked;
	z.avail_out = sizeof(unpacked);
	EXPECT_INT(inflateInit2(&z, 15 + 16), Z_OK);
	EXPECT_INT(inflate(&z, Z_FINISH), Z_STREAM_END);
	EXPECT_BYTES(unpacked, z.total_out, text, sizeof(text));
	inflateEnd(&z);
	tear_down();
}

static void not_worth_packing(void)
{
	struct aws_request r = put;

	steps[0] = (struct server_step){ answer(0, "200 OK", JSON ID, "{}"), SERVER_KEEP, 0 };
	set_up(1);
	r.gzip = true;
	ask(&r);
	EXPECT_STR(server_header(0, "content-encoding"), "");
	EXPECT_STR(buf_str(&server.requests[0].body), put.body);
	tear_down();
}

/* --- nothing is sent */

static void no_region(void)
{
	set_up(1);
	identity.region = NULL;
	identity.why = "IMDS does not answer";
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_NO_REGION);
	EXPECT_STR(got.message, "PutMetricData: IMDS does not answer");
	identity.region = "eu-west-1.evil.example/";
	options.endpoint_url = NULL;
	aws_client_free(client);
	EXPECT_INT(aws_client_new(base, transport, &credentials, &identity, &options, &client), 0);
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_NO_REGION);
	EXPECT_HAS(got.message, "the region is not a name");
	EXPECT_UINT(got.a.attempts, 0);
	EXPECT_UINT(credentials.n_asked, 0);
	tear_down();
}

static void no_credentials(void)
{
	set_up(1);
	credentials.err = -ENOENT;
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_NO_CREDENTIALS);
	EXPECT_STR(got.message, "PutMetricData: no source has keys; do this");
	EXPECT_INT(got.a.status, 0);
	EXPECT_UINT(server.n_requests, 0);
	tear_down();
}

static void cancel(void)
{
	struct aws_call *call;

	steps[0] = (struct server_step){ answer(0, "200 OK", ID, "{}"), SERVER_KEEP, 300 };
	set_up(1);
	EXPECT_INT(aws_client_call(client, &put, on_done, NULL, &call), 0);
	aws_call_cancel(call);
	aws_call_cancel(NULL);
	EXPECT_INT(aws_client_call(client, &put, on_done, NULL, &call), 0);
	loop_for(base, 100);
	EXPECT_UINT(server.n_requests, 1);
	aws_call_cancel(call);
	credentials.late = true;
	EXPECT_INT(aws_client_call(client, &put, on_done, NULL, &call), 0);
	loop_for(base, 50);
	aws_call_cancel(call);
	EXPECT_UINT(credentials.n_cancelled, 1);
	credentials.late = false;
	EXPECT_INT(aws_client_call(client, &put, on_done, NULL, &call), 0);
	loop_for(base, 50);
	tear_down();
	EXPECT_UINT(got.n, 0);
}

/* --- secrets */

static void expect_no_secret(void)
{
	EXPECT(!strstr(got.message, SECRET));
	EXPECT(!strstr(got.message, TOKEN));
	EXPECT(!strstr(got.message, "IQoJb3JpZ2luX2Vj"));
	EXPECT(!strstr(got.message, "wJalrXUtnFEMI"));
	EXPECT(!strchr(got.message, '\n'));
	EXPECT(!strchr(got.message, '\x1b'));
}

static void echoed(void)
{
	static const char *const bodies[] = {
		TEXT("InvalidParameterValue",
		     "x-amz-security-token:" TOKEN "\\n\\u001b[31m secret " SECRET "."),
		"<ErrorResponse><Error><Code>A</Code><Message>" TOKEN " &#xA;" SECRET
		"</Message></Error></ErrorResponse>",
		TEXT("IQoJb3JpZ2luX2VjEXAMPLETOKEN", SECRET SECRET),
	};
	_cleanup_(buf_done) struct buf longest = BUF_INIT(8192);

	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		steps[0] =
			(struct server_step){ answer(0, "400 Bad", "", bodies[i]), SERVER_KEEP, 0 };
		set_up(1);
		ask(&put);
		if (i < 2)
			expect_no_secret();
		EXPECT(!strstr(got.message, SECRET));
		EXPECT_HAS(got.message, "***");
		tear_down();
	}
	/* What the reader of answers cuts off begins within the secret. */
	for (size_t n = 1990; n < 2060; n++) {
		buf_reset(&longest);
		buf_add_str(&longest, "{\"__type\":\"A\",\"message\":\"");
		for (size_t k = 0; k < 10; k++)
			buf_add_str(&longest, TOKEN);
		for (size_t k = 10 * strlen(TOKEN); k < n; k++)
			buf_add_char(&longest, ' ');
		buf_add_str(&longest, SECRET "\"}");
		steps[0] = (struct server_step){ answer(0, "400 Bad", "", longest.data),
						 SERVER_KEEP, 0 };
		set_up(1);
		ask(&put);
		expect_no_secret();
		tear_down();
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "CloudWatch: JSON, signed", cloudwatch },
		{ "CloudWatch Logs: its headers, and signed", logs },
		{ "STS: a form, signed, at a path", sts },
		{ "a body that is packed", packed },
		{ "a body that is too short for it", not_worth_packing },
		{ "without a region", no_region },
		{ "without credentials", no_credentials },
		{ "cancelled ones are not told", cancel },
		{ "secrets that come back are not told", echoed },
	};

	forget_environment();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
