/* SPDX-License-Identifier: MIT */
/*
 * The lifecycle of a bucket as S3 has it: a list of rules, each "<Rule>...</Rule>", that is read and written whole.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetBucketLifecycleConfiguration.html and .../API_PutBucketLifecycleConfiguration.html
 */
#ifndef ISAMON_S3_LIFECYCLE_H
#define ISAMON_S3_LIFECYCLE_H

#include "aws/s3.h"

#define S3_MINIMUM_SIZE_MAX 64

/* x-amz-transition-default-minimum-object-size: belongs to the rules, and goes back with them; "": not told. */
struct s3_lifecycle {
	struct buf rules; /* with its maximum; buf_done() it */
	char minimum_size[S3_MINIMUM_SIZE_MAX];
};

/* Appends the bucket's rules to ret->rules; none: nothing. Errors as in s3.h; needs s3:GetLifecycleConfiguration. */
int s3_lifecycle_get(struct s3 *s, struct s3_lifecycle *ret);
/* Puts these in the place of all rules that there are. Needs s3:PutLifecycleConfiguration. */
int s3_lifecycle_put(struct s3 *s, const struct s3_lifecycle *l);

#endif
