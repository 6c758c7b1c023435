/* SPDX-License-Identifier: MIT */
/* The rows of job_run, job_state and job_total. In the store's thread; what changes something is one transaction. */
#ifndef ISAMON_JOB_ROWS_H
#define ISAMON_JOB_ROWS_H

#include <sqlite3.h>

#include "store/job_history.h"

int job_rows_begin(sqlite3 *db, const struct job_run *r, int64_t seen_to_s);
int job_rows_end(sqlite3 *db, const struct job_run *r);
int job_rows_seen(sqlite3 *db, const char *job, int64_t seen_to_s);
int job_rows_interrupted(sqlite3 *db, const char *job);
/* @change: what job_history_look() says of the file. */
int job_rows_look(sqlite3 *db, struct job_state *list, size_t n, bool change,
		  uint64_t *ret_failures);
int job_rows_each(sqlite3 *db, const char *job, unsigned int max,
		  int (*fn)(const struct job_run *r, void *ctx), void *ctx);

#endif
