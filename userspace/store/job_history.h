/* SPDX-License-Identifier: MIT */
/*
 * Runs of jobs, in a state file of their own, STATE_DIRECTORY/jobs.db, which the daemon and `isamon jobs` both use, each only for
 * moments (store_begin_shared()). Of a run that is under way there is a row already; so a run that nobody ended is known
 * to have been interrupted. Of each job the last JOB_RUNS_MAX runs are kept.
 */
#ifndef ISAMON_JOB_HISTORY_H
#define ISAMON_JOB_HISTORY_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define JOB_HISTORY_FILE "jobs.db"
#define JOB_NAME_MAX 63
#define JOB_RUNS_MAX 100
#define JOB_OUTPUT_MAX (1u << 20)

/* In the file: never change one. */
enum job_result {
	JOB_RUNNING,
	JOB_OK,
	JOB_FAILED,      /* code: its exit status */
	JOB_SIGNAL,      /* code: the signal that ended it */
	JOB_TIME_LIMIT,  /* it was ended because it took too long */
	JOB_NOT_STARTED, /* code: the errno */
	JOB_INTERRUPTED, /* isamon was stopped, or died, meanwhile */
	JOB_RESULTS
};

/* "running", "ok", "failed", "signal", "time_limit", "not_started", "interrupted". */
extern const char *const job_result_names[JOB_RESULTS];
/* "exit status 3", "signal 9 (Killed)", ..., for people. */
void job_result_describe(enum job_result result, int code, struct buf *out);

struct job_run {
	char job[JOB_NAME_MAX + 1];
	int64_t scheduled_s; /* since the epoch; 0: it was started by hand */
	int64_t started_ms;  /* since the epoch; with the job's name this is what names a run */
	int64_t ended_ms;    /* 0: not, or not known */
	enum job_result result;
	int code;
	uint64_t cpu_ms; /* user and system, with all descendants that were waited for */
	uint64_t peak_rss_bytes;
	int64_t bytes;         /* that it says it has written; -1: it says nothing */
	uint64_t output_bytes; /* all that it wrote; output is the end of this */
	char *output;          /* not owned; may be NULL */
	size_t output_len;
};

/* What is known of a job. */
struct job_state {
	char job[JOB_NAME_MAX + 1];
	char schedule[256]; /* as the configuration has it */
	int64_t seen_to_s;  /* times of the schedule up to here were seen to, since the epoch */
	int64_t success_ms; /* when the last run that was ok ended; 0: none */
	uint64_t runs[JOB_RESULTS];
	struct job_run last; /* without output; started_ms 0: there is none */
};

struct job_history;

/* Does not block; the file is opened, or made, with the first work. Returns 0 or -errno. */
int job_history_new(struct event_base *base, const char *directory, struct job_history **ret);
/* Waits for what was handed over, @ms at most (0: as long as it takes), and tells it. NULL is fine. */
void job_history_close(struct job_history *h, unsigned int ms);
/* Waits until what was handed over is done; it is told later. */
void job_history_settle(struct job_history *h);
/* Why the file could not be opened the last time; nothing if it could. */
void job_history_why(struct job_history *h, struct buf *why);

/*
 * Each is done behind the loop's back, in the order in which they were called; @done (may be NULL) is called in the loop, or in
 * job_history_close(). Returns 0, -ENOMEM, -ESHUTDOWN, or -EAGAIN: the disk hangs, and too much waits for it already.
 */
typedef void (*job_history_fn)(int err, void *ctx);

/* A run begins; the caller holds the job's lock, so that one that is still under way in the file was interrupted. @seen_to_s as in
 * struct job_state; 0: stays. */
int job_history_begin(struct job_history *h, const struct job_run *r, int64_t seen_to_s,
		      job_history_fn done, void *ctx);
/* It has ended; whether its beginning is in the file or not. */
int job_history_end(struct job_history *h, const struct job_run *r, job_history_fn done, void *ctx);
/* The schedule was seen to up to then, without a run. */
int job_history_seen(struct job_history *h, const char *job, int64_t seen_to_s);
/* What is under way in the file was interrupted: nobody holds the job's lock. */
int job_history_interrupted(struct job_history *h, const char *job);

/*
 * Looks @n jobs up; of each, job and schedule are given, and seen_to_s, which is what a job that is new, or whose schedule is another one
 * now, begins with, and is then in the file. @done gets the list filled in, and how many runs have ever ended without success, of all
 * jobs that the file has, also those that nobody looks up. job_history_look_wait() does it at once, blocks, and changes nothing in
 * the file.
 */
typedef void (*job_history_look_fn)(int err, const struct job_state *list, size_t n,
				    uint64_t failures, void *ctx);
int job_history_look(struct job_history *h, const struct job_state *list, size_t n,
		     job_history_look_fn done, void *ctx);
int job_history_look_wait(struct job_history *h, struct job_state *list, size_t n);

/* Calls @fn for the last @max runs of @job (NULL: of all jobs), the newest first, until it returns other than 0, which is returned.
 * Blocks. */
int job_history_each(struct job_history *h, const char *job, unsigned int max,
		     int (*fn)(const struct job_run *r, void *ctx), void *ctx);

#endif
