/* SPDX-License-Identifier: MIT */
/* Members, samples and metrics are three modules that do not know each other: this one carries between them. */
#include "cmd/service_processes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/util.h"
#include "cmd/process_sampler.h"
#include "probe/proc.h"
#include "probe/task_probe.h"

#define STEP_NS 2000000
#define STEP_PAUSE_US 8000
#define SAMPLE_PAUSE_US 18000 /* between steps of 2 ms: a tenth of a CPU */

_Static_assert((int)PROCESS_MAIN == (int)MEMBER_MAIN && (int)PROCESS_HELPER == (int)MEMBER_HELPER &&
		       (int)PROCESS_N_ROLES == (int)MEMBER_N_ROLES,
	       "the same roles on both floors");

struct service_processes {
	const struct config *config;
	service_processes_fn fn;
	void *ctx;
	struct members *members;
	struct task_probe *probe;
	struct process_metrics *metrics;
	struct process_sampler sampler;
	struct event *step;
	struct event *sample;
	uint64_t collected_ns;
	unsigned int n_nobody; /* passes in a row that found nobody */
};

static uint64_t boottime_ns(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

/* The clock of the day may be set later: the start of a process must not seem to move, so once. */
static void set_host(struct service_processes *p)
{
	const struct process_host host = {
		.cpus = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN),
		.memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
		.booted_s =
			((double)clock_realtime_ns() - (double)boottime_ns()) / (double)NS_PER_SEC,
	};

	process_metrics_set_host(p->metrics, &host);
}

static void collect(struct service_processes *p, uint64_t now_ns);

/* Of a service that is just ending there is nobody either: the second pass in a row tells. */
static void say_nobody(struct service_processes *p)
{
	size_t n;

	members_list(p->members, &n);
	p->n_nobody = n ? 0 : p->n_nobody + (p->n_nobody < 3);
	if (p->n_nobody == 2)
		log_warning(
			"no process is found that listens on %s's ports: isamon must be in the host's "
			"PID namespace and see all of /proc (root, or CAP_SYS_PTRACE and "
			"CAP_DAC_READ_SEARCH); its processes are not measured",
			p->config->service_name);
}

static void step(struct service_processes *p)
{
	const struct timeval pause = { .tv_usec = STEP_PAUSE_US };

	if (!members_busy(p->members))
		return;
	if (members_step(p->members, STEP_NS)) {
		say_nobody(p);
		collect(p,
			clock_monotonic_ns()); /* what newcomers did before is theirs, not news */
		p->fn(0, p->ctx);
	}
	if (members_busy(p->members))
		event_add(p->step, &pause);
}

static void on_step(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	step(ctx);
}

static void go_on(struct service_processes *p);

static void on_sample(evutil_socket_t fd, short what, void *ctx)
{
	(void)fd;
	(void)what;
	go_on(ctx);
}

/* What the configuration says of sampling. */
static void set_sampler(struct service_processes *p, const struct config *c)
{
	p->sampler.service = c->service_name;
	p->sampler.pss_interval_ns = c->pss_interval_s * NS_PER_SEC;
}

static void service_processes_freep(struct service_processes **p)
{
	service_processes_free(*p);
}

int service_processes_new(struct event_base *base, const struct config *c, service_processes_fn fn,
			  void *ctx, struct service_processes **ret_processes)
{
	_cleanup_(service_processes_freep) struct service_processes *p = calloc(1, sizeof(*p));
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);

	if (!p)
		return -ENOMEM;
	p->config = c;
	p->fn = fn;
	p->ctx = ctx;
	p->step = evtimer_new(base, on_step, p);
	p->sample = evtimer_new(base, on_sample, p);
	if (!p->step || !p->sample || members_new("/proc", &p->members) ||
	    task_probe_open(&why, &p->probe) || process_metrics_new(boottime_ns(), &p->metrics))
		return -ENOMEM;
	p->sampler.probe = p->probe;
	p->sampler.metrics = p->metrics;
	set_sampler(p, c);
	if (why.len)
		log_info("%s: the figures of processes are read off /proc", buf_str(&why));
	set_host(p);
	members_set_ports(p->members, c->ports, c->n_ports);
	*ret_processes = take(p);
	return 0;
}

void service_processes_free(struct service_processes *p)
{
	if (!p)
		return;
	if (p->step)
		event_free(p->step);
	if (p->sample)
		event_free(p->sample);
	members_free(p->members);
	task_probe_close(p->probe);
	process_metrics_free(p->metrics);
	free(p);
}

void service_processes_reload(struct service_processes *p, const struct config *c)
{
	const struct config *old = p->config;

	p->config = c;
	p->n_nobody = 0;
	set_sampler(p, c);
	if (!config_same_ports(old, c))
		members_set_ports(p->members, c->ports, c->n_ports);
}

void service_processes_use_http(struct service_processes *p, struct http_metrics *m)
{
	p->sampler.http = m;
}

void service_processes_look(struct service_processes *p, bool fed)
{
	members_look(p->members, fed, clock_monotonic_ns());
	if (members_busy(p->members) && !evtimer_pending(p->step, NULL))
		step(p);
}

/* --- a collection */

/* Who is there now, behind some samples. Without memory for that all stays as it was. */
static void tell(struct service_processes *p, uint64_t now_ns)
{
	const struct member *list;
	struct process_id *ids;
	size_t n;

	list = members_list(p->members, &n);
	ids = calloc(n + 1, sizeof(*ids));
	for (size_t i = 0; ids && i < n; i++)
		ids[i] = (struct process_id){ list[i].start_ticks, list[i].pid,
					      (enum process_role)list[i].role };
	if (ids)
		process_metrics_update(p->metrics, ids, n, p->sampler.begun_ns, now_ns);
	free(ids);
}

static void forget(struct service_processes *p, const struct process_gone *gone)
{
	for (size_t i = 0; i < gone->n; i++) {
		members_exited(p->members, gone->pids[i]);
		if (p->sampler.http)
			http_metrics_forget_worker(p->sampler.http, (uint32_t)gone->pids[i]);
		p->fn(gone->pids[i], p->ctx);
	}
}

/* The rest of it, in the background. */
static void plan(struct service_processes *p)
{
	const struct timeval pause = { .tv_usec = SAMPLE_PAUSE_US };

	if (process_sampler_busy(&p->sampler))
		event_add(p->sample, &pause);
}

static void collect(struct service_processes *p, uint64_t now_ns)
{
	const struct member *list;
	struct process_gone gone;
	size_t n;

	members_settle(p->members);
	list = members_list(p->members, &n);
	process_sampler_begin(&p->sampler, list, n, &gone);
	forget(p, &gone);
	tell(p, now_ns);
	p->collected_ns = now_ns;
	plan(p);
}

static void go_on(struct service_processes *p)
{
	const struct member *list;
	struct process_gone gone;
	size_t n;

	list = members_list(p->members, &n);
	process_sampler_step(&p->sampler, list, n, &gone);
	forget(p, &gone);
	tell(p, clock_monotonic_ns());
	plan(p);
}

bool service_processes_collect(struct service_processes *p, uint64_t age_ns)
{
	uint64_t now_ns = clock_monotonic_ns();

	if (p->collected_ns && now_ns - p->collected_ns < age_ns)
		return false;
	collect(p, now_ns);
	return true;
}

/* --- what others see */

void service_processes_forked(struct service_processes *p, pid_t parent, pid_t child,
			      uint64_t start_ns)
{
	if (members_forked(p->members, parent, child, start_ns / PROC_TICK_NS) && p->sampler.http)
		http_metrics_forget_worker(p->sampler.http, (uint32_t)child);
}

void service_processes_exited(struct service_processes *p, pid_t pid, uint64_t user_ns,
			      uint64_t system_ns, uint64_t peak_bytes)
{
	process_metrics_child_exited(p->metrics, pid, user_ns, system_ns, peak_bytes);
	if (members_exited(p->members, pid) && p->sampler.http)
		http_metrics_forget_worker(p->sampler.http, (uint32_t)pid);
}

void service_processes_rescan(struct service_processes *p)
{
	members_rescan(p->members);
}

const struct member *service_processes_list(const struct service_processes *p, size_t *ret_n)
{
	return members_list(p->members, ret_n);
}

pid_t service_processes_main(const struct service_processes *p)
{
	size_t n;
	const struct member *list = members_list(p->members, &n);

	return n ? list[0].pid : 0;
}

const struct process_metrics *service_processes_metrics(const struct service_processes *p)
{
	return p->metrics;
}

bool service_processes_iterates(const struct service_processes *p)
{
	return task_probe_iterates(p->probe);
}

void service_processes_add_page(struct service_processes *p, struct page *page)
{
	page_add(page, process_metrics_collect, p->metrics);
}
