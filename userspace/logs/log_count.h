/* SPDX-License-Identifier: MIT */
/*
 * How many errors and tracebacks there are in the logs, for CloudWatch's metrics LogErrors and Exceptions.
 *
 * They are counted when they were read, whether CloudWatch Logs takes them or not: a log that is shipped has a second lane, which reads
 * it a second time and only counts, since the first one stops reading while nothing is taken. It begins at the end of what is there, whatever
 * start says, so nothing old is counted when counting is switched on. A log with ship = no is counted by its only lane.
 *
 * What a batch counted stands in the state file in the same transaction as the places up to which it was read. So the numbers that
 * are told only grow, over kills and restarts, and hold each record once. A lane's are a row among the positions: id is 0, offset the errors,
 * inode the exceptions. Those of logs that are configured no more are kept, and are in the sum, until they are forgotten.
 */
#ifndef ISAMON_LOG_COUNT_H
#define ISAMON_LOG_COUNT_H

#include <stdint.h>

#include "metrics/logs_figures.h"
#include "store/positions.h"

enum log_count {
	COUNT_NOT,
	COUNT_TOO,  /* the lane counts */
	COUNT_ONLY, /* and is there for nothing else */
};

struct log_counted {
	uint64_t errors, exceptions;
};

struct lane_counts;
struct log_lane;
struct log_push;

/* Makes a new lane one that counts, or not: its key, and the configuration of its own. */
void log_count_lane(struct log_lane *l, enum log_count count);
/* Behind the opening of all lanes: reads what was counted before (blocks), or, if nothing is to be counted, forgets how far it was. Returns
 * 0 or -errno. */
int log_count_open(struct log_push *p);
/* The lane's row, as it stands when @c is counted, too. */
void log_count_fill(const struct log_lane *l, const struct lane_counts *c, struct position *at);
/* @c is in the state file. */
void log_count_settle(struct log_lane *l, const struct lane_counts *c);
/* The state file was begun anew: writes all rows. */
void log_count_write_all(struct log_push *p);
void log_count_figures(const struct log_push *p, struct logs_figures *ret);

#endif
