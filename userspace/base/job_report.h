/* SPDX-License-Identifier: MIT */
/*
 * What a command tells isamon when it runs as a job: lines of text, written to the descriptor whose number is in ISAMON_JOB_FD. The
 * descriptor is the job's lock, too: the job runs as long as somebody has it.
 */
#ifndef ISAMON_JOB_REPORT_H
#define ISAMON_JOB_REPORT_H

#include <stdint.h>

#define JOB_REPORT_VARIABLE "ISAMON_JOB_FD"

/* At the beginning of the program: children of the command do not get the descriptor. */
void job_report_begin(void);

/* "bytes N": how many the job has made; the last one counts. Does nothing where no job runs. */
void job_report_bytes(uint64_t n);

/* Reads what was told. Returns the bytes, -1: nothing of them. */
int64_t job_report_read(const char *text);

#endif
