/* SPDX-License-Identifier: MIT */
/* Credentials and identity, as a test of the client wants them. */
#ifndef ISAMON_CLIENT_STUBS_H
#define ISAMON_CLIENT_STUBS_H

#include <errno.h>
#include <stdbool.h>

#include "aws/credentials.h"
#include "aws/identity.h"

struct credentials {
	struct sigv4_key key;
	int err;
	bool late; /* keeps who asks waiting */
	unsigned int n_asked, n_rejected, n_cancelled;
	void *waiting;
};

struct identity {
	const char *region, *why;
};

static struct credentials credentials;
static struct identity identity;

int credentials_get(struct credentials *c, credentials_fn fn, void *ctx)
{
	c->n_asked++;
	if (c->late)
		c->waiting = ctx;
	else
		fn(c->err, c->err ? NULL : &c->key, c->err ? "no source has keys; do this" : "",
		   ctx);
	return 0;
}

void credentials_reject(struct credentials *c)
{
	c->n_rejected++;
}

void credentials_cancel(struct credentials *c, void *ctx)
{
	c->n_cancelled += c->waiting == ctx;
}

const char *credentials_source(const struct credentials *c)
{
	(void)c;
	return "profile tester";
}

const char *identity_region(const struct identity *i)
{
	return i->region;
}

const char *identity_why(const struct identity *i)
{
	return i->why;
}

#endif
