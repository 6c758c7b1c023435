/* SPDX-License-Identifier: MIT */
/*
 * Brings minutes from the spool to CloudWatch: when, in which order, and again.
 *
 * Each interval one push, spread over it by host; what is left over goes in further requests behind it, one under way at a
 * time, up to 4 a second. The newest minute first when CloudWatch comes back after an outage, because alarms look at
 * it, then the oldest. What fails stays in the spool: after a transient failure, throttling, missing credentials, region or
 * permission it is tried again, slower and slower, up to 5 minutes, with jitter. Only what CloudWatch says is wrong with a
 * request is final: then each of its minutes is sent alone, and those that are refused are counted and removed.
 *
 * A push whose outcome is not known (time-out, connection lost behind the request, 5xx, kill) is sent again: CloudWatch then
 * may have counted it twice. For RequestCount and ErrorCount that is the lesser evil: an alarm too many, not one too few; the
 * averages, percentiles and extremes of the other metrics are the same. Such minutes are counted.
 *
 * The instance id is waited for, up to a minute, until IMDS has answered or failed once. A minute that is pushed before it is
 * known is published without the dimension InstanceId for good.
 */
#ifndef ISAMON_PUSH_H
#define ISAMON_PUSH_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "aws/client.h"
#include "ship/put_metric_data.h"
#include "store/spool.h"

struct push;

struct push_options {
	struct put_options put; /* instance_id is taken from the identity */
	unsigned int interval_s;
};

struct push_stats {
	uint64_t requests;      /* calls that were made, each with its retries */
	uint64_t retries;       /* attempts beyond the first of each call */
	uint64_t failures;      /* calls that did not end well */
	uint64_t sent_bytes;    /* bodies as sent */
	int64_t last_success_s; /* since the epoch; 0: none yet */
	enum aws_failure state; /* of the last call; AWS_OK before the first */
	char error[512];        /* why, one line; "" if it went well */
};

/* @told (may be NULL): after each call, when the stats have changed; may not free it. None is owned; all must outlive the push.
 * Texts of @o are copied. Says in the log when the state changes, once. Returns 0 or -errno. */
int push_new(struct event_base *base, struct spool *spool, struct aws_client *client,
	     struct identity *identity, const struct push_options *o, void (*told)(void *ctx),
	     void *ctx, struct push **ret);
/* What is under way is given back to the spool as maybe sent. NULL is fine. */
void push_free(struct push *p);
/* What is under way stays as it is. Returns 0 or -ENOMEM (nothing changed). */
int push_set_options(struct push *p, const struct push_options *o);

/* Sends what waits at once, or behind what is under way, without regard to time and pauses; @done is called once, from the loop,
 * when the spool is empty or a call has failed. May not free it. Returns 0; -EBUSY: another one is not done yet. */
int push_now(struct push *p, void (*done)(void *ctx), void *ctx);
/* The identity or the credentials are other ones now: pauses end. */
void push_wake(struct push *p);
void push_stats(const struct push *p, struct push_stats *ret);

/* Where in an interval a host pushes, in ms from its beginning: by its name (the instance id, or what else tells it from the
 * others), evenly. */
unsigned int push_offset_ms(const char *host, unsigned int interval_s);

#endif
