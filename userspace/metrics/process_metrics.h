/* SPDX-License-Identifier: MIT */
/*
 * The service's processes as metrics: isamon_process_* for each that lives, isamon_service_* for all together.
 *
 * A collection hands over samples, and then who there is. How many there are is exact, whoever was sampled; of one
 * that was not sampled this time the last sample stands, of one that never was nothing is known yet. Counters never
 * go down: those of the service keep what the dead had, and those of a process what it once said. The
 * service's begin at 0 when isamon starts: of a process that is older only what it does from its first
 * sample on is in them, of a younger one all. What children read and wrote, which the kernel adds to their parent's
 * bytes once it has waited for them, is only in theirs, as far as they were sampled.
 *
 * No more than PROCESS_SLOTS processes have series of their own; the rest is summed under pid="other". Some 330 bytes
 * are kept of each.
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
	pid_t parent; /* 0: not known */
	bool has_requests;
	uint64_t requests; /* that it has read, cumulative */
};

/* One that is there, sampled or not. */
struct process_id {
	uint64_t start_ticks; /* field 22 of /proc/PID/stat: identity with pid */
	pid_t pid;
	enum process_role role;
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
	size_t unsampled; /* of them: those that the last collection has no new sample of */
	uint64_t user_ns, system_ns; /* since isamon began */
	bool has_delay;
	uint64_t delay_ns; /* their threads were ready to run, and waited; since isamon began */
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

/* A process was sampled. Without memory for one more, it is left out. */
void process_metrics_take(struct process_metrics *m, const struct process_figures *f);

/*
 * Behind the samples: all the processes that there are. Who was there before and is not now has ended. A sample that
 * was taken before @begun_ns is not of this collection; one that goes on has the same @begun_ns. @now_ns: as that,
 * CLOCK_MONOTONIC. The CPU utilisation is that between the first updates of two collections that are a second or
 * more apart.
 */
void process_metrics_update(struct process_metrics *m, const struct process_id *list, size_t n,
			    uint64_t begun_ns, uint64_t now_ns);

/* A process ended. */
struct process_end {
	pid_t pid;
	uint64_t start_ns; /* after boot: with pid, who it was */
	/* CPU time of all its threads, since its start. */
	uint64_t user_ns, system_ns;
	/* It has been waited for, and this is what it used after it was told of first. That may never come. */
	bool tail;
};

/*
 * Nothing is counted twice, whatever comes first: of one that was in a collection what is more than its last sample is
 * added to the service's total, even if it has left the set since; of another one all, if it is younger than
 * isamon, and else nothing.
 */
void process_metrics_child_exited(struct process_metrics *m, const struct process_end *end);

/* What is kept of one process, for who decides whether it is to be looked at. */
struct process_times {
	uint64_t at_ns;  /* when its figures were taken, CLOCK_MONOTONIC; 0: never */
	uint64_t pss_ns; /* the same of its pss_bytes */
	uint64_t resident_bytes;
};
struct process_times process_metrics_times(const struct process_metrics *m, pid_t pid,
					   uint64_t start_ticks);
/* Adds the sample's pss_bytes to what is known of the process, if that is known. */
void process_metrics_take_pss(struct process_metrics *m, pid_t pid, uint64_t start_ticks,
			      uint64_t pss_bytes, uint64_t now_ns);

void process_metrics_summary(const struct process_metrics *m, struct process_summary *ret_summary);

/* For page_add(): ctx is the struct process_metrics. */
bool process_metrics_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx);

/*
 * Appends the live processes, the PROCESS_SLOTS busiest of them, as one JSON array, and behind it the sums of all others:
 *  [{"pid": N, "start_ticks": N, "role": "main"|"worker"|"helper", "cpu_ns": N, "cpu_ns_per_second": N,
 *    "rss_bytes": N, "threads": N, "fds": N, "requests": N, "at_ns": N}, ...],
 *  "processes_rest": {"processes": N, "unsampled": N, "cpu_ns_per_second": N, "rss_bytes": N}
 * at_ns: when these figures were taken, CLOCK_MONOTONIC; cpu_ns_per_second: over the last second or more.
 * What is not known of one is absent. unsampled: of all processes. Returns 0 or the buffer's error.
 */
int process_metrics_write_json(const struct process_metrics *m, struct buf *out);

const char *process_role_name(enum process_role role);

#endif
