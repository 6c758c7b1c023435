/* SPDX-License-Identifier: MIT */
/* Between the files of `isamon jobs`. Each subcommand gets argv from its own name on and returns the exit status. */
#ifndef ISAMON_JOBS_CMD_H
#define ISAMON_JOBS_CMD_H

#include <event2/event.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "config/job.h"
#include "store/job_history.h"

int jobs_list(int argc, char **argv);
int jobs_run(int argc, char **argv);
int jobs_history(int argc, char **argv);

/* The history, where there is one already. */
struct jobs_past {
	struct event_base *base;
	struct job_history *history; /* NULL: no job ever ran */
};

/* Returns 0 or -errno, which was said. */
int jobs_past_open(const char *command, const struct config *c, struct jobs_past *ret);
void jobs_past_close(struct jobs_past *p);
/* Says why the history cannot be read. */
void jobs_past_explain(const char *command, struct jobs_past *p, int err);

/* "2026-11-26 02:00:00", local; "-" for 0. */
#define JOBS_CELL_MAX 48
void jobs_format_time(int64_t s, char cell[static JOBS_CELL_MAX]);
/* How long it took; "-" where that is not known. */
void jobs_format_duration(const struct job_run *r, char cell[static JOBS_CELL_MAX]);

/* The output of a job as lines that a terminal or JSON can have. Returns 0 or the buffer's error. */
int jobs_add_output(const char *output, size_t len, struct buf *out);

/* The run as JSON; NULL: no memory. @output: with it. */
json_t *jobs_run_json(const struct job_run *r, bool output);

int64_t jobs_now_s(void);

#endif
