/* SPDX-License-Identifier: MIT */
/*
 * Keys from the endpoint that ECS, EKS (Pod Identity) and others give a container by its environment:
 * AWS_CONTAINER_CREDENTIALS_RELATIVE_URI (a path at 169.254.170.2) or _FULL_URI, and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or
 * AWS_CONTAINER_AUTHORIZATION_TOKEN.
 * Facts: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 */
#ifndef ISAMON_CONTAINER_CREDENTIALS_H
#define ISAMON_CONTAINER_CREDENTIALS_H

#include <event2/event.h>
#include <stdbool.h>

#include "aws/keys.h"
#include "aws/transport.h"
#include "base/buf.h"

struct container_credentials;

/* Whether the environment names such an endpoint. */
bool container_credentials_configured(void);

/*
 * Whether an authorization token may be sent to @url: https, or http to loopback or one of the addresses that AWS has
 * for this (169.254.170.2, 169.254.170.23, fd00:ec2::23), and nothing in it that two parsers might see differently.
 */
bool container_url_allowed(const char *url);

int container_credentials_new(struct event_base *base, struct transport *t,
			      struct container_credentials **ret);
/* Forgets what is under way. NULL is fine. Not from within its own callback. */
void container_credentials_free(struct container_credentials *c);

/* Asks, three times at most; a file with the token is read each time. Calls @fn from the loop, never from within. Returns 0; -EINVAL
 * or another -errno, explained in @why: the environment makes no sense; -EBUSY; -ENOMEM. */
int container_credentials_get(struct container_credentials *c, keys_fn fn, void *ctx,
			      struct buf *why);

#endif
