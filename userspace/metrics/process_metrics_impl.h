/* SPDX-License-Identifier: MIT */
/* Inside the metrics of processes: for process_metrics.c, process_sums.c, process_page.c and process_json.c alone. */
#ifndef ISAMON_PROCESS_METRICS_IMPL_H
#define ISAMON_PROCESS_METRICS_IMPL_H

#include "metrics/process_metrics.h"

#define PROCESS_NO_SLOT SIZE_MAX

/* What only grows. */
enum process_counter {
	PROCESS_USER,
	PROCESS_SYSTEM,
	PROCESS_DELAY,
	PROCESS_VOLUNTARY,
	PROCESS_INVOLUNTARY,
	PROCESS_MINOR,
	PROCESS_MAJOR,
	PROCESS_READ,
	PROCESS_WRITTEN,
	PROCESS_N_COUNTERS,
};

/* There may be thousands, so no more than is shown or added up is kept of each. */
struct process {
	uint64_t counters[PROCESS_N_COUNTERS]; /* as they are shown: never less than before */
	uint64_t start_ns;
	uint64_t at_ns;                /* when its figures were taken */
	uint64_t then_ns, cpu_then_ns; /* a sample that is a second old, for what comes next */
	uint64_t busy; /* what it uses of a CPU, in ns a second, over a second or more */
	uint64_t anon_bytes, file_bytes, shmem_bytes, swap_bytes;
	uint64_t open_fds, max_fds;
	uint64_t requests;
	uint64_t pss_ns; /* when it was read; 0: never */
	uint64_t pss_bytes;
	uint64_t rss_at_pss_bytes;
	size_t slot; /* PROCESS_NO_SLOT: in "other" */
	uint32_t pid;
	uint32_t known; /* enum proc_known */
	uint32_t threads;
	uint8_t role; /* enum process_role */
	bool here;    /* named by the update that is going on */
	bool ended;   /* its final figures are in */
	bool has_busy;
	bool has_requests;
};

_Static_assert(sizeof(struct process) <= 256, "4096 of them fit into a megabyte");

struct process_metrics {
	uint64_t since_ns;
	struct process_host host;
	struct process *list; /* by pid, then by start */
	size_t n, size;
	size_t slots[PROCESS_SLOTS]; /* places in the list; PROCESS_NO_SLOT: free */
	uint64_t total[PROCESS_N_COUNTERS];
	uint64_t other[PROCESS_N_COUNTERS];
	uint32_t known;       /* of the totals, once they were */
	bool other_known;     /* somebody was in "other" */
	uint64_t begun_ns;    /* of the collection that is going on */
	uint64_t update_ns;   /* of the collection before */
	uint64_t cpu_then_ns; /* the total, at that time */
	double cpu_ratio;
	double start_time_s;
	struct process_summary summary;
};

static inline uint64_t process_resident_bytes(const struct process *p)
{
	return p->anon_bytes + p->file_bytes + p->shmem_bytes;
}

static inline uint64_t process_cpu_ns(const struct process *p)
{
	return p->counters[PROCESS_USER] + p->counters[PROCESS_SYSTEM];
}

/* In process_sums.c: all of m->summary but the numbers of processes and the CPU time. */
void process_sum_up(struct process_metrics *m);

#endif
