/* SPDX-License-Identifier: MIT */
/*
 * Where isamon runs: region and instance id; from the configuration, the environment (AWS_REGION,
 * AWS_DEFAULT_REGION), the profile, IMDSv2's identity document. What is not known yet is asked for
 * again (1 s, doubling to 60 s) as long as it is not known: the network may come late.
 */
#ifndef ISAMON_IDENTITY_H
#define ISAMON_IDENTITY_H

#include <event2/event.h>
#include <stdbool.h>

#include "aws/transport.h"

struct identity;

struct identity_options {
	const char *region, *instance_id;  /* of the configuration; NULL or "": not given */
	const char *profile, *config_file; /* as in struct credentials_options */
	const char *imds_endpoint;         /* likewise */
};

/* Begins to ask at once if something is missing. @changed (may be NULL) is called whenever more is known. */
int identity_new(struct event_base *base, struct transport *t, const struct identity_options *o,
		 void (*changed)(void *ctx), void *ctx, struct identity **ret);
void identity_free(struct identity *i);
/* NULL: not known (yet). Owned by @i. */
const char *identity_region(const struct identity *i);
const char *identity_instance_id(const struct identity *i);
/* Whether IMDS was asked at least once and has answered or failed: a tool waits for this, the daemon does not. */
bool identity_settled(const struct identity *i);
/* Why something is missing, one line; "" if nothing is. */
const char *identity_why(const struct identity *i);

#endif
