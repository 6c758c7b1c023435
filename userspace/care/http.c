/* SPDX-License-Identifier: MIT */
/* A transport with a loop that runs for as long as there is something to wait for. */
#include "care/http.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define WHY_MAX 1024

struct http {
	struct event_base *base;
	struct transport *transport;
};

struct asking {
	struct http_reply *reply;
	bool done;
};

int http_new(struct buf *why, struct http **ret)
{
	const struct transport_options o = { .proxy = NULL };
	struct http *h = calloc(1, sizeof(*h));
	int err = h ? 0 : -ENOMEM;

	if (!err)
		h->base = event_base_new();
	if (!err && !h->base)
		err = -ENOMEM;
	if (!err)
		err = transport_new(h->base, &o, why, &h->transport);
	if (err) {
		if (!why->len)
			buf_add_str(why, strerror(-err));
		http_free(h);
		return err;
	}
	*ret = h;
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	transport_free(h->transport);
	if (h->base)
		event_base_free(h->base);
	free(h);
}

static void answered(const struct transport_answer *a, void *ctx)
{
	struct asking *asking = ctx;
	struct http_reply *reply = asking->reply;

	asking->done = true;
	reply->err = a->err;
	reply->status = a->status;
	if (a->why)
		buf_add_str(&reply->why, a->why);
	if (!a->err && a->body_len)
		reply->err = buf_add(&reply->body, a->body, a->body_len);
}

int http_ask(struct http *h, const struct transport_request *r, struct http_reply *ret)
{
	struct asking asking = { .reply = ret };
	uint64_t begun_ns = clock_monotonic_ns();

	*ret = (struct http_reply){ .err = 0 };
	buf_init(&ret->why, WHY_MAX);
	buf_init(&ret->body, r->answer_max);
	ret->err = transport_start(h->transport, r, answered, &asking, NULL);
	while (!ret->err && !asking.done)
		if (event_base_loop(h->base, EVLOOP_ONCE) != 0 && !asking.done)
			ret->err = -EIO;
	ret->took_ns = clock_monotonic_ns() - begun_ns;
	if (ret->err && !ret->why.len)
		buf_add_str(&ret->why, strerror(-ret->err));
	return ret->err;
}

void http_reply_done(struct http_reply *reply)
{
	buf_done(&reply->why);
	buf_done(&reply->body);
}
