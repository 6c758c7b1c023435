/* SPDX-License-Identifier: MIT */
/* What client*.c know of each other. */
#ifndef ISAMON_CLIENT_IMPL_H
#define ISAMON_CLIENT_IMPL_H

#include "aws/client.h"
#include "aws/endpoint.h"
#include "aws/fault.h"
#include "aws/keys.h"
#include "aws/retry.h"
#include "base/sha256.h"

#define CLIENT_OPERATION_MAX 64

struct aws_client {
	struct event_base *base;
	struct transport *transport;
	struct credentials *credentials;
	struct identity *identity;
	struct aws_client_options options;
	struct retry_bucket bucket;
	int64_t skew_s;
	struct aws_call *calls;
};

/* What the call's timer does when it fires. */
enum client_step { CLIENT_BEGIN, CLIENT_SEND, CLIENT_FINISH };

struct aws_call {
	struct aws_client *client;
	struct aws_call *prev, *next;
	enum aws_service service;
	char operation[CLIENT_OPERATION_MAX];
	struct buf body; /* as it is sent */
	char body_hash[SHA256_HEX];
	bool packed; /* gzip */
	unsigned int attempts_max, timeout_ms;
	aws_done_fn fn;
	void *ctx;

	enum client_step step;
	struct event *timer;
	struct transport_call *under_way;
	struct endpoint endpoint; /* of this attempt; host is "" before the first */
	struct keys keys;         /* likewise; also so that they can be struck out of messages */
	int64_t skew_s;           /* likewise, with which it was signed */
	unsigned int retries;     /* of those that the bucket paid for */
	unsigned int cost;        /* what the last of them took from it */
	bool again_for_skew, again_for_credentials;

	struct aws_answer answer; /* as it grows; its texts are the following */
	char code[FAULT_CODE_MAX], request_id[FAULT_CODE_MAX * 2];
	struct buf message;
};

/* client_request.c: copies and packs the body of @r, whose operation it takes over. Returns 0 or -ENOMEM. */
int client_take_request(struct aws_call *call, const struct aws_request *r);
/* Signs and starts an attempt, with .keys, for .endpoint. Returns 0 or -errno. */
int client_send(struct aws_call *call, const char *region, transport_done_fn fn);

/* client_message.c: fills .message. @err: of the transport. */
void client_explain_transport(struct aws_call *call, int err, const char *why);
void client_explain_answer(struct aws_call *call, enum fault_kind kind, const struct fault *f);
void client_explain(struct aws_call *call, const char *why);
/* Strikes every occurrence of the call's secret and token out of @text, also one that is cut at its end. */
void client_scrub(const struct aws_call *call, char *text);

#endif
