/* SPDX-License-Identifier: MIT */
/*
 * Samples the service's processes, some at a time, into their metrics: figures of each, which are cheap, and
 * PSS, which is not. Each of the two has a budget of its own, so that the one does not keep the other from getting on.
 * A collection that does not reach all in its time is gone on with by calling process_sampler_step().
 */
#ifndef ISAMON_PROCESS_SAMPLER_H
#define ISAMON_PROCESS_SAMPLER_H

#include "metrics/http_metrics.h"
#include "metrics/process_metrics.h"
#include "probe/members.h"
#include "probe/task_probe.h"

#define PROCESS_GONE_MAX 64 /* in one step */

/* Where one pass over the members is. */
struct process_pass {
	size_t at;
	size_t left; /* members that it has still to come to */
};

struct process_sampler {
	struct task_probe *probe; /* not owned, like the other two */
	struct process_metrics *metrics;
	struct http_metrics *http; /* NULL: requests are not known */
	const char *service;       /* for messages */
	uint64_t pss_interval_ns;  /* 0: PSS is not read */
	uint64_t begun_ns; /* when the collection began, CLOCK_MONOTONIC; 0: there was none */
	struct process_pass figures;
	struct process_pass pss;       /* of those for which it is time */
	struct process_pass newcomers; /* of those that have none yet */
	bool said_refused;
};

/* Those that have gone, which nobody had told. */
struct process_gone {
	pid_t pids[PROCESS_GONE_MAX];
	size_t n;
};

/* A collection: some 15 ms of it. */
void process_sampler_begin(struct process_sampler *s, const struct member *list, size_t n,
			   struct process_gone *ret_gone);
/* Goes on with it for some 2 ms. */
void process_sampler_step(struct process_sampler *s, const struct member *list, size_t n,
			  struct process_gone *ret_gone);
/* Whether there is something left to go on with. */
bool process_sampler_busy(const struct process_sampler *s);

#endif
