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
	process_forget_departed(m);
	free(m->list);
	free(m);
}

void process_metrics_set_host(struct process_metrics *m, const struct process_host *h)
{
	m->host = *h;
}

/* Below 0: @p comes before. */
static int order(const struct process *p, uint32_t pid, uint64_t start_step)
{
	const uint64_t step = p->start_ns / PROCESS_START_STEP_NS;

	if (p->pid != pid)
		return p->pid < pid ? -1 : 1;
	return (step > start_step) - (step < start_step);
}

/* The place of the first that does not come before. */
static size_t place_of(const struct process_metrics *m, uint32_t pid, uint64_t start_step)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order(&m->list[middle], pid, start_step) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct process *find(const struct process_metrics *m, uint32_t pid, uint64_t start_step)
{
	size_t at = place_of(m, pid, start_step);

	return at < m->n && order(&m->list[at], pid, start_step) == 0 ? &m->list[at] : NULL;
}

struct process *process_find(const struct process_metrics *m, uint32_t pid, uint64_t start_ns)
{
	return find(m, pid, start_ns / PROCESS_START_STEP_NS);
}

struct process *process_find_pid(const struct process_metrics *m, uint32_t pid)
{
	size_t after = place_of(m, pid, UINT64_MAX);

	return after && m->list[after - 1].pid == pid ? &m->list[after - 1] : NULL;
}

static size_t free_slot(const struct process_metrics *m)
{
	for (size_t i = 0; i < PROCESS_SLOTS; i++)
		if (m->slots[i] == PROCESS_NO_SLOT)
			return i;
	return PROCESS_NO_SLOT;
}

static bool make_room(struct process_metrics *m)
{
	size_t size = m->size ? m->size * 2 : 16;
	struct process *list;

	if (m->n < m->size)
		return true;
	list = reallocarray(m->list, size, sizeof(*list));
	if (!list)
		return false;
	m->list = list;
	m->size = size;
	return true;
}

/* Pids mostly go up, so it is mostly put at the end. */
static struct process *add(struct process_metrics *m, const struct proc_sample *s)
{
	const size_t at = place_of(m, s->pid, s->start_ns / PROCESS_START_STEP_NS);
	struct process *p;

	if (!make_room(m))
		return NULL;
	p = &m->list[at];
	memmove(p + 1, p, (m->n - at) * sizeof(*p));
	m->n++;
	for (size_t i = 0; i < PROCESS_SLOTS; i++)
		if (m->slots[i] != PROCESS_NO_SLOT && m->slots[i] >= at)
			m->slots[i]++;
	*p = (struct process){ .pid = s->pid, .start_ns = s->start_ns, .slot = free_slot(m) };
	if (p->slot != PROCESS_NO_SLOT)
		m->slots[p->slot] = at;
	return p;
}

static void take_pss(struct process *p, uint64_t pss_bytes, uint64_t now_ns)
{
	p->pss_ns = now_ns;
	p->pss_bytes = pss_bytes;
	p->rss_at_pss_bytes = process_resident_bytes(p);
}

static void take_busy(struct process *p, uint64_t now_ns)
{
	const uint64_t cpu_ns = process_cpu_ns(p);

	if (p->then_ns && now_ns < p->then_ns + NS_PER_SEC)
		return;
	if (p->then_ns) {
		p->busy = (uint64_t)((double)(cpu_ns - p->cpu_then_ns) * (double)NS_PER_SEC /
				     (double)(now_ns - p->then_ns));
		p->has_busy = true;
	}
	p->then_ns = now_ns;
	p->cpu_then_ns = cpu_ns;
}

static void take_gauges(struct process *p, const struct proc_sample *s)
{
	p->known = s->known;
	p->threads = s->threads;
	p->anon_bytes = s->anon_bytes;
	p->file_bytes = s->file_bytes;
	p->shmem_bytes = s->shmem_bytes;
	p->swap_bytes = s->swap_bytes;
	p->open_fds = s->open_fds;
	p->max_fds = s->max_fds;
}

void process_metrics_take(struct process_metrics *m, const struct process_figures *f)
{
	const struct proc_sample *s = &f->sample;
	struct process *p = find(m, s->pid, s->start_ns / PROCESS_START_STEP_NS);
	bool counts = p || s->start_ns >= m->since_ns;

	if (!p) {
		p = add(m, s);
		counts |= p && process_comes_back(m, p);
	}
	if (!p)
		return;
	process_count(m, p, s, counts);
	p->ledger.parent = (uint32_t)f->parent;
	take_busy(p, f->at_ns);
	m->known |= s->known;
	take_gauges(p, s);
	p->at_ns = f->at_ns;
	p->role = (uint8_t)f->role;
	p->has_requests = f->has_requests;
	p->requests = f->requests;
	if (s->known & PROC_PSS)
		take_pss(p, s->pss_bytes, f->at_ns);
}

void process_metrics_take_pss(struct process_metrics *m, pid_t pid, uint64_t start_ticks,
			      uint64_t pss_bytes, uint64_t now_ns)
{
	struct process *p = find(m, (uint32_t)pid, start_ticks);

	if (p)
		take_pss(p, pss_bytes, now_ns);
}

struct process_times process_metrics_times(const struct process_metrics *m, pid_t pid,
					   uint64_t start_ticks)
{
	const struct process *p = find(m, (uint32_t)pid, start_ticks);

	if (!p)
		return (struct process_times){ 0 };
	return (struct process_times){ p->at_ns, p->pss_ns, process_resident_bytes(p) };
}

/* Lets go of those that have ended. Who is in "other" stays there. */
static void forget_gone(struct process_metrics *m)
{
	size_t n = 0;

	for (size_t i = 0; i < PROCESS_SLOTS; i++)
		m->slots[i] = PROCESS_NO_SLOT;
	for (size_t i = 0; i < m->n; i++) {
		if (!m->list[i].here)
			continue;
		m->list[n] = m->list[i];
		if (m->list[n].slot != PROCESS_NO_SLOT)
			m->slots[m->list[n].slot] = n;
		n++;
	}
	m->n = n;
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

/* Whoever is named stays. */
static void call_the_roll(struct process_metrics *m, const struct process_id *list, size_t n,
			  uint64_t begun_ns)
{
	struct process_summary *sum = &m->summary;

	memset(sum->processes, 0, sizeof(sum->processes));
	sum->unsampled = 0;
	for (size_t i = 0; i < m->n; i++)
		m->list[i].here = false;
	for (size_t i = 0; i < n; i++) {
		struct process *p = find(m, (uint32_t)list[i].pid, list[i].start_ticks);

		sum->processes[list[i].role]++;
		if (!p || p->at_ns < begun_ns)
			sum->unsampled++;
		if (!p)
			continue;
		p->here = true;
		p->role = (uint8_t)list[i].role;
	}
}

void process_metrics_update(struct process_metrics *m, const struct process_id *list, size_t n,
			    uint64_t begun_ns, uint64_t now_ns)
{
	call_the_roll(m, list, n, begun_ns);
	process_settle(m);
	forget_gone(m);
	if (begun_ns != m->begun_ns)
		take_cpu_ratio(m, now_ns);
	m->begun_ns = begun_ns;
	process_sum_up(m);
}

void process_metrics_summary(const struct process_metrics *m, struct process_summary *ret_summary)
{
	*ret_summary = m->summary;
	ret_summary->user_ns = m->total[PROCESS_USER];
	ret_summary->system_ns = m->total[PROCESS_SYSTEM];
	ret_summary->has_delay = m->known & PROC_DELAY;
	ret_summary->delay_ns = m->total[PROCESS_DELAY];
}

const char *process_role_name(enum process_role role)
{
	static const char *const names[] = { "main", "worker", "helper" };

	return names[role];
}
