/* SPDX-License-Identifier: MIT */
/*
 * libcurl's multi interface in libevent's loop: its sockets and its one timer become events, and whatever happens to
 * them is given to it.
 *
 * Invariant: a call is in the list and in the multi handle, or in neither. Callbacks run when libcurl has returned, so they
 * may start and cancel calls.
 */
#include "aws/transport.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "aws/transport_impl.h"
#include "base/log.h"

/* Connections in all, and those that are kept though nobody uses them. */
#define CONNECTIONS_MAX 16L
#define CONNECTIONS_KEPT 4L

static void unlink_call(struct transport_call *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		c->t->calls = c->next;
	if (c->next)
		c->next->prev = c->prev;
	c->t->api.multi_remove_handle(c->t->multi, c->easy);
}

/* Whether the server surely did not get all of the request. A second try of libcurl's own is no proof of anything. */
static bool is_unsent(const struct transport_call *c)
{
	curl_off_t body = 0;
	long head = 0;

	if (c->tries == 0)
		return true;
	if (c->tries > 1)
		return false;
	c->t->api.easy_getinfo(c->easy, CURLINFO_SIZE_UPLOAD_T, &body);
	c->t->api.easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &head);
	return head == 0 || (size_t)body < c->body_len;
}

static void finish(struct transport_call *c, CURLcode code)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1024);
	struct transport_answer a = { .body = "", .headers = "", .why = "" };
	long status = 0;

	a.err = transport_explain(c, code, &why);
	if (a.err) {
		a.why = buf_str(&why);
		a.ours = c->own_err != 0;
		a.unsent = is_unsent(c);
	} else {
		c->t->api.easy_getinfo(c->easy, CURLINFO_RESPONSE_CODE, &status);
		a.status = (int)status;
		a.body = buf_str(&c->answer);
		a.body_len = c->answer.len;
		a.headers = buf_str(&c->head);
	}
	unlink_call(c);
	c->told = true;
	c->fn(&a, c->ctx);
	transport_call_free(c);
}

/* Those that have ended. A callback may end others, which then are not told any more. */
static void tell(struct transport *t)
{
	CURLMsg *m;
	int left;

	while ((m = t->api.multi_info_read(t->multi, &left))) {
		char *c = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		t->api.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &c);
		finish((struct transport_call *)(void *)c, m->data.result);
	}
}

static void on_socket(evutil_socket_t fd, short what, void *ctx)
{
	const int bits =
		(what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
	struct transport *t = ctx;
	int running;

	t->api.multi_socket_action(t->multi, fd, bits, &running);
	tell(t);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct transport *t = ctx;
	int running;

	(void)fd;
	(void)what;
	t->api.multi_socket_action(t->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	tell(t);
}

/* libcurl wants to be told about other things of a socket, or (REMOVE) of nothing any more. */
static int want_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
	struct transport *t = ctx;
	struct event *event = socket_ctx;
	const int kind = EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) |
			 (what & CURL_POLL_OUT ? EV_WRITE : 0);

	(void)easy;
	if (event)
		event_free(event);
	event = what == CURL_POLL_REMOVE ? NULL : event_new(t->base, fd, (short)kind, on_socket, t);
	t->api.multi_assign(t->multi, fd, event);
	if (what == CURL_POLL_REMOVE)
		return 0;
	return event && !event_add(event, NULL) ? 0 : -1;
}

static int want_timer(CURLM *multi, long timeout_ms, void *ctx)
{
	const struct timeval in = { timeout_ms / 1000, timeout_ms % 1000 * 1000 };
	struct transport *t = ctx;

	(void)multi;
	if (timeout_ms < 0)
		return event_del(t->timer);
	return event_add(t->timer, &in);
}

/* TLS writes to a connection that is closed; libcurl, which must not touch signals, does not guard against that. */
static void ignore_sigpipe(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction now;

	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		sigaction(SIGPIPE, &ignore, NULL);
}

/* What this libcurl cannot do is told once, by whoever has the first transport. */
static void look_at_library(const struct transport *t)
{
	const curl_version_info_data *v = t->api.version_info(CURLVERSION_NOW);

	if (!(v->features & CURL_VERSION_ASYNCHDNS))
		log_warning(
			"libcurl %s resolves names without a thread: while a name server is slow, isamon stands still; "
			"install a libcurl with the feature AsynchDNS",
			v->version);
	else if (v->version_num < 0x075700)
		log_debug(
			"libcurl %s (older than 7.87) waits for a slow name server when a call takes too long",
			v->version);
}

static int set_up_multi(struct transport *t)
{
	const struct {
		CURLMoption option;
		long value;
	} limits[] = {
		{ CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT },
		{ CURLMOPT_MAX_TOTAL_CONNECTIONS, CONNECTIONS_MAX },
	};
	CURLMcode err;

	t->multi = t->api.multi_init();
	if (!t->multi)
		return -ENOMEM;
	err = t->api.multi_setopt(t->multi, CURLMOPT_SOCKETFUNCTION, want_socket);
	err |= t->api.multi_setopt(t->multi, CURLMOPT_SOCKETDATA, t);
	err |= t->api.multi_setopt(t->multi, CURLMOPT_TIMERFUNCTION, want_timer);
	err |= t->api.multi_setopt(t->multi, CURLMOPT_TIMERDATA, t);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		err |= t->api.multi_setopt(t->multi, limits[i].option, limits[i].value);
	return err ? -ENOMEM : 0;
}

static int copy_option(const char *from, char **to)
{
	if (!from || !*from)
		return 0;
	*to = strdup(from);
	return *to ? 0 : -ENOMEM;
}

int transport_new(struct event_base *base, const struct transport_options *o, struct buf *why,
		  struct transport **ret_transport)
{
	struct transport *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return -ENOMEM;
	t->base = base;
	err = curl_api_open(&t->api, why);
	if (!err)
		err = copy_option(o->proxy, &t->proxy);
	if (!err)
		err = copy_option(o->ca_bundle, &t->ca_bundle);
	if (!err)
		t->timer = event_new(base, -1, 0, on_timer, t);
	if (!err)
		err = t->timer ? set_up_multi(t) : -ENOMEM;
	if (err) {
		transport_free(t);
		return err;
	}
	ignore_sigpipe();
	look_at_library(t);
	*ret_transport = t;
	return 0;
}

void transport_free(struct transport *t)
{
	if (!t)
		return;
	while (t->calls)
		transport_cancel(t->calls);
	if (t->multi)
		t->api.multi_cleanup(t->multi);
	if (t->timer)
		event_free(t->timer);
	curl_api_close(&t->api);
	free(t->proxy);
	free(t->ca_bundle);
	free(t);
}

int transport_start(struct transport *t, const struct transport_request *r, transport_done_fn fn,
		    void *ctx, struct transport_call **ret_call)
{
	struct transport_call *c;
	int err;

	err = transport_call_new(t, r, &c);
	if (err)
		return err;
	c->fn = fn;
	c->ctx = ctx;
	if (t->api.multi_add_handle(t->multi, c->easy) != CURLM_OK) {
		transport_call_free(c);
		return -ENOMEM;
	}
	c->next = t->calls;
	if (c->next)
		c->next->prev = c;
	t->calls = c;
	if (ret_call)
		*ret_call = c;
	return 0;
}

void transport_cancel(struct transport_call *call)
{
	if (!call || call->told)
		return;
	unlink_call(call);
	transport_call_free(call);
}

bool transport_header(const struct transport_answer *a, const char *name, struct buf *ret)
{
	const size_t n = strlen(name);

	for (const char *line = a->headers; *line; line += strspn(line, "\r\n")) {
		const size_t len = strcspn(line, "\r\n");
		const char *value = line + n + 1;
		size_t value_len = len > n ? len - n - 1 : 0;

		if (len > n && line[n] == ':' && !strncasecmp(line, name, n)) {
			while (value_len && isblank((unsigned char)*value)) {
				value++;
				value_len--;
			}
			while (value_len && isblank((unsigned char)value[value_len - 1]))
				value_len--;
			buf_add(ret, value, value_len);
			return true;
		}
		line += len;
	}
	return false;
}
