/* SPDX-License-Identifier: MIT */
/* Reads error answers. A code is taken only if it is made of what codes are made of; texts are cut, never trusted. */
#include "aws/fault.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define CODE_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define HEADER_MAX 512

/* "com.amazonaws.monitoring#InvalidFormat", "InvalidFormat:http://..." and "InvalidFormat;Sender" are all InvalidFormat. */
static void set_code(struct fault *f, const char *text)
{
	const char *hash = strchr(text, '#');
	size_t n;

	if (*f->code)
		return;
	if (hash)
		text = hash + 1;
	n = strcspn(text, ":;");
	if (n < sizeof(f->code) && strspn(text, CODE_CHARS) == n)
		snprintf(f->code, sizeof(f->code), "%.*s", (int)n, text);
}

static void set_code_from(struct fault *f, const struct transport_answer *a, const char *header)
{
	_cleanup_(buf_done) struct buf value = BUF_INIT(HEADER_MAX);

	if (transport_header(a, header, &value))
		set_code(f, buf_str(&value));
}

/* The first of @names that is there, as text. */
static const char *get_text(const json_t *object, const char *const *names)
{
	for (; *names; names++) {
		const json_t *value = json_object_get(object, *names);

		if (json_is_string(value))
			return json_string_value(value);
	}
	return "";
}

static void read_json(const struct transport_answer *a, struct fault *f)
{
	static const char *const codes[] = { "__type", "code", "Code", NULL };
	static const char *const texts[] = { "message", "Message", "errorMessage", NULL };
	json_t *root = json_loadb(a->body, a->body_len, 0, NULL);

	if (root) {
		set_code(f, get_text(root, codes));
		snprintf(f->text, sizeof(f->text), "%s", get_text(root, texts));
	}
	json_decref(root);
}

/* One of XML's five entities, or a character's number, of ASCII only. Returns its length; 0: something else. */
static size_t read_entity(const char *s, size_t n, char *ret)
{
	static const struct {
		const char *name;
		char c;
	} entities[] = {
		{ "&amp;", '&' },   { "&lt;", '<' },   { "&gt;", '>' },   { "&quot;", '"' },
		{ "&apos;", '\'' }, { "&#xA;", '\n' }, { "&#10;", '\n' }, { "&#39;", '\'' },
		{ "&#34;", '"' },   { "&#xD;", '\r' }, { "&#13;", '\r' }, { "&#43;", '+' },
		{ "&#47;", '/' },   { "&#61;", '=' },  { "&#x2B;", '+' }, { "&#x2F;", '/' },
		{ "&#x3D;", '=' },
	};

	for (size_t i = 0; i < ARRAY_SIZE(entities); i++) {
		const size_t len = strlen(entities[i].name);

		if (len <= n && !strncasecmp(s, entities[i].name, len)) {
			*ret = entities[i].c;
			return len;
		}
	}
	return 0;
}

/* The text of the first element @name ("<Code>"), unescaped, into @to; returns whether there is one. */
static bool read_element(const char *body, const char *name, char *to, size_t size)
{
	const char *s = strstr(body, name), *end;
	size_t at = 0;

	if (!s)
		return false;
	s += strlen(name);
	end = s + strcspn(s, "<");
	while (s < end && at + 1 < size) {
		size_t n = read_entity(s, (size_t)(end - s), &to[at]);

		if (!n) {
			to[at] = *s;
			n = 1;
		}
		at++;
		s += n;
	}
	to[at] = '\0';
	return true;
}

static void read_xml(const struct transport_answer *a, struct fault *f)
{
	char code[FAULT_CODE_MAX + 1];

	if (read_element(a->body, "<Code>", code, sizeof(code)))
		set_code(f, code);
	read_element(a->body, "<Message>", f->text, sizeof(f->text));
}

static char first_char(const struct transport_answer *a)
{
	return a->body[strspn(a->body, " \t\r\n")];
}

void fault_read(const struct transport_answer *a, struct fault *ret)
{
	*ret = (struct fault){ 0 };
	set_code_from(ret, a, "x-amzn-query-error");
	set_code_from(ret, a, "x-amzn-errortype");
	if (first_char(a) == '{')
		read_json(a, ret);
	else if (first_char(a) == '<')
		read_xml(a, ret);
}

void fault_request_id(const struct transport_answer *a, char *ret, size_t size)
{
	_cleanup_(buf_done) struct buf value = BUF_INIT(HEADER_MAX);

	*ret = '\0';
	if (transport_header(a, "x-amzn-requestid", &value))
		snprintf(ret, size, "%s", buf_str(&value));
	else if (first_char(a) == '<')
		read_element(a->body, "<RequestId>", ret, size);
	if (ret[strspn(ret, CODE_CHARS)])
		*ret = '\0';
}

bool fault_is_success(const struct transport_answer *a, const char *operation, bool xml)
{
	char element[FAULT_CODE_MAX + 16], id[FAULT_CODE_MAX];
	json_t *root;
	bool ok;

	if (xml) {
		snprintf(element, sizeof(element), "</%sResponse>", operation);
		return first_char(a) == '<' && strstr(a->body, element);
	}
	fault_request_id(a, id, sizeof(id));
	if (!a->body_len)
		return *id;
	root = json_loadb(a->body, a->body_len, 0, NULL);
	ok = json_is_object(root) && !json_object_get(root, "__type");
	json_decref(root);
	return ok;
}

/* The end of a name may be "Exception" or not, here and there. */
static bool is_one_of(const char *code, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const size_t len = strlen(names[i]);

		if (!strncmp(code, names[i], len) &&
		    (!code[len] || !strcmp(code + len, "Exception")))
			return true;
	}
	return false;
}

static bool begins_with_one_of(const char *code, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(code, names[i], strlen(names[i])))
			return true;
	return false;
}

static bool is_throttling(int status, const char *code)
{
	static const char *const beginnings[] = { "Throttl",       "TooManyRequests",
						  "LimitExceeded", "RequestThrottled",
						  "EC2Throttled",  "SlowDown" };
	static const char *const names[] = { "RequestLimitExceeded", "BandwidthLimitExceeded",
					     "ProvisionedThroughputExceeded",
					     "TransactionInProgress", "PriorRequestNotComplete" };

	return status == 429 || begins_with_one_of(code, beginnings, ARRAY_SIZE(beginnings)) ||
	       is_one_of(code, names, ARRAY_SIZE(names));
}

bool fault_is_skew(const char *code)
{
	static const char *const names[] = { "RequestTimeTooSkewed", "SignatureDoesNotMatch",
					     "InvalidSignature",     "RequestExpired",
					     "AuthFailure",          "RequestInTheFuture" };

	return is_one_of(code, names, ARRAY_SIZE(names));
}

static bool is_about_credentials(const char *code)
{
	static const char *const names[] = {
		"ExpiredToken",        "InvalidClientTokenId",       "UnrecognizedClient",
		"InvalidToken",        "InvalidAccessKeyId",         "TokenRefreshRequired",
		"IncompleteSignature", "MissingAuthenticationToken",
	};

	return fault_is_skew(code) || is_one_of(code, names, ARRAY_SIZE(names));
}

static bool is_denial(const char *code)
{
	static const char *const names[] = { "AccessDenied",         "UnauthorizedOperation",
					     "NotAuthorized",        "AuthorizationError",
					     "OptInRequired",        "Blocked",
					     "SubscriptionRequired", "AccountProblem" };

	return is_one_of(code, names, ARRAY_SIZE(names));
}

static bool is_about_endpoint(const char *code)
{
	static const char *const names[] = { "UnknownOperation", "InvalidAction", "NoSuchVersion" };

	return is_one_of(code, names, ARRAY_SIZE(names));
}

static bool is_transient(int status, const char *code)
{
	static const char *const names[] = { "RequestTimeout",       "InternalFailure",
					     "InternalServiceError", "InternalServiceFault",
					     "InternalError",        "ServiceUnavailable",
					     "IDPCommunicationError" };

	return status >= 500 || status < 400 || status == 407 || status == 408 ||
	       is_one_of(code, names, ARRAY_SIZE(names));
}

enum fault_kind fault_kind(int status, const char *code)
{
	if (is_throttling(status, code))
		return FAULT_THROTTLED;
	if (is_about_credentials(code))
		return FAULT_CREDENTIALS;
	if (is_denial(code))
		return FAULT_DENIED;
	if (is_about_endpoint(code))
		return FAULT_ENDPOINT;
	if (is_transient(status, code))
		return FAULT_TRANSIENT;
	if (status == 413)
		return FAULT_REJECTED;
	if (status == 401 || status == 403)
		return *code ? FAULT_DENIED : FAULT_TRANSIENT;
	/* What AWS refuses has a code. Whoever else answers must not make us throw anything away. */
	return *code ? FAULT_REJECTED : FAULT_TRANSIENT;
}

enum retry_class fault_retry(int status, enum fault_kind kind)
{
	if (kind == FAULT_THROTTLED)
		return RETRY_THROTTLED;
	if (kind != FAULT_TRANSIENT)
		return RETRY_NO;
	if (status == 501 || status == 505)
		return RETRY_NO;
	return status < 300 || status == 400 || status == 408 || status >= 500 ? RETRY_TRANSIENT :
										 RETRY_NO;
}
