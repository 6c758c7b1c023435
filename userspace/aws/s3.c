/* SPDX-License-Identifier: MIT */
/* Whole objects: sent in one piece, looked at, compared, deleted. */
#include "aws/s3.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "aws/s3_impl.h"
#include "aws/timestamp.h"
#include "base/number.h"

/* --- options */

static bool is_given(const char *text)
{
	return text && *text;
}

static bool is_word(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text >= 0x7f)
			return false;
	return true;
}

static const char *wrong_option(const struct s3_options *o)
{
	if (!o->bucket || !s3_is_bucket(o->bucket))
		return "the bucket's name is not one: 3 to 63 lower-case letters, digits, '.' and '-'";
	if (is_given(o->storage_class) && !is_word(o->storage_class))
		return "the storage class is not one, such as STANDARD_IA";
	if (is_given(o->sse) && strcmp(o->sse, "AES256") != 0 && strcmp(o->sse, "aws:kms") != 0)
		return "the encryption is AES256 or aws:kms";
	if (is_given(o->kms_key_id) && (!is_given(o->sse) || strcmp(o->sse, "aws:kms") != 0))
		return "a KMS key is for the encryption aws:kms only";
	if (is_given(o->kms_key_id) && !is_word(o->kms_key_id))
		return "the KMS key is not an id, or an ARN";
	if (o->bytes_per_s && o->bytes_per_s < S3_SPEED_MIN)
		return "the bandwidth is less than 64 KiB a second, with which a part would take too long";
	if (o->part_bytes && (o->part_bytes < S3_PART_MIN || o->part_bytes > S3_SIZE_MAX / 1024))
		return "a part has 5 MiB to 5 GiB";
	return NULL;
}

int s3_new(struct event_base *base, struct transport *t, struct credentials *c, struct identity *i,
	   const struct s3_options *o, struct buf *why, struct s3 **ret)
{
	const char *wrong = wrong_option(o);
	struct s3 *s;

	if (wrong) {
		buf_printf(why, "S3: %s", wrong);
		return -EINVAL;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->base = base;
	s->transport = t;
	s->credentials = c;
	s->identity = i;
	s->options = *o;
	buf_init(&s->why, S3_WHY_MAX);
	buf_init(&s->body, (size_t)8 << 20);
	buf_init(&s->headers, (size_t)64 * 1024);
	retry_bucket_init(&s->bucket);
	*ret = s;
	return 0;
}

void s3_free(struct s3 *s)
{
	if (!s)
		return;
	buf_done(&s->why);
	buf_done(&s->body);
	buf_done(&s->headers);
	free(s);
}

static int check_key(struct s3 *s, const char *operation, const char *key)
{
	if (s3_is_key(key))
		return 0;
	return s3_fail(s, -EINVAL, operation, key, "a key has 1 to %d bytes of UTF-8", S3_KEY_MAX);
}

/* --- HEAD */

static void read_head(const struct s3 *s, struct s3_object *o)
{
	char text[64], sha256[S3_SHA256_HEX + 1];

	*o = (struct s3_object){ 0 };
	s3_header(s, "content-length", text, sizeof(text));
	if (number_parse_u64(text, 0, INT64_MAX, &o->size))
		o->size = UINT64_MAX;
	s3_header(s, "last-modified", text, sizeof(text));
	if (timestamp_parse_http(text, &o->modified))
		o->modified = 0;
	s3_header(s, "etag", o->etag, sizeof(o->etag));
	s3_header(s, "x-amz-meta-sha256", sha256, sizeof(sha256));
	if (strlen(sha256) == S3_SHA256_HEX - 1 &&
	    strspn(sha256, "0123456789abcdef") == S3_SHA256_HEX - 1)
		memcpy(o->sha256, sha256, sizeof(o->sha256));
	s3_header(s, "x-amz-checksum-sha256", o->checksum, sizeof(o->checksum));
	s3_header(s, "x-amz-storage-class", o->storage_class, sizeof(o->storage_class));
	s3_header(s, "x-amz-server-side-encryption", o->sse, sizeof(o->sse));
}

int s3_head(struct s3 *s, const char *key, struct s3_object *ret)
{
	struct s3_call c = { .operation = "HeadObject",
			     .action = "s3:GetObject and s3:ListBucket",
			     .method = "HEAD",
			     .key = key };
	int err = check_key(s, c.operation, key);

	if (err)
		return err;
	s3_add(&c, "X-Amz-Checksum-Mode", "ENABLED");
	err = s3_do(s, &c);
	if (err)
		return err;
	read_head(s, ret);
	if (ret->size == UINT64_MAX)
		return s3_fail(s, -EPROTO, c.operation, key, "the answer tells no size");
	return 0;
}

int s3_verify(struct s3 *s, const char *key, uint64_t size, const char *sha256,
	      const char *checksum)
{
	struct s3_object o;
	int err = s3_head(s, key, &o);

	if (err)
		return err;
	if (o.size != size)
		return s3_fail(s, -EBADMSG, "HeadObject", key,
			       "there are %llu bytes, %llu were sent; delete it and send it again",
			       (unsigned long long)o.size, (unsigned long long)size);
	if (strcmp(o.sha256, sha256) != 0 || (checksum && strcmp(o.checksum, checksum) != 0))
		return s3_fail(
			s, -EBADMSG, "HeadObject", key,
			"the object's checksum is not that of what was sent; was it replaced by somebody else?");
	return 0;
}

/* --- PUT */

void s3_add_creation(struct s3 *s, struct s3_call *c, const char *sha256)
{
	s3_add(c, "Content-Type", "application/octet-stream");
	s3_add(c, "X-Amz-Meta-Sha256", sha256);
	s3_add(c, "X-Amz-Storage-Class", s->options.storage_class);
	s3_add(c, "X-Amz-Server-Side-Encryption", s->options.sse);
	s3_add(c, "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", s->options.kms_key_id);
}

static bool start_again(void *ctx)
{
	((struct s3 *)ctx)->done = 0;
	return false;
}

static int put_whole(struct s3 *s, const struct s3_put *put, uint64_t size,
		     const struct s3_hashes *h, struct s3_sent *ret)
{
	const struct transport_source source = s3_source(s, put->fd, 0);
	struct s3_call c = {
		.operation = "PutObject",
		.action = "s3:PutObject",
		.method = "PUT",
		.key = put->key,
		.source = &source,
		.body_len = size,
		.hash = h->hex,
		.no_timeout = true,
		.before = start_again,
		.ctx = s,
	};
	char checksum[S3_ETAG_MAX];
	int err, seen;

	s3_add_creation(s, &c, h->hex);
	s3_add(&c, "X-Amz-Checksum-Sha256", h->base64);
	s3_add(&c, "If-None-Match", put->overwrite ? NULL : "*");
	err = s3_do(s, &c);
	/* It may be there by an attempt whose answer was lost. */
	if (err && !(err == -EEXIST && s->outcome_unknown))
		return err;
	s3_header(s, "x-amz-checksum-sha256", checksum, sizeof(checksum));
	ret->checked = !err && !strcmp(checksum, h->base64);
	if (!err && checksum[0] && !ret->checked)
		return s3_fail(s, -EBADMSG, c.operation, put->key,
			       "S3 got other bytes than were sent; delete it and send it again");
	seen = s3_verify(s, put->key, size, h->hex, ret->checked ? h->base64 : NULL);
	if (seen == -EBADMSG && err)
		return s3_fail(s, err, c.operation, put->key,
			       "there is another object with this key, and it is kept");
	return seen;
}

static int check_file(struct s3 *s, const struct s3_put *put, uint64_t *ret_size)
{
	struct stat st;

	if (fstat(put->fd, &st))
		return s3_fail(s, -errno, "PutObject", put->key, "the file cannot be looked at: %s",
			       strerror(errno));
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > S3_SIZE_MAX)
		return s3_fail(s, -EINVAL, "PutObject", put->key,
			       "not a regular file of at most 5 TiB");
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

int s3_put_file(struct s3 *s, const struct s3_put *put, struct s3_sent *ret)
{
	const uint64_t part = s->options.part_bytes ? s->options.part_bytes : S3_PART_USUAL;
	const char *sha256 = put->sha256;
	struct s3_hashes h;
	uint64_t size = 0;
	int err = check_key(s, "PutObject", put->key);

	*ret = (struct s3_sent){ 0 };
	if (!err)
		err = check_file(s, put, &size);
	if (err)
		return err;
	ret->size = s->total = size;
	s->done = 0;
	if (!is_given(sha256) || size <= part) {
		err = s3_hash(put->fd, 0, size, NULL, &h);
		if (err)
			return s3_fail(s, err, "PutObject", put->key, "the file cannot be read: %s",
				       strerror(-err));
		if (is_given(sha256) && strcmp(sha256, h.hex) != 0)
			return s3_fail(s, -EBADMSG, "PutObject", put->key,
				       "the file has another SHA-256 than it should: not sent");
		sha256 = h.hex;
	}
	err = size <= part && !is_given(put->upload_id) ? put_whole(s, put, size, &h, ret) :
							  s3_upload(s, put, size, sha256, ret);
	ret->verified = !err;
	return err;
}

int s3_delete(struct s3 *s, const char *key)
{
	const struct s3_call c = { .operation = "DeleteObject",
				   .action = "s3:DeleteObject",
				   .method = "DELETE",
				   .key = key };
	int err = check_key(s, c.operation, key);

	if (!err)
		err = s3_do(s, &c);
	return err == -ENOENT ? 0 : err;
}
