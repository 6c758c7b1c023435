/* SPDX-License-Identifier: MIT */
/* What `isamon status` is told of processes, lives and deaths, out of their summaries. */
#ifndef ISAMON_STATUS_FILL_H
#define ISAMON_STATUS_FILL_H

#include <sys/types.h>

#include "metrics/jobs_page.h"
#include "metrics/life_metrics.h"
#include "metrics/process_metrics.h"
#include "metrics/status_json.h"

/* @main: the main process, or, if the summary has none, what stands for it and is not told; 0: none. Needs s->service_up. */
void status_fill_processes(const struct process_summary *p, pid_t main, struct status *s);
/* Where ends of processes are not seen there is nothing but the restarts. */
void status_fill_life(const struct life_summary *l, struct status *s);
/* As many of the jobs that are not well as find room. */
void status_fill_jobs(const struct jobs_page *p, struct status *s);

#endif
