/* SPDX-License-Identifier: MIT */
/*
 * The listeners: accepts connections and hands them to their pool. Where accepting fails
 * for lack of descriptors or memory, the socket stays readable, so it is left alone for a moment:
 * those that wait do so in the kernel.
 */
#include "serve/listener.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "serve/conn.h"
#include "serve/socket.h"

#define LISTENER_PAUSE_US 200000

struct listener {
	struct conn_pool pool;
	struct evconnlistener *ev;
	struct event *resume;
	uint16_t port;
	char *path; /* of the Unix socket; NULL for TCP */
	struct socket_file file;
	bool failing; /* said once, until something was accepted again */
};

static void on_accept(struct evconnlistener *ev, evutil_socket_t fd, struct sockaddr *peer, int len,
		      void *ctx)
{
	struct listener *l = ctx;

	(void)ev;
	(void)peer;
	(void)len;
	l->failing = false;
	conn_pool_add(&l->pool, fd);
}

static void on_accept_error(struct evconnlistener *ev, void *ctx)
{
	const struct timeval pause = { .tv_usec = LISTENER_PAUSE_US };
	struct listener *l = ctx;
	int err = errno;

	if (!l->failing)
		log_warning("a connection to isamon cannot be accepted: %s; new ones wait",
			    strerror(err));
	l->failing = true;
	evconnlistener_disable(ev);
	event_add(l->resume, &pause);
}

static void on_resume(evutil_socket_t fd, short what, void *ctx)
{
	struct listener *l = ctx;

	(void)fd;
	(void)what;
	evconnlistener_enable(l->ev);
}

/* A client that goes while it is written to must not end the process; a handler that somebody
 * else has set stays. */
static void ignore_sigpipe(void)
{
	const struct sigaction ignore = { .sa_handler = SIG_IGN };
	struct sigaction now;

	if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
		sigaction(SIGPIPE, &ignore, NULL);
}

static void listener_freep(struct listener **l)
{
	listener_close(*l);
}

/* Takes @fd over in any case. */
static int listener_new(struct event_base *base, int fd, const struct listener_limits *limits,
			const struct listener_source *source, const char *path,
			struct listener **ret)
{
	_cleanup_(listener_freep) struct listener *l = calloc(1, sizeof(*l));

	if (!l) {
		close(fd);
		return -ENOMEM;
	}
	ignore_sigpipe();
	conn_pool_init(&l->pool, base, limits, source, path != NULL);
	l->ev = evconnlistener_new(base, on_accept, l,
				   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (!l->ev) {
		close(fd);
		return -ENOMEM;
	}
	evconnlistener_set_error_cb(l->ev, on_accept_error);
	l->resume = evtimer_new(base, on_resume, l);
	l->path = path ? strdup(path) : NULL;
	if (!l->resume || (path && !l->path))
		return -ENOMEM;
	*ret = take(l);
	return 0;
}

int listener_open_tcp(struct event_base *base, const char *address, uint16_t port,
		      const struct listener_limits *limits, const struct listener_source *source,
		      struct buf *why, struct listener **ret)
{
	uint16_t bound;
	int fd, err;

	fd = socket_listen_tcp(address, port, why, &bound);
	if (fd < 0)
		return fd;
	err = listener_new(base, fd, limits, source, NULL, ret);
	if (err) {
		buf_add_str(why, strerror(-err));
		return err;
	}
	(*ret)->port = bound;
	return 0;
}

int listener_open_unix(struct event_base *base, const char *path,
		       const struct listener_limits *limits, const struct listener_source *source,
		       struct buf *why, struct listener **ret)
{
	struct socket_file file;
	int fd, err;

	fd = socket_listen_unix(path, why, &file);
	if (fd < 0)
		return fd;
	err = listener_new(base, fd, limits, source, path, ret);
	if (err) {
		socket_unlink(path, &file);
		buf_add_str(why, strerror(-err));
		return err;
	}
	(*ret)->file = file;
	return 0;
}

uint16_t listener_port(const struct listener *l)
{
	return l->port;
}

struct listener_stats listener_stats(const struct listener *l)
{
	return l->pool.stats;
}

void listener_close(struct listener *l)
{
	if (!l)
		return;
	if (l->path)
		socket_unlink(l->path, &l->file);
	if (l->ev)
		evconnlistener_free(l->ev);
	if (l->resume)
		event_free(l->resume);
	conn_pool_done(&l->pool);
	free(l->path);
	free(l);
}
