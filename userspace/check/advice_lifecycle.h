/* SPDX-License-Identifier: MIT */
/*
 * The lifecycle of a bucket: what its rules do to backups, and isamon's own rule among them. A list of rules is text as S3 gives it, "<Rule>...</Rule>"
 * one behind the other; those of others are never changed.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
 */
#ifndef ISAMON_ADVICE_LIFECYCLE_H
#define ISAMON_ADVICE_LIFECYCLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "check/advice.h"

#define ADVICE_LIFECYCLE_ID "isamon-backups"
#define ADVICE_LIFECYCLE_IA_DAYS 30
#define ADVICE_LIFECYCLE_ABORT_DAYS 7

struct advice_lifecycle {
	size_t n;            /* rules */
	bool covers;         /* one that is enabled moves or ends objects below the prefix */
	bool aborts_uploads; /* one that is enabled ends uploads there that were left */
};
/* Returns whether the text is a list of rules. */
bool advice_lifecycle_read(const char *rules, size_t len, const char *prefix,
			   struct advice_lifecycle *ret);

/* Appends @rules with isamon's own for @prefix: in the place of one of that id, or behind them. @moves: it moves to STANDARD_IA. Returns 0;
 * -EPROTO: @rules is no list of rules; or the buffer's error. */
int advice_lifecycle_merge(const char *rules, size_t len, const char *prefix, bool moves,
			   struct buf *out);
/* Appends them for people: an element a line, indented. */
int advice_lifecycle_format(const char *rules, size_t len, struct buf *out);

/* What is advised about it; an advice_rule_fn. */
int advice_cost_lifecycle(const struct advice_case *c, struct advices *ret);
/* Where the backups are in the bucket, with a slash at its end. Returns 0 or -ENAMETOOLONG. */
int advice_lifecycle_prefix(const struct config *c, char *to, size_t size);
/* Whether isamon's rule is to move them. */
bool advice_lifecycle_moves(const struct config *c, const struct advice_aws *aws);

#endif
