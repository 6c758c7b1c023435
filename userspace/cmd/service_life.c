/* SPDX-License-Identifier: MIT */
/* What happens a thousand times a second in a service's life is worth a debug message only. */
#include "cmd/service_life.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"
#include "base/util.h"
#include "cmd/life_log.h"
#include "metrics/life_metrics.h"
#include "probe/life_probe.h"

#define TIDY_NS (60 * NS_PER_SEC)

struct service_life {
	const struct config *config;
	struct service_life_hooks hooks;
	struct life_probe *probe; /* NULL: it was refused */
	struct life_metrics *metrics;
	struct event *ready;
	pid_t main; /* that user space found last */
	uint64_t lost;
	bool crash_loop;
	uint64_t tidied_ns;
	struct life_log log;
};

static uint64_t boottime_ns(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static struct life_limits limits_of(const struct config *c)
{
	return (struct life_limits){
		.crash_exits = (unsigned int)c->crash_loop_exits,
		.crash_window_ns = c->crash_loop_window_s * NS_PER_SEC,
	};
}

static void say_restart(const struct service_life *l, pid_t pid)
{
	log_info("%s was restarted: its main process is %d now", l->config->service_name, (int)pid);
}

static void say_exec(const struct life_record *r)
{
	char name[sizeof(r->comm) + 1];

	utf8_make_plain(r->comm, sizeof(r->comm), name, sizeof(name));
	log_debug("process %u is %s now", r->pid, name);
}

static void tell_exit(struct service_life *l, const struct life_record *r)
{
	uint64_t user, system;

	life_split_cpu(r, &user, &system);
	if (l->hooks.exited)
		l->hooks.exited((pid_t)r->pid, user, system,
				r->peak_pages * (uint64_t)sysconf(_SC_PAGESIZE),
				r->kind == LIFE_TAIL, l->hooks.ctx);
}

static void on_record(const struct life_record *r, void *ctx)
{
	struct service_life *l = ctx;

	if (life_metrics_add(l->metrics, r, (double)clock_realtime_ns() / (double)NS_PER_SEC)) {
		say_restart(l, (pid_t)r->pid);
		if (l->hooks.rescan) /* it may take a socket over that has been there all the time */
			l->hooks.rescan(l->hooks.ctx);
	}
	switch (r->kind) {
	case LIFE_FORK:
		log_debug("process %u forked %u", r->parent, r->pid);
		if (l->hooks.forked)
			l->hooks.forked((pid_t)r->parent, (pid_t)r->pid, r->start_ns, l->hooks.ctx);
		break;
	case LIFE_EXEC: say_exec(r); break;
	case LIFE_EXIT:
		life_log_exit(&l->log, l->config->service_name, r);
		tell_exit(l, r);
		break;
	case LIFE_TAIL: tell_exit(l, r); break;
	default: break;
	}
}

static void look_at_crashes(struct service_life *l, uint64_t now_ns)
{
	const unsigned int window = (unsigned int)l->config->crash_loop_window_s;
	unsigned int n;
	bool loop = life_metrics_crash_loop(l->metrics, now_ns, &n);

	if (loop && !l->crash_loop)
		log_warning(
			"%s is in a crash loop: its main process ended unexpectedly %u times in %u seconds",
			l->config->service_name, n, window);
	else if (!loop && l->crash_loop)
		log_info("%s is out of its crash loop", l->config->service_name);
	l->crash_loop = loop;
}

void service_life_look(struct service_life *l)
{
	const uint64_t now_ns = boottime_ns();
	struct life_totals totals;

	if (!l->probe)
		return;
	/* Totals after records: nothing is told of that is not counted. */
	life_probe_drain(l->probe);
	look_at_crashes(l, now_ns);
	life_log_look(&l->log, l->config->service_name, now_ns);
	if (life_probe_totals(l->probe, &totals) != 0)
		return;
	life_metrics_set_totals(l->metrics, &totals);
	if (totals.records_lost != l->lost && l->hooks.rescan)
		l->hooks.rescan(l->hooks.ctx);
	if (totals.records_lost != l->lost || now_ns >= l->tidied_ns + TIDY_NS) {
		life_probe_tidy(l->probe);
		l->tidied_ns = now_ns;
	}
	l->lost = totals.records_lost;
}

static void on_ready(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	service_life_look(ctx);
}

/* NULL stays where it is refused. */
static void open_probe(struct service_life *l)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);

	if (life_probe_open(false, on_record, l, &why, &l->probe) == 0) {
		life_probe_collected(l->probe);
		log_debug("lives and deaths of processes are seen by %s", life_probe_how(l->probe));
		return;
	}
	log_warning(
		"forks, exits and crashes of the service's processes are not seen, nor the CPU time of "
		"those that live for moments: %s",
		buf_str(&why));
}

static int start_events(struct service_life *l, struct event_base *base)
{
	if (!l->probe)
		return 0;
	l->ready = event_new(base, life_probe_fd(l->probe), EV_READ | EV_PERSIST, on_ready, l);
	return l->ready && event_add(l->ready, NULL) == 0 ? 0 : -ENOMEM;
}

int service_life_new(struct event_base *base, const struct config *c,
		     const struct service_life_hooks *hooks, struct service_life **ret_life)
{
	struct service_life *l = calloc(1, sizeof(*l));
	const struct life_limits limits = limits_of(c);

	if (!l)
		return -ENOMEM;
	l->config = c;
	l->hooks = *hooks;
	if (life_metrics_new(&limits, &l->metrics) != 0) {
		service_life_free(l);
		return -ENOMEM;
	}
	open_probe(l);
	if (start_events(l, base) != 0) {
		service_life_free(l);
		return -ENOMEM;
	}
	service_life_look(l);
	*ret_life = l;
	return 0;
}

void service_life_free(struct service_life *l)
{
	if (!l)
		return;
	life_log_look(&l->log, l->config->service_name, UINT64_MAX);
	if (l->ready)
		event_free(l->ready);
	life_probe_close(l->probe);
	life_metrics_free(l->metrics);
	free(l);
}

void service_life_reload(struct service_life *l, const struct config *c)
{
	const struct life_limits limits = limits_of(c);
	const bool moved = !config_same_ports(l->config, c);

	l->config = c;
	life_metrics_set_limits(l->metrics, &limits);
	if (!moved)
		return;
	/* Whoever is found on the new ports is another service, not this one restarted. */
	l->main = 0;
	life_metrics_forget_main(l->metrics);
	if (l->probe)
		life_probe_forget(l->probe);
}

static const struct member *find(const struct member *list, size_t n, pid_t pid)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].pid == pid)
			return &list[i];
	return NULL;
}

/* The topmost of the wrappers that the main process was started by; itself, if there is none. */
static pid_t topmost(const struct member *list, size_t n, const struct member *main)
{
	const struct member *top = main, *parent = main;

	for (size_t i = 0; parent && i < n; i++) {
		top = parent;
		parent = find(list, n, top->parent);
	}
	return top->pid;
}

static bool has_workers(const struct member *list, size_t n, pid_t main)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].parent == main && list[i].role == MEMBER_WORKER)
			return true;
	return false;
}

/* Whether it is one of the last main process's workers, left alone. One with workers of its own is a new
 * version of the service, which was started while the old one was still at work. */
static bool is_orphan(const struct member *list, size_t n, const struct member *main)
{
	return main->born && !find(list, n, main->parent) && !has_workers(list, n, main->pid);
}

void service_life_members(struct service_life *l, const struct member *list, size_t n)
{
	const struct member *main = n && list[0].role == MEMBER_MAIN ? &list[0] : NULL;
	pid_t *pids = calloc(n + 1, sizeof(*pids));
	bool orphan;

	for (size_t i = 0; pids && i < n; i++)
		pids[i] = list[i].pid;
	if (l->probe && pids)
		life_probe_set_members(l->probe, pids, n);
	free(pids);
	if (!main ||
	    (l->probe && life_probe_set_main(l->probe, main->pid, topmost(list, n, main)) != 0))
		return;
	orphan = is_orphan(list, n, main);
	if (main->pid != l->main && orphan)
		log_warning(
			"the main process of %s is gone: %d, which it started, goes on without it",
			l->config->service_name, (int)main->pid);
	l->main = main->pid;
	if (life_metrics_main_is(l->metrics, main->pid, orphan))
		say_restart(l, main->pid);
}

void service_life_collected(struct service_life *l)
{
	if (l->probe)
		life_probe_collected(l->probe);
}

void service_life_cgroup_kills(struct service_life *l, uint64_t kills)
{
	life_metrics_set_cgroup_kills(l->metrics, kills);
}

bool service_life_sees(const struct service_life *l)
{
	return l->probe != NULL;
}

uint64_t service_life_lost(const struct service_life *l)
{
	return l->lost;
}

const struct life_metrics *service_life_metrics(const struct service_life *l)
{
	return l->metrics;
}

void service_life_add_page(struct service_life *l, struct page *p)
{
	page_add(p, life_metrics_collect, l->metrics);
}
