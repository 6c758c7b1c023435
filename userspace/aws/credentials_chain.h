/* SPDX-License-Identifier: MIT */
/*
 * One walk along the sources of credentials: configuration, environment, shared files, container, instance. The first that is
 * configured decides. Remembers nothing from one walk to the next but IMDS's token.
 */
#ifndef ISAMON_CREDENTIALS_CHAIN_H
#define ISAMON_CREDENTIALS_CHAIN_H

#include <event2/event.h>
#include <stdbool.h>

#include "aws/credentials.h"
#include "aws/keys.h"
#include "aws/profile.h"

struct credentials_chain;

struct credentials_found {
	int err;            /* as in credentials_fn */
	const char *why;    /* of err */
	struct keys *keys;  /* may be taken; NULL on an error */
	const char *source; /* as credentials_source(); on an error, whose error it is */
	bool of_instance;   /* from IMDS, which may hand out expired ones */
	bool of_files;      /* from a profile */
};

/* @f is valid until it returns. */
typedef void (*credentials_found_fn)(const struct credentials_found *f, void *ctx);

/* @o must outlive it. Returns 0 or -ENOMEM. */
int credentials_chain_new(struct event_base *base, struct transport *t,
			  const struct credentials_options *o, struct credentials_chain **ret);
/* Forgets a walk that is under way. NULL is fine. Not from within its callback. */
void credentials_chain_free(struct credentials_chain *c);

/* Calls @fn from the loop, never from within. Reads local files. Returns 0, -EBUSY or -ENOMEM. */
int credentials_chain_walk(struct credentials_chain *c, credentials_found_fn fn, void *ctx);

struct profile_options credentials_profile_options(const struct credentials_options *o);

#endif
