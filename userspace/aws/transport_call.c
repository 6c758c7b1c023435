/* SPDX-License-Identifier: MIT */
/*
 * One request as an easy handle of libcurl.
 *
 * Our copies of the headers hold signatures and session tokens: they are wiped. The answer's head and body have
 * maxima; what passes them ends the call.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "aws/transport_impl.h"

#define HEAD_MAX ((size_t)64 * 1024)
/* A kept connection that was quiet for longer is not used again: servers close theirs after a minute or so, and a request that
 * crosses the close has an unknown outcome. */
#define KEPT_MAX_S 30L

/* Whether the answer's body is for the sink, not to be kept. */
static bool is_for_sink(const struct transport_call *c, long status)
{
	_cleanup_(buf_done) struct buf etag = BUF_INIT(256);
	const struct transport_answer a = { .headers = buf_str(&c->head) };

	if (status != 200 && status != 206)
		return false;
	return !c->sink.etag ||
	       (transport_header(&a, "etag", &etag) && !strcmp(buf_str(&etag), c->sink.etag));
}

static size_t on_body(char *bytes, size_t size, size_t n, void *ctx)
{
	struct transport_call *c = ctx;
	long status = 0;

	n *= size;
	if (c->sink.got)
		c->t->api.easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
	if (!is_for_sink(c, status))
		return buf_add(&c->answer, bytes, n) ? 0 : n;
	c->own_err = c->sink.got((int)status, bytes, n, c->sink.ctx);
	return c->own_err ? 0 : n;
}

static ssize_t read_source(struct transport_call *c, char *to, size_t n)
{
	ssize_t got;

	do
		got = pread(c->source.fd, to, n, c->source.offset + (off_t)c->body_at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	/* A file that became shorter. */
	return got ? got : -ENODATA;
}

static size_t on_source(char *to, size_t size, size_t n, void *ctx)
{
	struct transport_call *c = ctx;
	const size_t left = c->body_len - c->body_at;
	ssize_t got;

	n *= size;
	if (n > left)
		n = left;
	if (!n)
		return 0;
	got = read_source(c, to, n);
	c->own_err = got < 0 ? (int)got : 0;
	if (got > 0 && c->source.told)
		c->own_err = c->source.told((size_t)got, c->source.ctx);
	if (c->own_err)
		return CURL_READFUNC_ABORT;
	c->body_at += (size_t)got;
	return (size_t)got;
}

/* Only back to where it began, which is all that libcurl may want before anything was sent. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
	struct transport_call *c = ctx;

	if (origin != SEEK_SET || offset < 0 || (size_t)offset > c->body_len)
		return CURL_SEEKFUNC_FAIL;
	c->body_at = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

/* A line; a status line begins another head (after "100 Continue"), an empty one ends it. */
static size_t on_header(char *bytes, size_t size, size_t n, void *ctx)
{
	struct transport_call *c = ctx;

	n *= size;
	if (n >= 5 && !memcmp(bytes, "HTTP/", 5)) {
		buf_reset(&c->head);
		c->head_ended = false;
	} else if (n <= 2) {
		c->head_ended = true;
	} else {
		buf_add(&c->head, bytes, n);
	}
	return c->head.err ? 0 : n;
}

/*
 * libcurl is about to send the request. It would do so again by itself where a kept connection was closed
 * before the answer began; the server may have had the whole request then, so whether it is made again is not
 * libcurl's to decide.
 */
static int on_send(void *ctx, char *ip, char *local_ip, int port, int local_port)
{
	struct transport_call *c = ctx;

	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	return ++c->tries > 1 ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

static int set_long(struct transport_call *c, CURLoption option, long value)
{
	return (int)c->t->api.easy_setopt(c->easy, option, value);
}

static int set(struct transport_call *c, CURLoption option, const void *value)
{
	return (int)c->t->api.easy_setopt(c->easy, option, value);
}

static bool is_named(const struct transport_request *r, const char *name)
{
	for (size_t i = 0; i < r->n_headers; i++)
		if (!strcasecmp(r->headers[i].name, name))
			return true;
	return false;
}

static bool is_header_fit(const struct sigv4_header *h)
{
	return *h->name && !strpbrk(h->name, "\r\n:; ") && !strpbrk(h->value, "\r\n");
}

/* The next node, "Name: value"; in libcurl's language "Name;" is sent without a value, and "Name:" not at all. */
static size_t add_header(struct transport_call *c, struct curl_slist *node, size_t at,
			 const char *name, const char *between, const char *value)
{
	node->data = c->header_text + at;
	if (node != c->headers)
		node[-1].next = node;
	return at + 1 +
	       (size_t)snprintf(node->data, c->header_text_len - at, "%s%s%s", name, between,
				value);
}

static int copy_headers(struct transport_call *c, const struct transport_request *r)
{
	/* What libcurl would add by itself. */
	static const char *const unwanted[] = { "Accept", "Expect", "Content-Type" };
	size_t at = 0, n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++)
		c->header_text_len += strlen(unwanted[i]) + 2;
	for (size_t i = 0; i < r->n_headers; i++) {
		const struct sigv4_header *h = &r->headers[i];

		if (!is_header_fit(h))
			return -EINVAL;
		c->header_text_len += strlen(h->name) + strlen(h->value) + 3;
	}
	c->header_text = malloc(c->header_text_len);
	c->headers = calloc(r->n_headers + ARRAY_SIZE(unwanted), sizeof(*c->headers));
	if (!c->header_text || !c->headers)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_headers; i++) {
		const struct sigv4_header *h = &r->headers[i];

		at = add_header(c, &c->headers[n++], at, h->name, *h->value ? ": " : ";", h->value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++)
		if (!is_named(r, unwanted[i]))
			at = add_header(c, &c->headers[n++], at, unwanted[i], ":", "");
	return set(c, CURLOPT_HTTPHEADER, c->headers) ? -ENOMEM : 0;
}

static int set_source(struct transport_call *c, const struct transport_request *r)
{
	const struct curl_api *api = &c->t->api;
	int err = 0;

	if (strcmp(r->method, "PUT") != 0 || r->body_len > (size_t)INT64_MAX)
		return -EINVAL;
	c->source = *r->source;
	c->body_len = r->body_len;
	err |= set_long(c, CURLOPT_UPLOAD, 1);
	err |= (int)api->easy_setopt(c->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)r->body_len);
	err |= (int)api->easy_setopt(c->easy, CURLOPT_READFUNCTION, on_source);
	err |= (int)api->easy_setopt(c->easy, CURLOPT_SEEKFUNCTION, on_seek);
	err |= set(c, CURLOPT_READDATA, c) | set(c, CURLOPT_SEEKDATA, c);
	return err ? -ENOMEM : 0;
}

/* GET and HEAD have no body, whatever else has one, perhaps an empty one. */
static int set_method(struct transport_call *c, const struct transport_request *r)
{
	int err = 0;

	if (!*r->method || r->method[strspn(r->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
		return -EINVAL;
	if (!strcmp(r->method, "GET"))
		return set_long(c, CURLOPT_HTTPGET, 1) ? -ENOMEM : 0;
	if (!strcmp(r->method, "HEAD"))
		return set_long(c, CURLOPT_NOBODY, 1) ? -ENOMEM : 0;
	if (r->source)
		return set_source(c, r);
	c->body = malloc(r->body_len + 1);
	if (!c->body)
		return -ENOMEM;
	if (r->body_len)
		memcpy(c->body, r->body, r->body_len);
	c->body_len = r->body_len;
	err |= set_long(c, CURLOPT_POST, 1);
	err |= set_long(c, CURLOPT_POSTFIELDSIZE, (long)r->body_len);
	err |= set(c, CURLOPT_POSTFIELDS, c->body);
	if (strcmp(r->method, "POST") != 0)
		err |= set(c, CURLOPT_CUSTOMREQUEST, r->method);
	return err ? -ENOMEM : 0;
}

static int set_callbacks(struct transport_call *c)
{
	const struct curl_api *api = &c->t->api;
	int err;

	err = set(c, CURLOPT_PRIVATE, c) | set(c, CURLOPT_WRITEDATA, c) |
	      set(c, CURLOPT_HEADERDATA, c) | set(c, CURLOPT_ERRORBUFFER, c->error);
	err |= (int)api->easy_setopt(c->easy, CURLOPT_WRITEFUNCTION, on_body);
	err |= (int)api->easy_setopt(c->easy, CURLOPT_HEADERFUNCTION, on_header);
	if (api->easy_setopt(c->easy, CURL_API_PREREQFUNCTION, on_send) == CURLE_OK) {
		err |= set(c, CURL_API_PREREQDATA, c);
	} else {
		/* An old libcurl: there is no second try where no connection is used again. */
		c->tries = 1;
		err |= set_long(c, CURLOPT_FRESH_CONNECT, 1) | set_long(c, CURLOPT_FORBID_REUSE, 1);
	}
	/* Else the end of a call waits for its name server; unknown before 7.87. */
	set_long(c, CURL_API_QUICK_EXIT, 1);
	return err ? -ENOMEM : 0;
}

static int set_limits(struct transport_call *c, const struct transport_request *r)
{
	const struct {
		CURLoption option;
		long value;
	} options[] = {
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS },
		{ CURLOPT_FOLLOWLOCATION, 0 },
		{ CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1 },
		{ CURLOPT_SSL_VERIFYPEER, r->any_certificate ? 0 : 1 },
		{ CURLOPT_SSL_VERIFYHOST, r->any_certificate ? 0 : 2 },
		{ CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
		{ CURLOPT_SUPPRESS_CONNECT_HEADERS, 1 },
		{ CURLOPT_TCP_KEEPALIVE, 1 },
		{ CURLOPT_MAXAGE_CONN, KEPT_MAX_S },
		{ CURLOPT_CONNECTTIMEOUT_MS, (long)r->connect_timeout_ms },
		{ CURLOPT_TIMEOUT_MS, (long)r->timeout_ms },
		{ CURLOPT_LOW_SPEED_LIMIT, r->stall_s ? 1 : 0 },
		{ CURLOPT_LOW_SPEED_TIME, (long)r->stall_s },
		/* "." and ".." in a path mean themselves; it is signed as it is written. */
		{ CURLOPT_PATH_AS_IS, 1 },
	};
	const curl_off_t most = (curl_off_t)r->bytes_per_s;
	int err = 0;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		err |= set_long(c, options[i].option, options[i].value);
	if (most > 0) {
		err |= (int)c->t->api.easy_setopt(c->easy, CURLOPT_MAX_SEND_SPEED_LARGE, most);
		err |= (int)c->t->api.easy_setopt(c->easy, CURLOPT_MAX_RECV_SPEED_LARGE, most);
	}
	return err ? -ENOMEM : 0;
}

static int set_way(struct transport_call *c, const struct transport_request *r)
{
	int err = set(c, CURLOPT_URL, r->url) | set(c, CURLOPT_USERAGENT, "isamon/" ISAMON_VERSION);

	if (r->unix_socket)
		err |= set(c, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
	if (r->connect_to) {
		/* Whatever host and port: to that. */
		snprintf(c->to_text, sizeof(c->to_text), "::%s", r->connect_to);
		c->to = (struct curl_slist){ .data = c->to_text };
		err |= set(c, CURLOPT_CONNECT_TO, &c->to);
	}
	if (r->direct)
		err |= set(c, CURLOPT_PROXY, "") | set(c, CURLOPT_NOPROXY, "*");
	else if (c->t->proxy)
		err |= set(c, CURLOPT_PROXY, c->t->proxy);
	if (c->t->ca_bundle)
		err |= set(c, CURLOPT_CAINFO, c->t->ca_bundle);
	return err ? -ENOMEM : 0;
}

static int fill(struct transport_call *c, const struct transport_request *r)
{
	struct url url;
	int err;

	if (url_parse(r->url, &url))
		return -EINVAL;
	snprintf(c->host, sizeof(c->host), "%.*s", (int)url.host_len, url.host);
	c->port = url.port;
	c->timeout_ms = r->timeout_ms;
	c->connect_timeout_ms = r->connect_timeout_ms;
	c->stall_s = r->stall_s;
	if (r->sink)
		c->sink = *r->sink;
	buf_init(&c->answer, r->answer_max);
	buf_init(&c->head, HEAD_MAX);
	c->easy = c->t->api.easy_init();
	err = c->easy ? set_callbacks(c) : -ENOMEM;
	if (!err)
		err = set_limits(c, r);
	if (!err)
		err = set_way(c, r);
	if (!err)
		err = set_method(c, r);
	return err ? err : copy_headers(c, r);
}

int transport_call_new(struct transport *t, const struct transport_request *r,
		       struct transport_call **ret)
{
	struct transport_call *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->t = t;
	err = fill(c, r);
	if (err) {
		transport_call_free(c);
		return err;
	}
	*ret = c;
	return 0;
}

void transport_call_free(struct transport_call *c)
{
	if (!c)
		return;
	if (c->easy)
		c->t->api.easy_cleanup(c->easy);
	if (c->header_text)
		explicit_bzero(c->header_text, c->header_text_len);
	free(c->header_text);
	free(c->headers);
	/* What is asked with a secret may be answered with one (STS, the instance's metadata). */
	if (c->answer.data)
		explicit_bzero(c->answer.data, c->answer.len);
	buf_done(&c->answer);
	buf_done(&c->head);
	free(c->body);
	free(c);
}
