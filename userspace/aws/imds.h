/* SPDX-License-Identifier: MIT */
/*
 * The instance's metadata, version 2 only: a token is fetched (PUT), kept for its six hours, and sent with each question. Asked
 * directly, never through a proxy; a second for each request, three quick tries.
 * Facts: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
 */
#ifndef ISAMON_IMDS_H
#define ISAMON_IMDS_H

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>

#include "aws/transport.h"

struct imds;

struct imds_answer {
	int err; /* 0; -ENOENT: there is no such thing (404); -EACCES: it is refused; another -errno: nothing came */
	const char *why;  /* of err, one line that begins with the endpoint */
	const char *body; /* NUL-terminated; may hold secrets */
	size_t body_len;
};

/* @a is valid until it returns. May ask again. */
typedef void (*imds_fn)(const struct imds_answer *a, void *ctx);

/* @endpoint: NULL or "": $AWS_EC2_METADATA_SERVICE_ENDPOINT, or AWS's address. Returns 0 or -ENOMEM. */
int imds_new(struct event_base *base, struct transport *t, const char *endpoint, struct imds **ret);
/* Forgets what is under way. NULL is fine. Not from within its own callback. */
void imds_free(struct imds *m);

/* Whether the environment forbids to ask (AWS_EC2_METADATA_DISABLED=true). */
bool imds_disabled(void);

/* Asks for @path ("/latest/..."); calls @fn from the loop, never from within. Returns 0, -EBUSY (one is under way) or
 * -ENOMEM. */
int imds_get(struct imds *m, const char *path, imds_fn fn, void *ctx);
void imds_cancel(struct imds *m);

/*
 * Reads the instance identity document; NULL for what it does not hold, or holds in a form that cannot be; to be freed.
 * Returns 0, -EPROTO (not such JSON) or -ENOMEM.
 */
int imds_parse_identity(const char *text, size_t len, char **ret_region, char **ret_instance_id);

/* Whether @s is like a region ([a-z0-9-], 1 to 32), or can be an instance id (printable ASCII, 1 to 64). */
bool imds_is_region(const char *s);
bool imds_is_instance_id(const char *s);

#endif
