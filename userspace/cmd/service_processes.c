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
#include "probe/proc.h"
#include "probe/task_probe.h"

#define STEP_NS 2000000
#define STEP_PAUSE_US 8000
#define COLLECT_NS 10000000
#define PSS_BYTES_MAX (512ull << 20) /* whose page tables are walked in one collection: some ms */

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
	struct http_metrics *http; /* not owned */
	struct event *step;
	struct process_figures *figures; /* of the last collection */
	size_t n_figures;
	size_t first; /* where the next collection begins */
	uint64_t collected_ns;
	unsigned int n_nobody; /* passes in a row that found nobody */
	bool said_refused;
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
	if (!p->step || members_new("/proc", &p->members) || task_probe_open(&why, &p->probe) ||
	    process_metrics_new(boottime_ns(), &p->metrics))
		return -ENOMEM;
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
	members_free(p->members);
	task_probe_close(p->probe);
	process_metrics_free(p->metrics);
	free(p->figures);
	free(p);
}

void service_processes_reload(struct service_processes *p, const struct config *c)
{
	const struct config *old = p->config;

	p->config = c;
	p->n_nobody = 0;
	if (!config_same_ports(old, c))
		members_set_ports(p->members, c->ports, c->n_ports);
}

void service_processes_use_http(struct service_processes *p, struct http_metrics *m)
{
	p->http = m;
}

void service_processes_look(struct service_processes *p, bool fed)
{
	members_look(p->members, fed, clock_monotonic_ns());
	if (members_busy(p->members) && !evtimer_pending(p->step, NULL))
		step(p);
}

/* --- a collection */

static void say_refused(struct service_processes *p, const struct proc_sample *s)
{
	if (p->said_refused || (s->known & PROC_FDS) || !(s->known & PROC_MEMORY))
		return;
	log_warning("the files of process %u of %s cannot be read: that takes CAP_SYS_PTRACE and "
		    "CAP_DAC_READ_SEARCH; some of its figures are missing",
		    s->pid, p->config->service_name);
	p->said_refused = true;
}

/* Where it is due, and the page tables are not too long for this collection. */
static void add_pss(struct service_processes *p, struct proc_sample *s, uint64_t now_ns,
		    uint64_t *left_bytes)
{
	const uint64_t interval_ns = p->config->pss_interval_s * NS_PER_SEC;
	const uint64_t bytes = s->anon_bytes + s->file_bytes + s->shmem_bytes;
	const uint64_t then_ns = process_metrics_pss_ns(p->metrics, (pid_t)s->pid);

	if (!interval_ns || bytes > *left_bytes || (then_ns && now_ns - then_ns < interval_ns) ||
	    !(s->known & PROC_MEMORY))
		return;
	*left_bytes -= bytes;
	proc_read_pss("/proc", (pid_t)s->pid, s);
}

/* Returns false if it has gone. */
static bool sample(struct service_processes *p, const struct member *m, struct process_figures *f,
		   uint64_t now_ns, uint64_t *pss_left_bytes)
{
	struct proc_sample s;
	int err = task_probe_read(p->probe, m->pid, &s);

	if (err == -ESRCH || (!err && s.start_ns / PROC_TICK_NS != m->start_ticks))
		return false;
	if (err)
		return true;
	say_refused(p, &s);
	add_pss(p, &s, now_ns, pss_left_bytes);
	f->sample = s;
	f->at_ns = clock_monotonic_ns();
	return true;
}

static const struct process_figures *last_figures(const struct service_processes *p,
						  const struct member *m, size_t hint)
{
	for (size_t i = 0; i < p->n_figures; i++) {
		const struct process_figures *f = &p->figures[(hint + i) % p->n_figures];

		if (f->sample.pid == (uint32_t)m->pid &&
		    f->sample.start_ns / PROC_TICK_NS == m->start_ticks)
			return f;
	}
	return NULL;
}

static void add_requests(struct service_processes *p, struct process_figures *list, size_t n)
{
	struct http_worker workers[HTTP_WORKERS_MAX];
	size_t n_workers = p->http ? http_metrics_workers(p->http, workers) : 0;

	for (size_t i = 0; i < n; i++) {
		list[i].has_requests = false;
		for (size_t j = 0; j < n_workers; j++) {
			if (workers[j].pid != list[i].sample.pid)
				continue;
			list[i].has_requests = true;
			list[i].requests = workers[j].requests;
		}
	}
}

/* Everybody's last figures, in the order of the members; 0 for pid where there are none yet. */
static struct process_figures *prepare(const struct service_processes *p, const struct member *list,
				       size_t n)
{
	struct process_figures *figures = calloc(n ? n : 1, sizeof(*figures));

	for (size_t i = 0; figures && i < n; i++) {
		const struct process_figures *last = last_figures(p, &list[i], i);

		if (last)
			figures[i] = *last;
		figures[i].sample.known &= ~(uint32_t)PROC_PSS;
		figures[i].role = (enum process_role)list[i].role;
	}
	return figures;
}

/* Takes those out that have gone or were never seen. */
static size_t keep_living(struct service_processes *p, struct process_figures *figures, size_t n,
			  const pid_t *gone, size_t n_gone)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (figures[i].sample.pid)
			figures[kept++] = figures[i];
	for (size_t i = 0; i < n_gone; i++) {
		members_exited(p->members, gone[i]);
		if (p->http)
			http_metrics_forget_worker(p->http, (uint32_t)gone[i]);
		p->fn(gone[i], p->ctx);
	}
	return kept;
}

static void sample_all(struct service_processes *p, const struct member *list, size_t n,
		       struct process_figures *figures, pid_t *gone, size_t *ret_gone)
{
	const uint64_t begun_ns = clock_monotonic_ns();
	uint64_t pss_left_bytes = PSS_BYTES_MAX;
	size_t done = 0, at = n ? p->first % n : 0;

	*ret_gone = 0;
	for (; done < n && (!done || clock_monotonic_ns() - begun_ns < COLLECT_NS); done++) {
		if (!sample(p, &list[at], &figures[at], begun_ns, &pss_left_bytes)) {
			gone[(*ret_gone)++] = list[at].pid;
			figures[at].sample.pid = 0;
		}
		at = (at + 1) % n;
	}
	p->first = done < n ? at : 0;
}

static void collect(struct service_processes *p, uint64_t now_ns)
{
	const struct member *list;
	struct process_figures *figures;
	size_t n, n_gone;
	pid_t *gone;

	members_settle(p->members);
	list = members_list(p->members, &n);
	figures = prepare(p, list, n);
	gone = calloc(n ? n : 1, sizeof(*gone));
	if (figures && gone) {
		sample_all(p, list, n, figures, gone, &n_gone);
		n = keep_living(p, figures, n, gone, n_gone);
		add_requests(p, figures, n);
		process_metrics_update(p->metrics, figures, n, now_ns);
		free(p->figures);
		p->figures = take(figures);
		p->n_figures = n;
		p->collected_ns = now_ns;
	}
	free(figures);
	free(gone);
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
	if (members_forked(p->members, parent, child, start_ns / PROC_TICK_NS) && p->http)
		http_metrics_forget_worker(p->http, (uint32_t)child);
}

void service_processes_exited(struct service_processes *p, pid_t pid, uint64_t user_ns,
			      uint64_t system_ns, uint64_t peak_bytes)
{
	process_metrics_child_exited(p->metrics, pid, user_ns, system_ns, peak_bytes);
	if (members_exited(p->members, pid) && p->http)
		http_metrics_forget_worker(p->http, (uint32_t)pid);
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
