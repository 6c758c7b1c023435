/* SPDX-License-Identifier: MIT */
/* Inside the metrics of processes: for process_*.c here alone. */
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

/* What a process's bytes are on its parent, which gets them once it has waited for it. */
enum process_debt {
	PROCESS_NO_DEBT,
	PROCESS_OPEN, /* it ended */
	PROCESS_DUE,  /* it was waited for, if ever: they are in the parent's next sample */
};

/* What counters are made from. Pairs are of bytes read and written. */
struct process_ledger {
	uint64_t living[3];  /* PROCESS_DELAY and on, as sampled last */
	uint64_t io[2];      /* as sampled, at most */
	uint64_t settled[2]; /* what of that is in the counters, or was a debt */
	uint64_t open[2];    /* its children's, see enum process_debt */
	uint64_t due[2];
	uint64_t due_then[2]; /* when it was sampled, since it was settled */
	uint64_t end_cpu_ns;  /* if it has ended: what it had used by then */
	uint32_t parent;      /* 0: not known */
	uint8_t debt;         /* enum process_debt */
	bool reaped;          /* nothing more can come of it */
};

/* There may be thousands, so no more than is shown or added up is kept of each. */
struct process {
	uint64_t counters[PROCESS_N_COUNTERS]; /* as they are shown: never less than before */
	struct process_ledger ledger;
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

_Static_assert(sizeof(struct process) <= 384, "4096 of them fit into 1.5 megabytes");

struct process_departed;
#define PROCESS_BUCKETS 256

struct process_metrics {
	uint64_t since_ns;
	struct process_host host;
	struct process *list; /* by pid, then by start */
	size_t n, size;
	size_t slots[PROCESS_SLOTS]; /* places in the list; PROCESS_NO_SLOT: free */
	struct process_departed *departed[PROCESS_BUCKETS]; /* by pid */
	size_t n_departed, next_bucket;
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

#define PROCESS_START_STEP_NS 10000000 /* a tick: starts off /proc are in steps of it */

static inline bool process_is(const struct process *p, uint32_t pid, uint64_t start_ns)
{
	return p->pid == pid &&
	       p->start_ns / PROCESS_START_STEP_NS == start_ns / PROCESS_START_STEP_NS;
}

/* In process_metrics.c: one of the list, or NULL. */
struct process *process_find(const struct process_metrics *m, uint32_t pid, uint64_t start_ns);
/* The youngest of that pid. */
struct process *process_find_pid(const struct process_metrics *m, uint32_t pid);

/* In process_ledger.c: takes a sample's counters. @counts: what is new goes into the totals. */
void process_count(struct process_metrics *m, struct process *p, const struct proc_sample *s,
		   bool counts);
/* For a new one, by its pid and start: if it was there before it goes on from there. Returns whether it was. */
bool process_comes_back(struct process_metrics *m, struct process *p);
/* Behind the samples, before those are let go of that are not here: keeps these, counts what was read and written. */
void process_settle(struct process_metrics *m);
void process_forget_departed(struct process_metrics *m);

/* In process_sums.c: all of m->summary but the numbers of processes and the CPU time. */
void process_sum_up(struct process_metrics *m);

#endif
