/* SPDX-License-Identifier: MIT */
/*
 * One GET, with a few tries. The authorization token is a secret: it goes only where container_url_allowed() says, and
 * is wiped. Invariant: while a question is under way exactly one of call and timer is pending.
 */
#include "aws/container_credentials.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define RELATIVE_URI "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
#define FULL_URI "AWS_CONTAINER_CREDENTIALS_FULL_URI"
#define TOKEN "AWS_CONTAINER_AUTHORIZATION_TOKEN"
#define TOKEN_FILE "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
#define RELATIVE_HOST "http://169.254.170.2"
#define CONNECT_TIMEOUT_MS 1000
#define TIMEOUT_MS 2000
#define TRIES 3
#define PAUSE_MS 100 /* after the first try, doubling */
#define ANSWER_MAX ((size_t)64 * 1024)

struct container_credentials {
	struct transport *transport;
	struct event *timer;

	/* the question that is under way, if there is a URL */
	char *url;
	char *token; /* NULL: none */
	keys_fn fn;
	void *ctx;
	struct transport_call *call;
	unsigned int tries; /* that have failed */
};

static const char *variable(const char *name)
{
	const char *s = getenv(name);

	return s && *s ? s : NULL;
}

bool container_credentials_configured(void)
{
	return variable(RELATIVE_URI) || variable(FULL_URI);
}

/* --- where the token may go */

static bool host_is_near(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6, eks;

	if (!strcmp(host, "localhost"))
		return true;
	if (inet_pton(AF_INET, host, &v4) == 1) {
		uint32_t a = ntohl(v4.s_addr);

		return a >> 24 == 127 || a == 0xa9feaa02 || a == 0xa9feaa17;
	}
	return inet_pton(AF_INET6, host, &v6) == 1 &&
	       inet_pton(AF_INET6, "fd00:ec2::23", &eks) == 1 &&
	       (IN6_IS_ADDR_LOOPBACK(&v6) || IN6_ARE_ADDR_EQUAL(&v6, &eks));
}

/* Copies the host at @s, without brackets. Returns what stands behind it, or NULL: there is none. */
static const char *take_host(const char *s, char *host, size_t size)
{
	bool bracket = *s == '[';
	size_t n;

	s += bracket;
	n = strspn(s, bracket ? "0123456789abcdefABCDEF:." :
				"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-");
	if (!n || n >= size || (bracket && s[n] != ']'))
		return NULL;
	memcpy(host, s, n);
	host[n] = '\0';
	return s + n + bracket;
}

static bool is_plain_url(const char *s)
{
	for (; *s; s++)
		if (*s <= ' ' || *s >= 0x7f || *s == '\\' || *s == '#')
			return false;
	return true;
}

bool container_url_allowed(const char *url)
{
	bool https = !strncmp(url, "https://", 8);
	char host[256];
	const char *rest;

	if (!is_plain_url(url) || (!https && strncmp(url, "http://", 7) != 0))
		return false;
	rest = take_host(url + (https ? 8 : 7), host, sizeof(host));
	if (!rest)
		return false;
	if (*rest == ':')
		rest += 1 + strspn(rest + 1, "0123456789");
	return (*rest == '\0' || *rest == '/' || *rest == '?') && (https || host_is_near(host));
}

/* --- what the environment says */

static int take_url(struct container_credentials *c, struct buf *why)
{
	const char *relative = variable(RELATIVE_URI), *full = variable(FULL_URI);
	_cleanup_(buf_done) struct buf url = BUF_INIT(4096);

	if (relative && *relative != '/') {
		buf_printf(why, RELATIVE_URI " does not begin with /");
		return -EINVAL;
	}
	buf_printf(&url, "%s%s", relative ? RELATIVE_HOST : "", relative ? relative : full);
	if (url.err == -EFBIG || !container_url_allowed(buf_str(&url))) {
		buf_printf(
			why,
			"%s is not allowed: it must be https://, or http:// with 127.0.0.1, [::1], "
			"169.254.170.2, 169.254.170.23 or [fd00:ec2::23]",
			relative ? RELATIVE_URI : FULL_URI);
		return -EINVAL;
	}
	c->url = buf_steal(&url);
	return url.err ? url.err : c->url ? 0 : -ENOMEM;
}

static int read_token_file(const char *path, struct buf *token, struct buf *why)
{
	int err = secret_buf_reserve(token);

	if (!err)
		err = file_read(path, token);
	if (err && err != -ENOMEM)
		buf_printf(why, TOKEN_FILE ": %s cannot be read: %s", path, strerror(-err));
	while (!err && token->len && strchr("\r\n", token->data[token->len - 1]))
		token->data[--token->len] = '\0';
	return err;
}

static int take_token(struct container_credentials *c, struct buf *why)
{
	_cleanup_(secret_buf_done) struct buf token = BUF_INIT(KEYS_TOKEN_MAX);
	const char *path = variable(TOKEN_FILE), *s = variable(TOKEN);
	int err = path ? read_token_file(path, &token, why) : 0;

	if (err || (!path && !s))
		return err;
	if (path)
		s = buf_str(&token);
	for (const char *p = s; *p; p++) {
		if (*p < ' ' || *p >= 0x7f) {
			buf_printf(why, "%s holds something that cannot stand in a header",
				   path ? TOKEN_FILE : TOKEN);
			return -EINVAL;
		}
	}
	c->token = strdup(s);
	return c->token ? 0 : -ENOMEM;
}

/* --- the question */

static void forget(struct container_credentials *c)
{
	event_del(c->timer);
	free(take(c->url));
	secret_free(take(c->token));
	c->call = NULL;
}

static void finish(struct container_credentials *c, int err, struct keys *keys, const char *why)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(1000);
	size_t shown = strcspn(c->url, "?"); /* the rest may be a secret */
	keys_fn fn = c->fn;
	void *ctx = c->ctx;

	if (err)
		buf_printf(&text, "the container's credentials endpoint (%.*s): %.600s",
			   (int)(shown < 200 ? shown : 200), c->url, why);
	forget(c);
	fn(err, err ? NULL : keys, buf_str(&text), ctx);
}

static void on_answer(const struct transport_answer *a, void *ctx);

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct container_credentials *c = ctx;
	const struct sigv4_header header = { "Authorization", c->token };
	const struct transport_request r = {
		.method = "GET",
		.url = c->url,
		.headers = &header,
		.n_headers = c->token ? 1 : 0,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.timeout_ms = TIMEOUT_MS,
		.answer_max = ANSWER_MAX,
		.direct = true,
	};
	int err = transport_start(c->transport, &r, on_answer, c, &c->call);

	(void)fd;
	(void)what;
	if (err)
		finish(c, err, NULL, strerror(-err));
}

static bool again(struct container_credentials *c)
{
	unsigned int ms = PAUSE_MS << c->tries;
	const struct timeval pause = { .tv_usec = (suseconds_t)ms * 1000 };

	return ++c->tries < TRIES && event_add(c->timer, &pause) == 0;
}

static void take_keys(struct container_credentials *c, const struct transport_answer *a)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(600);
	_cleanup_(keys_done) struct keys keys = { 0 };
	int err = keys_parse_json(a->body, a->body_len, false, &keys, &why);

	finish(c, err, &keys, why.len ? buf_str(&why) : strerror(-err));
}

static void on_answer(const struct transport_answer *a, void *ctx)
{
	struct container_credentials *c = ctx;
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	bool transient = a->err ? a->err != -EFBIG : a->status >= 500 || a->status == 429;

	c->call = NULL;
	if (!a->err && a->status == 200) {
		take_keys(c, a);
	} else if (!transient || !again(c)) {
		if (a->err)
			buf_printf(&why, "%s", a->why);
		else
			buf_printf(&why, "it answers with status %d%s", a->status,
				   a->status == 401 || a->status == 403 ?
					   ": the authorization token is missing or not good" :
					   "");
		finish(c,
		       a->err           ? a->err :
		       a->status == 404 ? -ENOENT :
					  -EACCES,
		       NULL, buf_str(&why));
	}
}

int container_credentials_get(struct container_credentials *c, keys_fn fn, void *ctx,
			      struct buf *why)
{
	const struct timeval now = { 0 };
	int err;

	if (c->url)
		return -EBUSY;
	err = take_url(c, why);
	if (!err)
		err = take_token(c, why);
	if (!err && event_add(c->timer, &now))
		err = -ENOMEM;
	if (err) {
		forget(c);
		return err;
	}
	c->fn = fn;
	c->ctx = ctx;
	c->tries = 0;
	return 0;
}

static void cancel_calls(struct container_credentials *c)
{
	if (c->call)
		transport_cancel(c->call);
	forget(c);
}

int container_credentials_new(struct event_base *base, struct transport *t,
			      struct container_credentials **ret)
{
	struct container_credentials *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->transport = t;
	c->timer = evtimer_new(base, on_timer, c);
	if (!c->timer) {
		free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

void container_credentials_free(struct container_credentials *c)
{
	if (!c)
		return;
	cancel_calls(c);
	event_free(c->timer);
	free(c);
}
