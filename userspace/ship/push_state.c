/* SPDX-License-Identifier: MIT */
/* Pauses and messages by class of failure. */
#include "ship/push_state.h"

#include <inttypes.h>

#include "base/log.h"
#include "base/util.h"

#define PAUSE_MAX_MS 300000u

static const struct {
	unsigned int first_pause_ms;
	const char *what, *advice; /* around AWS's message */
} classes[] = {
	[AWS_TRANSIENT] = { 1000, "cannot push metrics to CloudWatch",
			    "they wait in the spool, and are tried again" },
	[AWS_THROTTLED] = { 5000, "CloudWatch wants fewer requests",
			    "metrics wait in the spool, and are tried again more slowly" },
	[AWS_NO_CREDENTIALS] = { 1000, "there are no credentials to push metrics to CloudWatch",
				 "metrics wait in the spool; give the instance a role, or "
				 "isamon keys or a profile in [aws]" },
	[AWS_NO_REGION] = { 1000, "the region to push metrics to is not known",
			    "metrics wait in the spool; set region in [aws]" },
	[AWS_DENIED] = { 10000, "CloudWatch does not let isamon push metrics",
			 "they wait in the spool; allow cloudwatch:PutMetricData to whom isamon is" },
	[AWS_REJECTED] = { 1000, "CloudWatch refuses metrics for good",
			   "those that it refuses by themselves are removed and counted" },
};

uint64_t push_pause_ms(const struct aws_answer *a, unsigned int n_failures, uint32_t random)
{
	uint64_t pause = a->failure < ARRAY_SIZE(classes) ? classes[a->failure].first_pause_ms : 0;
	uint64_t asked = a->retry_after_ms < PAUSE_MAX_MS ? a->retry_after_ms : PAUSE_MAX_MS;

	pause <<= n_failures < 10 ? n_failures - 1 : 9;
	if (pause > PAUSE_MAX_MS)
		pause = PAUSE_MAX_MS;
	pause -= random % (pause / 2 + 1);
	/* A fleet that was asked for the same pause is not to come back at the same instant. */
	return pause > asked ? pause : asked + random % (asked / 4 + 1);
}

void push_log_state(const struct aws_answer *a, bool first, uint64_t waiting)
{
	if (a->failure != AWS_OK)
		log_warning("%s: %s; %s", classes[a->failure].what, a->message,
			    classes[a->failure].advice);
	else if (first)
		log_info("CloudWatch takes metrics");
	else
		log_info("CloudWatch takes metrics again; %" PRIu64 " minutes wait to be pushed",
			 waiting);
}
