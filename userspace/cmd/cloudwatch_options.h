/* SPDX-License-Identifier: MIT */
/* What the configuration says of CloudWatch, as ship/ and store/ want it. */
#ifndef ISAMON_CLOUDWATCH_OPTIONS_H
#define ISAMON_CLOUDWATCH_OPTIONS_H

#include <stdbool.h>

#include "config/config.h"
#include "ship/minute.h"
#include "ship/push.h"
#include "store/spool.h"

void cloudwatch_minute_options(const struct config *c, struct minute_options *ret);
bool cloudwatch_same_minute_options(const struct minute_options *a, const struct minute_options *b);
void cloudwatch_spool_limits(const struct config *c, struct spool_limits *ret);

/* The texts of @push are in @c and in @names. A plain value that cannot be copied. */
struct cloudwatch_push_options {
	struct push_options push;
	char *names[CONFIG_DIMENSIONS_MAX];
};

/* For as long as @c lives; cloudwatch_push_options_done() afterwards, also behind a failure. A dimension is taken apart at
 * its first "=". Without instance id. Returns 0 or -ENOMEM. */
int cloudwatch_push_options(const struct config *c, struct cloudwatch_push_options *ret);
void cloudwatch_push_options_done(struct cloudwatch_push_options *o);

/* Whether all of [aws] is the same. */
bool cloudwatch_same_aws(const struct config *a, const struct config *b);

#endif
