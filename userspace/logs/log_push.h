/* SPDX-License-Identifier: MIT */
/*
 * Brings logs to CloudWatch Logs: nothing lost, nothing twice.
 *
 * Each log has a lane. Records are read out of its files (or its journal) only while there is room for them in the lane's next batch; the
 * rest stays where it is, so the memory that is taken does not depend on the backlog. A batch is sent when it is full
 * or a second old. One batch of a lane is under way at a time, the next one is filled meanwhile; LOG_PUSH_CALLS lanes call at once.
 *
 * Before a batch is sent the state file says so (under_way); behind the 200 its positions move, in the transaction in which the next
 * batch is written down. A batch that fails is sent again, the same, for ever, slower and slower, up to 5 minutes. One whose outcome is
 * not known (time-out, connection lost behind the request, 5xx, a kill) may be there twice then: its events are counted.
 * What cannot be written down is not sent.
 *
 * Within a batch events stand in the order of their times, those of the same time (and of the same file) as they were written. A time
 * that CloudWatch would refuse (14 days old, 2 hours ahead) is replaced by that of the arrival, and counted. Refused events (by
 * rejectedLogEventsInfo, or by themselves when a batch is refused and halved until it is known which) are counted, told and
 * left behind. Where nothing was ever taken of a log, or a hundred events in a row are refused, it is not the events' fault: it waits.
 */
#ifndef ISAMON_LOG_PUSH_H
#define ISAMON_LOG_PUSH_H

#include <event2/event.h>
#include <stdbool.h>

#include "aws/client.h"
#include "aws/identity.h"
#include "config/log.h"
#include "metrics/logs_figures.h"
#include "store/positions.h"

#define LOG_PUSH_CALLS 3
/* Of all lanes' batches together, as CloudWatch counts them; each has a share, LOG_PUSH_SHARE_MIN at least. */
#define LOG_PUSH_BYTES (2u << 20)
#define LOG_PUSH_SHARE_MIN (32u << 10)

struct log_push;

struct log_push_options {
	const char *group;           /* of logs that name none */
	unsigned int retention_days; /* of groups that are created; 0: for ever */
	bool compress;               /* bodies, with gzip */
	bool count;                  /* errors and exceptions: logs/log_count.h */
};

/* None is owned; all must outlive it. @positions are read (blocks). Starts at once. A log that cannot be followed is told,
 * and left out. Returns 0 or -errno. */
int log_push_new(struct event_base *base, struct positions *positions, struct aws_client *client,
		 struct identity *identity, const struct config_log *const *logs, size_t n_logs,
		 const struct log_push_options *o, struct log_push **ret);
/* What is under way is given up; the state file says so. NULL is fine. */
void log_push_free(struct log_push *p);

/* Reads and sends nothing more; @done is called, from the loop, when no call is under way and everything is written down. */
void log_push_stop(struct log_push *p, void (*done)(void *ctx), void *ctx);
/* The identity or the credentials are other ones now: pauses end. */
void log_push_wake(struct log_push *p);
/* Appends to an empty @ret, whose owner frees it. Returns 0 or -ENOMEM. */
int log_push_figures(struct log_push *p, struct logs_figures *ret);

#endif
