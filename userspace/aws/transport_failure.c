/* SPDX-License-Identifier: MIT */
/* What libcurl's codes mean, as -errno and in a line for a person. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/transport_impl.h"
#include "base/utf8.h"

/* libcurl's own words, which may hold a stranger's (a certificate's names). */
static void get_detail(const struct transport_call *c, CURLcode code, char *to, size_t size)
{
	const char *text = *c->error ? c->error : c->t->api.easy_strerror(code);

	utf8_make_plain(text, strlen(text), to, size);
}

static int explain_connect(const struct transport_call *c, const char *detail, struct buf *why)
{
	char target[URL_HOST_MAX + 20];
	long error = 0;

	c->t->api.easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &error);
	/* With a proxy in between it is another host that libcurl names. */
	snprintf(target, sizeof(target), "%s port %u", c->host, c->port);
	if (strstr(detail, target) && error > 0)
		buf_printf(why, "cannot connect to %s port %u: %s", c->host, c->port,
			   strerror((int)error));
	else
		buf_printf(why, "cannot connect to %s port %u: %s", c->host, c->port, detail);
	return error > 0 ? (int)-error : -ECONNREFUSED;
}

static int explain_timeout(const struct transport_call *c, struct buf *why)
{
	curl_off_t resolved_us = 0;
	const unsigned int connect_ms =
		c->connect_timeout_ms && (!c->timeout_ms || c->connect_timeout_ms < c->timeout_ms) ?
			c->connect_timeout_ms :
			c->timeout_ms;

	c->t->api.easy_getinfo(c->easy, CURLINFO_NAMELOOKUP_TIME_T, &resolved_us);
	if (c->tries && c->stall_s && !c->timeout_ms)
		buf_printf(why, "nothing moved to or from %s for %u s", c->host, c->stall_s);
	else if (c->tries)
		buf_printf(why, "no whole answer from %s within %u ms", c->host, c->timeout_ms);
	else if (!resolved_us)
		buf_printf(why, "cannot resolve %s: no answer within %u ms", c->host, connect_ms);
	else
		buf_printf(why, "cannot connect to %s port %u within %u ms", c->host, c->port,
			   connect_ms);
	return -ETIMEDOUT;
}

static int explain_write(const struct transport_call *c, struct buf *why)
{
	if (c->answer.err == -ENOMEM || c->head.err == -ENOMEM) {
		buf_printf(why, "no memory for the answer of %s", c->host);
		return -ENOMEM;
	}
	buf_printf(why, "the answer of %s has more than %zu bytes", c->host,
		   c->answer.err ? c->answer.max : c->head.max);
	return -EFBIG;
}

/* Before there is a connection. */
static int explain_way(const struct transport_call *c, CURLcode code, const char *detail,
		       struct buf *why)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		buf_printf(
			why,
			"cannot resolve %s: its name server does not know it, or does not answer",
			c->host);
		return -EHOSTUNREACH;
	case CURLE_COULDNT_RESOLVE_PROXY:
		buf_printf(why, "cannot resolve the proxy for %s: %s", c->host, detail);
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT: return explain_connect(c, detail, why);
	case CURLE_SSL_CACERT_BADFILE:
		buf_printf(why, "cannot read the CA certificates %s: %s",
			   c->t->ca_bundle ? c->t->ca_bundle : "of the system", detail);
		return -ENOENT;
	case CURLE_PEER_FAILED_VERIFICATION:
		buf_printf(why, "the certificate of %s is not trusted: %s", c->host, detail);
		return -EKEYREJECTED;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_USE_SSL_FAILED:
		buf_printf(why, "no TLS with %s: %s", c->host, detail);
		return -EPROTO;
	default: buf_printf(why, "%s: %s", c->host, detail); return -EIO;
	}
}

/* What a proxy said that was asked for a tunnel; 0: there was none, or there is a tunnel. */
static long proxy_refusal(const struct transport_call *c)
{
	long status = 0;

	c->t->api.easy_getinfo(c->easy, CURLINFO_HTTP_CONNECTCODE, &status);
	return status >= 300 ? status : 0;
}

int transport_explain(const struct transport_call *c, CURLcode code, struct buf *why)
{
	char detail[CURL_ERROR_SIZE];

	if (code != CURLE_OK && c->own_err) {
		buf_printf(why, "%s %s: %s",
			   c->sink.got ? "cannot take the answer of" : "cannot go on sending to",
			   c->host, strerror(-c->own_err));
		return c->own_err;
	}
	get_detail(c, code, detail, sizeof(detail));
	switch (code) {
	case CURLE_OK:
		if (c->head_ended)
			return 0;
		/* fall through */
	case CURLE_PARTIAL_FILE:
		buf_printf(why, "%s closed the connection in the middle of its answer", c->host);
		return -ECONNRESET;
	case CURLE_OUT_OF_MEMORY:
		buf_printf(why, "no memory for a request to %s", c->host);
		return -ENOMEM;
	case CURLE_OPERATION_TIMEDOUT: return explain_timeout(c, why);
	case CURLE_WRITE_ERROR: return explain_write(c, why);
	case CURLE_ABORTED_BY_CALLBACK:
	case CURLE_GOT_NOTHING:
		buf_printf(why, "%s closed the connection without an answer", c->host);
		return -ECONNRESET;
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
		if (proxy_refusal(c)) {
			buf_printf(why, "the proxy answers %ld instead of connecting to %s port %u",
				   proxy_refusal(c), c->host, c->port);
			return -ECONNREFUSED;
		}
		buf_printf(why, "the connection to %s broke: %s", c->host, detail);
		return -ECONNRESET;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_HTTP2:
		buf_printf(why, "%s does not answer in HTTP: %s", c->host, detail);
		return -EBADMSG;
	default: return explain_way(c, code, detail, why);
	}
}
