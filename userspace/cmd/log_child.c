/* SPDX-License-Identifier: MIT */
/*
 * The shipper's process. Its end is seen by the end of its socket, which it holds as long as it lives; then it is reaped.
 * Invariant: a pid that is kept was not waited for.
 */
#include "cmd/log_child.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"

/* In the child; what becomes them is held above them, so that none takes the other's place. */
#define CHILD_FD 3
#define CONFIG_FD 4
#define FD_MIN 5
#define AGAIN_MIN_MS 250u
#define AGAIN_MAX_MS 15000u
#define LIVED_NS (30 * NS_PER_SEC) /* then an end is a new one */
#define REAP_MS 20
#define END_MS 7000 /* it takes five seconds itself at most */
#define LINE_MAX_BYTES (1u << 20)
#define SILENT_NS (5 * NS_PER_SEC) /* it speaks each second, ... */
#define HUNG_NS (30 * NS_PER_SEC)  /* ... but a disk may be slow */

struct log_child {
	struct event_base *base;
	const char *program;
	const struct config *config;
	bool enabled;
	pid_t pid; /* 0: none */
	struct bufferevent *told;
	struct event *timer; /* to reap, or to start */
	uint64_t began_ns, ended_ns;
	unsigned int again_ms;
	bool ending; /* SIGTERM was sent */
	struct logs_figures before, now;
	uint64_t told_ns; /* when it spoke last */
	bool has_first;
	struct minute_counted first; /* that it told when it began */
	struct logs_page page;
	char said[LOGS_PROBLEM_MAX];
};

static void plan(struct log_child *c, unsigned int ms)
{
	const struct timeval in = { ms / 1000, ms % 1000 * 1000 };

	event_add(c->timer, &in);
}

/* --- what it tells */

static void say_problem(struct log_child *c)
{
	const char *problem = c->now.problem;

	/* What AWS does not like the child has said itself. */
	if (c->now.n_logs || !*problem || !strcmp(problem, c->said))
		return;
	log_error("logs are not shipped: %s; it is tried again", problem);
	snprintf(c->said, sizeof(c->said), "%s", problem);
}

static struct minute_counted counted(const struct logs_figures *f)
{
	return (struct minute_counted){ f->n[LOGS_COUNTED_ERRORS], f->n[LOGS_COUNTED_EXCEPTIONS] };
}

static void take_figures(struct log_child *c, const struct logs_figures *f)
{
	logs_figures_done(&c->now);
	c->now = *f;
	if (f->n[LOGS_COUNTING] && !c->has_first) {
		c->first = counted(f);
		c->has_first = true;
	}
	say_problem(c);
}

static void on_told(struct bufferevent *b, void *ctx)
{
	struct log_child *c = ctx;
	struct evbuffer *in = bufferevent_get_input(b);
	struct logs_figures f;
	size_t len;
	char *line;

	while ((line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF))) {
		c->told_ns = clock_monotonic_ns();
		if (!logs_figures_parse(line, len, &f))
			take_figures(c, &f);
		free(line);
	}
	/* Nothing of ours is as long; what comes behind it is heard again. */
	if (evbuffer_get_length(in) >= LINE_MAX_BYTES)
		evbuffer_drain(in, evbuffer_get_length(in));
}

/* --- its end */

static void forget(struct log_child *c)
{
	struct logs_figures sum;

	if (!logs_figures_sum(&c->before, &c->now, &sum)) {
		logs_figures_done(&c->before);
		c->before = sum;
	}
	logs_figures_done(&c->now);
	if (c->told)
		bufferevent_free(c->told);
	c->told = NULL;
}

static void say_end(struct log_child *c, int status)
{
	if (c->ending || (WIFEXITED(status) && *c->said))
		return;
	if (WIFSIGNALED(status))
		log_warning(
			"the process that ships logs was ended by signal %d (%s); it is started again",
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_warning(
			"the process that ships logs has ended with status %d; it is started again",
			WEXITSTATUS(status));
}

/* Returns whether it is gone. */
static bool reap(struct log_child *c)
{
	int status;
	pid_t pid = waitpid(c->pid, &status, WNOHANG);

	if (pid == 0 || (pid < 0 && errno == EINTR))
		return false;
	if (pid > 0)
		say_end(c, status);
	c->pid = 0;
	c->ending = false;
	forget(c);
	return true;
}

static void on_event(struct bufferevent *b, short what, void *ctx)
{
	struct log_child *c = ctx;

	(void)what;
	on_told(b, ctx);
	bufferevent_free(b);
	c->told = NULL;
	c->ended_ns = clock_monotonic_ns();
	plan(c, 0);
}

/* --- its beginning */

/* The text in memory that has no name, for us alone as it may hold keys. */
static int open_config(const struct config *config, int *ret_fd)
{
	_cleanup_(file_closep) int made = memfd_create("isamon.conf", MFD_CLOEXEC);
	_cleanup_(file_closep) int fd = -1;
	int err;

	if (made < 0 || fchmod(made, 0600))
		return -errno;
	fd = fcntl(made, F_DUPFD_CLOEXEC, FD_MIN);
	if (fd < 0)
		return -errno;
	err = file_write(fd, buf_str(&config->text), config->text.len);
	if (err)
		return err;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int spawn(struct log_child *c, int fd, int config_fd)
{
	char *argv[] = { (char *)(uintptr_t) "isamon",
			 (char *)(uintptr_t) "ship-logs",
			 (char *)(uintptr_t) "--fd",
			 (char *)(uintptr_t) "3",
			 (char *)(uintptr_t) "--config-fd",
			 (char *)(uintptr_t) "4",
			 c->config->state_directory ? (char *)(uintptr_t) "--state-directory" :
						      NULL,
			 c->config->state_directory,
			 NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t none, usual;
	int err;

	sigemptyset(&none);
	sigemptyset(&usual);
	for (int s = 1; s < SIGSYS; s++)
		if (s != SIGKILL && s != SIGSTOP)
			sigaddset(&usual, s);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, CHILD_FD);
	posix_spawn_file_actions_adddup2(&actions, config_fd, CONFIG_FD);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &usual);
	err = posix_spawn(&c->pid, c->program, &actions, &attr, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attr);
	if (err)
		c->pid = 0;
	return -err;
}

/* The end that we keep must not be number 3, which the child's becomes. */
static int start(struct log_child *c)
{
	_cleanup_(file_closep) int config_fd = -1;
	int ends[2], err = open_config(c->config, &config_fd);

	if (err)
		return err;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends))
		return -errno;
	err = spawn(c, ends[1], config_fd);
	close(ends[1]);
	if (!err)
		c->told = bufferevent_socket_new(c->base, ends[0], BEV_OPT_CLOSE_ON_FREE);
	if (!c->told) {
		close(ends[0]); /* which ends a child that was started */
		return err ? err : -ENOMEM;
	}
	bufferevent_setwatermark(c->told, EV_READ, 0, LINE_MAX_BYTES);
	bufferevent_setcb(c->told, on_told, NULL, on_event, c);
	bufferevent_enable(c->told, EV_READ);
	c->began_ns = c->told_ns = clock_monotonic_ns();
	c->has_first = false;
	return 0;
}

static void plan_again(struct log_child *c)
{
	plan(c, c->again_ms);
	c->again_ms = c->again_ms * 2 < AGAIN_MAX_MS ? c->again_ms * 2 : AGAIN_MAX_MS;
}

static void start_or_wait(struct log_child *c)
{
	int err = start(c);

	if (!err)
		return;
	log_error("the process that ships logs cannot be started: %s; it is tried again",
		  strerror(-err));
	plan_again(c);
}

static void plan_start(struct log_child *c)
{
	if (c->ended_ns - c->began_ns >= LIVED_NS)
		c->again_ms = AGAIN_MIN_MS;
	plan_again(c);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct log_child *c = ctx;
	const bool wanted = c->ending;

	(void)fd;
	(void)what;
	if (!c->pid) {
		if (c->enabled)
			start_or_wait(c);
		return;
	}
	if (reap(c)) {
		if (c->enabled && wanted)
			plan(c, 0);
		else if (c->enabled)
			plan_start(c);
		return;
	}
	/* It has closed its end, or was told to end: it has some seconds. */
	if (clock_monotonic_ns() - c->ended_ns > (uint64_t)END_MS * 1000000)
		kill(c->pid, SIGKILL);
	plan(c, REAP_MS);
}

static void end(struct log_child *c)
{
	if (!c->pid || c->ending)
		return;
	c->ending = true;
	c->ended_ns = clock_monotonic_ns();
	kill(c->pid, SIGTERM);
	plan(c, REAP_MS);
}

/* --- from outside */

int log_child_new(struct event_base *base, const char *program, struct log_child **ret)
{
	struct log_child *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->base = base;
	c->program = program;
	c->again_ms = AGAIN_MIN_MS;
	c->timer = evtimer_new(base, on_timer, c);
	if (!c->timer) {
		free(c);
		return -ENOMEM;
	}
	*ret = c;
	return 0;
}

void log_child_use(struct log_child *c, const struct config *config)
{
	c->config = config;
	c->enabled = config->logs_enabled;
	c->said[0] = '\0';
	c->again_ms = AGAIN_MIN_MS;
	if (c->pid)
		end(c);
	else if (c->enabled)
		plan(c, 0);
}

void log_child_free(struct log_child *c)
{
	const struct timespec pause = { .tv_nsec = REAP_MS * 1000000 };

	if (!c)
		return;
	end(c);
	while (c->pid && !reap(c)) {
		if (clock_monotonic_ns() - c->ended_ns > (uint64_t)END_MS * 1000000)
			kill(c->pid, SIGKILL);
		nanosleep(&pause, NULL);
	}
	if (c->told)
		bufferevent_free(c->told);
	event_free(c->timer);
	logs_figures_done(&c->before);
	logs_figures_done(&c->now);
	logs_figures_done(&c->page.figures);
	free(c);
}

bool log_child_enabled(const struct log_child *c)
{
	return c->enabled;
}

/* 0: it speaks, or there is none. */
static uint64_t silent_s(const struct log_child *c)
{
	const uint64_t ns = clock_monotonic_ns() - c->told_ns;

	return c->pid && ns > HUNG_NS ? ns / NS_PER_SEC : 0;
}

bool log_child_up(const struct log_child *c)
{
	return c->pid && c->now.up && !silent_s(c);
}

void log_child_counted(const struct log_child *c, struct minute_logs *ret)
{
	*ret = (struct minute_logs){
		.known = c->has_first && c->now.n[LOGS_COUNTING] &&
			 clock_monotonic_ns() - c->told_ns < SILENT_NS,
		.counter = c->began_ns,
		.first = c->first,
		.now = counted(&c->now),
	};
}

void log_child_status(struct log_child *c, struct status *s)
{
	const struct logs_figures *f = &log_child_page(c)->figures;

	if (!c->enabled)
		return;
	s->logs_on = 1;
	s->logs_events = f->n[LOGS_EVENTS];
	s->logs_backlog_bytes = f->n[LOGS_BACKLOG_BYTES];
	if (f->n[LOGS_OLDEST_S])
		s->logs_oldest_s = (double)f->n[LOGS_OLDEST_S];
	if (f->n[LOGS_LAST_SUCCESS_S])
		s->logs_success_s = (double)f->n[LOGS_LAST_SUCCESS_S];
	if (silent_s(c))
		snprintf(
			s->logs_problem, sizeof(s->logs_problem),
			"the process that ships logs (%d) has said nothing for %llu s: is it stopped, or"
			" the disk stuck? Ended with SIGKILL, it is started again",
			(int)c->pid, (unsigned long long)silent_s(c));
	else
		snprintf(s->logs_problem, sizeof(s->logs_problem), "%s",
			 c->now.n_logs || *c->now.problem ? c->now.problem : c->said);
}

struct logs_page *log_child_page(struct log_child *c)
{
	struct logs_figures sum;

	c->page.enabled = c->enabled;
	if (!logs_figures_sum(&c->before, &c->now, &sum)) {
		logs_figures_done(&c->page.figures);
		c->page.figures = sum;
	}
	return &c->page;
}
