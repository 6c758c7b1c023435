/* SPDX-License-Identifier: MIT */
/* What isamon says of its jobs, as families (isamon_job_*). None of them is on the page where no job is configured. */
#ifndef ISAMON_JOBS_PAGE_H
#define ISAMON_JOBS_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics/page.h"

#define JOBS_PAGE_MAX 32
#define JOBS_NAME_MAX 64

/* How a run ended, and why none was begun though its time had come. */
enum {
	JOBS_OK,
	JOBS_FAILED,
	JOBS_SIGNAL,
	JOBS_TIME_LIMIT,
	JOBS_NOT_STARTED,
	JOBS_INTERRUPTED,
	JOBS_RESULTS
};
enum { JOBS_OVERLAP, JOBS_MISSED, JOBS_SKIPPED };

struct job_figures {
	char name[JOBS_NAME_MAX];
	bool enabled;
	bool running;
	bool overdue;
	int last_result;                /* JOBS_OK, ...; -1: there was no run, or it goes on */
	int64_t last_run_ms;            /* its beginning, since the epoch; 0: there was none */
	int64_t last_success_ms;        /* its end */
	int64_t last_duration_ms;       /* -1: not known */
	uint64_t runs[JOBS_RESULTS];    /* since the history was begun */
	uint64_t skipped[JOBS_SKIPPED]; /* since isamon began */
};

struct jobs_page {
	struct job_figures list[JOBS_PAGE_MAX];
	size_t n;
};

/* For page_add(): ctx is the struct jobs_page, which its owner brings up to date before a page. */
bool jobs_page_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx);

#endif
