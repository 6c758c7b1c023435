/* SPDX-License-Identifier: MIT */
/*
 * `isamon ship-logs`: the process of the daemon that ships logs, with a loop and a state file (STATE_DIRECTORY/logs.db) of its own,
 * so that neither a slow disk nor a slow file is ever waited for where requests are measured. It tells its figures through
 * the socket that it was given, and ends when nobody holds the other end.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "aws/session.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/number.h"
#include "cmd/cmd.h"
#include "cmd/log_child.h"
#include "cmd/setup.h"
#include "logs/log_push.h"

#define STOP_S 5
#define NICE 5
#define FIGURES_MAX (1u << 20)

static const char usage[] =
	"usage: isamon ship-logs [--config FILE | --config-fd N] [--state-directory DIRECTORY] [--fd N]\n"
	"\n"
	"Ships the logs of the configuration to CloudWatch Logs until SIGTERM. The daemon starts it by itself, if\n"
	"[logs] enabled is yes; there is no need to start it by hand.\n"
	"\n"
	"  --config FILE  configuration (default /etc/isamon/isamon.conf, if it is there)\n"
	"  --config-fd N  a descriptor that it is read from\n"
	"  --state-directory DIRECTORY\n"
	"                 instead of the configuration's\n"
	"  --fd N         where figures are told, as lines of JSON\n";

enum { SHIP_TERM, SHIP_INT, SHIP_GONE, SHIP_TELL, SHIP_STOP, SHIP_EVENTS };

struct ship_options {
	const char *path;
	int config_fd; /* -1: by the path */
	const char *state_directory;
	int fd;
};

struct ship {
	struct config *config;
	int fd; /* -1: nobody is told */
	struct event_base *base;
	struct store *store;
	struct positions *positions;
	struct aws_session *session;
	struct log_push *push;
	struct event *events[SHIP_EVENTS];
	struct buf told; /* last */
	size_t at;       /* of it, what was written */
};

/* --- telling */

/* What the socket does not take now stays for the next second. */
static void send_told(struct ship *s)
{
	while (s->at < s->told.len) {
		ssize_t n = send(s->fd, s->told.data + s->at, s->told.len - s->at, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		s->at += (size_t)n;
	}
}

static void tell(struct ship *s, const struct logs_figures *f)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT(FIGURES_MAX);

	if (s->fd < 0)
		return;
	send_told(s);
	if (s->at < s->told.len || logs_figures_write(f, &line))
		return;
	if (strcmp(buf_str(&line), buf_str(&s->told)) == 0) {
		(void)send(s->fd, "\n", 1, MSG_NOSIGNAL); /* it lives, and has nothing new */
		return;
	}
	buf_reset(&s->told);
	s->at = buf_add(&s->told, line.data, line.len) ? s->told.len : 0;
	send_told(s);
}

static void tell_now(struct ship *s)
{
	struct logs_figures f = { 0 };

	if (!log_push_figures(s->push, &f))
		tell(s, &f);
	logs_figures_done(&f);
}

static void schedule(struct ship *s, int event, int seconds)
{
	const struct timeval in = { .tv_sec = seconds };

	event_add(s->events[event], &in);
}

static void on_tell(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	tell_now(ctx);
	schedule(ctx, SHIP_TELL, 1);
}

/* --- the end */

static void on_stopped(void *ctx)
{
	struct ship *s = ctx;

	event_base_loopbreak(s->base);
}

static void on_stop(evutil_socket_t fd, short what, void *ctx)
{
	struct ship *s = ctx;

	(void)fd;
	(void)what;
	event_del(s->events[SHIP_GONE]);
	log_push_stop(s->push, on_stopped, s);
	schedule(s, SHIP_STOP, STOP_S);
}

static void on_stop_time(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	log_warning(
		"a call to CloudWatch Logs takes long, and is not waited for: its events may be there twice");
	on_stopped(ctx);
}

/* Nobody writes to us: it is readable when the other end is closed. */
static void on_gone(evutil_socket_t fd, short what, void *ctx)
{
	char byte;

	if (read(fd, &byte, 1) > 0)
		return;
	on_stop(fd, what, ctx);
}

/* --- the beginning */

static void on_identity(void *ctx)
{
	struct ship *s = ctx;

	if (s->push)
		log_push_wake(s->push);
}

static int open_state(struct ship *s, struct buf *why)
{
	int err = store_open_file(s->base, s->config->state_directory, LOG_CHILD_STATE_FILE, why,
				  &s->store);

	return err ? err : positions_open(s->store, why, &s->positions);
}

/* Whether the daemon wants to know what is counted in the logs, and that it is alive. */
static bool counts(const struct config *c)
{
	return c->cloudwatch_enabled && (c->cloudwatch_log_errors || c->cloudwatch_exceptions);
}

static int open_push(struct ship *s, struct buf *why)
{
	const struct log_push_options o = {
		.group = s->config->logs_group,
		.retention_days = (unsigned int)s->config->logs_retention_days,
		.compress = true,
		.count = counts(s->config),
	};
	int err = aws_session_new(s->base, s->config, on_identity, s, why, &s->session);

	if (err)
		return err;
	return log_push_new(s->base, s->positions, aws_session_client(s->session),
			    aws_session_identity(s->session),
			    (const struct config_log *const *)s->config->logs, s->config->n_logs,
			    &o, &s->push);
}

static int open_events(struct ship *s)
{
	s->events[SHIP_TERM] = evsignal_new(s->base, SIGTERM, on_stop, s);
	s->events[SHIP_INT] = evsignal_new(s->base, SIGINT, on_stop, s);
	s->events[SHIP_GONE] = event_new(s->base, s->fd, EV_READ | EV_PERSIST, on_gone, s);
	s->events[SHIP_TELL] = evtimer_new(s->base, on_tell, s);
	s->events[SHIP_STOP] = evtimer_new(s->base, on_stop_time, s);
	for (int i = 0; i < SHIP_EVENTS; i++)
		if (!s->events[i])
			return -ENOMEM;
	if (event_add(s->events[SHIP_TERM], NULL) || event_add(s->events[SHIP_INT], NULL) ||
	    (s->fd >= 0 && event_add(s->events[SHIP_GONE], NULL)))
		return -ENOMEM;
	schedule(s, SHIP_TELL, 1);
	return 0;
}

/* What no child of ours has to see is closed. */
static int load(struct ship *s, const struct ship_options *o, struct buf *why)
{
	struct route_patterns *patterns;
	char own[40];
	int err;

	snprintf(own, sizeof(own), "/proc/self/fd/%d", o->config_fd);
	err = setup_load(o->config_fd < 0 ? o->path : own, why, &s->config, &patterns);
	if (o->config_fd >= 0)
		close(o->config_fd);
	if (err)
		return err;
	route_patterns_free(patterns);
	if (!o->state_directory)
		return 0;
	free(s->config->state_directory);
	s->config->state_directory = strdup(o->state_directory);
	return s->config->state_directory ? 0 : -ENOMEM;
}

static int begin(struct ship *s, const struct ship_options *o, struct buf *why)
{
	int err = load(s, o, why);

	if (err)
		return err;
	log_set_level(s->config->log_level);
	s->base = event_base_new();
	if (!s->base)
		return -ENOMEM;
	err = open_state(s, why);
	if (!err)
		err = open_push(s, why);
	if (!err)
		err = open_events(s);
	if (err)
		return err;
	tell_now(s); /* what was counted before, nothing of it by us */
	memory_trim();
	return 0;
}

static void end(struct ship *s)
{
	if (s->push)
		tell_now(s);
	log_push_free(s->push);
	aws_session_free(s->session);
	positions_close(s->positions);
	store_close(s->store);
	for (int i = 0; i < SHIP_EVENTS; i++)
		if (s->events[i])
			event_free(s->events[i]);
	if (s->base)
		event_base_free(s->base);
	config_free(s->config);
	buf_done(&s->told);
}

/* The daemon says why, once; on a terminal we do. */
static void say_failure(struct ship *s, int err, const struct buf *why)
{
	struct logs_figures f = { 0 };
	const char *text = why->len ? buf_str(why) : strerror(-err);

	if (s->fd < 0)
		log_error("logs are not shipped: %s", text);
	snprintf(f.problem, sizeof(f.problem), "%.*s", (int)sizeof(f.problem) - 1, text);
	tell(s, &f);
}

static int parse_fd(const char *text, int *ret_fd)
{
	uint64_t fd;
	int err = number_parse_u64(text, 3, 1023, &fd);

	if (!err)
		*ret_fd = (int)fd;
	return err;
}

static int parse(int argc, char **argv, struct ship_options *ret)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "config-fd", required_argument, NULL, 'C' },
		{ "state-directory", required_argument, NULL, 's' },
		{ "fd", required_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c, err = 0;

	while (!err && (c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (c) {
		case 'c': ret->path = optarg; break;
		case 'C': err = parse_fd(optarg, &ret->config_fd); break;
		case 's': ret->state_directory = optarg; break;
		case 'f': err = parse_fd(optarg, &ret->fd); break;
		case 'h': fputs(usage, stdout); return 1;
		default: err = -EINVAL;
		}
	}
	return err || optind < argc || (ret->path && ret->config_fd >= 0) ? -EINVAL : 0;
}

static int use_socket(int fd)
{
	if (fd < 0)
		return 0;
	/* A daemon that dies takes us with it, even if the socket's end is held by somebody. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) || fcntl(fd, F_SETFL, O_NONBLOCK))
		return -errno;
	return 0;
}

int cmd_ship_logs(int argc, char **argv)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(64 * 1024);
	struct ship s = { .told = BUF_INIT(FIGURES_MAX) };
	struct ship_options o = { .config_fd = -1, .fd = -1 };
	int err = parse(argc, argv, &o);

	if (err) {
		if (err < 0)
			fputs(usage, stderr);
		return err < 0 ? CMD_USAGE : CMD_OK;
	}
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	setpriority(PRIO_PROCESS, 0, NICE);
	s.fd = o.fd;
	err = use_socket(s.fd);
	if (!err)
		err = begin(&s, &o, &why);
	if (err)
		say_failure(&s, err, &why);
	else if (event_base_dispatch(s.base) < 0)
		err = -EIO;
	end(&s);
	return err ? CMD_FAILED : CMD_OK;
}
