/* SPDX-License-Identifier: MIT */
/* What transport*.c know of each other. */
#ifndef ISAMON_TRANSPORT_IMPL_H
#define ISAMON_TRANSPORT_IMPL_H

#include "aws/curl_api.h"
#include "aws/transport.h"
#include "aws/url.h"

struct transport {
	struct curl_api api;
	struct event_base *base;
	CURLM *multi;
	struct event *timer;
	char *proxy, *ca_bundle; /* NULL: not given */
	struct transport_call *calls;
};

struct transport_call {
	struct transport *t;
	struct transport_call *prev, *next;
	CURL *easy;
	transport_done_fn fn;
	void *ctx;
	struct curl_slist *headers; /* one array of nodes, whose text is in header_text */
	struct curl_slist to;       /* of connect_to, one node */
	char to_text[URL_HOST_MAX + 16];
	char *header_text;
	size_t header_text_len;
	char *body;
	size_t body_len;
	struct transport_source source;
	struct transport_sink sink;
	size_t body_at; /* of the source, that was read */
	int own_err;    /* of source or sink */
	struct buf answer, head;
	char error[CURL_ERROR_SIZE];
	char host[URL_HOST_MAX + 1];
	unsigned int port, timeout_ms, connect_timeout_ms, stall_s;
	bool head_ended;    /* libcurl takes a head that was cut for a whole one */
	bool told;          /* its callback is being called */
	unsigned int tries; /* how often libcurl was about to send the request */
};

/* Makes a handle for @r that is ready to be added, with copies of everything. Returns 0, -EINVAL or -ENOMEM. */
int transport_call_new(struct transport *t, const struct transport_request *r,
		       struct transport_call **ret);
/* Wipes the headers. It must not be a part of the multi handle any more. NULL is fine. */
void transport_call_free(struct transport_call *c);

/* What became of it, as -errno, with @why in one plain line if it is not 0. */
int transport_explain(const struct transport_call *c, CURLcode code, struct buf *why);

#endif
