/* SPDX-License-Identifier: MIT */
/* An attempt of a call, as a signed HTTP request. All headers that carry a meaning are signed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/client_impl.h"
#include "base/clock.h"
#include "base/gzip.h"

/* Less than that fits into one packet anyway. */
#define GZIP_MIN 1400
#define BODY_MAX ((size_t)9 * 1024 * 1024)
#define ANSWER_MAX ((size_t)4 * 1024 * 1024)
#define CONNECT_TIMEOUT_MS 5000
#define HEADERS_MAX 10

static const struct {
	const char *signing_name;
	const char *content_type;
	const char *target; /* before the operation; NULL: the operation is in the form */
	bool query_mode;    /* the header that asks for the codes of the query protocol */
} api[AWS_SERVICES] = {
	[AWS_CLOUDWATCH] = { "monitoring", "application/x-amz-json-1.0",
			     "GraniteServiceVersion20100801.", true },
	[AWS_LOGS] = { "logs", "application/x-amz-json-1.1", "Logs_20140328.", false },
	[AWS_STS] = { "sts", "application/x-www-form-urlencoded; charset=utf-8", NULL, false },
};

/* Returns whether it was worth it. */
static bool pack(const struct aws_request *r, struct buf *out)
{
	struct gzip *g;
	int err;

	if (!r->gzip || r->body_len < GZIP_MIN || gzip_new(&g))
		return false;
	err = gzip_add(g, r->body, r->body_len, true, out);
	gzip_free(g);
	if (!err && out->len < r->body_len)
		return true;
	buf_done(out);
	return false;
}

int client_take_request(struct aws_call *call, const struct aws_request *r)
{
	int err = 0;

	call->service = r->service;
	snprintf(call->operation, sizeof(call->operation), "%s", r->operation);
	call->attempts_max = r->attempts ? r->attempts : 3;
	call->timeout_ms = r->timeout_ms ? r->timeout_ms : 20000;
	buf_init(&call->body, BODY_MAX);
	call->packed = pack(r, &call->body);
	if (!call->packed)
		err = buf_add(&call->body, r->body, r->body_len);
	if (!err)
		err = sha256_hex(buf_str(&call->body), call->body.len, call->body_hash);
	return err;
}

struct head {
	struct sigv4_header headers[HEADERS_MAX];
	size_t n;
	char target[CLIENT_OPERATION_MAX + 64];
	char date[SIGV4_DATE];
	struct buf authorization;
};

static void head_done(struct head *h)
{
	buf_done(&h->authorization);
}

static void add(struct head *h, const char *name, const char *value)
{
	h->headers[h->n++] = (struct sigv4_header){ name, value };
}

static void fill_head(const struct aws_call *call, struct head *h)
{
	const char *target = api[call->service].target;

	add(h, "Host", call->endpoint.host);
	add(h, "Content-Type", api[call->service].content_type);
	if (target) {
		snprintf(h->target, sizeof(h->target), "%s%s", target, call->operation);
		add(h, "X-Amz-Target", h->target);
	}
	if (api[call->service].query_mode)
		add(h, "X-Amzn-Query-Mode", "true");
	if (call->packed)
		add(h, "Content-Encoding", "gzip");
}

static int sign(const struct aws_call *call, const char *region, struct head *h)
{
	const struct sigv4_key key = keys_sigv4(&call->keys);
	const struct sigv4_request r = {
		.method = "POST",
		.path = call->endpoint.path,
		.query = "",
		.headers = h->headers,
		.n_headers = h->n,
		.payload_hash = call->body_hash,
		.region = region,
		.service = api[call->service].signing_name,
		.time = (time_t)((int64_t)(clock_realtime_ns() / NS_PER_SEC) + call->skew_s),
	};
	int err = sigv4_sign(&r, &key, &h->authorization);

	if (err)
		return err;
	sigv4_date(r.time, h->date);
	add(h, "X-Amz-Date", h->date);
	if (key.token)
		add(h, "X-Amz-Security-Token", key.token);
	add(h, "Authorization", buf_str(&h->authorization));
	return 0;
}

int client_send(struct aws_call *call, const char *region, transport_done_fn fn)
{
	_cleanup_(head_done) struct head h = { .authorization = BUF_INIT(4096) };
	struct transport_request r = {
		.method = "POST",
		.url = call->endpoint.url,
		.headers = h.headers,
		.body = buf_str(&call->body),
		.body_len = call->body.len,
		.connect_timeout_ms = CONNECT_TIMEOUT_MS,
		.timeout_ms = call->timeout_ms,
		.answer_max = ANSWER_MAX,
	};
	int err;

	call->skew_s = call->client->skew_s;
	fill_head(call, &h);
	err = sign(call, region, &h);
	if (err)
		return err;
	r.n_headers = h.n;
	return transport_start(call->client->transport, &r, fn, call, &call->under_way);
}
