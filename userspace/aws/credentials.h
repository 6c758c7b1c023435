/* SPDX-License-Identifier: MIT */
/*
 * Who isamon is to AWS: the chain configuration, environment, shared file (profiles, role_arn through STS),
 * container endpoint, IMDSv2; kept fresh. The first source that is configured decides; if it fails that is
 * told, and the next ones are not asked.
 *
 * Asked for ahead of expiry: 15 minutes before, with jitter; from 10 minutes before on nobody is given the old ones
 * without a try for new ones. If IMDS serves expired ones they are used, and asked for again later. "None" is never
 * decided for ever: each request after a pause (1 s, doubling to 60 s) tries again.
 * The secrets are in no log and no error text, and are wiped before they are freed.
 */
#ifndef ISAMON_CREDENTIALS_H
#define ISAMON_CREDENTIALS_H

#include <event2/event.h>

#include "aws/sigv4.h"
#include "aws/transport.h"

struct credentials;
struct identity;

/* Texts are owned by whoever calls, and must outlive it; NULL or "": not configured. */
struct credentials_options {
	const char *access_key_id, *secret_access_key, *session_token; /* of the configuration */
	const char *profile; /* NULL: $AWS_PROFILE, or "default" */
	const char
		*credentials_file; /* NULL: $AWS_SHARED_CREDENTIALS_FILE, or ~/.aws/credentials */
	const char *config_file;   /* NULL: $AWS_CONFIG_FILE, or ~/.aws/config */
	const char *
		imds_endpoint; /* NULL: $AWS_EC2_METADATA_SERVICE_ENDPOINT, or http://169.254.169.254 */
	const char
		*sts_endpoint; /* NULL: $AWS_ENDPOINT_URL_STS, $AWS_ENDPOINT_URL, or the region's */
	const char *region; /* for STS; NULL: $AWS_REGION, $AWS_DEFAULT_REGION, the profile's, or */
	const struct identity *identity; /* what this one knows by then; NULL: nobody */
};

/* @key is NULL on an error (-ENOENT: no source has any; another -errno: a source failed), with @why in one line of what,
 * where, why and what to do; valid until it returns. */
typedef void (*credentials_fn)(int err, const struct sigv4_key *key, const char *why, void *ctx);

int credentials_new(struct event_base *base, struct transport *t,
		    const struct credentials_options *o, struct credentials **ret);
/* Requests that wait are forgotten, not called back. NULL is fine. Not from within a callback. */
void credentials_free(struct credentials *c);
/* Calls back once; at once if there are fresh ones. Those who wait share one fetch. Returns 0 or -ENOMEM (then
 * without a call). */
int credentials_get(struct credentials *c, credentials_fn fn, void *ctx);
/* Those that were got are no good (ExpiredToken, InvalidClientTokenId, ...): the next credentials_get() fetches. If that brings the same
 * ones they are given once more; further ones wait as after a failure. */
void credentials_reject(struct credentials *c);
/* Forgets whoever waits with @ctx. */
void credentials_cancel(struct credentials *c, void *ctx);
/* "environment", "profile NAME", "container", "instance role NAME", ...; "none" before the first. For messages. */
const char *credentials_source(const struct credentials *c);

#endif
