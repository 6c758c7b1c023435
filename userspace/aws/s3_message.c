/* SPDX-License-Identifier: MIT */
/* One line about what failed: operation, bucket, key, why, and what to do; and which -errno it is. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "aws/s3_impl.h"
#include "base/utf8.h"

#define TEXT_MAX 240

/* Begins s3_why() with "OPERATION s3://BUCKET/KEY: ". */
static void explain_begin(struct s3 *s, const char *operation, const char *key)
{
	char plain[S3_KEY_MAX + 1] = "";

	buf_reset(&s->why);
	if (key)
		utf8_make_plain(key, strlen(key), plain, sizeof(plain));
	buf_printf(&s->why, "%s s3://%s%s%s: ", operation, s->options.bucket, key ? "/" : "",
		   plain);
}

int s3_fail(struct s3 *s, int err, const char *operation, const char *key, const char *fmt, ...)
{
	char text[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	explain_begin(s, operation, key);
	buf_add_str(&s->why, text);
	return err;
}

const char *s3_why(const struct s3 *s)
{
	return buf_str(&s->why);
}

/* What is between <Region> and </Region> of an error. */
static void region_in_body(const struct transport_answer *a, char *to, size_t size)
{
	const char *from = strstr(a->body, "<Region>");
	size_t n;

	if (!from)
		return;
	from += strlen("<Region>");
	n = strcspn(from, "<");
	if (n && n < size)
		snprintf(to, size, "%.*s", (int)n, from);
}

/* The region that the answer says the bucket has, if it is another one: "" else. */
static void other_region(const struct s3 *s, const struct transport_answer *a, char *to,
			 size_t size)
{
	_cleanup_(buf_done) struct buf header = BUF_INIT(64);

	*to = '\0';
	if (a->status != 301 && a->status != 307 && a->status != 400)
		return;
	if (transport_header(a, "x-amz-bucket-region", &header))
		snprintf(to, size, "%s", buf_str(&header));
	else
		region_in_body(a, to, size);
	if (!endpoint_is_region(to) || !strcmp(to, s->region))
		*to = '\0';
}

static void add_text(struct s3 *s, const struct fault *f, const struct keys *keys)
{
	char raw[FAULT_TEXT_MAX], text[TEXT_MAX];
	size_t n;

	snprintf(raw, sizeof(raw), "%s", f->text);
	secret_strike(raw, keys->secret);
	secret_strike(raw, keys->token);
	utf8_make_plain(raw, strlen(raw), text, sizeof(text));
	for (n = strlen(text); n && strchr(". ", text[n - 1]); n--)
		text[n - 1] = '\0';
	if (n)
		buf_printf(&s->why, ": %s", text);
}

/* Codes of S3's that say more than their kind. */
static const struct {
	const char *code;
	int err;
	const char *advice;
} codes[] = {
	{ "NoSuchKey", -ENOENT, "" },
	{ "NoSuchBucket", -ENXIO, "create the bucket, or correct its name" },
	{ "NoSuchUpload", -ESTALE, "it was completed or aborted, perhaps by a lifecycle rule" },
	{ "PreconditionFailed", -EEXIST, "there is an object with this key, and it is kept" },
	{ "ConditionalRequestConflict", -EAGAIN, "somebody else writes to the same key" },
	{ "OperationAborted", -EAGAIN, "somebody else changes the same thing" },
	{ "BadDigest", -EBADMSG, "did the file change while it was sent?" },
	{ "XAmzContentSHA256Mismatch", -EBADMSG, "did the file change while it was sent?" },
	{ "NotImplemented", -EOPNOTSUPP,
	  "this store is not Amazon's and cannot do all of it: do without encryption, storage class or the refusal to overwrite" },
	{ "InvalidStorageClass", -EPROTO, "correct the storage class" },
	{ "InvalidRequest", -EPROTO,
	  "are encryption and storage class such as the bucket allows?" },
	{ "QuotaExceeded", -ENOSPC, "the store is full" },
};

static const char *advice_of_kind(enum fault_kind kind, const char *code)
{
	if (kind == FAULT_CREDENTIALS && fault_is_skew(code))
		return "the secret key does not belong to its id, or this host's clock or the region is wrong; the keys are those of ";
	if (kind == FAULT_CREDENTIALS)
		return "the keys are not valid, or not any more: renew those of ";
	return NULL;
}

static void add_advice(struct s3 *s, const struct s3_call *c, enum fault_kind kind,
		       const struct fault *f, const char *advice)
{
	const char *source = credentials_source(s->credentials), *words;

	words = advice_of_kind(kind, f->code);
	if (advice && *advice)
		buf_printf(&s->why, "; %s", advice);
	else if (words)
		buf_printf(&s->why, "; %s%s", words, source);
	else if (kind == FAULT_DENIED && !strncmp(f->code, "KMS", 3))
		buf_printf(&s->why, "; is the KMS key there, in the bucket's region, and enabled?");
	else if (kind == FAULT_DENIED)
		buf_printf(&s->why,
			   "; allow %s on arn:aws:s3:::%s%s in the IAM policy behind the keys of "
			   "%s (with aws:kms, the use of its key too)",
			   c->action, s->options.bucket, c->key ? "/*" : "", source);
	else if (!strncmp(f->code, "KMS.", 4))
		buf_printf(&s->why, "; is the KMS key there, in the bucket's region, and enabled?");
	else if (kind == FAULT_TRANSIENT && !f->code[0] && s->status < 500)
		buf_add_str(&s->why, "; that is not how S3 answers: is a proxy in between, or "
				     "endpoint_url_s3 in [aws] wrong?");
}

static int errno_of(enum fault_kind kind, int status)
{
	if (status == 501)
		return -EOPNOTSUPP;
	switch (kind) {
	case FAULT_TRANSIENT:
	case FAULT_THROTTLED: return -EAGAIN;
	case FAULT_CREDENTIALS:
	case FAULT_DENIED: return -EACCES;
	case FAULT_REJECTED:
	case FAULT_ENDPOINT: break;
	}
	return -EPROTO;
}

int s3_explain_answer(struct s3 *s, const struct s3_call *c, const struct transport_answer *a,
		      enum fault_kind kind, const struct fault *f, const struct keys *keys)
{
	char region[33];

	explain_begin(s, c->operation, c->key);
	other_region(s, a, region, sizeof(region));
	if (region[0]) {
		buf_printf(
			&s->why,
			"the bucket is in the region %s, not in %s; set the bucket's region to %s",
			region, s->region, region);
		return -EXDEV;
	}
	buf_printf(&s->why, "%s answered %d", s->host, a->status);
	if (f->code[0])
		buf_printf(&s->why, " %s", f->code);
	add_text(s, f, keys);
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		if (strcmp(codes[i].code, f->code) != 0)
			continue;
		add_advice(s, c, kind, f, codes[i].advice);
		return codes[i].err;
	}
	add_advice(s, c, kind, f, NULL);
	return a->status == 412 ? -EEXIST : errno_of(kind, a->status);
}
