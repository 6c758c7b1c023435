/* SPDX-License-Identifier: MIT */
/*
 * One question at a time: token if there is none that lasts, then GET. A token that is refused (401) is fetched anew, once a
 * question. Invariant: while a question is under way exactly one of call and timer is pending.
 */
#include "aws/imds.h"

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/keys.h"
#include "base/clock.h"

#define DEFAULT_ENDPOINT "http://169.254.169.254"
#define TOKEN_SECONDS 21600
#define TOKEN_MARGIN_S 300
#define TOKEN_MAX 1024
#define TIMEOUT_MS 1000
#define TRIES 3
#define PAUSE_MS 100 /* after the first try, doubling */
#define ANSWER_MAX ((size_t)64 * 1024)

struct imds {
	struct transport *transport;
	char *endpoint;
	char *token;
	uint64_t token_until_ns;

	/* the question that is under way, if there is a path */
	char *path;
	imds_fn fn;
	void *ctx;
	struct transport_call *call;
	struct event *timer;
	unsigned int tries; /* that have failed */
	bool token_renewed;
};

bool imds_disabled(void)
{
	const char *s = getenv("AWS_EC2_METADATA_DISABLED");

	return s && strcasecmp(s, "true") == 0;
}

static void forget(struct imds *m)
{
	event_del(m->timer);
	free(m->path);
	m->path = NULL;
	m->call = NULL;
}

static void finish(struct imds *m, const struct imds_answer *a)
{
	imds_fn fn = m->fn;
	void *ctx = m->ctx;

	forget(m);
	fn(a, ctx);
}

static void _printf_(3, 4) fail(struct imds *m, int err, const char *fmt, ...)
{
	char text[600], why[900];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	snprintf(why, sizeof(why), "the instance's metadata (%.200s) %s", m->endpoint, text);
	finish(m, &(struct imds_answer){ .err = err, .why = why, .body = "" });
}

static bool has_token(const struct imds *m)
{
	return m->token && clock_monotonic_ns() < m->token_until_ns;
}

static void on_token(const struct transport_answer *a, void *ctx);
static void on_answer(const struct transport_answer *a, void *ctx);

/* Sends the request that is due. */
static void step(struct imds *m)
{
	_cleanup_(buf_done) struct buf url = BUF_INIT(4096);
	bool get = has_token(m);
	const struct sigv4_header header = {
		get ? "X-aws-ec2-metadata-token" : "X-aws-ec2-metadata-token-ttl-seconds",
		get ? m->token : "21600",
	};
	struct transport_request r = {
		.method = get ? "GET" : "PUT",
		.headers = &header,
		.n_headers = 1,
		.connect_timeout_ms = TIMEOUT_MS,
		.timeout_ms = TIMEOUT_MS,
		.answer_max = get ? ANSWER_MAX : TOKEN_MAX,
		.direct = true,
	};
	int err;

	buf_printf(&url, "%s%s", m->endpoint, get ? m->path : "/latest/api/token");
	r.url = buf_str(&url);
	err = url.err ? url.err :
			transport_start(m->transport, &r, get ? on_answer : on_token, m, &m->call);
	if (err)
		fail(m, err, "cannot be asked: %s", strerror(-err));
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	step(ctx);
}

/* Begins the question, or begins it again, later. Returns whether there is a further try. */
static bool again(struct imds *m)
{
	unsigned int ms = PAUSE_MS << m->tries;
	const struct timeval pause = { .tv_usec = (suseconds_t)ms * 1000 };

	return ++m->tries < TRIES && event_add(m->timer, &pause) == 0;
}

static bool is_transient(const struct transport_answer *a)
{
	return a->err ? a->err != -EFBIG : a->status >= 500 || a->status == 429;
}

/* What there is to say of an answer that brings nothing. */
static void fail_by(struct imds *m, const struct transport_answer *a, bool of_token)
{
	if (a->err == -ETIMEDOUT && of_token && !a->unsent)
		fail(m, a->err,
		     "took the request for a token, but did not answer: %.300s; in a container that is the "
		     "hop limit of 1: aws ec2 modify-instance-metadata-options --instance-id ID "
		     "--http-put-response-hop-limit 2",
		     a->why);
	else if (a->err)
		fail(m, a->err == -ENOENT ? -EHOSTUNREACH : a->err, "could not be asked: %.400s",
		     a->why);
	else if (a->status == 403)
		fail(m, -EACCES,
		     "refused (403): they are switched off for this instance, or kept "
		     "from us: see the instance's metadata options");
	else if (a->status == 404 && !of_token)
		fail(m, -ENOENT, "do not have that (404)");
	else if (a->status == 401)
		fail(m, -EACCES, "refused a token that they had just given (401)");
	else
		fail(m, -EPROTO, "answered with status %d%s", a->status,
		     of_token ? " to the request for a token" : "");
}

static bool is_token(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] >= 0x7f)
			return false;
	return n > 0;
}

static void on_token(const struct transport_answer *a, void *ctx)
{
	struct imds *m = ctx;

	m->call = NULL;
	if (a->err || a->status != 200) {
		if (!is_transient(a) || !again(m))
			fail_by(m, a, true);
		return;
	}
	if (!is_token(a->body)) {
		fail(m, -EPROTO, "gave a token that cannot be one");
		return;
	}
	secret_free(m->token);
	m->token = strdup(a->body);
	m->token_until_ns = clock_monotonic_ns() + (TOKEN_SECONDS - TOKEN_MARGIN_S) * NS_PER_SEC;
	if (m->token)
		step(m);
	else
		fail(m, -ENOMEM, "cannot be asked: %s", strerror(ENOMEM));
}

static void on_answer(const struct transport_answer *a, void *ctx)
{
	struct imds *m = ctx;

	m->call = NULL;
	if (!a->err && a->status == 200) {
		finish(m, &(struct imds_answer){ .body = a->body, .body_len = a->body_len });
	} else if (!a->err && a->status == 401) {
		secret_free(take(m->token));
		if (m->token_renewed) {
			fail_by(m, a, false);
		} else {
			m->token_renewed = true;
			step(m);
		}
	} else if (!is_transient(a) || !again(m)) {
		fail_by(m, a, false);
	}
}

int imds_get(struct imds *m, const char *path, imds_fn fn, void *ctx)
{
	const struct timeval now = { 0 };

	if (m->path)
		return -EBUSY;
	m->path = strdup(path);
	if (!m->path || event_add(m->timer, &now)) {
		free(take(m->path));
		return -ENOMEM;
	}
	m->fn = fn;
	m->ctx = ctx;
	m->tries = 0;
	m->token_renewed = false;
	return 0;
}

void imds_cancel(struct imds *m)
{
	if (m->call)
		transport_cancel(m->call);
	forget(m);
}

static const char *choose_endpoint(const char *endpoint)
{
	if (endpoint && *endpoint)
		return endpoint;
	endpoint = getenv("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	return endpoint && *endpoint ? endpoint : DEFAULT_ENDPOINT;
}

static void imds_freep(struct imds **m)
{
	imds_free(*m);
}

int imds_new(struct event_base *base, struct transport *t, const char *endpoint, struct imds **ret)
{
	_cleanup_(imds_freep) struct imds *m = calloc(1, sizeof(*m));
	size_t n;

	if (!m)
		return -ENOMEM;
	m->transport = t;
	m->endpoint = strdup(choose_endpoint(endpoint));
	m->timer = evtimer_new(base, on_timer, m);
	if (!m->endpoint || !m->timer)
		return -ENOMEM;
	n = strlen(m->endpoint);
	while (n && m->endpoint[n - 1] == '/')
		m->endpoint[--n] = '\0';
	*ret = take(m);
	return 0;
}

void imds_free(struct imds *m)
{
	if (!m)
		return;
	if (m->timer) {
		imds_cancel(m);
		event_free(m->timer);
	}
	free(m->endpoint);
	secret_free(m->token);
	free(m);
}

/* --- the identity document */

bool imds_is_region(const char *s)
{
	size_t n = strlen(s);

	return n >= 1 && n <= 32 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

bool imds_is_instance_id(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] < ' ' || s[i] >= 0x7f)
			return false;
	return n >= 1 && n <= 64;
}

static int take_string(const json_t *o, const char *name, bool (*is_sound)(const char *),
		       char **ret)
{
	const char *s = json_string_value(json_object_get(o, name));

	*ret = NULL;
	if (!s || !is_sound(s))
		return 0;
	*ret = strdup(s);
	return *ret ? 0 : -ENOMEM;
}

int imds_parse_identity(const char *text, size_t len, char **ret_region, char **ret_instance_id)
{
	json_t *o = json_loadb(text, len, 0, NULL);
	int err = -EPROTO;

	*ret_region = *ret_instance_id = NULL;
	if (json_is_object(o)) {
		err = take_string(o, "region", imds_is_region, ret_region);
		if (!err)
			err = take_string(o, "instanceId", imds_is_instance_id, ret_instance_id);
		if (err)
			free(take(*ret_region));
	}
	json_decref(o);
	return err;
}
