/* SPDX-License-Identifier: MIT */
/*
 * Orders, and the waiting for what was ordered. Invariant: every loop here ends at its deadline. That the service has ended is
 * believed when it was seen for a while: managers pass through such states on their way to another try.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "base/util.h"
#include "care/service_control_impl.h"

#define LOOK_MS 100
#define SETTLED_MS 2000 /* supervisord looks at its children once a second */
#define HEALTHY_TIMES 3
#define HEALTH_PAUSE_MS 200
#define HEALTH_MS 5000
#define TAIL_MAX 8192
#define TAIL_LINES 8
#define LINE_MAX_BYTES 200

struct wait {
	uint64_t end_ns;
	unsigned int timeout_ms;
	struct service_state state;
	uint64_t ended_since_ns; /* 0: it has not ended */
};

static void begin(struct wait *w, unsigned int timeout_ms, uint64_t default_s)
{
	*w = (struct wait){ .timeout_ms = timeout_ms ?: (unsigned int)default_s * 1000 };
	w->end_ns = clock_monotonic_ns() + w->timeout_ms * NS_PER_MS;
}

static unsigned int left_ms(const struct wait *w)
{
	uint64_t now_ns = clock_monotonic_ns();

	return now_ns < w->end_ns ? (unsigned int)((w->end_ns - now_ns) / NS_PER_MS) + 1 : 0;
}

static void nap(unsigned int ms)
{
	poll(NULL, 0, (int)ms);
}

static bool is_end(enum service_run run)
{
	return run == SERVICE_STOPPED || run == SERVICE_FAILED || run == SERVICE_UNKNOWN;
}

static int look(struct service_control *s, struct wait *w, struct buf *why)
{
	_cleanup_(buf_done) struct buf line = BUF_INIT(1024);
	int err = service_control_state(s, &w->state, why);

	if (err)
		return err;
	if (!is_end(w->state.run))
		w->ended_since_ns = 0;
	else if (!w->ended_since_ns)
		w->ended_since_ns = clock_monotonic_ns();
	service_control_describe(&w->state, &line);
	service_control_tell(s, buf_str(&line));
	return 0;
}

static bool has_ended(const struct wait *w)
{
	return w->ended_since_ns &&
	       clock_monotonic_ns() - w->ended_since_ns >= SETTLED_MS * NS_PER_MS;
}

/* The last lines of the log, each made plain and cut. */
static void add_tail(struct service_control *s, struct buf *why)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(TAIL_MAX);
	const char *at, *from;
	size_t n = 0;

	s->ops->tail(s->manager, &text);
	while (text.len && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	if (!text.len)
		return;
	for (from = text.data + text.len; from > text.data; from--)
		if (from[-1] == '\n' && ++n == TAIL_LINES)
			break;
	buf_add_str(why, "; the last lines of its log:");
	for (at = from; *at; at += strcspn(at, "\n"), at += *at == '\n') {
		char line[LINE_MAX_BYTES + 1];

		utf8_make_plain(at, strcspn(at, "\n"), line, sizeof(line));
		buf_printf(why, "\n    %s", line);
	}
}

static int ended(struct service_control *s, const struct wait *w, struct buf *why)
{
	buf_add_str(why, "it does not run: ");
	service_control_describe(&w->state, why);
	add_tail(s, why);
	return -EHOSTDOWN;
}

static int too_late(struct service_control *s, const struct wait *w, const char *what,
		    const char *last, struct buf *why)
{
	buf_printf(why, "not %s within %u s: ", what, (w->timeout_ms + 999) / 1000);
	if (*last)
		buf_add_str(why, last);
	else
		service_control_describe(&w->state, why);
	if (strcmp(what, "stopped") != 0)
		add_tail(s, why);
	return -ETIMEDOUT;
}

/* @other_than: a process that must be gone; 0: none. */
static int wait_running(struct service_control *s, struct wait *w, pid_t other_than,
			struct buf *why)
{
	for (;;) {
		int err = look(s, w, why);

		if (err)
			return err;
		if (w->state.run == SERVICE_RUNNING &&
		    (!other_than || w->state.processes[0].pid != other_than))
			return 0;
		if (has_ended(w))
			return ended(s, w, why);
		if (!left_ms(w))
			return too_late(s, w, "running", "", why);
		nap(LOOK_MS);
	}
}

static bool same_processes(const struct service_state *a, const struct service_state *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (a->processes[i].pid != b->processes[i].pid)
			return false;
	return true;
}

static int wait_healthy(struct service_control *s, struct wait *w, struct buf *why)
{
	struct health h = { .ok = false };
	struct service_state before;
	unsigned int times = 0, ms;
	int err;

	err = look(s, w, why);
	while (!err) {
		if (has_ended(w))
			return ended(s, w, why);
		ms = left_ms(w);
		if (!ms)
			return too_late(s, w, "healthy", h.why, why);
		before = w->state;
		if (service_control_health(s, ms < HEALTH_MS ? ms : HEALTH_MS, &h))
			times++;
		else
			times = 0;
		if (!h.ok)
			service_control_tell(s, h.why);
		err = look(s, w, why);
		if (w->state.run != SERVICE_RUNNING || !same_processes(&before, &w->state))
			times = 0;
		if (!err && times >= HEALTHY_TIMES)
			return 0;
		nap(HEALTH_PAUSE_MS);
	}
	return err;
}

/* What refuses to be executed at all is the service's fault, not the manager's. */
static int ordered(int err)
{
	return err == -ENOEXEC ? -EHOSTDOWN : err;
}

static bool any_is(const struct service_state *s, enum service_run run)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->processes[i].run == run)
			return true;
	return false;
}

static bool all_ended(const struct service_state *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!is_end(s->processes[i].run))
			return false;
	return true;
}

static int wait_left(struct service_control *s, struct wait *w, struct buf *why)
{
	while (any_is(&w->state, SERVICE_STOPPING)) {
		int err = look(s, w, why);

		if (err)
			return err;
		if (!left_ms(w))
			return too_late(s, w, "stopped", "", why);
		nap(LOOK_MS);
	}
	return 0;
}

static int start(struct service_control *s, struct wait *w, struct buf *why)
{
	int err = look(s, w, why);

	if (!err)
		err = wait_left(s, w, why);
	if (!err && w->state.run != SERVICE_RUNNING)
		err = ordered(s->ops->start(s->manager, why));
	w->ended_since_ns = 0;
	if (!err)
		err = wait_running(s, w, 0, why);
	return err ? err : wait_healthy(s, w, why);
}

int service_control_start(struct service_control *s, unsigned int timeout_ms, struct buf *why)
{
	struct wait w;

	begin(&w, timeout_ms, s->c->service_start_timeout_s);
	return start(s, &w, why);
}

/* The port that is still listened on; 0: none, or it is not known. */
static uint16_t listened_on(struct service_control *s)
{
	bool up[CONFIG_PORTS_MAX] = { false };

	if (!s->hooks.listening || s->hooks.listening(s->c->ports, s->c->n_ports, up, s->hooks.ctx))
		return 0;
	for (size_t i = 0; i < s->c->n_ports; i++)
		if (up[i])
			return s->c->ports[i];
	return 0;
}

static int wait_quiet(struct service_control *s, struct wait *w, struct buf *why)
{
	char line[128];
	uint16_t port;

	while ((port = listened_on(s))) {
		snprintf(line, sizeof(line),
			 "%s has stopped it, but somebody still listens on port %u", s->ops->name,
			 port);
		service_control_tell(s, line);
		if (!left_ms(w))
			return too_late(s, w, "stopped", line, why);
		nap(LOOK_MS);
	}
	return 0;
}

static int stop(struct service_control *s, struct wait *w, struct buf *why)
{
	int err = look(s, w, why);

	if (!err && !all_ended(&w->state))
		err = s->ops->stop(s->manager, why);
	while (!err) {
		err = look(s, w, why);
		if (err || all_ended(&w->state))
			break;
		if (!left_ms(w))
			return too_late(s, w, "stopped", "", why);
		nap(LOOK_MS);
	}
	return err ? err : wait_quiet(s, w, why);
}

int service_control_stop(struct service_control *s, unsigned int timeout_ms, struct buf *why)
{
	struct wait w;

	begin(&w, timeout_ms, s->c->service_stop_timeout_s);
	return stop(s, &w, why);
}

int service_control_restart(struct service_control *s, unsigned int timeout_ms, struct buf *why)
{
	struct wait w;
	pid_t before;
	int err;

	if (!s->ops->restart) {
		err = service_control_stop(s, timeout_ms, why);
		return err ? err : service_control_start(s, timeout_ms, why);
	}
	begin(&w, timeout_ms, s->c->service_stop_timeout_s + s->c->service_start_timeout_s);
	err = look(s, &w, why);
	before = w.state.run == SERVICE_RUNNING ? w.state.processes[0].pid : 0;
	if (!err)
		err = ordered(s->ops->restart(s->manager, why));
	w.ended_since_ns = 0;
	if (!err)
		err = wait_running(s, &w, before, why);
	return err ? err : wait_healthy(s, &w, why);
}

static int wait_reloaded(struct service_control *s, struct wait *w, struct buf *why)
{
	const struct service_process *p = &w->state.processes[0];

	for (;;) {
		int err = look(s, w, why);

		if (err)
			return err;
		if (!w->state.n || !p->reloading)
			break;
		if (!left_ms(w))
			return too_late(s, w, "reloaded", "", why);
		nap(LOOK_MS);
	}
	if (!w->state.n || !p->reload_failed)
		return 0;
	buf_printf(why, "%s runs on, but what its unit has for a reload (ExecReload=) failed",
		   p->name);
	add_tail(s, why);
	return -EHOSTDOWN;
}

int service_control_reload(struct service_control *s, unsigned int timeout_ms, struct buf *why)
{
	struct wait w;
	int err;

	begin(&w, timeout_ms, s->c->service_start_timeout_s);
	err = s->ops->reload(s->manager, why);
	if (!err)
		err = wait_reloaded(s, &w, why);
	return err ? err : wait_healthy(s, &w, why);
}
