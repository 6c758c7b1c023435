/* SPDX-License-Identifier: MIT */
/*
 * A small HTTP server on 127.0.0.1 in the test's own loop, that does as a script says: request i is answered by step i, later ones
 * by the last. It keeps what it was sent, and is no example of how to write a server.
 */
#ifndef ISAMON_HTTP_SERVER_H
#define ISAMON_HTTP_SERVER_H

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "unit/unit.h"

#define SERVER_REQUESTS_MAX 64
#define SERVER_CONNECTIONS_MAX 64
#define SERVER_BODY_MAX ((size_t)1 << 20)

enum server_then {
	SERVER_KEEP,  /* the connection stays for the next request */
	SERVER_CLOSE, /* after the answer */
	SERVER_RESET, /* likewise, with RST */
};

struct server_step {
	const char *answer; /* as it is sent; NULL or "": nothing */
	enum server_then then;
	unsigned int delay_ms; /* before it */
};

struct server_request {
	struct buf head, body;
	int connection; /* of which it came: 1 is the first */
};

struct server;

struct server_connection {
	struct server *server;
	struct bufferevent *bev;
	struct event *timer;
	const struct server_step *step; /* that waits for its time */
	int number;
	bool ending;
};

static struct server {
	struct event_base *base;
	struct evconnlistener *listener;
	const struct server_step *steps;
	size_t n_steps;
	bool deaf; /* accepts, and reads nothing */
	unsigned int port;
	int accepted;
	struct server_request requests[SERVER_REQUESTS_MAX];
	size_t n_requests;
	struct server_connection connections[SERVER_CONNECTIONS_MAX];
} server;

static void server_end(struct server_connection *c, bool reset)
{
	const struct linger at_once = { .l_onoff = 1 };

	if (!c->bev)
		return;
	if (reset)
		setsockopt(bufferevent_getfd(c->bev), SOL_SOCKET, SO_LINGER, &at_once,
			   sizeof(at_once));
	bufferevent_free(c->bev);
	event_free(c->timer);
	c->bev = NULL;
}

static void server_written(struct bufferevent *bev, void *ctx)
{
	struct server_connection *c = ctx;

	(void)bev;
	if (c->ending)
		server_end(c, false);
}

static void server_answer(evutil_socket_t fd, short what, void *ctx)
{
	struct server_connection *c = ctx;
	const char *answer = c->step->answer ? c->step->answer : "";

	(void)fd;
	(void)what;
	c->ending = c->step->then == SERVER_CLOSE;
	if (c->step->then == SERVER_RESET || (c->ending && !*answer))
		server_end(c, c->step->then == SERVER_RESET);
	else
		bufferevent_write(c->bev, answer, strlen(answer));
}

/* Takes a whole request out of what has come; returns whether there was one. */
static bool server_take(struct server_connection *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	struct server_request *r = &server.requests[server.n_requests % SERVER_REQUESTS_MAX];
	size_t head = (size_t)end.pos + 4, body = 0;
	const char *length;
	char *all;

	if (end.pos < 0)
		return false;
	all = (char *)evbuffer_pullup(in, -1);
	buf_done(&r->head);
	buf_done(&r->body);
	buf_init(&r->head, 65536);
	buf_init(&r->body, SERVER_BODY_MAX);
	buf_add(&r->head, all, head);
	length = strcasestr(buf_str(&r->head), "\r\ncontent-length:");
	if (length)
		body = strtoul(length + 17, NULL, 10);
	if (evbuffer_get_length(in) < head + body)
		return false;
	buf_add(&r->body, all + head, body);
	evbuffer_drain(in, head + body);
	r->connection = c->number;
	return true;
}

static void server_read(struct bufferevent *bev, void *ctx)
{
	struct server_connection *c = ctx;
	struct timeval in;

	(void)bev;
	if (!server_take(c))
		return;
	c->step = &server.steps[server.n_requests < server.n_steps ? server.n_requests :
								     server.n_steps - 1];
	server.n_requests++;
	in = (struct timeval){ c->step->delay_ms / 1000, c->step->delay_ms % 1000 * 1000 };
	event_add(c->timer, &in);
}

static void server_event(struct bufferevent *bev, short what, void *ctx)
{
	(void)bev;
	(void)what;
	server_end(ctx, false);
}

static void server_accept(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *peer,
			  int len, void *ctx)
{
	struct server_connection *c = &server.connections[server.accepted % SERVER_CONNECTIONS_MAX];

	(void)l;
	(void)peer;
	(void)len;
	(void)ctx;
	server_end(c, false);
	*c = (struct server_connection){ .server = &server, .number = ++server.accepted };
	c->bev = bufferevent_socket_new(server.base, fd, BEV_OPT_CLOSE_ON_FREE);
	c->timer = event_new(server.base, -1, 0, server_answer, c);
	bufferevent_setcb(c->bev, server_read, server_written, server_event, c);
	if (!server.deaf)
		bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

UNIT_USED_ static void server_start(struct event_base *base, const struct server_step *steps,
				    size_t n)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);

	server = (struct server){ .base = base, .steps = steps, .n_steps = n };
	server.listener = evconnlistener_new_bind(base, server_accept, NULL,
						  LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 64,
						  (struct sockaddr *)&address, sizeof(address));
	if (!server.listener ||
	    getsockname(evconnlistener_get_fd(server.listener), (struct sockaddr *)&address, &len))
		abort();
	server.port = ntohs(address.sin_port);
}

/* Nobody listens on the port any more; connections stay. */
UNIT_USED_ static void server_refuse(void)
{
	if (server.listener)
		evconnlistener_free(server.listener);
	server.listener = NULL;
}

UNIT_USED_ static void server_stop(void)
{
	server_refuse();
	for (size_t i = 0; i < SERVER_CONNECTIONS_MAX; i++)
		server_end(&server.connections[i], false);
	for (size_t i = 0; i < SERVER_REQUESTS_MAX; i++) {
		buf_done(&server.requests[i].head);
		buf_done(&server.requests[i].body);
	}
}

/* The value of a header of request @i, "" if it has none; valid until the next call. */
UNIT_USED_ static const char *server_header(size_t i, const char *name)
{
	static char value[8192];
	char key[128];
	const char *at;

	snprintf(key, sizeof(key), "\r\n%s:", name);
	at = i < server.n_requests ? strcasestr(buf_str(&server.requests[i].head), key) : NULL;
	if (!at)
		return "";
	at += strlen(key);
	at += strspn(at, " ");
	snprintf(value, sizeof(value), "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

/* --- the loop */

static void loop_late(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	*(bool *)ctx = true;
}

/* Runs the loop until *@n is at least @wanted; fails the case if that takes more than 20 s. */
UNIT_USED_ static bool loop_until(struct event_base *base, const unsigned int *n,
				  unsigned int wanted)
{
	const struct timeval in = { 20, 0 };
	bool late = false;
	struct event *timer = event_new(base, -1, 0, loop_late, &late);

	event_add(timer, &in);
	while (*n < wanted && !late)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(timer);
	return unit_check(!late, __FILE__, __LINE__, "%u of %u calls ended within 20 s", *n,
			  wanted);
}

/* Runs it for so long. */
UNIT_USED_ static void loop_for(struct event_base *base, unsigned int ms)
{
	const struct timeval in = { ms / 1000, ms % 1000 * 1000 };
	bool over = false;
	struct event *timer = event_new(base, -1, 0, loop_late, &over);

	event_add(timer, &in);
	while (!over)
		event_base_loop(base, EVLOOP_ONCE);
	event_free(timer);
}

#endif
