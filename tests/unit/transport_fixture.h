/* SPDX-License-Identifier: MIT */
/* A transport, the server it talks to, and what the last call ended with. */
#ifndef ISAMON_TRANSPORT_FIXTURE_H
#define ISAMON_TRANSPORT_FIXTURE_H

#include "aws/transport.h"
#include "unit/http_server.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-One: 1\r\n\r\n{}"

/* What the last call ended with. */
static struct {
	unsigned int n;
	int err, status;
	bool unsent;
	char why[512], body[4096], headers[4096];
	struct transport_call *victim; /* is cancelled by the next callback */
} got;

static struct event_base *base;
static struct transport *transport;
static char url[256];

UNIT_USED_ static void on_done(const struct transport_answer *a, void *ctx)
{
	(void)ctx;
	got.n++;
	got.err = a->err;
	got.status = a->status;
	got.unsent = a->unsent;
	snprintf(got.why, sizeof(got.why), "%s", a->why);
	snprintf(got.body, sizeof(got.body), "%s", a->body);
	snprintf(got.headers, sizeof(got.headers), "%s", a->headers);
	transport_cancel(take(got.victim));
}

UNIT_USED_ static void set_up_with(const struct transport_options *o,
				   const struct server_step *steps, size_t n)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(512);

	memset(&got, 0, sizeof(got));
	base = event_base_new();
	server_start(base, steps, n);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/path?a=1", server.port);
	EXPECT_INT(transport_new(base, o, &why, &transport), 0);
	EXPECT_STR(buf_str(&why), "");
}

#define SET_UP(...) \
	static const struct server_step steps[] = { __VA_ARGS__ }; \
	set_up_with(&(struct transport_options){ 0 }, steps, ARRAY_SIZE(steps))

UNIT_USED_ static void tear_down(void)
{
	transport_free(take(transport));
	server_stop();
	event_base_free(base);
}

static const struct sigv4_header headers[] = { { "Content-Type", "text/x" }, { "X-Empty", "" } };

UNIT_USED_ static struct transport_request request(const char *method, const char *body)
{
	return (struct transport_request){
		.method = method,
		.url = url,
		.headers = headers,
		.n_headers = ARRAY_SIZE(headers),
		.body = body,
		.body_len = strlen(body),
		.connect_timeout_ms = 5000,
		.timeout_ms = 10000,
		.answer_max = 1000,
	};
}

UNIT_USED_ static void start(const struct transport_request *r, struct transport_call **ret)
{
	const unsigned int n = got.n;

	EXPECT_INT(transport_start(transport, r, on_done, NULL, ret), 0);
	EXPECT_UINT(got.n, n);
}

UNIT_USED_ static void ask(const struct transport_request *r)
{
	const unsigned int n = got.n;

	start(r, NULL);
	loop_until(base, &got.n, n + 1);
}

UNIT_USED_ static void post(void)
{
	struct transport_request r = request("POST", "body");

	ask(&r);
}

UNIT_USED_ static void expect_failure(int err, bool unsent, const char *why)
{
	EXPECT_INT(got.err, err);
	EXPECT_INT(got.unsent, unsent);
	EXPECT_INT(got.status, 0);
	EXPECT_STR(got.body, "");
	EXPECT_HAS(got.why, why);
	EXPECT(!strchr(got.why, '\n'));
}

UNIT_USED_ static void forget_environment(void)
{
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("all_proxy");
	unsetenv("no_proxy");
}

#endif
