/* SPDX-License-Identifier: MIT */
/* Messages by class of failure. */
#include "ship/push_state.h"

#include <inttypes.h>

#include "base/log.h"

static const struct {
	const char *what, *advice; /* around AWS's message */
} classes[] = {
	[AWS_TRANSIENT] = { "cannot push metrics to CloudWatch",
			    "metrics wait in the spool, and are tried again" },
	[AWS_THROTTLED] = { "CloudWatch wants fewer requests",
			    "metrics wait in the spool, and are tried again more slowly" },
	[AWS_NO_CREDENTIALS] = { "there are no good credentials to push metrics to CloudWatch",
				 "metrics wait in the spool until the instance has a role, or isamon "
				 "keys or a profile in [aws]" },
	[AWS_NO_REGION] = { "the region to push metrics to is not known",
			    "metrics wait in the spool" },
	[AWS_DENIED] = { "CloudWatch does not let isamon push metrics",
			 "metrics wait in the spool" },
	[AWS_REJECTED] = { "CloudWatch refuses metrics for good",
			   "those that it refuses by themselves are removed and counted" },
};

void push_log_state(const struct aws_answer *a, bool first, uint64_t waiting)
{
	if (a->failure != AWS_OK)
		log_warning("%s: %s (%s)", classes[a->failure].what, a->message,
			    classes[a->failure].advice);
	else if (first)
		log_info("CloudWatch takes metrics");
	else
		log_info("CloudWatch takes metrics again; %" PRIu64 " minutes wait to be pushed",
			 waiting);
}
