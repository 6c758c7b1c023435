/* SPDX-License-Identifier: MIT */
/*
 * What bringing minutes to CloudWatch is made of, opened as far as it can be: the present minute and those that are
 * over (in memory), the spool (on the disk), the pushing. Each part works while those behind it cannot be opened: the
 * minute is counted without a disk, and minutes reach the disk without libcurl.
 * The daemon has them as long as CloudWatch is on, `isamon metrics push` for a moment.
 * Nothing here waits for the disk, which may hang, but cloudwatch_parts_close(): the spool is opened and left by the store's
 * thread.
 */
#ifndef ISAMON_CLOUDWATCH_PARTS_H
#define ISAMON_CLOUDWATCH_PARTS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "aws/session.h"
#include "base/buf.h"
#include "config/config.h"
#include "ship/minute.h"
#include "ship/pending.h"
#include "ship/push.h"
#include "store/spool.h"
#include "store/store.h"

/* NULL: not open. To be read, and changed by the functions below. */
struct cloudwatch_parts {
	struct event_base *base;
	const struct config *config;
	struct minute *minute;
	struct minute_options minute_options; /* that it was made with */
	struct pending *pending;
	struct store *store;
	struct spool *spool;
	struct aws_session *session;
	struct push *push;
	struct spool *opening; /* until the store's thread has read it */
	uint64_t opening_ns;   /* since when; CLOCK_MONOTONIC */
	int store_err;         /* why it could not be opened the last time, with store_why */
	struct buf store_why;
	bool store_failed;     /* that was not told yet */
	struct store *leaving; /* closed, but its thread has not ended: no other can be opened */
	struct spool *left;    /* its */
	unsigned int adding;   /* minutes on their way to the disk */
	bool stalled;          /* the disk took one of them not */
	bool caught_up;        /* what was pending when the spool was opened was added once */
	bool full;             /* nor does the memory; said */
	uint64_t lost;         /* minutes that neither took; since the beginning */
	bool losing;           /* said */
	void (*changed)(void *ctx); /* may be NULL: call cloudwatch_parts_open() again */
	void *changed_ctx;
};

/* Of memory that is all zero. @c must live until cloudwatch_parts_use() names another. */
void cloudwatch_parts_init(struct cloudwatch_parts *p, struct event_base *base,
			   const struct config *c);
/* Opens what is not open, as far as that can be done. Returns 0 if everything is; -EINPROGRESS: the disk is waited for, and
 * p->changed will be called; or -errno, explained in @why with what to do about it; for each part that cannot be opened a line.
 * @now_s: since the epoch. */
int cloudwatch_parts_open(struct cloudwatch_parts *p, int64_t now_s, struct buf *why);
/* Whether everything is open. */
bool cloudwatch_parts_are_open(const struct cloudwatch_parts *p);
/* Closes all; waits until what is on its way to the disk is there, for CLOUDWATCH_CLOSE_MS at most: then the disk hangs, and
 * what did not get there is in memory still, for the next one. */
#define CLOUDWATCH_CLOSE_MS 5000
void cloudwatch_parts_close(struct cloudwatch_parts *p);
/* As cloudwatch_parts_close(), but what is on its way gets there, and is told, later. Opening waits for that. */
void cloudwatch_parts_leave(struct cloudwatch_parts *p);

/* If the present minute is over at @now_s: it waits from now on, and another begins. */
void cloudwatch_parts_finish(struct cloudwatch_parts *p, int64_t now_s);
/* The present minute waits from now on, though it is not over. */
void cloudwatch_parts_cut(struct cloudwatch_parts *p);
/* Closes the present minute, so that it is opened with other options the next time. */
void cloudwatch_parts_close_minute(struct cloudwatch_parts *p);
/* Closes session and pushing. */
void cloudwatch_parts_close_push(struct cloudwatch_parts *p);
/* Brings minutes from memory to the disk; also done behind each that is over. */
void cloudwatch_parts_add(struct cloudwatch_parts *p);
/* That wait in memory or on the disk. */
uint64_t cloudwatch_parts_waiting(const struct cloudwatch_parts *p);

#endif
