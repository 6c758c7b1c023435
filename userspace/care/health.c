/* SPDX-License-Identifier: MIT */
/* What an answer, or none, means for a person who wants to know whether the service is well. */
#include "care/health.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "base/util.h"
#include "config/config.h"

#define BODY_MAX (64 * 1024)

static void explain_error(const struct http_reply *reply, uint16_t port, unsigned int timeout_ms,
			  struct health *ret)
{
	if (reply->err == -ECONNREFUSED)
		snprintf(ret->why, sizeof(ret->why), "nobody listens on 127.0.0.1 port %u", port);
	else if (reply->err == -ETIMEDOUT)
		snprintf(ret->why, sizeof(ret->why), "%s: no answer within %u.%u s", ret->path,
			 timeout_ms / 1000, timeout_ms % 1000 / 100);
	else if (reply->err == -ECONNRESET)
		snprintf(ret->why, sizeof(ret->why),
			 "%s: the connection was closed without an answer", ret->path);
	else if (reply->err == -EFBIG)
		snprintf(ret->why, sizeof(ret->why), "%s: the answer has more than %d bytes",
			 ret->path, BODY_MAX);
	else
		snprintf(ret->why, sizeof(ret->why), "%s: %.300s", ret->path, buf_str(&reply->why));
}

static void explain_status(struct health *ret)
{
	snprintf(ret->why, sizeof(ret->why), "%s answers with status %d%s%s", ret->path,
		 ret->status, *ret->body ? ": " : "", ret->body);
}

static void ask(struct http *h, const char *host, uint16_t port, const char *path, bool any,
		unsigned int timeout_ms, struct health *ret)
{
	_cleanup_(http_reply_done) struct http_reply reply = { .err = 0 };
	const struct sigv4_header headers[] = { { "Connection", "close" } };
	char url[300];
	const struct transport_request r = {
		.method = "GET",
		.url = url,
		.headers = headers,
		.n_headers = ARRAY_SIZE(headers),
		.timeout_ms = timeout_ms,
		.answer_max = BODY_MAX,
		.direct = true,
	};

	*ret = (struct health){ .ok = false };
	snprintf(ret->path, sizeof(ret->path), "%s", path);
	snprintf(url, sizeof(url), "http://%s:%u%s", host, port, path);
	http_ask(h, &r, &reply);
	ret->status = reply.status;
	ret->took_ns = reply.took_ns;
	ret->err = reply.err;
	utf8_make_plain(buf_str(&reply.body), reply.body.len, ret->body, sizeof(ret->body));
	ret->ok = !reply.err && (any || (reply.status >= 200 && reply.status < 300));
	if (reply.err)
		explain_error(&reply, port, timeout_ms, ret);
	else if (!ret->ok)
		explain_status(ret);
}

bool health_ask(struct http *h, uint16_t port, const char *path, unsigned int timeout_ms,
		struct health *ret)
{
	const bool any = strcmp(path, CONFIG_HEALTH_NONE) == 0;
	const char *host = "127.0.0.1";
	struct health other;

	ask(h, host, port, any ? "/" : path, any, timeout_ms, ret);
	if (ret->err == -ECONNREFUSED) {
		ask(h, "[::1]", port, any ? "/" : path, any, timeout_ms, &other);
		if (!other.err || other.err == -ETIMEDOUT || other.err == -ECONNRESET) {
			*ret = other;
			host = "[::1]";
		}
	}
	if (ret->status == 404 && strcmp(path, HEALTH_PATH) == 0) {
		ask(h, host, port, HEALTH_PATH_OTHER, false, timeout_ms, &other);
		if (other.ok || other.status != 404)
			*ret = other;
	}
	return ret->ok;
}
