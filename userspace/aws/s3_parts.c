/* SPDX-License-Identifier: MIT */
/* CreateMultipartUpload, UploadPart, ListParts, CompleteMultipartUpload, AbortMultipartUpload. */
#include "aws/s3_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/s3_xml.h"
#include "aws/uri.h"

#define QUERY_MAX (3 * S3_UPLOAD_ID_MAX + 100)
#define COMPLETE_MAX ((size_t)4 << 20)

static int not_understood(struct s3 *s, const char *operation, const char *key)
{
	return s3_fail(s, -EPROTO, operation, key, "the answer is not the XML that was expected");
}

/* "a=1&uploadId=..." */
static int add_id(struct buf *query, const char *id)
{
	buf_add_str(query, query->len ? "&uploadId=" : "uploadId=");
	return uri_encode(query, id, strlen(id), true);
}

int s3_parts_create(struct s3 *s, const char *key, const char *sha256,
		    char ret_id[S3_UPLOAD_ID_MAX + 1])
{
	struct s3_call c = { .operation = "CreateMultipartUpload",
			     .action = "s3:PutObject",
			     .method = "POST",
			     .key = key,
			     .query = "uploads=",
			     .root = "InitiateMultipartUploadResult" };
	struct s3_xml root;
	int err;

	s3_add_creation(s, &c, sha256);
	s3_add(&c, "X-Amz-Checksum-Algorithm", "SHA256");
	err = s3_do(s, &c);
	if (err)
		return err;
	if (!s3_xml_root(buf_str(&s->body), s->body.len, c.root, &root) ||
	    !s3_xml_text(root, "UploadId", ret_id, S3_UPLOAD_ID_MAX + 1) || !*ret_id)
		return not_understood(s, c.operation, key);
	return 0;
}

/* --- one part */

struct start {
	struct s3 *s;
	uint64_t done;
};

static bool start_again(void *ctx)
{
	const struct start *start = ctx;

	start->s->done = start->done;
	return false;
}

/* Without its quotation marks; "" if it is none that can stand in our XML. */
static void copy_etag(const char *text, char *to, size_t size)
{
	size_t n;

	if (*text == '"')
		text++;
	n = strcspn(text, "\"");
	*to = '\0';
	if (n < size &&
	    strspn(text, "0123456789abcdefABCDEFghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ-_.") >= n)
		snprintf(to, size, "%.*s", (int)n, text);
}

static int take_part(struct s3 *s, const char *key, unsigned int number, const struct s3_hashes *h,
		     struct s3_part *ret)
{
	char etag[S3_ETAG_MAX], checksum[S3_ETAG_MAX];

	s3_header(s, "etag", etag, sizeof(etag));
	copy_etag(etag, ret->etag, sizeof(ret->etag));
	s3_header(s, "x-amz-checksum-sha256", checksum, sizeof(checksum));
	memcpy(ret->sha256, h->sha256, sizeof(ret->sha256));
	ret->checked = !strcmp(checksum, h->base64);
	if (!ret->etag[0])
		return s3_fail(s, -EPROTO, "UploadPart", key, "the answer for part %u has no ETag",
			       number);
	if (checksum[0] && !ret->checked)
		return s3_fail(s, -EBADMSG, "UploadPart", key,
			       "S3 got other bytes than were sent as part %u; send it again",
			       number);
	return 0;
}

int s3_parts_send(struct s3 *s, const char *key, const char *id, unsigned int number, int fd,
		  uint64_t at, uint64_t len, const struct s3_hashes *h, struct s3_part *ret)
{
	_cleanup_(buf_done) struct buf query = BUF_INIT(QUERY_MAX);
	const struct transport_source source = s3_source(s, fd, at);
	struct start start = { s, s->done };
	struct s3_call c = {
		.operation = "UploadPart",
		.action = "s3:PutObject",
		.method = "PUT",
		.key = key,
		.source = &source,
		.body_len = len,
		.hash = h->hex,
		.no_timeout = true,
		.before = start_again,
		.ctx = &start,
	};
	int err;

	buf_printf(&query, "partNumber=%u", number);
	err = add_id(&query, id);
	if (err)
		return s3_fail(s, err, c.operation, key, "the upload's id is too long");
	c.query = buf_str(&query);
	s3_add(&c, "X-Amz-Checksum-Sha256", h->base64);
	err = s3_do(s, &c);
	return err ? err : take_part(s, key, number, h, ret);
}

/* --- what is there */

static int ask_parts(struct s3 *s, const char *key, const char *id, uint64_t after)
{
	_cleanup_(buf_done) struct buf query = BUF_INIT(QUERY_MAX);
	struct s3_call c = { .operation = "ListParts",
			     .action = "s3:ListMultipartUploadParts",
			     .method = "GET",
			     .key = key,
			     .root = "ListPartsResult" };

	if (after)
		buf_printf(&query, "part-number-marker=%llu", (unsigned long long)after);
	if (add_id(&query, id))
		return s3_fail(s, -EINVAL, c.operation, key, "the upload's id is too long");
	c.query = buf_str(&query);
	return s3_do(s, &c);
}

static bool read_part(struct s3_xml x, struct s3_part_there *p)
{
	char etag[S3_ETAG_MAX];

	*p = (struct s3_part_there){ 0 };
	if (!s3_xml_u64(x, "PartNumber", &p->number) || !s3_xml_u64(x, "Size", &p->size) ||
	    !s3_xml_text(x, "ETag", etag, sizeof(etag)))
		return false;
	copy_etag(etag, p->etag, sizeof(p->etag));
	if (!s3_xml_text(x, "ChecksumSHA256", p->checksum, sizeof(p->checksum)))
		p->checksum[0] = '\0';
	return true;
}

int s3_parts_list(struct s3 *s, const char *key, const char *id,
		  int (*fn)(const struct s3_part_there *p, void *ctx), void *ctx)
{
	struct s3_xml root, parts, part;
	struct s3_part_there p;
	char truncated[8];
	uint64_t after = 0, next;
	int err;

	for (;;) {
		err = ask_parts(s, key, id, after);
		if (err)
			return err;
		if (!s3_xml_root(buf_str(&s->body), s->body.len, "ListPartsResult", &root))
			return not_understood(s, "ListParts", key);
		parts = root;
		while (!err && s3_xml_next(&parts, "Part", &part))
			err = read_part(part, &p) ? fn(&p, ctx) :
						    not_understood(s, "ListParts", key);
		if (err || !s3_xml_text(root, "IsTruncated", truncated, sizeof(truncated)) ||
		    strcmp(truncated, "true") != 0)
			return err;
		if (!s3_xml_u64(root, "NextPartNumberMarker", &next) || next <= after)
			return not_understood(s, "ListParts", key);
		after = next;
	}
}

/* --- the end */

/* The hash stands there if S3 has it of every part: a store that does not know of it does not know the element either. */
static int make_list(struct buf *body, const struct s3_part *parts, unsigned int n)
{
	char hash[S3_BASE64_SHA256];

	buf_add_str(body,
		    "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (unsigned int i = 0; i < n; i++) {
		buf_printf(body, "<Part><PartNumber>%u</PartNumber><ETag>&quot;%s&quot;</ETag>",
			   i + 1, parts[i].etag);
		s3_base64_sha256(parts[i].sha256, hash);
		if (parts[i].checked)
			buf_printf(body, "<ChecksumSHA256>%s</ChecksumSHA256>", hash);
		buf_add_str(body, "</Part>");
	}
	return buf_add_str(body, "</CompleteMultipartUpload>");
}

int s3_parts_complete(struct s3 *s, const char *key, const char *id, const struct s3_part *parts,
		      unsigned int n, bool overwrite)
{
	_cleanup_(buf_done) struct buf query = BUF_INIT(QUERY_MAX), body = BUF_INIT(COMPLETE_MAX);
	struct s3_call c = { .operation = "CompleteMultipartUpload",
			     .action = "s3:PutObject",
			     .method = "POST",
			     .key = key,
			     .root = "CompleteMultipartUploadResult",
			     .no_timeout = true };
	int err = add_id(&query, id);

	if (!err)
		err = make_list(&body, parts, n);
	if (err)
		return s3_fail(s, err, c.operation, key, "no memory for the list of parts");
	c.query = buf_str(&query);
	c.body = body.data;
	c.body_len = body.len;
	s3_add(&c, "Content-Type", "application/xml");
	s3_add(&c, "If-None-Match", overwrite ? NULL : "*");
	return s3_do(s, &c);
}

int s3_abort(struct s3 *s, const char *key, const char *upload_id)
{
	_cleanup_(buf_done) struct buf query = BUF_INIT(QUERY_MAX);
	struct s3_call c = { .operation = "AbortMultipartUpload",
			     .action = "s3:AbortMultipartUpload",
			     .method = "DELETE",
			     .key = key };
	int err = add_id(&query, upload_id);

	if (err)
		return s3_fail(s, -EINVAL, c.operation, key, "the upload's id is too long");
	c.query = buf_str(&query);
	err = s3_do(s, &c);
	return err == -ESTALE ? 0 : err;
}
