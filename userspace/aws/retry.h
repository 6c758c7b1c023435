/* SPDX-License-Identifier: MIT */
/*
 * When a call is tried again, and how long is waited before it. Pure functions.
 *
 * Facts: AWS SDKs and Tools Reference Guide, "Retry behavior" (the standard mode): what is transient, what is throttling, a bucket
 * of tokens that all calls share, so that an outage is not made worse by everybody's retries.
 */
#ifndef ISAMON_RETRY_H
#define ISAMON_RETRY_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define RETRY_TOKENS_MAX 500u
#define RETRY_DELAY_MAX_MS 20000u
/* What a server may ask for; as much as the spool waits by itself. */
#define RETRY_ASKED_MAX_MS 300000u

enum retry_class {
	RETRY_NO,
	RETRY_TRANSIENT, /* the network, a server that is not well */
	RETRY_THROTTLED, /* too many calls */
};

struct retry_bucket {
	unsigned int tokens;
};

void retry_bucket_init(struct retry_bucket *b);
/* Pays for a retry. Returns what it cost, 0: there is not enough left, or the class is not retried. */
unsigned int retry_take(struct retry_bucket *b, enum retry_class class);
/* After a success: gives back what the call's last retry cost, or 1 if it had none. */
void retry_give(struct retry_bucket *b, unsigned int cost);

/* How long to wait before retry @n (1: the first): full jitter, @random evenly distributed over all its values. */
uint32_t retry_delay_ms(enum retry_class class, unsigned int n, uint32_t random);

/* What the headers x-amz-retry-after (milliseconds) and Retry-After (seconds, or a date) ask for; "": not there. 0 if neither can
 * be read; at most RETRY_ASKED_MAX_MS. @now: on the server's clock. */
uint32_t retry_asked_ms(const char *amz_retry_after, const char *retry_after, time_t now);

#endif
