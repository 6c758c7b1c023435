/* SPDX-License-Identifier: MIT */
/* Inside the metrics of processes: for process_metrics.c and process_page.c alone. */
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

struct process {
	struct proc_sample last;
	uint64_t counters[PROCESS_N_COUNTERS]; /* as they are shown: never less than before */
	enum process_role role;
	size_t slot;    /* PROCESS_NO_SLOT: in "other" */
	bool seen;      /* in the collection that is going on */
	bool ended;     /* its final figures are in */
	uint64_t at_ns; /* of last */
	bool has_requests;
	uint64_t requests;
	uint64_t pss_ns; /* when it was read; 0: never */
	uint64_t pss_bytes;
	uint64_t rss_at_pss_bytes;
};

struct process_metrics {
	uint64_t since_ns;
	struct process_host host;
	struct process *list;
	size_t n, size;
	size_t slots[PROCESS_SLOTS]; /* places in the list; PROCESS_NO_SLOT: free */
	uint64_t total[PROCESS_N_COUNTERS];
	uint64_t other[PROCESS_N_COUNTERS];
	uint32_t known;       /* of the totals, once they were */
	bool other_known;     /* somebody was in "other" */
	uint64_t update_ns;   /* of the collection before */
	uint64_t cpu_then_ns; /* the total, at that time */
	double cpu_ratio;
	double start_time_s;
	struct process_summary summary;
};

#endif
