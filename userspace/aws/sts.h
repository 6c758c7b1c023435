/* SPDX-License-Identifier: MIT */
/*
 * AssumeRole of AWS's Security Token Service: keys for a role, for an hour or so, by other keys.
 * Facts: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html; the query protocol: a form is sent, XML
 * comes back. Three tries; a clock that is wrong is told by the answer's Date, and the request signed once more.
 */
#ifndef ISAMON_STS_H
#define ISAMON_STS_H

#include <event2/event.h>
#include <stddef.h>

#include "aws/keys.h"
#include "aws/profile.h"
#include "aws/transport.h"
#include "base/buf.h"

struct sts;

/* @endpoint: NULL or "": $AWS_ENDPOINT_URL_STS, $AWS_ENDPOINT_URL, or that of the region. It must outlive it. Returns 0 or
 * -ENOMEM. */
int sts_new(struct event_base *base, struct transport *t, const char *endpoint, struct sts **ret);
/* Forgets what is under way. NULL is fine. Not from within its own callback. */
void sts_free(struct sts *s);

/*
 * Copies what it needs; calls @fn from the loop, never from within. @region: where, and for which the request is signed. Returns 0;
 * -EINVAL: no endpoint can be made of that region, or the one given is no URL, explained in @why; -EBUSY: one is
 * under way; -ENOMEM. To @fn: -EACCES: AWS refuses; another -errno: something else.
 */
int sts_assume_role(struct sts *s, const struct profile_role *role, const struct keys *by,
		    const char *region, keys_fn fn, void *ctx, struct buf *why);
void sts_cancel(struct sts *s);

/* Reads the answer. Returns 0, -EPROTO (not such XML, or one that uses more of XML than AWS does) or -ENOMEM. */
int sts_parse_keys(const char *text, size_t len, struct keys *ret);

#endif
