/* SPDX-License-Identifier: MIT */
/* What the service's processes have together, by the last sample of each. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "metrics/process_metrics_impl.h"

/* Shared pages once: what each process' pages counted for when they were last looked at, corrected by what it has
 * grown since; or, without such a look at each, private pages plus the most that one shares. */
static uint64_t memory_once(const struct process_metrics *m)
{
	uint64_t by_pss = 0, anon = 0, file = 0, shmem = 0;
	bool all = true;

	for (size_t i = 0; i < m->n; i++) {
		const struct process *p = &m->list[i];
		uint64_t shared;

		if (!(p->known & PROC_MEMORY))
			continue;
		all &= p->pss_ns != 0;
		shared =
			p->rss_at_pss_bytes > p->pss_bytes ? p->rss_at_pss_bytes - p->pss_bytes : 0;
		if (process_resident_bytes(p) > shared)
			by_pss += process_resident_bytes(p) - shared;
		anon += p->anon_bytes;
		file = p->file_bytes > file ? p->file_bytes : file;
		shmem = p->shmem_bytes > shmem ? p->shmem_bytes : shmem;
	}
	return all ? by_pss : anon + file + shmem;
}

static void sum_one(struct process_metrics *m, struct process_summary *sum, const struct process *p)
{
	double start_s = m->host.booted_s + (double)p->start_ns / (double)NS_PER_SEC;

	sum->anon_bytes += p->anon_bytes;
	sum->file_bytes += p->file_bytes;
	sum->shmem_bytes += p->shmem_bytes;
	sum->swap_bytes += p->swap_bytes;
	sum->threads += p->threads;
	if (p->known & PROC_FDS)
		sum->open_fds += p->open_fds;
	if ((p->known & PROC_FDS) && (p->known & PROC_MAX_FDS)) {
		uint64_t left = p->max_fds > p->open_fds ? p->max_fds - p->open_fds : 0;

		sum->least_free_fds = left < sum->least_free_fds ? left : sum->least_free_fds;
	}
	if (p->role == PROCESS_MAIN && (!(sum->start_time_s > 0) || start_s < sum->start_time_s))
		sum->start_time_s = start_s;
}

void process_sum_up(struct process_metrics *m)
{
	struct process_summary sum = { .least_free_fds = UINT64_MAX,
				       .cpu_ratio = m->cpu_ratio,
				       .unsampled = m->summary.unsampled };

	memcpy(sum.processes, m->summary.processes, sizeof(sum.processes));
	for (size_t i = 0; i < m->n; i++)
		sum_one(m, &sum, &m->list[i]);
	sum.memory_bytes = memory_once(m);
	sum.memory_ratio = m->host.memory_bytes ?
				   (double)sum.memory_bytes / (double)m->host.memory_bytes :
				   (double)NAN;
	m->summary = sum;
}
