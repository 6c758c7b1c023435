/* SPDX-License-Identifier: MIT */
/*
 * A run of a job: a command of isamon as a child process, from its start to its end, without waiting for it.
 *
 * The child has a process group of its own, the environment of this process (but for what belongs to this process alone: that of
 * systemd's notifications) with a fixed PATH, /dev/null as input, and no descriptors but its output and job_report.h's. It gets SIGTERM if
 * this process dies. It is ended by SIGTERM, and JOB_PROCESS_GRACE_S later by SIGKILL, with its group.
 * One run of a job at a time: RUNTIME_DIRECTORY/jobs/NAME.lock is locked by whoever runs it, and by the child, however they end.
 */
#ifndef ISAMON_JOB_PROCESS_H
#define ISAMON_JOB_PROCESS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "care/job_command.h"
#include "config/job.h"
#include "store/job_history.h"

#define JOB_PROCESS_GRACE_S 10

struct job_process;

struct job_process_how {
	const struct config_job *job; /* copied as far as needed */
	const char *program;          /* isamon's own, absolute */
	const char *config_path;      /* that the command gets as ISAMON_CONFIG; NULL: none */
	const char *runtime_directory;
	int64_t scheduled_s; /* 0: by hand */
	int echo_fd;         /* its output goes there, too, at once; -1: nowhere */
};

/* @r, with its output, holds during the call only. The process is gone by then, and is freed after the call. Whoever wants to hold the
 * lock until the run is in the history takes it, and leaves -1. */
typedef void (*job_process_fn)(const struct job_run *r, int *lock_fd, void *ctx);

/*
 * Starts it; @ret_run (may be NULL) is what to write into the history. Blocks on the runtime directory only, which is in memory.
 * Returns 0; -EBUSY: it runs already, in process *ret_holder (0: not known); -EINVAL: its command is none; another -errno: it could not
 * be started.
 */
int job_process_start(struct event_base *base, const struct job_process_how *how,
		      job_process_fn done, void *ctx, pid_t *ret_holder, struct job_run *ret_run,
		      struct job_process **ret);

/* Ends it; its result is JOB_INTERRUPTED. */
void job_process_stop(struct job_process *p);
/* As job_process_stop(), and waits, until @until_ns of the monotonic clock; then it is killed. Calls done. */
void job_process_finish(struct job_process *p, uint64_t until_ns);

/* Whether nobody runs it now. */
bool job_process_is_free(const char *runtime_directory, const char *job);
/* Something that is another number after each beginning and end of a run, whoever runs it; 0: it never ran. */
uint64_t job_process_mark(const char *runtime_directory, const char *job);

#endif
