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

#include "aws/endpoint.h"
#include "aws/fault.h"
#include "aws/sigv4.h"
#include "aws/timestamp.h"
#include "aws/uri.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "base/utf8.h"

#define CONTENT_TYPE "application/x-www-form-urlencoded; charset=utf-8"
#define CONNECT_TIMEOUT_MS 5000
#define TIMEOUT_MS 15000
#define TRIES 3
#define PAUSE_MS 200 /* after the first try, doubling */
#define ANSWER_MAX ((size_t)128 * 1024)
#define SKEW_MIN_S 60
#define MESSAGE_SIZE 300

struct sts {
	struct transport *transport;
	const char *configured; /* endpoint */
	struct event *timer;

	/* the question that is under way, if there is a role */
	struct endpoint endpoint;
	struct buf body;
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
			   s->role_arn, s->endpoint.host, why);
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

/* Takes the clock's offset from the answer, once. Returns whether that may help. */
static bool learn_skew(struct sts *s, const struct transport_answer *a)
{
	_cleanup_(buf_done) struct buf date = BUF_INIT(64);
	int64_t skew_s;
	time_t then;

	if (s->skew_known || !transport_header(a, "Date", &date) ||
	    timestamp_parse_http(buf_str(&date), &then))
		return false;
	skew_s = (int64_t)then - (int64_t)(clock_realtime_ns() / NS_PER_SEC);
	if (skew_s >= -SKEW_MIN_S && skew_s <= SKEW_MIN_S)
		return false;
	s->skew_s = skew_s;
	s->skew_known = true;
	return true;
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

/* The first line of a message; one that repeats what we sent is not told. */
static void make_message(const struct keys *by, const char *text, char *to, size_t size)
{
	utf8_make_plain(text, strcspn(text, "\r\n"), to, size);
	if (holds(to, by->secret) || holds(to, by->token))
		snprintf(to, size, "(a message with a secret in it)");
}

static void take_error(struct sts *s, const struct transport_answer *a)
{
	const struct timeval now = { 0 };
	char message[MESSAGE_SIZE];
	enum fault_kind kind;
	struct fault f;

	fault_read(a, &f);
	kind = fault_kind(a->status, f.code);
	if (fault_is_skew(f.code) && learn_skew(s, a) && event_add(s->timer, &now) == 0)
		return;
	if (fault_retry(a->status, kind) != RETRY_NO && again(s))
		return;
	make_message(&s->by, f.text, message, sizeof(message));
	if (!f.code[0])
		fail(s, a->status == 403 ? -EACCES : -EPROTO, "it answers with status %d",
		     a->status);
	else
		fail(s, kind == FAULT_TRANSIENT ? -EPROTO : -EACCES, "%s: %s%s", f.code, message,
		     kind == FAULT_DENIED ? "; the role's trust policy must name who asks, and who "
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

static int sign_and_send(struct sts *s)
{
	_cleanup_(secret_buf_done) struct buf authorization = BUF_INIT(4096);
	const time_t now = (time_t)((int64_t)(clock_realtime_ns() / NS_PER_SEC) + s->skew_s);
	const struct sigv4_key key = keys_sigv4(&s->by);
	char hash[SHA256_HEX], date[SIGV4_DATE];
	struct sigv4_header headers[5] = {
		{ "Host", s->endpoint.host },
		{ "Content-Type", CONTENT_TYPE },
	};
	struct sigv4_request q = {
		.method = "POST",
		.path = s->endpoint.path,
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
		.url = s->endpoint.url,
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

static int find_endpoint(struct sts *s, struct buf *why)
{
	if (!s->region[0]) {
		buf_add_str(why,
			    "the region is not known, in which STS is asked: set region in [aws], "
			    "or AWS_REGION");
		return -EINVAL;
	}
	return endpoint_find(ENDPOINT_STS, s->configured, NULL, s->region, &s->endpoint, why);
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
		err = find_endpoint(s, why);
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
	s->configured = endpoint;
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
