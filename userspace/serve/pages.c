/* SPDX-License-Identifier: MIT */
/* The paths of the listener. Writes bodies; knows nothing of sockets. */
#include "serve/pages.h"

#include <string.h>

#include "metrics/expo.h"
#include "serve/accept.h"

#define ANSWER_BODY_MAX (32u << 20) /* the JSON of 10,000 routes fits */
#define TYPE_TEXT "text/plain; charset=utf-8"
#define TYPE_HTML "text/html; charset=utf-8"
#define TYPE_JSON "application/json"
#define VARY "Vary: Accept, Accept-Encoding\r\n"

static const struct {
	unsigned int status;
	const char *reason;
} reasons[] = {
	{ 200, "OK" },
	{ 400, "Bad Request" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

static const char index_page[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\"><head><meta charset=\"utf-8\"><title>isamon</title></head>\n"
	"<body><h1>isamon " ISAMON_VERSION "</h1>\n"
	"<p>HTTP metrics of a live service, seen with eBPF.</p>\n"
	"<ul>\n"
	"<li><a href=\"/metrics\">/metrics</a> for Prometheus</li>\n"
	"<li><a href=\"/-/healthy\">/-/healthy</a>: isamon runs</li>\n"
	"<li><a href=\"/-/ready\">/-/ready</a>: isamon sees the service's traffic</li>\n"
	"</ul></body></html>\n";

struct asked {
	const struct listener_source *source;
	bool control;
	const struct request *request;
};

const char *answer_reason(unsigned int status)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Error";
}

static void answer_init(struct answer *a, unsigned int status, const char *content_type)
{
	*a = (struct answer){ .status = status,
			      .content_type = content_type,
			      .fields = "",
			      .body = BUF_INIT(ANSWER_BODY_MAX) };
}

void answer_refusal(unsigned int status, struct answer *a)
{
	answer_init(a, status, TYPE_TEXT);
	if (status == 405)
		a->fields = "Allow: GET, HEAD\r\n";
	buf_printf(&a->body, "%u %s\n", status, answer_reason(status));
}

static void answer_metrics(const struct asked *q, struct answer *a)
{
	const struct request *r = q->request;
	enum expo_format format = expo_negotiate(r->accept.len ? buf_str(&r->accept) : NULL);
	enum accept_coding coding =
		accept_coding(r->has_accept_encoding ? buf_str(&r->accept_encoding) : NULL);

	if (coding == ACCEPT_NOTHING) {
		answer_refusal(406, a);
		a->fields = VARY;
		return;
	}
	answer_init(a, 200, expo_content_type(format));
	a->fields = coding == ACCEPT_GZIP ? VARY "Content-Encoding: gzip\r\n" : VARY;
	a->is_page = true;
	if (r->head_only)
		return;
	if (q->source->before_page)
		q->source->before_page(q->source->ctx);
	if (stream_open(q->source->page, format, coding == ACCEPT_GZIP, &a->stream))
		answer_refusal(500, a);
}

static void answer_healthy(const struct asked *q, struct answer *a)
{
	(void)q;
	answer_init(a, 200, TYPE_TEXT);
	buf_add_str(&a->body, "healthy\n");
}

static void answer_ready(const struct asked *q, struct answer *a)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	bool ready = !q->source->ready || q->source->ready(&why, q->source->ctx);

	answer_init(a, ready ? 200 : 503, TYPE_TEXT);
	if (ready)
		buf_add_str(&a->body, "ready\n");
	else
		buf_printf(&a->body, "not ready: %s\n", buf_str(&why));
}

static void answer_index(const struct asked *q, struct answer *a)
{
	(void)q;
	answer_init(a, 200, TYPE_HTML);
	buf_add_str(&a->body, index_page);
}

/* For the control socket only. */
static void answer_json(const struct asked *q, listener_write_fn write, void *ctx, struct answer *a)
{
	if (!q->control || !write) {
		answer_refusal(404, a);
		return;
	}
	answer_init(a, 200, TYPE_JSON);
	if (write(&a->body, ctx) || a->body.err) {
		answer_done(a);
		answer_refusal(500, a);
	}
}

static void answer_top(const struct asked *q, struct answer *a)
{
	answer_json(q, q->source->top, q->source->ctx, a);
}

static void answer_status(const struct asked *q, struct answer *a)
{
	answer_json(q, q->source->status, q->source->ctx, a);
}

static const struct {
	const char *path;
	void (*answer)(const struct asked *q, struct answer *a);
} paths[] = {
	{ "/metrics", answer_metrics }, { "/-/healthy", answer_healthy },
	{ "/-/ready", answer_ready },   { "/", answer_index },
	{ "/top", answer_top },         { "/status", answer_status },
};

void answer_request(const struct listener_source *source, bool control, const struct request *r,
		    struct answer *a)
{
	struct asked q = { source, control, r };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		if (strcmp(paths[i].path, r->path) != 0)
			continue;
		paths[i].answer(&q, a);
		return;
	}
	for (i = 0; i < source->n_targets; i++) {
		const struct listener_target *t = &source->targets[i];

		if (strcmp(t->path, r->path) != 0)
			continue;
		answer_json(&q, t->write, t->ctx, a);
		return;
	}
	answer_refusal(404, a);
}

void answer_done(struct answer *a)
{
	buf_done(&a->body);
	stream_close(a->stream);
	a->stream = NULL;
}
