/* SPDX-License-Identifier: MIT */
/* Transport, identity, credentials and client, made of the configuration together: what the daemon keeps, and a tool has
 * for as long as it runs. */
#ifndef ISAMON_SESSION_H
#define ISAMON_SESSION_H

#include <event2/event.h>

#include "aws/client.h"
#include "aws/s3.h"
#include "config/config.h"

struct aws_session;

/* @c must outlive it. A CA bundle that it does not name is $AWS_CA_BUNDLE. @changed as in identity_new(). Returns 0
 * or -errno, explained in @why. */
int aws_session_new(struct event_base *base, const struct config *c, void (*changed)(void *ctx),
		    void *ctx, struct buf *why, struct aws_session **ret);
void aws_session_free(struct aws_session *s);
struct aws_client *aws_session_client(struct aws_session *s);
struct identity *aws_session_identity(struct aws_session *s);
struct credentials *aws_session_credentials(struct aws_session *s);
struct transport *aws_session_transport(struct aws_session *s);

/* The bucket of [backup], as @c has it; @progress as in struct s3_options, without a context, may be NULL. The session must outlive it. As s3_new(). */
int aws_session_s3(struct aws_session *s, const struct config *c,
		   bool (*progress)(uint64_t done, uint64_t total, void *ctx), struct buf *why,
		   struct s3 **ret);

/*
 * For tools: makes the call and runs the loop until its answer is there; waits for the identity first. @fn is called before it
 * returns. Returns 0 (also if AWS refused: see the answer) or -errno.
 */
int aws_session_ask(struct aws_session *s, const struct aws_request *r, aws_done_fn fn, void *ctx);

#endif
