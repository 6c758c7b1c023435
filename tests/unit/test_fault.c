/* SPDX-License-Identifier: MIT */
/* What answers say: errors in AWS's three forms, in other ones, and successes. */
#include "unit/unit.h"

#include "aws/fault.h"

static struct transport_answer answer(const char *headers, const char *body)
{
	return (struct transport_answer){
		.status = 400, .why = "", .headers = headers, .body = body, .body_len = strlen(body)
	};
}

static void read_faults(void)
{
	static const struct {
		const char *name, *headers, *body, *code, *text;
	} rows[] = {
		{ "JSON", "", "{\"__type\":\"com.amazonaws.x#InvalidFormat\",\"message\":\"no\"}",
		  "InvalidFormat", "no" },
		{ "JSON without a namespace", "", " \n{\"__type\":\"A\",\"Message\":\"M\"}", "A",
		  "M" },
		{ "JSON with a URL behind it", "", "{\"code\":\"A:http://b/\"}", "A", "" },
		{ "the query's code goes before",
		  "x-amzn-query-error: InvalidParameterValue;Sender\r\n",
		  "{\"__type\":\"x#InvalidParameterValueException\",\"message\":\"m\"}",
		  "InvalidParameterValue", "m" },
		{ "a header alone", "X-Amzn-ErrorType: Throttling:http://x/\r\n", "", "Throttling",
		  "" },
		{ "XML", "",
		  "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"a\"><Error><Type>Sender</Type><Code>Expired"
		  "Token</Code><Message>a &amp;&lt;&gt;&quot;&apos; b</Message></Error></ErrorResponse>",
		  "ExpiredToken", "a &<>\"' b" },
		{ "XML with numbers", "",
		  "<Code>A</Code><Message>a&#xA;b&#43;&#x2f;&#999;</Message>", "A",
		  "a\nb+/&#999;" },
		{ "XML that ends early", "", "<Error><Code>Acc", "Acc", "" },
		{ "HTML", "", "<html><body>no</body></html>", "", "" },
		{ "text", "", "no", "", "" },
		{ "nothing", "", "", "", "" },
		{ "JSON that is cut", "", "{\"__type\":\"A\"", "", "" },
		{ "JSON of other types", "", "{\"__type\":7,\"message\":[\"a\"]}", "", "" },
		{ "a code that cannot be one", "", "{\"__type\":\"A B\",\"message\":\"m\"}", "",
		  "m" },
		{ "a code with an escape", "", "{\"__type\":\"A\\u001b[31m\"}", "", "" },
		{ "a code that is too long", "",
		  "<Code>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</Code>",
		  "", "" },
		{ "the longest code", "",
		  "<Code>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa</Code>",
		  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct transport_answer a = answer(rows[i].headers, rows[i].body);
		struct fault f;

		unit_begin("%s", rows[i].name);
		fault_read(&a, &f);
		EXPECT_STR(f.code, rows[i].code);
		EXPECT_STR(f.text, rows[i].text);
	}
}

static void request_ids(void)
{
	static const struct {
		const char *headers, *body, *id;
	} rows[] = {
		{ "x-amzn-requestid: 1f-2\r\n", "", "1f-2" },
		{ "", "<a><RequestId>x-1</RequestId></a>", "x-1" },
		{ "", "{\"RequestId\":\"x\"}", "" },
		{ "x-amzn-requestid: a b\r\n", "", "" },
		{ "x-amzn-requestid: a\x1b[1m\r\n", "", "" },
		{ "", "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct transport_answer a = answer(rows[i].headers, rows[i].body);
		char id[32];

		fault_request_id(&a, id, sizeof(id));
		EXPECT_STR(id, rows[i].id);
	}
}

static void successes(void)
{
	static const struct {
		const char *headers, *body;
		bool xml, success;
	} rows[] = {
		{ "", "{}", false, true },
		{ "", " {\"a\": [1]}\n", false, true },
		{ "", "{\"a\": [1]", false, false },
		{ "", "{} {}", false, false },
		{ "", "[]", false, false },
		{ "x-amzn-RequestId: a\r\n", "{\"__type\":\"a\"}", false, false },
		{ "", "<html></html>", false, false },
		{ "", "", false, false },
		{ "x-amzn-RequestId: a\r\n", "", false, true },
		{ "x-amzn-RequestId: a\r\n", "{", false, false },
		{ "", "<OpResponse><a/></OpResponse>", true, true },
		{ "", "<OpResponse><a/>", true, false },
		{ "", "<html></html>", true, false },
		{ "x-amzn-RequestId: a\r\n", "", true, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct transport_answer a = answer(rows[i].headers, rows[i].body);

		if (!EXPECT_INT(fault_is_success(&a, "Op", rows[i].xml), rows[i].success))
			FAIL_CASE("%s", rows[i].body);
	}
}

static void kinds(void)
{
	static const struct {
		int status;
		const char *code;
		enum fault_kind kind;
		enum retry_class retry;
		bool skew;
	} rows[] = {
		{ 400, "InvalidParameterValue", FAULT_REJECTED, RETRY_NO, false },
		{ 400, "ValidationError", FAULT_REJECTED, RETRY_NO, false },
		{ 413, "", FAULT_REJECTED, RETRY_NO, false },
		{ 404, "ResourceNotFound", FAULT_REJECTED, RETRY_NO, false },
		{ 500, "", FAULT_TRANSIENT, RETRY_TRANSIENT, false },
		{ 500, "InternalServiceFault", FAULT_TRANSIENT, RETRY_TRANSIENT, false },
		{ 502, "", FAULT_TRANSIENT, RETRY_TRANSIENT, false },
		{ 503, "ServiceUnavailable", FAULT_TRANSIENT, RETRY_TRANSIENT, false },
		{ 504, "", FAULT_TRANSIENT, RETRY_TRANSIENT, false },
		{ 501, "", FAULT_TRANSIENT, RETRY_NO, false },
		{ 400, "RequestTimeout", FAULT_TRANSIENT, RETRY_TRANSIENT, false },
		{ 408, "RequestTimeoutException", FAULT_TRANSIENT, RETRY_TRANSIENT, false },
		{ 200, "InternalFailure", FAULT_TRANSIENT, RETRY_TRANSIENT, false },
		{ 200, "", FAULT_TRANSIENT, RETRY_TRANSIENT, false },
		{ 302, "", FAULT_TRANSIENT, RETRY_NO, false },
		{ 404, "", FAULT_TRANSIENT, RETRY_NO, false },
		{ 403, "", FAULT_TRANSIENT, RETRY_NO, false },
		{ 407, "", FAULT_TRANSIENT, RETRY_NO, false },
		{ 429, "", FAULT_THROTTLED, RETRY_THROTTLED, false },
		{ 400, "Throttling", FAULT_THROTTLED, RETRY_THROTTLED, false },
		{ 400, "ThrottlingException", FAULT_THROTTLED, RETRY_THROTTLED, false },
		{ 400, "ThrottledException", FAULT_THROTTLED, RETRY_THROTTLED, false },
		{ 400, "TooManyRequestsException", FAULT_THROTTLED, RETRY_THROTTLED, false },
		{ 503, "RequestLimitExceeded", FAULT_THROTTLED, RETRY_THROTTLED, false },
		{ 503, "SlowDown", FAULT_THROTTLED, RETRY_THROTTLED, false },
		{ 400, "LimitExceededException", FAULT_THROTTLED, RETRY_THROTTLED, false },
		{ 400, "RequestThrottledException", FAULT_THROTTLED, RETRY_THROTTLED, false },
		{ 400, "PriorRequestNotComplete", FAULT_THROTTLED, RETRY_THROTTLED, false },
		{ 403, "ExpiredToken", FAULT_CREDENTIALS, RETRY_NO, false },
		{ 403, "ExpiredTokenException", FAULT_CREDENTIALS, RETRY_NO, false },
		{ 403, "InvalidClientTokenId", FAULT_CREDENTIALS, RETRY_NO, false },
		{ 403, "UnrecognizedClientException", FAULT_CREDENTIALS, RETRY_NO, false },
		{ 403, "SignatureDoesNotMatch", FAULT_CREDENTIALS, RETRY_NO, true },
		{ 403, "InvalidSignatureException", FAULT_CREDENTIALS, RETRY_NO, true },
		{ 403, "RequestTimeTooSkewed", FAULT_CREDENTIALS, RETRY_NO, true },
		{ 400, "RequestExpired", FAULT_CREDENTIALS, RETRY_NO, true },
		{ 401, "AuthFailure", FAULT_CREDENTIALS, RETRY_NO, true },
		{ 403, "AccessDenied", FAULT_DENIED, RETRY_NO, false },
		{ 400, "AccessDeniedException", FAULT_DENIED, RETRY_NO, false },
		{ 403, "SomethingNew", FAULT_DENIED, RETRY_NO, false },
		{ 404, "UnknownOperationException", FAULT_ENDPOINT, RETRY_NO, false },
		{ 400, "InvalidAction", FAULT_ENDPOINT, RETRY_NO, false },
		/* Not the names that they begin with. */
		{ 400, "AccessDeniedness", FAULT_REJECTED, RETRY_NO, false },
		{ 400, "ExpiredTokenExceptional", FAULT_REJECTED, RETRY_NO, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("%d %s", rows[i].status, rows[i].code);
		EXPECT_INT(fault_kind(rows[i].status, rows[i].code), rows[i].kind);
		EXPECT_INT(fault_retry(rows[i].status, rows[i].kind), rows[i].retry);
		EXPECT_INT(fault_is_skew(rows[i].code), rows[i].skew);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, read_faults },
		{ "ids of requests", request_ids },
		{ "what means success", successes },
		{ NULL, kinds },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
