/* SPDX-License-Identifier: MIT */
/* ListObjectsV2, page by page. Keys are asked for encoded as in URLs: XML cannot hold all of them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "aws/s3_impl.h"
#include "aws/s3_xml.h"
#include "aws/timestamp.h"
#include "aws/uri.h"

#define TOKEN_MAX 2048

static int list_error(struct s3 *s, int err, const char *why)
{
	return s3_fail(s, err, "ListObjectsV2", NULL, "%s", why);
}

static int ask(struct s3 *s, const char *prefix, const char *token)
{
	_cleanup_(buf_done) struct buf query = BUF_INIT(16384);
	struct s3_call c = { .operation = "ListObjectsV2",
			     .action = "s3:ListBucket",
			     .method = "GET",
			     .root = "ListBucketResult" };

	buf_add_str(&query, "encoding-type=url&list-type=2&prefix=");
	uri_encode(&query, prefix, strlen(prefix), true);
	if (*token) {
		buf_add_str(&query, "&continuation-token=");
		uri_encode(&query, token, strlen(token), true);
	}
	if (query.err)
		return list_error(s, query.err, "the prefix is too long");
	c.query = buf_str(&query);
	return s3_do(s, &c);
}

static int tell(struct s3 *s, struct s3_xml x, bool encoded,
		int (*fn)(const struct s3_entry *e, void *ctx), void *ctx)
{
	char key[3 * S3_KEY_MAX + 1], when[40], etag[S3_ETAG_MAX] = "", storage_class[32] = "";
	struct s3_entry e = { .key = key, .etag = etag, .storage_class = storage_class };

	if (!s3_xml_text(x, "Key", key, sizeof(key)) || !s3_xml_u64(x, "Size", &e.size) ||
	    (encoded && !s3_xml_decode_key(key)))
		return list_error(s, -EPROTO, "an entry has no key, or no size");
	s3_xml_text(x, "ETag", etag, sizeof(etag));
	s3_xml_text(x, "StorageClass", storage_class, sizeof(storage_class));
	if (s3_xml_text(x, "LastModified", when, sizeof(when)) &&
	    timestamp_parse(when, &e.modified))
		e.modified = 0;
	return fn(&e, ctx);
}

/* @token: of the next page, "": there is none. */
static int take_page(struct s3 *s, int (*fn)(const struct s3_entry *e, void *ctx), void *ctx,
		     char *token, size_t token_size)
{
	struct s3_xml root, entries, entry;
	char word[16];
	int err = 0;

	*token = '\0';
	if (!s3_xml_root(buf_str(&s->body), s->body.len, "ListBucketResult", &root))
		return list_error(s, -EPROTO, "the answer is not the XML that was expected");
	entries = root;
	const bool encoded =
		s3_xml_text(root, "EncodingType", word, sizeof(word)) && !strcmp(word, "url");
	while (!err && s3_xml_next(&entries, "Contents", &entry))
		err = tell(s, entry, encoded, fn, ctx);
	if (err || !s3_xml_text(root, "IsTruncated", word, sizeof(word)) ||
	    strcmp(word, "true") != 0)
		return err;
	if (!s3_xml_text(root, "NextContinuationToken", token, token_size) || !*token)
		return list_error(
			s, -EPROTO,
			"there are more entries, but the answer does not say how to get them");
	return 0;
}

int s3_list(struct s3 *s, const char *prefix, int (*fn)(const struct s3_entry *e, void *ctx),
	    void *ctx)
{
	char token[TOKEN_MAX] = "", next[TOKEN_MAX];
	int err;

	do {
		err = ask(s, prefix, token);
		if (!err)
			err = take_page(s, fn, ctx, next, sizeof(next));
		if (!err && *next && !strcmp(next, token))
			err = list_error(s, -EPROTO, "the pages do not end");
		memcpy(token, next, sizeof(token));
	} while (!err && *token);
	return err;
}
