/* SPDX-License-Identifier: MIT */
/*
 * What isamon says of its pushing to CloudWatch, as families (isamon_cloudwatch_*). None of them is on the page while
 * CloudWatch is off; of a state file that cannot be opened nothing is known, and the families of the spool are absent.
 */
#ifndef ISAMON_CLOUDWATCH_PAGE_H
#define ISAMON_CLOUDWATCH_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "metrics/page.h"

enum cloudwatch_drop {
	CLOUDWATCH_DROP_AGE,
	CLOUDWATCH_DROP_SIZE,
	CLOUDWATCH_DROP_DISK_FULL,
	CLOUDWATCH_DROP_MEMORY_FULL,
	CLOUDWATCH_DROP_N
};

struct cloudwatch_figures {
	bool enabled;
	/* That wait for their push: in the spool, and those that are on their way to it. */
	bool has_spool;
	uint64_t minutes, bytes;
	int64_t oldest_s; /* since the epoch; 0: none waits */
	/* Counters, since the state file was begun. */
	uint64_t pushed, rejected, maybe_twice;
	uint64_t dropped[CLOUDWATCH_DROP_N];
	/* Since isamon began. */
	uint64_t requests, retries, failures, sent_bytes;
	int64_t last_success_s; /* since the epoch; 0: none yet */
};

/* For page_add(): ctx is the struct cloudwatch_figures, which its owner brings up to date before a page. */
bool cloudwatch_page_collect(struct expo *e, struct page_cursor *at, size_t enough, void *ctx);

#endif
