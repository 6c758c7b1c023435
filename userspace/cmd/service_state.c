/* SPDX-License-Identifier: MIT */
/* One place where the probes of the service's state meet their metrics; each part has a few lines here. */
#include "cmd/service_state.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/pressure_watch.h"
#include "cmd/service_life.h"
#include "cmd/service_processes.h"
#include "cmd/status_fill.h"

/* How old the figures of processes may be: on a page, and for who looks several times a second. */
#define PAGE_AGE_NS NS_PER_SEC
#define TOP_AGE_NS 150000000
#define SERVING_MAX 256

struct service_state {
	struct event_base *base;
	const struct config *config;
	struct pressure_watch pressure;
	struct service_life *life;
	struct service_processes *processes;
	/* Main processes and workers of a second ago: a look at /proc may have found that one has gone before its end
	 * is told of. More than these are taken for helpers if that happens. */
	pid_t serving[SERVING_MAX];
	size_t n_serving;
};

/* --- between the set of processes and their lives */

static void on_forked(pid_t parent, pid_t child, uint64_t start_ns, void *ctx)
{
	struct service_state *s = ctx;

	service_processes_forked(s->processes, parent, child, start_ns);
}

static bool on_served(pid_t pid, void *ctx)
{
	const struct service_state *s = ctx;
	const struct member *list;
	size_t n;

	list = service_processes_list(s->processes, &n);
	for (size_t i = 0; i < n; i++)
		if (list[i].pid == pid)
			return list[i].role != MEMBER_HELPER;
	for (size_t i = 0; i < s->n_serving; i++)
		if (s->serving[i] == pid)
			return true;
	return false;
}

/* When all ends were told of. */
static void note_serving(struct service_state *s)
{
	const struct member *list;
	size_t n;

	list = service_processes_list(s->processes, &n);
	s->n_serving = 0;
	for (size_t i = 0; i < n && s->n_serving < SERVING_MAX; i++)
		if (list[i].role != MEMBER_HELPER)
			s->serving[s->n_serving++] = list[i].pid;
}

static void on_exited(const struct process_end *end, void *ctx)
{
	struct service_state *s = ctx;

	service_processes_exited(s->processes, end);
}

static void on_rescan(void *ctx)
{
	struct service_state *s = ctx;

	service_processes_rescan(s->processes);
}

/* The set was looked up anew, and sampled. */
static void on_members(pid_t gone, void *ctx)
{
	struct service_state *s = ctx;
	const struct member *list;
	size_t n;

	if (gone || !s->life)
		return;
	list = service_processes_list(s->processes, &n);
	service_life_members(s->life, list, n);
	service_life_collected(s->life);
}

int service_state_new(struct event_base *base, const struct config *c,
		      struct service_state **ret_state)
{
	struct service_state *s = calloc(1, sizeof(*s));
	const struct service_life_hooks hooks = {
		.served = on_served,
		.forked = on_forked,
		.exited = on_exited,
		.rescan = on_rescan,
		.ctx = s,
	};

	if (!s)
		return -ENOMEM;
	s->base = base;
	s->config = c;
	if (pressure_watch_open(&s->pressure, c) ||
	    service_processes_new(base, c, on_members, s, &s->processes) ||
	    service_life_new(base, c, &hooks, &s->life)) {
		service_state_free(s);
		return -ENOMEM;
	}
	*ret_state = s;
	return 0;
}

void service_state_free(struct service_state *s)
{
	if (!s)
		return;
	pressure_watch_close(&s->pressure);
	service_life_free(s->life);
	service_processes_free(s->processes);
	free(s);
}

void service_state_reload(struct service_state *s, const struct config *c)
{
	s->config = c;
	pressure_watch_reload(&s->pressure, c);
	service_life_reload(s->life, c);
	service_processes_reload(s->processes, c);
}

void service_state_second(struct service_state *s)
{
	service_life_look(s->life);
	note_serving(s);
	service_processes_look(s->processes, service_life_sees(s->life));
}

void service_state_refresh(struct service_state *s)
{
	service_life_look(s->life);
	if (service_processes_collect(s->processes, PAGE_AGE_NS))
		service_life_collected(s->life);
	pressure_watch_look(&s->pressure, service_processes_main(s->processes));
	if (s->pressure.figures.has_memory)
		service_life_cgroup_kills(s->life,
					  pressure_cgroup(s->pressure.probe)->memory_oom_kill);
}

void service_state_probes(const struct service_state *s, struct self *self)
{
	self_probe(self, "tasks", service_processes_iterates(s->processes));
	self_probe(self, "life", service_life_sees(s->life));
	if (service_life_sees(s->life))
		self_lost(self, "life", service_life_lost(s->life));
	self_probe(self, "listen_queue", s->pressure.sees_queues);
}

void service_state_use_http(struct service_state *s, struct http_metrics *m)
{
	service_processes_use_http(s->processes, m);
}

int service_state_write_processes(struct buf *out, void *ctx)
{
	struct service_state *s = ctx;

	if (service_processes_collect(s->processes, TOP_AGE_NS))
		service_life_collected(s->life);
	return process_metrics_write_json(service_processes_metrics(s->processes), out);
}

void service_state_add_pages(struct service_state *s, struct page *p)
{
	service_processes_add_page(s->processes, p);
	page_add(p, pressure_metrics_collect, &s->pressure.figures);
	service_life_add_page(s->life, p);
}

const struct pressure_figures *service_state_pressure(const struct service_state *s)
{
	return &s->pressure.figures;
}

void service_state_usage(struct service_state *s, struct service_usage *ret_usage)
{
	struct process_summary sum;
	size_t n = 0;

	service_life_look(s->life);
	if (service_processes_collect(s->processes, TOP_AGE_NS))
		service_life_collected(s->life);
	process_metrics_summary(service_processes_metrics(s->processes), &sum);
	for (unsigned int role = 0; role < PROCESS_N_ROLES; role++)
		n += sum.processes[role];
	*ret_usage = (struct service_usage){
		.known = n > sum.unsampled,
		.processes = n,
		.cpu_ns = sum.user_ns + sum.system_ns,
		.cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN),
		.memory_ratio = sum.memory_ratio,
		.restarts = life_metrics_restarts(service_life_metrics(s->life)),
		.workers = sum.processes[PROCESS_WORKER] ? sum.processes[PROCESS_WORKER] :
							   sum.processes[PROCESS_MAIN],
		.has_delay = sum.has_delay,
		.delay_ns = sum.delay_ns,
		.memory_bytes = sum.memory_bytes,
		.open_fds = sum.open_fds,
		.least_free_fds = sum.least_free_fds,
	};
}

void service_state_status(const struct service_state *s, struct status *status)
{
	struct process_summary processes;
	struct life_summary life;

	process_metrics_summary(service_processes_metrics(s->processes), &processes);
	status_fill_processes(&processes, service_processes_main(s->processes), status);
	life_metrics_summary(service_life_metrics(s->life), &life);
	status_fill_life(&life, status);
}
