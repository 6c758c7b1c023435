/* SPDX-License-Identifier: MIT */
/*
 * Lives and deaths of the service's processes as metrics: forks, execs, exits, restarts of the main process, crash
 * loops, OOM kills, the CPU of children that no look at /proc has seen.
 *
 * How many there were is from the kernel's counters, everything else from the records and from what user space
 * says of the main process. Times are CLOCK_BOOTTIME nanoseconds.
 */
#ifndef ISAMON_LIFE_METRICS_H
#define ISAMON_LIFE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "life_abi.h"
#include "metrics/page.h"

/* Of crash_loop_exits. */
#define LIFE_CRASHES_MAX 100

struct life_metrics;

/* When repeated ends of the main process are a crash loop. */
struct life_limits {
	unsigned int crash_exits; /* 1 to LIFE_CRASHES_MAX unexpected ends ... */
	uint64_t crash_window_ns; /* ... within this time */
};

/* Returns 0 or -ENOMEM. */
int life_metrics_new(const struct life_limits *limits, struct life_metrics **ret_metrics);
/* NULL is fine. */
void life_metrics_free(struct life_metrics *m);
/* From now on; what was seen before is judged by them, too. */
void life_metrics_set_limits(struct life_metrics *m, const struct life_limits *limits);

/*
 * Takes a record in: LIFE_EXIT and LIFE_TAIL with LIFE_FLAG_UNSEEN add to the children's CPU, with LIFE_FLAG_MAIN a
 * LIFE_EXIT is the end of the main process, and a LIFE_EXEC the beginning of the next one.
 * @wall_s: the time of the day, since the epoch. Returns whether it was a restart.
 */
bool life_metrics_add(struct life_metrics *m, const struct life_record *r, double wall_s);
/* User space knows that @pid, which lives, is the main process: a restart if there was another before, unless it is an
 * @orphan of that one. Also where no record tells. Returns whether it was. */
bool life_metrics_main_is(struct life_metrics *m, pid_t pid, bool orphan);
/* The service is another one from now on: its first main process is no restart. */
void life_metrics_forget_main(struct life_metrics *m);
/* The kernel's counters. Before the first call none of them is on the page. */
void life_metrics_set_totals(struct life_metrics *m, const struct life_totals *t);
/* What the service's cgroup counts itself. Before the first call it is not on the page. */
void life_metrics_set_cgroup_kills(struct life_metrics *m, uint64_t kills);

/* Whether the main process ended unexpectedly often in the time before @now_ns; also what the page says from now on.
 * *ret_n, which may be NULL: how often. */
bool life_metrics_crash_loop(struct life_metrics *m, uint64_t now_ns, unsigned int *ret_n);
uint64_t life_metrics_restarts(const struct life_metrics *m);

/* The last of its kind. */
struct life_last {
	struct life_record record; /* LIFE_EXIT */
	double wall_s;             /* since the epoch; 0: there was none */
};

struct life_summary {
	bool has_totals; /* otherwise ends of processes are not seen */
	uint64_t restarts;
	uint64_t oom_kills; /* of processes, or what the cgroup counts if that is more */
	uint64_t crashes;   /* in the time of a crash loop */
	bool crash_loop;
	struct life_last main_exit;
	struct life_last
		kill; /* by a signal that is not sent to end a process in peace, nor SIGPIPE */
	struct life_last oom;
};

/* As of the last call of life_metrics_crash_loop(). */
void life_metrics_summary(const struct life_metrics *m, struct life_summary *ret_summary);

/*
 * Whether the main process may be thought to have ended because it was told to: with exit status 0, by SIGTERM, SIGINT
 * or SIGHUP, or with the status that stands for SIGTERM or SIGINT (143, 130).
 */
bool life_status_expected(uint32_t status);
/* cpu_ns divided as user_ns and system_ns are to each other; all of it to user if both are 0, as the kernel does. */
void life_split_cpu(const struct life_record *r, uint64_t *ret_user_ns, uint64_t *ret_system_ns);

/* For page_add(): ctx is the struct life_metrics. */
bool life_metrics_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx);

#endif
