/* SPDX-License-Identifier: MIT */
/* What the files of the area "aws" have of each other. */
#ifndef ISAMON_AWS_IMPL_H
#define ISAMON_AWS_IMPL_H

#include <jansson.h>
#include <stdint.h>

#include "aws/lone_session.h"
#include "check/check.h"

#define AWS_CHECK_TIMEOUT_MS 8000
#define AWS_CHECK_STEP_MS 2500
#define AWS_WHY_MAX 2048

/* What an operation said. */
struct aws_said {
	enum aws_failure failure; /* AWS_OK: it was done */
	char code[80];
	struct buf why;  /* of a failure: one plain line, without secrets */
	struct buf body; /* as it came */
};

/* Asks, with one further attempt; blocks for AWS_CHECK_STEP_MS at most. Always fills in @ret, which aws_said_done() empties. Returns 0 if AWS
 * did it. */
int aws_check_ask(struct lone_session *l, enum aws_service service, const char *operation,
		  const char *body, struct aws_said *ret);
void aws_said_done(struct aws_said *said);

/* The text between <NAME> and </NAME> of STS's answer; "" if it is not there, or no plain text. */
#define AWS_ELEMENT_MAX 512
const char *aws_check_element(const char *xml, const char *name, char ret[AWS_ELEMENT_MAX]);

/*
 * The first step of each check of a service: a session, and whether AWS knows who is asking. Returns 0: go on; 1: there is nothing to go on
 * with, which was added to @out under @id, as "unknown": the check aws.identity says why; -errno.
 */
int aws_check_begin(const struct check_input *in, const char *id, struct lone_session *l,
		    struct findings *out);

/* The checks; each as check_fn. */
int aws_check_s3(const struct check_input *in, struct findings *out);
int aws_check_cloudwatch(const struct check_input *in, struct findings *out);
int aws_check_logs(const struct check_input *in, struct findings *out);

#endif
