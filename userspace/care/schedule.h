/* SPDX-License-Identifier: MIT */
/*
 * The daemon's schedule: starts jobs when their time comes, in its loop, and never waits for the disk.
 *
 * Of each job it is kept up to when its schedule was seen to. A time behind that which has come is due; more than SCHEDULE_LATE_S
 * after it, it was missed (isamon did not run, the host slept, the clock was put forward): then it is run at once, once for all that were
 * missed, or skipped, as [job] missed says. A job that is new, or has a new schedule, begins now.
 * A clock that is put back by up to SCHEDULE_BACK_S repeats nothing; one that is put back further begins anew.
 * A job whose last run goes on, here or by `isamon jobs run`, is not started again: that is told, and counted.
 * Without a history (the disk is full) jobs run all the same; only of what was missed nothing is known.
 */
#ifndef ISAMON_SCHEDULE_H
#define ISAMON_SCHEDULE_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "metrics/jobs_page.h"

#define SCHEDULE_LATE_S 60
#define SCHEDULE_BACK_S (3 * 3600)
#define SCHEDULE_OVERDUE_S (15 * 60)
/* How long schedule_free() waits for jobs after SIGTERM, and then for the disk. */
#define SCHEDULE_STOP_S 8
#define SCHEDULE_STOP_DISK_S 4

struct schedule;

/* @program is isamon's own; @config_path what its commands are to use, NULL: the default. Both must outlive it. */
int schedule_new(struct event_base *base, const char *program, const char *config_path,
		 struct schedule **ret);
/* Sends SIGTERM to the jobs that run, and does not wait. */
void schedule_stop(struct schedule *s);
/* Ends the jobs that run, and records that. Blocks, for what is above at most. NULL is fine. */
void schedule_free(struct schedule *s);

/* From now on as @c says, which must stay until the next call. What runs goes on, also if it is in the configuration no more. */
void schedule_use(struct schedule *s, const struct config *c, int64_t now_s);

/* Once a second, with the time since the epoch. */
void schedule_tick(struct schedule *s, int64_t now_s);

/* Brought up to date by the call; the same pointer each time. */
struct jobs_page *schedule_page(struct schedule *s, int64_t now_s);

/*
 * How many runs ended without success, of whatever job, whoever ran it. It is brought up to what the history has whenever that is
 * read; what failed here is added at once, also where it cannot be written. It may fall: by what could not be written.
 */
struct schedule_failures {
	bool known;          /* the history was read, or could not be */
	bool lasting;        /* it was: all that it has; else those that were seen here */
	uint64_t counter;    /* another number, not 0, for each time it begins */
	uint64_t first, now; /* when it began, before it found any that was interrupted; now */
};

void schedule_failures(const struct schedule *s, struct schedule_failures *ret);

#endif
