/* SPDX-License-Identifier: MIT */
/*
 * What each process did since the collection before is added to the service's totals, which is why these keep
 * what the dead had. A process is known by pid and start together.
 */
#include "metrics/process_metrics.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "metrics/process_metrics_impl.h"

#define START_STEP_NS 10000000 /* starts off /proc are in steps of a tick */

int process_metrics_new(uint64_t since_ns, struct process_metrics **ret_metrics)
{
	struct process_metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->since_ns = since_ns;
	m->cpu_ratio = (double)NAN;
	m->summary.cpu_ratio = m->summary.memory_ratio = (double)NAN;
	m->summary.least_free_fds = UINT64_MAX;
	for (size_t i = 0; i < PROCESS_SLOTS; i++)
		m->slots[i] = PROCESS_NO_SLOT;
	*ret_metrics = m;
	return 0;
}

void process_metrics_free(struct process_metrics *m)
{
	if (!m)
		return;
	free(m->list);
	free(m);
}

void process_metrics_set_host(struct process_metrics *m, const struct process_host *h)
{
	m->host = *h;
}

static bool is_same(const struct process *p, const struct proc_sample *s)
{
	return p->last.pid == s->pid &&
	       p->last.start_ns / START_STEP_NS == s->start_ns / START_STEP_NS;
}

/* Collections name the processes in much the same order, so it is mostly where it was. */
static struct process *find(struct process_metrics *m, const struct proc_sample *s, size_t hint)
{
	if (hint < m->n && is_same(&m->list[hint], s))
		return &m->list[hint];
	for (size_t i = 0; i < m->n; i++)
		if (is_same(&m->list[i], s))
			return &m->list[i];
	return NULL;
}

static size_t free_slot(const struct process_metrics *m)
{
	for (size_t i = 0; i < PROCESS_SLOTS; i++)
		if (m->slots[i] == PROCESS_NO_SLOT)
			return i;
	return PROCESS_NO_SLOT;
}

static struct process *add(struct process_metrics *m, const struct proc_sample *s)
{
	struct process *p;

	if (m->n == m->size) {
		size_t size = m->size ? m->size * 2 : 16;
		struct process *list = reallocarray(m->list, size, sizeof(*list));

		if (!list)
			return NULL;
		m->list = list;
		m->size = size;
	}
	p = &m->list[m->n];
	*p = (struct process){ .slot = free_slot(m) };
	p->last.pid = s->pid;
	p->last.start_ns = s->start_ns;
	if (p->slot != PROCESS_NO_SLOT)
		m->slots[p->slot] = m->n;
	m->n++;
	return p;
}

/* From *was to @now, if that is more; adds the difference to the totals. */
static void raise_to(struct process_metrics *m, struct process *p, enum process_counter c,
		     uint64_t now, bool counts)
{
	uint64_t more = now > p->counters[c] ? now - p->counters[c] : 0;

	p->counters[c] += more;
	if (counts)
		m->total[c] += more;
	if (p->slot == PROCESS_NO_SLOT) {
		m->other[c] += more;
		m->other_known = true;
	}
}

/* Neither goes down, and their sum is @cpu_ns: what the kernel does (cputime_adjust(), kernel/sched/cputime.c). */
static void raise_cpu(struct process_metrics *m, struct process *p, uint64_t cpu_ns,
		      uint64_t system_ns, bool counts)
{
	const uint64_t user_then = p->counters[PROCESS_USER];
	uint64_t system = p->counters[PROCESS_SYSTEM];

	if (user_then + system >= cpu_ns)
		return;
	if (system_ns > system)
		system = system_ns;
	if (cpu_ns - system < user_then || system > cpu_ns)
		system = cpu_ns - user_then;
	raise_to(m, p, PROCESS_SYSTEM, system, counts);
	raise_to(m, p, PROCESS_USER, cpu_ns - system, counts);
}

static void raise_all(struct process_metrics *m, struct process *p, const struct proc_sample *s,
		      bool counts)
{
	if (s->known & PROC_CPU)
		raise_cpu(m, p, s->cpu_ns, s->system_ns, counts);
	if (s->known & PROC_DELAY)
		raise_to(m, p, PROCESS_DELAY, s->run_delay_ns, counts);
	if (s->known & PROC_SWITCHES) {
		raise_to(m, p, PROCESS_VOLUNTARY, s->voluntary, counts);
		raise_to(m, p, PROCESS_INVOLUNTARY, s->involuntary, counts);
	}
	if (s->known & PROC_FAULTS) {
		raise_to(m, p, PROCESS_MINOR, s->minor_faults, counts);
		raise_to(m, p, PROCESS_MAJOR, s->major_faults, counts);
	}
	if (s->known & PROC_IO) {
		raise_to(m, p, PROCESS_READ, s->read_bytes, counts);
		raise_to(m, p, PROCESS_WRITTEN, s->write_bytes, counts);
	}
}

static uint64_t resident(const struct proc_sample *s)
{
	return s->anon_bytes + s->file_bytes + s->shmem_bytes;
}

static void take_figures(struct process_metrics *m, struct process *p,
			 const struct process_figures *f, bool counts, uint64_t now_ns)
{
	const struct proc_sample *s = &f->sample;

	raise_all(m, p, s, counts);
	m->known |= s->known;
	p->last = *s;
	p->at_ns = f->at_ns;
	p->role = f->role;
	p->has_requests = f->has_requests;
	p->requests = f->requests;
	p->seen = true;
	if (s->known & PROC_PSS) {
		p->pss_ns = now_ns;
		p->pss_bytes = s->pss_bytes;
		p->rss_at_pss_bytes = resident(s);
	}
}

/* Lets go of those that have ended. Who is in "other" stays there. */
static void forget_gone(struct process_metrics *m)
{
	size_t n = 0;

	for (size_t i = 0; i < PROCESS_SLOTS; i++)
		m->slots[i] = PROCESS_NO_SLOT;
	for (size_t i = 0; i < m->n; i++) {
		if (!m->list[i].seen)
			continue;
		m->list[n] = m->list[i];
		if (m->list[n].slot != PROCESS_NO_SLOT)
			m->slots[m->list[n].slot] = n;
		n++;
	}
	m->n = n;
}

/* Shared pages once: what each process' pages counted for when they were last looked at, corrected by what it has
 * grown since; or, without such a look at each, private pages plus the most that one shares. */
static uint64_t memory_once(const struct process_metrics *m)
{
	uint64_t by_pss = 0, anon = 0, file = 0, shmem = 0;
	bool all = true;

	for (size_t i = 0; i < m->n; i++) {
		const struct process *p = &m->list[i];
		uint64_t shared;

		if (!(p->last.known & PROC_MEMORY))
			continue;
		all &= p->pss_ns != 0;
		shared =
			p->rss_at_pss_bytes > p->pss_bytes ? p->rss_at_pss_bytes - p->pss_bytes : 0;
		if (resident(&p->last) > shared)
			by_pss += resident(&p->last) - shared;
		anon += p->last.anon_bytes;
		file = p->last.file_bytes > file ? p->last.file_bytes : file;
		shmem = p->last.shmem_bytes > shmem ? p->last.shmem_bytes : shmem;
	}
	return all ? by_pss : anon + file + shmem;
}

static void sum_one(struct process_metrics *m, struct process_summary *sum, const struct process *p)
{
	const struct proc_sample *s = &p->last;
	double start_s = m->host.booted_s + (double)s->start_ns / (double)NS_PER_SEC;

	sum->processes[p->role]++;
	sum->anon_bytes += s->anon_bytes;
	sum->file_bytes += s->file_bytes;
	sum->shmem_bytes += s->shmem_bytes;
	sum->swap_bytes += s->swap_bytes;
	sum->threads += s->threads;
	if (s->known & PROC_FDS)
		sum->open_fds += s->open_fds;
	if ((s->known & PROC_FDS) && (s->known & PROC_MAX_FDS)) {
		uint64_t left = s->max_fds > s->open_fds ? s->max_fds - s->open_fds : 0;

		sum->least_free_fds = left < sum->least_free_fds ? left : sum->least_free_fds;
	}
	if (p->role == PROCESS_MAIN && (!(sum->start_time_s > 0) || start_s < sum->start_time_s))
		sum->start_time_s = start_s;
}

static void sum_up(struct process_metrics *m)
{
	struct process_summary sum = { .least_free_fds = UINT64_MAX, .cpu_ratio = m->cpu_ratio };

	for (size_t i = 0; i < m->n; i++)
		sum_one(m, &sum, &m->list[i]);
	sum.memory_bytes = memory_once(m);
	sum.memory_ratio = m->host.memory_bytes ?
				   (double)sum.memory_bytes / (double)m->host.memory_bytes :
				   (double)NAN;
	m->summary = sum;
}

static void take_cpu_ratio(struct process_metrics *m, uint64_t now_ns)
{
	const uint64_t cpu_ns = m->total[PROCESS_USER] + m->total[PROCESS_SYSTEM];
	double ratio;

	if (m->update_ns && now_ns - m->update_ns < NS_PER_SEC)
		return;
	if (m->update_ns && m->host.cpus) {
		ratio = (double)(cpu_ns - m->cpu_then_ns) /
			((double)(now_ns - m->update_ns) * m->host.cpus);
		m->cpu_ratio = ratio < 1 ? ratio : 1;
	}
	m->update_ns = now_ns;
	m->cpu_then_ns = cpu_ns;
}

void process_metrics_update(struct process_metrics *m, const struct process_figures *list, size_t n,
			    uint64_t now_ns)
{
	for (size_t i = 0; i < m->n; i++)
		m->list[i].seen = false;
	for (size_t i = 0; i < n; i++) {
		const struct proc_sample *s = &list[i].sample;
		struct process *p = find(m, s, i);
		bool counts = p || s->start_ns >= m->since_ns;

		if (!p)
			p = add(m, s);
		if (p)
			take_figures(m, p, &list[i], counts, now_ns);
	}
	forget_gone(m);
	take_cpu_ratio(m, now_ns);
	sum_up(m);
}

/* The youngest of that pid. */
static struct process *find_pid(const struct process_metrics *m, pid_t pid)
{
	struct process *found = NULL;

	for (size_t i = 0; i < m->n; i++)
		if (m->list[i].last.pid == (uint32_t)pid &&
		    (!found || m->list[i].last.start_ns > found->last.start_ns))
			found = &m->list[i];
	return found;
}

void process_metrics_child_exited(struct process_metrics *m, pid_t pid, uint64_t user_ns,
				  uint64_t system_ns, uint64_t peak_rss_bytes)
{
	struct process *p = find_pid(m, pid);

	(void)peak_rss_bytes;
	m->known |= PROC_CPU;
	if (p && !p->ended) {
		raise_cpu(m, p, user_ns + system_ns, system_ns, true);
		p->ended = true;
		return;
	}
	m->total[PROCESS_USER] += user_ns;
	m->total[PROCESS_SYSTEM] += system_ns;
}

uint64_t process_metrics_pss_ns(const struct process_metrics *m, pid_t pid)
{
	const struct process *p = find_pid(m, pid);

	return p ? p->pss_ns : 0;
}

void process_metrics_summary(const struct process_metrics *m, struct process_summary *ret_summary)
{
	*ret_summary = m->summary;
	ret_summary->user_ns = m->total[PROCESS_USER];
	ret_summary->system_ns = m->total[PROCESS_SYSTEM];
}

const char *process_role_name(enum process_role role)
{
	static const char *const names[] = { "main", "worker", "helper" };

	return names[role];
}
