/* SPDX-License-Identifier: MIT */
/* What the log says when the state of a lane has changed. What is the same for all lanes is said by the first of them. */
#include "base/log.h"
#include "base/util.h"
#include "logs/log_push_impl.h"

static const struct {
	bool for_all;
	const char *what, *advice; /* around AWS's message */
} classes[] = {
	[AWS_TRANSIENT] = { true, "cannot ship logs to CloudWatch Logs",
			    "they wait in their files, and are tried again" },
	[AWS_THROTTLED] = { true, "CloudWatch Logs wants fewer requests",
			    "logs wait in their files, and are tried again more slowly" },
	[AWS_NO_CREDENTIALS] = { true, "there are no credentials to ship logs to CloudWatch Logs",
				 "logs wait in their files; give the instance a role, or isamon keys"
				 " or a profile in [aws]" },
	[AWS_NO_REGION] = { true, "the region to ship logs to is not known",
			    "logs wait in their files; set region in [aws]" },
	[AWS_DENIED] = { false, "CloudWatch Logs does not let isamon ship it",
			 "it waits in its files; allow logs:PutLogEvents, logs:CreateLogStream,"
			 " logs:CreateLogGroup and logs:PutRetentionPolicy to whom isamon is" },
	[AWS_REJECTED] = { false, "CloudWatch Logs takes nothing of it",
			   "it waits in its files, and is tried again; are group and stream right?" },
};

void log_words_state(const struct log_lane *l, const struct aws_answer *a, bool others)
{
	const char *name = l->config->name;

	if (a->failure == AWS_OK) {
		if (!others)
			log_info("log \"%s\": CloudWatch Logs takes events again", name);
		return;
	}
	if (!classes[a->failure].for_all)
		log_warning("log \"%s\": %s: %s; %s", name, classes[a->failure].what, a->message,
			    classes[a->failure].advice);
	else if (!others)
		log_warning("%s: %s; %s", classes[a->failure].what, a->message,
			    classes[a->failure].advice);
}
