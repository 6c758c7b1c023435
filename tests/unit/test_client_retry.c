/* SPDX-License-Identifier: MIT */
/* What comes of a call when AWS answers as it does on its bad days, and when it is made again. */
#include "unit/client_fixture.h"

#include <time.h>

#include "base/clock.h"

/* --- what comes of each answer, when it comes each time */

#define TENS \
	"tens tens tens tens tens tens tens tens tens tens tens tens tens tens tens tens tens tens tens tens "

static const struct {
	const char *name, *status, *headers, *body;
	enum aws_failure failure;
	const char *code;
	unsigned int attempts, rejected;
	bool unknown;
	const char *message;
} judgements[] = {
	{ "a wrong request is not sent again", "400 Bad Request",
	  JSON ID "x-amzn-query-error: InvalidParameterValue;Sender\r\n",
	  TEXT("InvalidParameterValueException", "Timestamp too old"), AWS_REJECTED,
	  "InvalidParameterValue", 1, 0, false,
	  "PutMetricData: 127.0.0.1:PORT answered 400 InvalidParameterValue: Timestamp too old" },
	{ "500 is tried again", "500 Internal Server Error", JSON ID,
	  TEXT("InternalServiceFault", ""), AWS_TRANSIENT, "InternalServiceFault", 3, 0, true,
	  "answered 500 InternalServiceFault" },
	{ "503 without anything", "503 Service Unavailable", "", "", AWS_TRANSIENT, "", 3, 0, true,
	  "answered 503" },
	{ "501 is not tried again", "501 Not Implemented", "", "", AWS_TRANSIENT, "", 1, 0, true,
	  "501" },
	{ "RequestTimeout is tried again", "400 Bad Request", JSON ID,
	  TEXT("RequestTimeoutException", "x"), AWS_TRANSIENT, "RequestTimeoutException", 3, 0,
	  false, "RequestTimeoutException" },
	{ "throttling", "400 Bad Request", JSON ID, TEXT("Throttling", "Rate exceeded"),
	  AWS_THROTTLED, "Throttling", 2, 0, false, "Throttling: Rate exceeded; too many calls" },
	{ "429 without a code", "429 Too Many Requests", "Retry-After: 60\r\n", "", AWS_THROTTLED,
	  "", 1, 0, false, "answered 429" },
	{ "expired keys are asked for once more", "403 Forbidden", JSON ID,
	  TEXT("ExpiredTokenException", "The security token included in the request is expired"),
	  AWS_NO_CREDENTIALS, "ExpiredTokenException", 2, 2, false,
	  "the keys of profile tester are not valid, or not any more: renew them" },
	{ "keys that nobody knows", "403 Forbidden", JSON ID,
	  TEXT("UnrecognizedClientException", "x"), AWS_NO_CREDENTIALS,
	  "UnrecognizedClientException", 2, 2, false, "renew them" },
	{ "an endpoint of another region", "400 Bad Request", JSON ID,
	  TEXT("SignatureDoesNotMatch", "Credential should be scoped to a valid region."),
	  AWS_NO_CREDENTIALS, "SignatureDoesNotMatch", 2, 2, false,
	  "valid region; region in [aws] is not that of endpoint_url_cloudwatch" },
	{ "a permission that is missing", "400 Bad Request", JSON ID,
	  TEXT("AccessDeniedException", "User: a is not authorized"), AWS_DENIED,
	  "AccessDeniedException", 1, 0, false,
	  "User: a is not authorized; allow cloudwatch:PutMetricData in the IAM policy behind the keys of profile tester" },
	{ "of a long text the beginning, and all of the advice", "400 Bad Request", JSON ID,
	  TEXT("AccessDeniedException", "User: " TENS TENS TENS TENS TENS " end"), AWS_DENIED,
	  "AccessDeniedException", 1, 0, false,
	  "tens tens ten...; allow cloudwatch:PutMetricData in the IAM policy behind the keys of profile tester" },
	{ "STS's XML", "403 Forbidden", XML,
	  "<ErrorResponse><Error><Code>AccessDenied</Code><Message>a &lt; b</Message></Error></ErrorResponse>",
	  AWS_DENIED, "AccessDenied", 1, 0, false, "403 AccessDenied: a < b; allow" },
	{ "another service's URL", "404 Not Found", JSON ID, TEXT("UnknownOperationException", ""),
	  AWS_DENIED, "UnknownOperationException", 1, 0, false,
	  "is endpoint_url_cloudwatch in [aws] that of another service?" },
	{ "S3's URL rejects nothing", "405 Method Not Allowed", XML,
	  "<Error><Code>MethodNotAllowed</Code><Message>not here</Message></Error>", AWS_DENIED,
	  "MethodNotAllowed", 1, 0, false,
	  "is endpoint_url_cloudwatch in [aws] that of another service?" },
	{ "a proxy's page rejects nothing", "404 Not Found", "", "<html>no</html>", AWS_TRANSIENT,
	  "", 1, 0, false, "that is not how AWS answers: is a proxy in between" },
	{ "a redirection", "302 Found", "Location: http://127.0.0.1:1/\r\n", "", AWS_TRANSIENT, "",
	  1, 0, false, "answered 302" },
	{ "too large for whoever is in between", "413 Payload Too Large", "", "", AWS_REJECTED, "",
	  1, 0, false, "413" },
	{ "a 200 of a captive portal", "200 OK", "", "<html>log in</html>", AWS_TRANSIENT, "", 3, 0,
	  true, "answered 200; that is not how AWS answers" },
	{ "an error in a 200", "200 OK", JSON ID,
	  TEXT("InternalFailure", "The request has failed."), AWS_TRANSIENT, "InternalFailure", 3,
	  0, true, "answered 200 InternalFailure: The request has failed" },
	{ "half a 200", "200 OK", JSON ID, "{\"a\":", AWS_TRANSIENT, "", 3, 0, true,
	  "answered 200" },
	{ "an empty 200 of AWS", "200 OK", ID, "", AWS_OK, "", 1, 0, false, "" },
	{ "an empty 200 of somebody", "200 OK", "", "", AWS_TRANSIENT, "", 3, 0, true,
	  "answered 200" },
};

static void judged(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(judgements); i++) {
		char port[16], *at;

		unit_begin("%s", judgements[i].name);
		steps[0] = (struct server_step){ answer(0, judgements[i].status,
							judgements[i].headers, judgements[i].body),
						 SERVER_KEEP, 0 };
		set_up(1);
		{
			struct aws_request r = put;

			if (judgements[i].failure == AWS_THROTTLED)
				r.attempts = 2;
			ask(&r);
		}
		snprintf(port, sizeof(port), ":%u", server.port);
		at = strstr(got.message, port);
		if (at)
			memmove(at + 5, at + strlen(port), strlen(at + strlen(port)) + 1);
		if (at)
			memcpy(at, ":PORT", 5);
		EXPECT_INT(got.a.failure, judgements[i].failure);
		EXPECT_STR(got.code, judgements[i].code);
		EXPECT_UINT(got.a.attempts, judgements[i].attempts);
		EXPECT_UINT(server.n_requests, judgements[i].attempts);
		EXPECT_UINT(credentials.n_rejected, judgements[i].rejected);
		EXPECT_INT(got.a.outcome_unknown, judgements[i].unknown);
		EXPECT_HAS(got.message, judgements[i].message);
		EXPECT_UINT(got.a.sent_bytes, judgements[i].attempts * put.body_len);
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

/* The end comes long after the answer that is told of is gone. */
static void no_other_keys(void)
{
	steps[0] = (struct server_step){ answer(0, "403 Forbidden", ID, TEXT("ExpiredToken", "")),
					 SERVER_KEEP, 0 };
	set_up(1);
	credentials.err_rejected = -EACCES;
	ask(&put);
	EXPECT_INT(got.a.failure, AWS_NO_CREDENTIALS);
	EXPECT_UINT(got.a.attempts, 1);
	EXPECT_STR(got.body, "");
	EXPECT_UINT(got.a.body_len, 0);
	EXPECT_HAS(got.message, "no source has keys");
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

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, judged },
		{ "a server that comes back", comes_back },
		{ "a refusal is no unknown outcome", outcome_known },
		{ "nobody listens: nothing was sent", refused },
		{ "no answer: an unknown outcome", hanging },
		{ "an answer that was cut", cut },
		{ "keys are refused, and there are no others", no_other_keys },
		{ "a server that asks for a pause", asked_to_wait },
		{ "a server that asks for a long pause", asked_to_wait_long },
		{ "retries end when the bucket is empty", bucket },
		{ "a clock that is behind", skew },
		{ "a clock that is ahead", skew_back },
		{ "a clock that is right", no_skew },
	};

	forget_environment();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
