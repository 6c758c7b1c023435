/* SPDX-License-Identifier: MIT */
/* Between the files of care/schedule.h. */
#ifndef ISAMON_SCHEDULE_IMPL_H
#define ISAMON_SCHEDULE_IMPL_H

#include <sys/queue.h>

#include "care/cron.h"
#include "care/job_process.h"
#include "care/schedule.h"

struct job {
	TAILQ_ENTRY(job) entry;
	struct schedule *schedule;
	const struct config_job *config; /* NULL: it is there no more, but runs */
	struct cron cron;
	struct job_state state;
	bool known;        /* state is that of the history, or there is none to be had */
	int64_t watched_s; /* its times before are nobody's business; 0: all that are kept */
	int64_t due_s;     /* 0: never */
	uint64_t mark;     /* of its lock, when the history was read */
	struct job_process *process;
	unsigned int changes,
		looked_at; /* of state.last and its like, here; when it was looked up */
	uint64_t skipped[JOBS_SKIPPED];
};

TAILQ_HEAD(job_list, job);

/* In which @j may go. */
#define JOBS_EACH(j, next, list) \
	for ((j) = TAILQ_FIRST(list); (j) && ((next) = TAILQ_NEXT(j, entry), true); (j) = (next))

struct schedule {
	struct event_base *base;
	const char *program, *config_path;
	const struct config *config;
	struct job_history *history; /* NULL: none is needed, or it cannot be */
	struct job_list jobs;
	int64_t ticked_s, planned_s, looked_s;
	bool looking, told; /* that the history cannot be read */
	struct jobs_page page;
	struct schedule_failures failures;
	uint64_t n_failures;       /* that were seen here */
	uint64_t n_failures_asked; /* when the history was asked */
};

/* When it is due next, seen from what was seen to. */
void schedule_plan(struct job *j, int64_t now_s);
/* Reads the history of all jobs anew, and goes on in the loop. */
void schedule_look(struct schedule *s, int64_t now_s);
/* A run ended without success, or was found to have. */
void schedule_failed(struct schedule *s);
/* Whether somebody else has begun or ended a run. */
bool schedule_is_stale(const struct schedule *s);

#endif
