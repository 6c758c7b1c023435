/* SPDX-License-Identifier: MIT */
/*
 * The service's processes as metrics: isamon_process_* for each that lives, isamon_service_* for all together.
 *
 * A collection hands over a sample of each process. Counters never go down: those of the service keep what the
 * dead had, and those of a process what it once said. The service's begin at 0 when isamon starts: of a
 * process that is older only what it does from its first sample on is in them, of a younger one all.
 *
 * No more than PROCESS_SLOTS processes have series of their own; the rest is summed under pid="other".
 */
#ifndef ISAMON_PROCESS_METRICS_H
#define ISAMON_PROCESS_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "metrics/page.h"
#include "task_abi.h"

#define PROCESS_SLOTS 64

enum process_role { PROCESS_MAIN, PROCESS_WORKER, PROCESS_HELPER, PROCESS_N_ROLES };

/* What a collection knows of one process. */
struct process_figures {
	struct proc_sample sample; /* pss_bytes: if it was read this time */
	uint64_t at_ns;            /* when it was taken, CLOCK_MONOTONIC */
	enum process_role role;
	bool has_requests;
	uint64_t requests; /* that it has read, cumulative */
};

/* What does not change, or seldom. */
struct process_host {
	unsigned int cpus;     /* online */
	uint64_t memory_bytes; /* MemTotal */
	double booted_s;       /* when the host was, since the epoch */
};

/* The service as a whole, by the last collection. */
struct process_summary {
	size_t processes[PROCESS_N_ROLES];
	uint64_t user_ns, system_ns; /* since isamon began */
	uint64_t anon_bytes, file_bytes, shmem_bytes, swap_bytes;
	uint64_t memory_bytes; /* resident, shared pages once */
	uint64_t threads, open_fds;
	uint64_t
		least_free_fds; /* of the process that is nearest to its limit; UINT64_MAX: not known */
	double start_time_s; /* of the oldest main process; 0: there is none */
	double cpu_ratio;    /* NaN: not known yet */
	double memory_ratio; /* NaN: not known */
};

struct process_metrics;

/* @since_ns: when isamon began, CLOCK_BOOTTIME. Returns 0 or -ENOMEM. */
int process_metrics_new(uint64_t since_ns, struct process_metrics **ret_metrics);
/* NULL is fine. */
void process_metrics_free(struct process_metrics *m);
void process_metrics_set_host(struct process_metrics *m, const struct process_host *h);

/*
 * A collection: all the processes that there are. Who was there before and is not now has ended. @now_ns:
 * CLOCK_MONOTONIC. The CPU utilisation is that between this collection and the one before, if a second or more
 * has gone by since that; otherwise it stays. Without memory for one more process, that one is left out.
 */
void process_metrics_update(struct process_metrics *m, const struct process_figures *list, size_t n,
			    uint64_t now_ns);

/*
 * What process @pid, which has ended, had used in all since its start. Of one that was never in a collection
 * (it lived between two) all is added to the service's total; of one that was, what is more than its last
 * sample. A second call for the same process brings what came after the first, and is added.
 */
void process_metrics_child_exited(struct process_metrics *m, pid_t pid, uint64_t user_ns,
				  uint64_t system_ns, uint64_t peak_rss_bytes);

/* When pss_bytes of the process was read last (CLOCK_MONOTONIC); 0: never, or it is not known. */
uint64_t process_metrics_pss_ns(const struct process_metrics *m, pid_t pid);

void process_metrics_summary(const struct process_metrics *m, struct process_summary *ret_summary);

/* For page_add(): ctx is the struct process_metrics. */
bool process_metrics_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx);

/*
 * Appends the live processes, at most PROCESS_SLOTS, as one JSON array:
 *  [{"pid": N, "start_ticks": N, "role": "main"|"worker"|"helper", "cpu_ns": N, "rss_bytes": N, "threads": N,
 *    "fds": N, "requests": N, "at_ns": N}, ...]
 * at_ns: when these figures were taken, CLOCK_MONOTONIC. What is not known of one is absent. Returns 0 or the buffer's error.
 */
int process_metrics_write_json(const struct process_metrics *m, struct buf *out);

const char *process_role_name(enum process_role role);

#endif
