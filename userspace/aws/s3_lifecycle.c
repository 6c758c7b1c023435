/* SPDX-License-Identifier: MIT */
/* GetBucketLifecycleConfiguration and PutBucketLifecycleConfiguration. S3 takes the latter only with a checksum. */
#include "aws/s3_lifecycle.h"

#include <errno.h>
#include <openssl/sha.h>
#include <string.h>

#include "aws/s3_impl.h"
#include "aws/s3_xml.h"

#define ROOT "LifecycleConfiguration"
#define QUERY "lifecycle="
#define HEADER_MINIMUM "X-Amz-Transition-Default-Minimum-Object-Size"
#define BODY_MAX ((size_t)1 << 20)

int s3_lifecycle_get(struct s3 *s, struct s3_lifecycle *ret)
{
	const struct s3_call c = { .operation = "GetBucketLifecycleConfiguration",
				   .action = "s3:GetLifecycleConfiguration",
				   .method = "GET",
				   .query = QUERY,
				   .root = ROOT };
	struct s3_xml root;
	int err = s3_do(s, &c);

	ret->minimum_size[0] = '\0';
	if (err && strcmp(s->code, "NoSuchLifecycleConfiguration") == 0)
		return 0;
	if (err)
		return err;
	if (!s3_xml_root(buf_str(&s->body), s->body.len, ROOT, &root))
		return s3_fail(s, -EPROTO, c.operation, NULL,
			       "the answer is not the XML that was expected");
	s3_header(s, HEADER_MINIMUM, ret->minimum_size, sizeof(ret->minimum_size));
	err = buf_add(&ret->rules, root.at, root.len);
	return err ? s3_fail(s, err, c.operation, NULL, "the rules are too long") : 0;
}

int s3_lifecycle_put(struct s3 *s, const struct s3_lifecycle *l)
{
	_cleanup_(buf_done) struct buf body = BUF_INIT(BODY_MAX);
	struct s3_call c = { .operation = "PutBucketLifecycleConfiguration",
			     .action = "s3:PutLifecycleConfiguration",
			     .method = "PUT",
			     .query = QUERY };
	unsigned char hash[SHA256_BYTES];
	char base64[S3_BASE64_SHA256];

	buf_add_str(&body, "<" ROOT " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	buf_add(&body, buf_str(&l->rules), l->rules.len);
	if (buf_add_str(&body, "</" ROOT ">"))
		return s3_fail(s, body.err, c.operation, NULL, "the rules are too long");
	SHA256((const unsigned char *)body.data, body.len, hash);
	s3_base64_sha256(hash, base64);
	c.body = body.data;
	c.body_len = body.len;
	s3_add(&c, "Content-Type", "application/xml");
	s3_add(&c, "X-Amz-Checksum-Sha256", base64);
	s3_add(&c, "X-Amz-Sdk-Checksum-Algorithm", "SHA256");
	s3_add(&c, HEADER_MINIMUM, l->minimum_size);
	return s3_do(s, &c);
}
