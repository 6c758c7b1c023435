/* SPDX-License-Identifier: MIT */
/*
 * What ship/push.h has taken from the spool: those that are in a call and those that did not fit into it, until the spool has
 * heard what became of them.
 */
#ifndef ISAMON_PUSH_BATCH_H
#define ISAMON_PUSH_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ship/put_metric_data.h"
#include "store/spool.h"

#define PUSH_BATCH_MAX 200

/* What became of those that are in the call. */
enum push_end {
	PUSH_RETURNED,           /* surely not sent: they wait again */
	PUSH_MAYBE_SENT,         /* they wait again */
	PUSH_PUSHED,             /* the others leave the spool */
	PUSH_PUSHED_MAYBE_TWICE, /* an attempt before the one that went well may have had its effect */
	PUSH_REJECTED,
};

/* All zero but the spool: empty. */
struct push_batch {
	struct spool *spool;
	int64_t ids
		[PUSH_BATCH_MAX]; /* the first n_sent are in the call, those up to n_taken are not */
	size_t n_sent, n_taken;
	enum push_end end;
};

/*
 * Begins @ret and puts as many of the @n minutes (at most PUSH_BATCH_MAX) into it as fit; the caller ends it with put_done(),
 * whatever is returned. Those that nobody could send are removed as rejected, and the log says so: there may be none left
 * (n_sent is 0). Returns 0 or -ENOMEM; all are in the batch in both cases.
 */
int push_batch_fill(struct push_batch *b, const struct put_options *o,
		    const struct spool_minute *minutes, size_t n, struct put_request *ret);
/* Tells the spool @end of those that were sent, and that the others wait again. */
void push_batch_end(struct push_batch *b, enum push_end end);
/* Tells what could not be told yet for lack of memory. Returns whether all was told, and the batch is empty. */
bool push_batch_settle(struct push_batch *b);

#endif
