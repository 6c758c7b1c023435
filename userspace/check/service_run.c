/* SPDX-License-Identifier: MIT */
/* What runs the service, and who listens on its ports. Both in one check: whether the right one listens is told by the process that the
 * manager has started. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "care/service_control.h"
#include "check/listening.h"
#include "check/service_checks_impl.h"
#include "check/service_unix.h"
#include "probe/proc.h"

#define WHY_MAX 4096
#define EVIDENCE_MAX 1000
#define LINE_MAX_BYTES 200
#define ANCESTORS_MAX 64
#define START "isamon service start"
#define RESTART "isamon service restart"

struct look {
	const struct config *config;
	struct service_control *control; /* NULL: nobody is known to run it */
	struct service_state state;
	struct listening_list listening;
	struct findings *out;
	bool taken; /* nothing of the service runs, and another program has one of its ports */
};

/* --- the manager */

static const struct service_process *worst_of(const struct service_state *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->processes[i].run == s->run)
			return &s->processes[i];
	return NULL;
}

static void add_since(int64_t since_s, struct buf *out)
{
	time_t at = (time_t)since_s;
	char text[40];
	struct tm tm;

	if (since_s > 0 && localtime_r(&at, &tm) && strftime(text, sizeof(text), "%F %T", &tm))
		buf_printf(out, " since %s", text);
}

/* The last line of its log, where the manager has one. */
static void add_last_line(struct service_control *s, struct buf *out)
{
	_cleanup_(buf_done) struct buf tail = BUF_INIT(64 * 1024);
	const char *line;

	service_control_tail(s, &tail);
	while (tail.len && strchr("\n\r ", tail.data[tail.len - 1]))
		tail.data[--tail.len] = '\0';
	if (!tail.len)
		return;
	line = strrchr(tail.data, '\n');
	line = line ? line + 1 : tail.data;
	buf_printf(out, "; its log ends: %.*s", LINE_MAX_BYTES, line);
}

static void describe(const struct look *l, const struct service_process *p, struct buf *out)
{
	buf_printf(out, "%s: %s %s", service_control_manager(l->control), p->name, p->word);
	if (p->pid)
		buf_printf(out, ", process %d", (int)p->pid);
	if (p->run == SERVICE_RUNNING)
		add_since(p->since_s, out);
	if (p->run != SERVICE_RUNNING && service_exit_signal(p->exit_status))
		buf_printf(out, ", ended by signal %d", service_exit_signal(p->exit_status));
	else if (p->run != SERVICE_RUNNING && p->exit_status > 0)
		buf_printf(out, ", exit status %d", p->exit_status);
	if (*p->why)
		buf_printf(out, ": %s", p->why);
	if (p->run == SERVICE_FAILED || (p->run == SERVICE_STARTING && *p->why) ||
	    (p->run == SERVICE_STOPPED && p->exit_status > 0 && p->exit_status < 128))
		add_last_line(l->control, out);
}

/* One that ended by itself is not one that somebody stopped: STOPPED is Supervisor's word, inactive systemd's. */
static bool was_stopped(const struct service_process *p)
{
	return p->run == SERVICE_STOPPED && p->exit_status <= 0 && strcmp(p->word, "EXITED") != 0;
}

static void judge(const struct look *l, const struct service_process *p, char *meaning, size_t size,
		  struct finding_text *t)
{
	const bool supervisor = strcmp(service_control_manager(l->control), "supervisor") == 0;
	const char *manager = supervisor ? "Supervisor" : "systemd";

	t->meaning = meaning;
	t->result = FINDING_PROBLEM;
	t->remedy = "look at the end of its log, then " RESTART;
	t->fix = "service-restart";
	if (was_stopped(p)) {
		snprintf(meaning, size, "the service is stopped in %s", manager);
		t->remedy = START;
		t->fix = "service-start";
	} else if (p->run == SERVICE_STOPPED) {
		snprintf(meaning, size, "the service has ended, and %s does not start it again",
			 manager);
	} else if (p->run == SERVICE_FAILED) {
		snprintf(meaning, size, "the service does not start, and %s has given up", manager);
	} else if (p->run == SERVICE_STARTING && *p->why) {
		snprintf(meaning, size, "the service ends again and again as it is started");
	} else {
		/* It may be well in a moment. */
		snprintf(meaning, size, "the service is about to start or to stop: look again");
		t->result = FINDING_WARNING;
		t->remedy = t->fix = NULL;
		return;
	}
	if (l->taken) {
		t->remedy = "end the program that has its port, then " START;
		t->fix = NULL;
	}
}

static int tell_manager(const struct look *l)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(EVIDENCE_MAX);
	struct finding_text t = { .id = "service.manager" };
	const struct service_process *p = worst_of(&l->state);
	char meaning[160];

	if (!p)
		return findings_add(l->out,
				    &(struct finding_text){ .id = t.id, .result = FINDING_UNKNOWN },
				    "%s says nothing of it", service_control_manager(l->control));
	describe(l, p, &text);
	if (l->state.n > 1)
		buf_printf(&text, " (of %zu processes)", l->state.n);
	if (l->state.run != SERVICE_RUNNING)
		judge(l, p, meaning, sizeof(meaning), &t);
	return findings_add(l->out, &t, "%s", buf_str(&text));
}

/* It may have been started by hand: then it is only not known who would start it again. */
static int tell_no_manager(const struct look *l, int err, const char *why)
{
	const struct finding_text refused = {
		.id = "service.manager",
		.result = FINDING_UNKNOWN,
		.remedy = "run this as root",
	};
	const struct finding_text t = {
		.id = "service.manager",
		.result = err == -EACCES ? FINDING_UNKNOWN : FINDING_PROBLEM,
		.meaning = "nobody is there to start the service",
		.remedy = err == -ENOENT ? NULL : "see that it runs: systemctl status supervisor",
	};
	const struct finding_text by_hand = {
		.id = "service.manager",
		.result = FINDING_NOTE,
		.meaning = "it seems to have been started by hand; nobody would start it again",
		.remedy = t.remedy,
	};
	const struct finding_text late = {
		.id = "service.manager",
		.result = FINDING_UNKNOWN,
		.meaning =
			"systemd does not answer: whether it would start the service is not known",
		.remedy = "systemctl status; journalctl -b -p err",
	};
	bool listens = false;

	/* Supervisor answers root only. */
	if (geteuid() != 0)
		return findings_add(l->out, &refused, "%s", why);
	if (err == -ETIMEDOUT)
		return findings_add(l->out, &late, "%s", why);
	for (size_t i = 0; i < l->listening.n; i++)
		listens = listens || l->listening.items[i].port == l->config->ports[0];
	return findings_add(l->out, listens && err == -ENOENT ? &by_hand : &t, "%s", why);
}

/* --- its ports */

static bool is_of_service(const struct look *l, pid_t pid)
{
	for (int n = 0; pid > 1 && n < ANCESTORS_MAX; n++) {
		struct proc_stat stat;

		for (size_t i = 0; i < l->state.n; i++)
			if (l->state.processes[i].pid == pid)
				return true;
		if (proc_read_stat("/proc", pid, &stat) != 0)
			return false;
		pid = stat.parent;
	}
	return false;
}

static bool has_processes(const struct look *l)
{
	for (size_t i = 0; i < l->state.n; i++)
		if (l->state.processes[i].pid)
			return true;
	return false;
}

static const struct listening *find_port(const struct look *l, uint16_t port)
{
	for (size_t i = 0; i < l->listening.n; i++)
		if (l->listening.items[i].port == port)
			return &l->listening.items[i];
	return NULL;
}

/* Where the service listens instead, if it does somewhere. Returns whether that is a Unix socket. */
static bool add_other_ports(const struct look *l, struct buf *out)
{
	char path[SERVICE_UNIX_PATH_MAX];
	bool first = true;

	for (size_t i = 0; i < l->listening.n; i++) {
		const struct listening *item = &l->listening.items[i];

		if (!item->pid || !is_of_service(l, item->pid))
			continue;
		buf_add_str(out, first ? "; the service listens on " : ", ");
		listening_add_address(&item->address, item->port, out);
		first = false;
	}
	for (size_t i = 0; first && i < l->state.n; i++)
		if (service_unix_find("/proc", l->state.processes[i].pid, path)) {
			buf_printf(out, "; the service listens on the Unix socket %s", path);
			return true;
		}
	return false;
}

static int tell_nobody(const struct look *l, uint16_t port)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(EVIDENCE_MAX);
	struct finding_text t = {
		.id = "service.listening",
		.result = FINDING_PROBLEM,
		.meaning = "no request can reach the service",
		.remedy = "wait if it was just started; else look at its log, and " RESTART,
		.fix = "service-restart",
	};

	buf_printf(&text, "nobody listens on port %u", port);
	if (add_other_ports(l, &text)) {
		t.meaning = "isamon sees TCP only: nothing of the service is measured or asked";
		t.remedy = "let it listen on a port of 127.0.0.1, and nginx pass to that";
		t.fix = NULL;
	}
	return findings_add(l->out, &t, "%s", buf_str(&text));
}

static int tell_port(const struct look *l, uint16_t port)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(EVIDENCE_MAX);
	const struct listening *item = find_port(l, port);
	struct finding_text t = { .id = "service.listening" };

	if (!item)
		return tell_nobody(l, port);
	listening_describe(item, &text);
	if (l->taken || (has_processes(l) && item->pid && !is_of_service(l, item->pid))) {
		t.result = FINDING_PROBLEM;
		t.meaning = l->taken ? "another program has the port of the service, which "
				       "cannot start as long as it has" :
				       "another program has the port of the service";
		t.remedy = l->taken ? "end that program, then " START :
				      "end that program, or give one of them another port";
	}
	return findings_add(l->out, &t, "%s", buf_str(&text));
}

static bool is_taken(const struct look *l)
{
	if (!l->state.n || has_processes(l))
		return false;
	for (size_t i = 0; i < l->config->n_ports; i++) {
		const struct listening *item = find_port(l, l->config->ports[i]);

		if (item && item->pid)
			return true;
	}
	return false;
}

int service_look_run(const struct check_input *in, struct findings *out)
{
	_cleanup_(service_control_closep) struct service_control *control = NULL;
	_cleanup_(buf_done) struct buf why = BUF_INIT(WHY_MAX);
	struct look l = { .config = in->config, .out = out };
	int err_ports = listening_read("/proc", &l.listening), err;

	err = service_control_open(in->config, NULL, &why, &control);
	if (!err)
		err = service_control_state(control, &l.state, &why);
	l.control = control;
	l.taken = !err && is_taken(&l);
	err = err ? tell_no_manager(&l, err, buf_str(&why)) : tell_manager(&l);
	for (size_t i = 0; !err && !err_ports && i < in->config->n_ports; i++)
		err = tell_port(&l, in->config->ports[i]);
	listening_done(&l.listening);
	return err ?: err_ports;
}
