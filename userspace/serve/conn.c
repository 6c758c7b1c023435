/* SPDX-License-Identifier: MIT */
/*
 * One HTTP connection on a bufferevent.
 *
 * libevent's own HTTP server is not used: in 2.1 it tells nobody of a connection that ends without
 * a request, so connections cannot be counted, its timeout starts anew with each byte, and
 * it cannot name the peer of a Unix socket. Invariant: a conn is in its pool's list from birth to death;
 * it dies in conn_close() only; stream is set only in CONN_ANSWER.
 */
#include "serve/conn.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "serve/pages.h"
#include "serve/reply.h"
#include "serve/request.h"
#include "serve/stream.h"

#define CONN_IDLE_S 120 /* longer than any sane scrape interval */
#define CONN_LINGER_S 1 /* for the client to read the answer to what it should not have sent */
#define CONN_LINGER_BYTES (256 * 1024)
#define CONN_PIECE_MAX (64u << 20)
#define CONN_WRITE_BYTES (128 * 1024)

enum conn_state {
	CONN_HEAD, /* the first request, or a byte of the next one, is awaited to its empty line */
	CONN_ANSWER, /* reading is off */
	CONN_IDLE,   /* answered, and nothing came since */
	CONN_LINGER, /* our side is closed, what still comes is thrown away */
};

struct conn {
	TAILQ_ENTRY(conn) link;
	struct conn_pool *pool;
	struct bufferevent *bev;
	struct event *timer;
	enum conn_state state;
	struct reply reply;    /* to the request that is being answered */
	struct stream *stream; /* what is left of the page */
	size_t lingered_bytes;
};

static void conn_close(struct conn *c)
{
	const struct linger reset = { .l_onoff = 1, .l_linger = 0 };

	if (c->stream)
		setsockopt(bufferevent_getfd(c->bev), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	TAILQ_REMOVE(&c->pool->all, c, link);
	c->pool->stats.open--;
	stream_close(c->stream);
	event_free(c->timer);
	bufferevent_free(c->bev);
	free(c);
}

static void set_state(struct conn *c, enum conn_state state, unsigned int limit_s)
{
	const struct timeval limit = { .tv_sec = limit_s };

	c->state = state;
	event_add(c->timer, &limit);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *c = ctx;

	(void)fd;
	(void)what;
	if (c->state == CONN_HEAD || c->state == CONN_ANSWER)
		c->pool->stats.timeouts++;
	conn_close(c);
}

/* The page is over: whatever its client does from here on, writing it is done. */
static void end_stream(struct conn *c)
{
	const struct listener_source *source = &c->pool->source;
	double seconds = stream_seconds(c->stream);

	stream_close(c->stream);
	c->stream = NULL;
	if (source->after_page)
		source->after_page(seconds, source->ctx);
}

/* Only called when the piece before has left: no more than one is in memory. On an error @c is gone. */
static int continue_stream(struct conn *c)
{
	_cleanup_(buf_done) struct buf piece = BUF_INIT(CONN_PIECE_MAX);
	bool last;
	int err;

	err = stream_read(c->stream, &piece, &last);
	if (err) {
		conn_close(c);
		return err;
	}
	reply_piece(bufferevent_get_output(c->bev), &c->reply, &piece, last);
	if (last)
		end_stream(c);
	return 0;
}

static void send_whole(struct conn *c, const struct answer *a)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	reply_head(out, &c->reply, a);
	if (c->reply.framing != REPLY_NONE)
		reply_piece(out, &c->reply, &a->body, true);
}

static void refuse(struct conn *c, unsigned int status)
{
	struct answer a;

	c->reply.framing = REPLY_LENGTH;
	c->reply.keep_alive = false;
	answer_refusal(status, &a);
	send_whole(c, &a);
	answer_done(&a);
}

/* The first piece decides: is it the last one, too, then the page goes with its length. */
static void start_page(struct conn *c, struct answer *a)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	bool last = false;

	if (stream_read(a->stream, &a->body, &last)) {
		refuse(c, 500);
		return;
	}
	if (!last)
		c->reply.framing = c->reply.http_1_0 ? REPLY_CLOSE : REPLY_CHUNKED;
	if (c->reply.framing == REPLY_CLOSE)
		c->reply.keep_alive = false;
	reply_head(out, &c->reply, a);
	reply_piece(out, &c->reply, &a->body, last);
	c->stream = take(a->stream);
	if (last)
		end_stream(c);
}

static void answer(struct conn *c, const struct request *r)
{
	struct answer a;

	c->reply = (struct reply){ .framing = r->head_only ? REPLY_NONE : REPLY_LENGTH,
				   .keep_alive = r->keep_alive,
				   .http_1_0 = r->http_1_0 };
	answer_request(&c->pool->source, c->pool->control, r, &a);
	if (a.stream)
		start_page(c, &a);
	else
		send_whole(c, &a);
	answer_done(&a);
}

/* Answers the request in the input buffer if it is there whole. */
static void take_request(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t have = evbuffer_get_length(in), n;
	unsigned int status;
	struct request r;
	char *head;

	if (have > REQUEST_HEAD_MAX)
		have = REQUEST_HEAD_MAX;
	head = (char *)evbuffer_pullup(in, (ev_ssize_t)have);
	n = head ? request_head_length(head, have) : 0;
	if (!n && have < REQUEST_HEAD_MAX)
		return;
	c->state = CONN_ANSWER;
	c->reply = (struct reply){ 0 };
	bufferevent_disable(c->bev, EV_READ);
	if (!n) {
		refuse(c, 431);
		return;
	}
	status = request_parse(head, n, &r);
	if (status)
		refuse(c, status);
	else
		answer(c, &r);
	request_done(&r);
	evbuffer_drain(in, n);
}

static void throw_away(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t n = evbuffer_get_length(in);

	evbuffer_drain(in, n);
	c->lingered_bytes += n;
	if (c->lingered_bytes > CONN_LINGER_BYTES)
		conn_close(c);
}

static void on_read(struct bufferevent *bev, void *ctx)
{
	struct conn *c = ctx;

	if (evbuffer_get_length(bufferevent_get_input(bev)) == 0)
		return;
	if (c->state == CONN_IDLE)
		set_state(c, CONN_HEAD, c->pool->limits.timeout_s);
	if (c->state == CONN_HEAD)
		take_request(c);
	else if (c->state == CONN_LINGER)
		throw_away(c);
}

static void end_answer(struct conn *c)
{
	if (c->reply.keep_alive) {
		/* Behind all others: make_room() takes the one that has been idle longest. */
		TAILQ_REMOVE(&c->pool->all, c, link);
		TAILQ_INSERT_TAIL(&c->pool->all, c, link);
		set_state(c, CONN_IDLE, CONN_IDLE_S);
	} else {
		shutdown(bufferevent_getfd(c->bev), SHUT_WR);
		set_state(c, CONN_LINGER, CONN_LINGER_S);
	}
	bufferevent_enable(c->bev, EV_READ);
	on_read(c->bev, c); /* the next request may be here already */
}

/* Called whenever the output buffer has run empty, and once at the start. */
static void on_write(struct bufferevent *bev, void *ctx)
{
	struct conn *c = ctx;

	if (c->state != CONN_ANSWER || evbuffer_get_length(bufferevent_get_output(bev)))
		return;
	/* A piece may be empty; then no more than going on brings us back here. */
	while (c->stream && !evbuffer_get_length(bufferevent_get_output(bev)))
		if (continue_stream(c))
			return;
	if (!c->stream && !evbuffer_get_length(bufferevent_get_output(bev)))
		end_answer(c);
}

static void on_event(struct bufferevent *bev, short what, void *ctx)
{
	(void)bev;
	(void)what;
	conn_close(ctx); /* the other side has gone */
}

/* Owns @fd only if it succeeds. */
static struct conn *conn_new(struct conn_pool *p, int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->pool = p;
	c->timer = evtimer_new(p->base, on_timer, c);
	if (c->timer)
		c->bev = bufferevent_socket_new(p->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev)
		return c;
	if (c->timer)
		event_free(c->timer);
	free(c);
	return NULL;
}

static void conn_start(struct conn *c, int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* fails on a Unix socket */
	TAILQ_INSERT_TAIL(&c->pool->all, c, link);
	c->pool->stats.open++;
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, REQUEST_HEAD_MAX);
	bufferevent_set_max_single_write(c->bev, CONN_WRITE_BYTES);
	set_state(c, CONN_HEAD, c->pool->limits.timeout_s);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

static bool make_room(struct conn_pool *p)
{
	struct conn *c;

	TAILQ_FOREACH(c, &p->all, link)
	{
		if (c->state != CONN_IDLE && c->state != CONN_LINGER)
			continue;
		conn_close(c);
		return true;
	}
	return false;
}

/* One write that may fail. What the client has sent already is read first, since closing with unread
 * bytes resets the connection, and the answer could be lost. */
static void turn_away(int fd)
{
	static const char text[] = "HTTP/1.1 503 Service Unavailable\r\n"
				   "Content-Type: text/plain\r\nContent-Length: 21\r\n"
				   "Retry-After: 1\r\nConnection: close\r\n\r\n"
				   "too many connections\n";
	char request[2048];

	recv(fd, request, sizeof(request), MSG_DONTWAIT);
	send(fd, text, sizeof(text) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

void conn_pool_add(struct conn_pool *p, int fd)
{
	struct conn *c;

	p->stats.accepted++;
	if (p->stats.open >= p->limits.max_connections && !make_room(p)) {
		p->stats.refused++;
		turn_away(fd);
		return;
	}
	c = conn_new(p, fd);
	if (c) {
		conn_start(c, fd);
		return;
	}
	p->stats.refused++;
	close(fd);
}

void conn_pool_init(struct conn_pool *p, struct event_base *base,
		    const struct listener_limits *limits, const struct listener_source *source,
		    bool control)
{
	*p = (struct conn_pool){
		.base = base, .source = *source, .limits = *limits, .control = control
	};
	TAILQ_INIT(&p->all);
}

void conn_pool_done(struct conn_pool *p)
{
	struct conn *c;

	while ((c = TAILQ_FIRST(&p->all)))
		conn_close(c);
}
