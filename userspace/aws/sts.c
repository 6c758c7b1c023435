/* SPDX-License-Identifier: MIT */
/*
 * AssumeRole, one at a time. The keys by which it is asked for are kept, and wiped, with the question. Invariant: while a
 * question is under way exactly one of call and timer is pending.
 */
#include "aws/sts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/imds.h"
#include "aws/sha256.h"
#include "aws/sigv4.h"
#include "aws/timestamp.h"
#include "aws/uri.h"
#include "base/clock.h"

#define CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"
#define CONNECT_TIMEOUT_MS 5000
#define TIMEOUT_MS 15000
#define TRIES 3
#define PAUSE_MS 200 /* after the first try, doubling */
#define ANSWER_MAX ((size_t)128 * 1024)

struct sts {
	struct transport *transport;
	const char *endpoint; /* of the configuration */
	struct event *timer;

	/* the question that is under way, if there is a role */
	struct buf url, host, body;
	char region[33];
	char *role_arn;
	struct keys by;
	keys_fn fn;
	void *ctx;
	struct transport_call *call;
	unsigned int tries; /* that have failed */
	int64_t skew_s;     /* of AWS's clock against ours */
	bool skew_known;
};

static void forget(struct sts *s)
{
	event_del(s->timer);
	buf_done(&s->url);
	buf_done(&s->host);
	secret_buf_done(&s->body);
	free(take(s->role_arn));
	keys_done(&s->by);
	s->call = NULL;
}

static void finish(struct sts *s, int err, struct keys *keys, const char *why)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(1500);
	keys_fn fn = s->fn;
	void *ctx = s->ctx;

	if (err)
		buf_printf(&text, "the role %.300s could not be assumed at %.200s: %.900s",
			   s->role_arn, buf_str(&s->host), why);
	forget(s);
	fn(err, err ? NULL : keys, buf_str(&text), ctx);
}

static void _printf_(3, 4) fail(struct sts *s, int err, const char *fmt, ...)
{
	char why[900];
	va_list args;

	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	finish(s, err, NULL, why);
}

static bool again(struct sts *s)
{
	unsigned int ms = PAUSE_MS << s->tries;
	const struct timeval pause = { .tv_usec = (suseconds_t)ms * 1000 };

	return ++s->tries < TRIES && event_add(s->timer, &pause) == 0;
}

/* --- the answer */

static bool one_of(const char *code, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(code, *list))
			return true;
	return false;
}

/* Takes the clock's offset from the answer, once. Returns whether that may help. */
static bool learn_skew(struct sts *s, const char *code, const struct transport_answer *a)
{
	static const char *const codes[] = {
		"RequestTimeTooSkewed", "SignatureDoesNotMatch", "InvalidSignatureException",
		"RequestExpired",       "AuthFailure",           NULL
	};
	_cleanup_(buf_done) struct buf date = BUF_INIT(64);
	int64_t skew_s;
	time_t then;

	if (s->skew_known || !one_of(code, codes) || !transport_header(a, "Date", &date) ||
	    timestamp_parse_http(buf_str(&date), &then))
		return false;
	skew_s = (int64_t)then - (int64_t)(clock_realtime_ns() / NS_PER_SEC);
	if (skew_s >= -60 && skew_s <= 60)
		return false;
	s->skew_s = skew_s;
	s->skew_known = true;
	return true;
}

static bool is_throttling(const char *code)
{
	return !strncmp(code, "Throttling", 10) || !strncmp(code, "TooManyRequests", 15) ||
	       !strcmp(code, "RequestLimitExceeded");
}

/* Whether the text holds the secret, or begins to before it is cut. */
static bool holds(const char *text, const char *secret)
{
	char part[17];

	if (!secret)
		return false;
	snprintf(part, sizeof(part), "%s", secret);
	return strstr(text, part) != NULL;
}

/* A message that repeats what we sent is not told. */
static const char *without_secrets(const struct keys *by, const char *message)
{
	if (holds(message, by->secret) || holds(message, by->token))
		return "(a message with a secret in it)";
	return message;
}

static void take_error(struct sts *s, const struct transport_answer *a)
{
	static const char *const denied[] = { "AccessDenied", "AccessDeniedException", NULL };
	char code[STS_CODE_SIZE], message[STS_MESSAGE_SIZE];
	const struct timeval now = { 0 };

	sts_parse_error(a->body, a->body_len, code, message);
	if (learn_skew(s, code, a) && event_add(s->timer, &now) == 0)
		return;
	if ((a->status >= 500 || a->status == 429 || is_throttling(code)) && again(s))
		return;
	if (!code[0])
		fail(s, a->status == 403 ? -EACCES : -EPROTO, "it answers with status %d",
		     a->status);
	else
		fail(s, a->status >= 500 ? -EPROTO : -EACCES, "%s: %s%s", code,
		     without_secrets(&s->by, message),
		     one_of(code, denied) ? "; the role's trust policy must name who asks, and who "
					    "asks must be allowed sts:AssumeRole" :
					    "");
}

static void on_answer(const struct transport_answer *a, void *ctx)
{
	_cleanup_(keys_done) struct keys keys = { 0 };
	struct sts *s = ctx;
	int err;

	s->call = NULL;
	if (a->err) {
		if (a->err == -EFBIG || !again(s))
			fail(s, a->err, "%.600s", a->why);
		return;
	}
	if (a->status != 200) {
		take_error(s, a);
		return;
	}
	err = sts_parse_keys(a->body, a->body_len, &keys);
	finish(s, err, &keys,
	       err == -EPROTO ? "its answer is not the XML that was expected" : strerror(-err));
}

/* --- the request */

static void add_field(struct buf *body, const char *name, const char *value)
{
	buf_printf(body, "&%s=", name);
	uri_encode(body, value, strlen(value), true);
}

static int make_body(struct buf *body, const struct profile_role *role)
{
	int err = secret_buf_reserve(body);

	if (err)
		return err;
	buf_add_str(body, "Action=AssumeRole&Version=2011-06-15");
	add_field(body, "RoleArn", role->arn);
	add_field(body, "RoleSessionName", role->session_name);
	if (role->duration_s)
		buf_printf(body, "&DurationSeconds=%u", role->duration_s);
	if (role->external_id)
		add_field(body, "ExternalId", role->external_id);
	return body->err;
}

static const char *given(const struct sts *s)
{
	const char *url = s->endpoint;

	if (!url || !*url)
		url = getenv("AWS_ENDPOINT_URL_STS");
	if (!url || !*url)
		url = getenv("AWS_ENDPOINT_URL");
	return url && *url ? url : NULL;
}

/* The URL, and the host in it, which the signature covers. */
static int make_url(struct sts *s, struct buf *why)
{
	const char *url = given(s), *host;
	size_t n;

	if (!imds_is_region(s->region)) {
		buf_printf(why,
			   "the region is not known, which STS must be asked in: set [aws] region");
		return -EINVAL;
	}
	if (url)
		buf_add_str(&s->url, url);
	else
		buf_printf(&s->url, "https://sts.%s.amazonaws.com%s", s->region,
			   strncmp(s->region, "cn-", 3) ? "" : ".cn");
	if (s->url.err)
		return s->url.err == -EFBIG ? -EINVAL : s->url.err;
	host = strstr(s->url.data, "://");
	n = host ? strcspn(host + 3, "/?#") : 0;
	if (!n || strncmp(s->url.data, "http", 4) != 0 || strpbrk(host + 3, "?#@ \\")) {
		buf_printf(why, "the endpoint for STS is no URL: %.200s", s->url.data);
		return -EINVAL;
	}
	return buf_add(&s->host, host + 3, n);
}

/* The path in the URL; a URL without one means "/". */
static const char *path_of(const struct sts *s)
{
	const char *path = strchr(strstr(s->url.data, "://") + 3, '/');

	return path ? path : "/";
}

static int sign_and_send(struct sts *s)
{
	_cleanup_(secret_buf_done) struct buf authorization = BUF_INIT(4096);
	const time_t now = (time_t)((int64_t)(clock_realtime_ns() / NS_PER_SEC) + s->skew_s);
	const struct sigv4_key key = keys_sigv4(&s->by);
	char hash[SHA256_HEX], date[SIGV4_DATE];
	struct sigv4_header headers[5] = {
		{ "Host", buf_str(&s->host) },
		{ "Content-Type", CONTENT_TYPE },
	};
	struct sigv4_request q = {
		.method = "POST",
		.path = path_of(s),
		.query = "",
		.headers = headers,
		.n_headers = 2,
		.payload_hash = hash,
		.region = s->region,
		.service = "sts",
		.time = now,
	};
	struct transport_request r = {
		.method = "POST",
		.url = s->url.data,
		.headers = headers,
		.body = s->body.data,
		.body_len = s->body.len,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.timeout_ms = TIMEOUT_MS,
		.answer_max = ANSWER_MAX,
	};
	int err = sha256_hex(s->body.data, s->body.len, hash);

	if (!err)
		err = sigv4_sign(&q, &key, &authorization);
	if (err)
		return err;
	sigv4_date(now, date);
	headers[2] = (struct sigv4_header){ "X-Amz-Date", date };
	headers[3] = (struct sigv4_header){ "Authorization", buf_str(&authorization) };
	headers[4] = (struct sigv4_header){ "X-Amz-Security-Token", s->by.token };
	r.n_headers = s->by.token ? 5 : 4;
	return transport_start(s->transport, &r, on_answer, s, &s->call);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct sts *s = ctx;
	int err = sign_and_send(s);

	(void)fd;
	(void)what;
	if (err)
		fail(s, err, "it cannot be asked: %s", strerror(-err));
}

int sts_assume_role(struct sts *s, const struct profile_role *role, const struct keys *by,
		    const char *region, keys_fn fn, void *ctx, struct buf *why)
{
	const struct timeval now = { 0 };
	int err;

	if (s->role_arn)
		return -EBUSY;
	snprintf(s->region, sizeof(s->region), "%s", region ? region : "");
	s->fn = fn;
	s->ctx = ctx;
	s->tries = 0;
	s->skew_known = false;
	s->role_arn = strdup(role->arn);
	err = s->role_arn ? keys_set(&s->by, by->id, by->secret, by->token, by->expires) : -ENOMEM;
	if (!err)
		err = make_url(s, why);
	if (!err)
		err = make_body(&s->body, role);
	if (!err && event_add(s->timer, &now))
		err = -ENOMEM;
	if (err)
		forget(s);
	return err;
}

void sts_cancel(struct sts *s)
{
	if (s->call)
		transport_cancel(s->call);
	forget(s);
}

int sts_new(struct event_base *base, struct transport *t, const char *endpoint, struct sts **ret)
{
	struct sts *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->transport = t;
	s->endpoint = endpoint;
	buf_init(&s->url, 2048);
	buf_init(&s->host, 512);
	buf_init(&s->body, 8192);
	s->timer = evtimer_new(base, on_timer, s);
	if (!s->timer) {
		free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void sts_free(struct sts *s)
{
	if (!s)
		return;
	sts_cancel(s);
	event_free(s->timer);
	free(s);
}
