/* SPDX-License-Identifier: MIT */
/* Calls of AWS against a server that answers as AWS does, and as it does on its bad days. */
#include "unit/http_server.h"

#include <time.h>
#include <zlib.h>

#include "aws/client.h"
#include "aws/sha256.h"
#include "base/clock.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TOKEN "IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////wEaCXVzLWVhc3QtMQ=="
#define JSON "Content-Type: application/x-amz-json-1.0\r\n"
#define ID "x-amzn-RequestId: 8f7a-1\r\n"
#define XML "Content-Type: text/xml\r\n"

/* Answers are put together here, because their length and date must be right. */
static char answers[8][16384];

static const char *answer(unsigned int i, const char *status, const char *headers, const char *body)
{
	snprintf(answers[i], sizeof(answers[i]), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n%s",
		 status, strlen(body), headers, body);
	return answers[i];
}

/* --- credentials and identity, as the test wants them */

struct credentials {
	struct sigv4_key key;
	int err;
	bool late; /* keeps who asks waiting */
	unsigned int n_asked, n_rejected, n_cancelled;
	void *waiting;
};

struct identity {
	const char *region, *why;
};

static struct credentials credentials;
static struct identity identity;

int credentials_get(struct credentials *c, credentials_fn fn, void *ctx)
{
	c->n_asked++;
	if (c->late)
		c->waiting = ctx;
	else
		fn(c->err, c->err ? NULL : &c->key, c->err ? "no source has keys; do this" : "",
		   ctx);
	return 0;
}

void credentials_reject(struct credentials *c)
{
	c->n_rejected++;
}

void credentials_cancel(struct credentials *c, void *ctx)
{
	c->n_cancelled += c->waiting == ctx;
}

const char *credentials_source(const struct credentials *c)
{
	(void)c;
	return "profile tester";
}

const char *identity_region(const struct identity *i)
{
	return i->region;
}

const char *identity_why(const struct identity *i)
{
	return i->why;
}

/* --- the call */

static struct event_base *base;
static struct transport *transport;
static struct aws_client *client;
static char endpoint[128];
static struct server_step steps[8];
static struct aws_client_options options;

static struct {
	unsigned int n;
	struct aws_answer a;
	char code[64], message[2048], body[4096], id[128];
} got;

static void on_done(const struct aws_answer *a, void *ctx)
{
	(void)ctx;
	got.n++;
	got.a = *a;
	snprintf(got.code, sizeof(got.code), "%s", a->code);
	snprintf(got.message, sizeof(got.message), "%s", a->message);
	snprintf(got.body, sizeof(got.body), "%s", a->body);
	snprintf(got.id, sizeof(got.id), "%s", a->request_id);
}

static void set_up(size_t n_steps)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(512);
	const struct transport_options o = { 0 };

	memset(&got, 0, sizeof(got));
	credentials = (struct credentials){ .key = { "AKIDEXAMPLE", SECRET, TOKEN } };
	identity = (struct identity){ "eu-west-1", "" };
	base = event_base_new();
	server_start(base, steps, n_steps);
	snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", server.port);
	options = (struct aws_client_options){ .endpoint_url = endpoint };
	EXPECT_INT(transport_new(base, &o, &why, &transport), 0);
	EXPECT_INT(aws_client_new(base, transport, &credentials, &identity, &options, &client), 0);
}

static void tear_down(void)
{
	aws_client_free(take(client));
	transport_free(take(transport));
	server_stop();
	event_base_free(base);
}

static const struct aws_request put = {
	.service = AWS_CLOUDWATCH,
	.operation = "PutMetricData",
	.body = "{\"Namespace\":\"AgentISA\"}",
	.body_len = 24,
	.timeout_ms = 500,
};

static void ask(const struct aws_request *r)
{
	const unsigned int n = got.n;

	EXPECT_INT(aws_client_call(client, r, on_done, NULL, NULL), 0);
	EXPECT_UINT(got.n, n);
	loop_until(base, &got.n, n + 1);
}

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

/* --- what comes of each answer, when it comes each time */

#define TEXT(code, text) "{\"__type\":\"com.amazonaws#" code "\",\"message\":\"" text "\"}"

static void judged(void)
{
	static const struct {
		const char *name, *status, *headers, *body;
		enum aws_failure failure;
		const char *code;
		unsigned int attempts, rejected;
		bool unknown;
		const char *message;
	} rows[] = {
		{ "a wrong request is not sent again", "400 Bad Request",
		  JSON ID "x-amzn-query-error: InvalidParameterValue;Sender\r\n",
		  TEXT("InvalidParameterValueException", "Timestamp too old"), AWS_REJECTED,
		  "InvalidParameterValue", 1, 0, false,
		  "PutMetricData: 127.0.0.1:PORT answered 400 InvalidParameterValue: Timestamp too old" },
		{ "500 is tried again", "500 Internal Server Error", JSON ID,
		  TEXT("InternalServiceFault", ""), AWS_TRANSIENT, "InternalServiceFault", 3, 0,
		  true, "answered 500 InternalServiceFault" },
		{ "503 without anything", "503 Service Unavailable", "", "", AWS_TRANSIENT, "", 3,
		  0, true, "is a proxy in between" },
		{ "501 is not tried again", "501 Not Implemented", "", "", AWS_TRANSIENT, "", 1, 0,
		  true, "501" },
		{ "RequestTimeout is tried again", "400 Bad Request", JSON ID,
		  TEXT("RequestTimeoutException", "x"), AWS_TRANSIENT, "RequestTimeoutException", 3,
		  0, false, "RequestTimeoutException" },
		{ "throttling", "400 Bad Request", JSON ID, TEXT("Throttling", "Rate exceeded"),
		  AWS_THROTTLED, "Throttling", 2, 0, false,
		  "Throttling: Rate exceeded; too many calls" },
		{ "429 without a code", "429 Too Many Requests", "Retry-After: 60\r\n", "",
		  AWS_THROTTLED, "", 1, 0, false, "answered 429" },
		{ "expired keys are asked for once more", "403 Forbidden", JSON ID,
		  TEXT("ExpiredTokenException",
		       "The security token included in the request is expired"),
		  AWS_NO_CREDENTIALS, "ExpiredTokenException", 2, 2, false,
		  "the keys of profile tester are not valid, or not any more: renew them" },
		{ "keys that nobody knows", "403 Forbidden", JSON ID,
		  TEXT("UnrecognizedClientException", "x"), AWS_NO_CREDENTIALS,
		  "UnrecognizedClientException", 2, 2, false, "renew them" },
		{ "a permission that is missing", "400 Bad Request", JSON ID,
		  TEXT("AccessDeniedException", "User: a is not authorized"), AWS_DENIED,
		  "AccessDeniedException", 1, 0, false,
		  "User: a is not authorized; allow cloudwatch:PutMetricData in the policy of profile tester" },
		{ "STS's XML", "403 Forbidden", XML,
		  "<ErrorResponse><Error><Code>AccessDenied</Code><Message>a &lt; b</Message></Error></ErrorResponse>",
		  AWS_DENIED, "AccessDenied", 1, 0, false, "403 AccessDenied: a < b; allow" },
		{ "another service's URL", "404 Not Found", JSON ID,
		  TEXT("UnknownOperationException", ""), AWS_DENIED, "UnknownOperationException", 1,
		  0, false, "is endpoint_url_cloudwatch in [aws] that of another service?" },
		{ "a proxy's page rejects nothing", "404 Not Found", "", "<html>no</html>",
		  AWS_TRANSIENT, "", 1, 0, false,
		  "that is not how AWS answers: is a proxy in between" },
		{ "a redirection", "302 Found", "Location: http://127.0.0.1:1/\r\n", "",
		  AWS_TRANSIENT, "", 1, 0, false, "answered 302" },
		{ "too large for whoever is in between", "413 Payload Too Large", "", "",
		  AWS_REJECTED, "", 1, 0, false, "413" },
		{ "a 200 of a captive portal", "200 OK", "", "<html>log in</html>", AWS_TRANSIENT,
		  "", 3, 0, true, "answered 200; that is not how AWS answers" },
		{ "half a 200", "200 OK", JSON ID, "{\"a\":", AWS_TRANSIENT, "", 3, 0, true,
		  "answered 200" },
		{ "an empty 200 of AWS", "200 OK", ID, "", AWS_OK, "", 1, 0, false, "" },
		{ "an empty 200 of somebody", "200 OK", "", "", AWS_TRANSIENT, "", 3, 0, true,
		  "answered 200" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char port[16], *at;

		unit_begin("%s", rows[i].name);
		steps[0] = (struct server_step){
			answer(0, rows[i].status, rows[i].headers, rows[i].body), SERVER_KEEP, 0
		};
		set_up(1);
		{
			struct aws_request r = put;

			if (rows[i].failure == AWS_THROTTLED)
				r.attempts = 2;
			ask(&r);
		}
		snprintf(port, sizeof(port), ":%u", server.port);
		at = strstr(got.message, port);
		if (at)
			memmove(at + 5, at + strlen(port), strlen(at + strlen(port)) + 1);
		if (at)
			memcpy(at, ":PORT", 5);
		EXPECT_INT(got.a.failure, rows[i].failure);
		EXPECT_STR(got.code, rows[i].code);
		EXPECT_UINT(got.a.attempts, rows[i].attempts);
		EXPECT_UINT(server.n_requests, rows[i].attempts);
		EXPECT_UINT(credentials.n_rejected, rows[i].rejected);
		EXPECT_INT(got.a.outcome_unknown, rows[i].unknown);
		EXPECT_HAS(got.message, rows[i].message);
		EXPECT_UINT(got.a.sent_bytes, rows[i].attempts * put.body_len);
		tear_down();
	}
}

/* --- again */

static void comes_back(void)
{
	steps[0] = (struct server_step){ answer(0, "500 Oh", "", ""), SERVER_KEEP, 0 };
	steps[1] = (struct server_step){ "", SERVER_RESET, 0 };
	steps[2] = (struct server_step){ answer(1, "200 OK", ID, "{}"), SERVER_KEEP, 0 };
	set_up(3);
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_OK);
	EXPECT_UINT(got.a.attempts, 3);
	EXPECT(got.a.outcome_unknown);
	EXPECT_UINT(got.a.sent_bytes, 3 * put.body_len);
	tear_down();
}

static void outcome_known(void)
{
	steps[0] = (struct server_step){ answer(0, "400 Bad", ID, TEXT("RequestTimeout", "")),
					 SERVER_KEEP, 0 };
	steps[1] = (struct server_step){ answer(1, "200 OK", ID, "{}"), SERVER_KEEP, 0 };
	set_up(2);
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_OK);
	EXPECT_UINT(got.a.attempts, 2);
	EXPECT(!got.a.outcome_unknown);
	tear_down();
}

static void refused(void)
{
	set_up(1);
	server_refuse();
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_TRANSIENT);
	EXPECT_UINT(got.a.attempts, 3);
	EXPECT(!got.a.outcome_unknown);
	EXPECT_UINT(got.a.sent_bytes, 0);
	EXPECT_HAS(got.message, "PutMetricData: cannot connect to 127.0.0.1 port ");
	EXPECT_HAS(got.message, "Connection refused; is the network up");
	tear_down();
}

static void hanging(void)
{
	struct aws_request r = put;

	steps[0] = (struct server_step){ "", SERVER_KEEP, 0 };
	set_up(1);
	r.timeout_ms = 100;
	r.attempts = 2;
	ask(&r);
	EXPECT_INT(got.a.failure, AWS_TRANSIENT);
	EXPECT_UINT(got.a.attempts, 2);
	EXPECT(got.a.outcome_unknown);
	EXPECT_HAS(got.message, "no whole answer from 127.0.0.1 within 100 ms");
	tear_down();
}

static void cut(void)
{
	steps[0] = (struct server_step){ "HTTP/1.1 200 OK\r\n" ID "Content-Length: 20\r\n\r\n{}",
					 SERVER_CLOSE, 0 };
	set_up(1);
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_TRANSIENT);
	EXPECT_UINT(got.a.attempts, 3);
	EXPECT(got.a.outcome_unknown);
	EXPECT_STR(got.body, "");
	tear_down();
}

static void asked_to_wait(void)
{
	uint64_t since;

	steps[0] = (struct server_step){ answer(0, "429 Too", "Retry-After: 1\r\n", ""),
					 SERVER_KEEP, 0 };
	steps[1] = (struct server_step){ answer(1, "503 Slow", "x-amz-retry-after: 1200\r\n", ""),
					 SERVER_KEEP, 0 };
	steps[2] = (struct server_step){ answer(2, "200 OK", ID, "{}"), SERVER_KEEP, 0 };
	set_up(3);
	since = clock_monotonic_ns();
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_OK);
	EXPECT(clock_monotonic_ns() - since >= 2200 * 1000000ull);
	EXPECT_UINT(got.a.retry_after_ms, 0);
	tear_down();
}

static void asked_to_wait_long(void)
{
	steps[0] = (struct server_step){ answer(0, "503 Slow", "Retry-After: 100\r\n", ""),
					 SERVER_KEEP, 0 };
	set_up(1);
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_TRANSIENT);
	EXPECT_UINT(got.a.attempts, 1);
	EXPECT_UINT(got.a.retry_after_ms, 100000);
	tear_down();
}

/* 500 tokens pay for 35 retries of 14. */
static void bucket(void)
{
	unsigned int attempts = 0;

	set_up(1);
	server_refuse();
	for (int i = 0; i < 30; i++) {
		ask(&put);
		attempts += got.a.attempts;
	}
	EXPECT_UINT(attempts, 30 + 35);
	tear_down();
}

/* --- the clock */

static void dated(unsigned int i, int64_t ahead_s, const char *status, const char *body)
{
	char date[100];
	time_t t = time(NULL) + (time_t)ahead_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(date, sizeof(date), ID "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
	steps[i] = (struct server_step){ answer(i, status, date, body), SERVER_KEEP, 0 };
}

static time_t signed_at(size_t i)
{
	struct tm tm = { 0 };

	EXPECT(strptime(server_header(i, "x-amz-date"), "%Y%m%dT%H%M%SZ", &tm) != NULL);
	return timegm(&tm);
}

static void skew(void)
{
	dated(0, 3600, "403 Forbidden", TEXT("SignatureDoesNotMatch", "Signature expired"));
	dated(1, 3600, "200 OK", "{}");
	set_up(2);
	EXPECT_INT(aws_client_skew_s(client), 0);
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_OK);
	EXPECT_UINT(got.a.attempts, 2);
	EXPECT_UINT(credentials.n_rejected, 0);
	EXPECT_NEAR((double)aws_client_skew_s(client), 3600, 20);
	EXPECT_NEAR((double)(signed_at(1) - signed_at(0)), 3600, 20);
	ask(&put);
	EXPECT_UINT(got.a.attempts, 1);
	EXPECT_NEAR((double)(signed_at(2) - signed_at(0)), 3600, 20);
	tear_down();
}

static void skew_back(void)
{
	dated(0, -3600, "403 Forbidden", TEXT("RequestTimeTooSkewed", ""));
	dated(1, -3600, "200 OK", "{}");
	set_up(2);
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_OK);
	EXPECT_NEAR((double)aws_client_skew_s(client), -3600, 20);
	tear_down();
}

/* A wrong secret is no skew; and a server whose date helps nothing is not asked for ever. */
static void no_skew(void)
{
	dated(0, 0, "403 Forbidden",
	      TEXT("SignatureDoesNotMatch", "The request signature we calculated"));
	set_up(1);
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_NO_CREDENTIALS);
	EXPECT_UINT(got.a.attempts, 2);
	EXPECT_UINT(credentials.n_rejected, 2);
	EXPECT_HAS(got.message, "the secret key of profile tester does not belong to its id");
	tear_down();
	dated(0, 7200, "403 Forbidden", TEXT("RequestTimeTooSkewed", ""));
	set_up(1);
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_NO_CREDENTIALS);
	EXPECT_UINT(got.a.attempts, 3);
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
		{ "STS: a form, signed, at a path", sts },
		{ "a body that is packed", packed },
		{ "a body that is too short for it", not_worth_packing },
		{ NULL, judged },
		{ "a server that comes back", comes_back },
		{ "a refusal is no unknown outcome", outcome_known },
		{ "nobody listens: nothing was sent", refused },
		{ "no answer: an unknown outcome", hanging },
		{ "an answer that was cut", cut },
		{ "a server that asks for a pause", asked_to_wait },
		{ "a server that asks for a long pause", asked_to_wait_long },
		{ "retries end when the bucket is empty", bucket },
		{ "a clock that is behind", skew },
		{ "a clock that is ahead", skew_back },
		{ "a clock that is right", no_skew },
		{ "without a region", no_region },
		{ "without credentials", no_credentials },
		{ "cancelled ones are not told", cancel },
		{ "secrets that come back are not told", echoed },
	};

	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("AWS_ENDPOINT_URL");
	unsetenv("AWS_ENDPOINT_URL_CLOUDWATCH");
	unsetenv("AWS_ENDPOINT_URL_STS");
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
