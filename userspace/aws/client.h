/* SPDX-License-Identifier: MIT */
/*
 * One call of an AWS API: endpoint, credentials, signature, compression, time-outs, retries. Everything asynchronous;
 * the same for every service.
 *
 * Retries within a call: transient failures (network, 500, 502, 503, 504, RequestTimeout) and throttling, full jitter, from a
 * token bucket of 500 that all calls share (14 and 5 tokens); clock skew is learned from the answer's Date and the call signed once
 * more; expired credentials are fetched once more. These two do not count among the attempts that are allowed.
 * What has no error code of AWS did not come from AWS: a proxy's 404 is AWS_TRANSIENT, never AWS_REJECTED (but 413 is).
 * The outcome of an attempt is unknown if the whole request may have left and no whole answer came, if the status was 5xx (but
 * not throttling), or 2xx with a body that is not the operation's.
 */
#ifndef ISAMON_CLIENT_H
#define ISAMON_CLIENT_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/credentials.h"
#include "aws/identity.h"
#include "aws/transport.h"

struct aws_client;
struct aws_call;

struct aws_client_options {
	const char *
		endpoint_url; /* for every service; NULL: $AWS_ENDPOINT_URL_<SERVICE>, $AWS_ENDPOINT_URL, AWS's */
	const char *cloudwatch_endpoint_url; /* for one service, before endpoint_url; likewise */
	const char *logs_endpoint_url;
	const char *sts_endpoint_url;
};

enum aws_service { AWS_CLOUDWATCH, AWS_LOGS, AWS_STS, AWS_SERVICES };

struct aws_request {
	enum aws_service service;
	const char *operation; /* "PutMetricData" */
	const void *body;      /* JSON, or a form for STS; copied */
	size_t body_len;
	bool gzip;               /* worth compressing */
	unsigned int attempts;   /* at most; 0: 3 */
	unsigned int timeout_ms; /* of an attempt; 0: 20,000 */
};

enum aws_failure {
	AWS_OK,
	AWS_TRANSIENT,      /* network, 5xx: later */
	AWS_THROTTLED,      /* later, slower */
	AWS_NO_CREDENTIALS, /* none, expired, or not valid; nothing wrong with the request */
	AWS_NO_REGION,
	AWS_DENIED, /* AccessDenied and its like: a policy must be changed; nothing wrong with the request */
	AWS_REJECTED, /* the request is wrong, and will be wrong tomorrow */
};

struct aws_answer {
	enum aws_failure failure;
	int status;       /* HTTP's, 0: none */
	const char *code; /* "ThrottlingException"; "" if there is none */
	const char
		*message; /* one line: what, where, why; also of failures that AWS did not tell */
	const char *body;
	size_t body_len;
	const char *request_id; /* "" if there is none */
	unsigned int attempts;  /* that were made */
	bool outcome_unknown; /* at least one attempt may have had its effect without our knowing */
	uint64_t retry_after_ms; /* AWS asks for this pause (300,000 at most); 0: does not */
	size_t sent_bytes;       /* of bodies, as sent, over all attempts */
};

typedef void (*aws_done_fn)(const struct aws_answer *a, void *ctx);

/* None is owned; all must outlive the client. */
int aws_client_new(struct event_base *base, struct transport *t, struct credentials *c,
		   struct identity *i, const struct aws_client_options *o, struct aws_client **ret);
/* Calls under way are cancelled without callback. */
void aws_client_free(struct aws_client *c);

/* Calls @fn once, from the loop and never from within, unless cancelled. @fn may start and cancel other calls, and not free
 * the client. Returns 0 or -ENOMEM (also for a body of more than 9 MiB: a megabyte of control characters in JSON, and more). */
int aws_client_call(struct aws_client *c, const struct aws_request *r, aws_done_fn fn, void *ctx,
		    struct aws_call **ret_call);
void aws_call_cancel(struct aws_call *call);

/* What AWS's clock is ahead of ours, as learned; 0 at first. */
int64_t aws_client_skew_s(const struct aws_client *c);

#endif
