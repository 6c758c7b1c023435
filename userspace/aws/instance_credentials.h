/* SPDX-License-Identifier: MIT */
/*
 * Keys of the instance's role, from its metadata.
 * Facts: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html
 */
#ifndef ISAMON_INSTANCE_CREDENTIALS_H
#define ISAMON_INSTANCE_CREDENTIALS_H

#include <event2/event.h>

#include "aws/keys.h"
#include "aws/transport.h"

struct instance_credentials;

/* @endpoint: as in imds_new(). Returns 0 or -ENOMEM. */
int instance_credentials_new(struct event_base *base, struct transport *t, const char *endpoint,
			     struct instance_credentials **ret);
/* Forgets what is under way. NULL is fine. Not from within its own callback. */
void instance_credentials_free(struct instance_credentials *i);

/* Calls @fn from the loop, never from within: -ENOENT: this is no instance with a role (no metadata, or they name none);
 * another -errno: there is a role, but its keys were not to be had. Returns 0, -EBUSY or -ENOMEM. */
int instance_credentials_get(struct instance_credentials *i, keys_fn fn, void *ctx);

/* The name of the role whose keys were asked for last; "" before. */
const char *instance_credentials_role(const struct instance_credentials *i);

#endif
