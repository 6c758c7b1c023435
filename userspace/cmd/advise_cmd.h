/* SPDX-License-Identifier: MIT */
/* Between the files of `isamon advise`. */
#ifndef ISAMON_ADVISE_CMD_H
#define ISAMON_ADVISE_CMD_H

#include <jansson.h>

#include "aws/s3_lifecycle.h"
#include "check/advice.h"
#include "cmd/tool.h"

#define ADVISE "isamon advise"

/* The bucket of the backups. */
struct advise_s3 {
	struct lone_session aws;
	struct s3 *s3;
};
/* Returns 0 or -errno, explained in @why. */
int advise_s3_open(const struct config *c, struct advise_s3 *ret, struct buf *why);
void advise_s3_close(struct advise_s3 *s);

/* Asks AWS and the daemon for what advice wants to know of them, where the configuration uses them: log group, lifecycle, metrics. What cannot be
 * had is not known; why is in h->aws.why. */
void advise_ask(const struct config *c, struct advice_host *h);

/* Reads the bucket's rules, merges isamon's, shows the change, asks, writes, and reads back. Returns the exit status. */
int advise_apply_lifecycle(const struct config *c, bool yes);

/* How much history there is. */
struct advise_span {
	int64_t from_s, until_s; /* of its minutes; 0: none */
	int64_t watched_s;
	unsigned int days; /* that were looked at */
};
int advise_format(const struct advices *a, const struct advice_host *h,
		  const struct advise_span *span, struct buf *out);
/* NULL: no memory. */
json_t *advise_json(const struct advices *a, const struct advice_host *h,
		    const struct advise_span *span);

#endif
