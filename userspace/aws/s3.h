/* SPDX-License-Identifier: MIT */
/*
 * Amazon S3 for tools: files go there whole and checked, come back checked, are listed and deleted.
 *
 * Everything here blocks, running the event loop that it was given until there is an answer; it is for a process that does nothing
 * else. Memory does not depend on a file's size: files are read, hashed and sent by pieces.
 * Each request is signed with the hash of its body (two passes over what is sent), tried again after transient failures and throttling
 * as client.h says, up to six attempts. A part that failed is sent again alone.
 * AWS's own endpoint is spoken to in virtual-hosted style (https://BUCKET.s3.REGION.amazonaws.com/KEY); an endpoint that is given,
 * and a bucket with a dot in its name, which no certificate fits, in path style.
 * Facts: https://docs.aws.amazon.com/AmazonS3/latest/API/ of each operation, and "Multipart upload limits" of its user guide.
 */
#ifndef ISAMON_S3_H
#define ISAMON_S3_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "aws/credentials.h"
#include "aws/identity.h"
#include "aws/transport.h"

#define S3_KEY_MAX 1024 /* bytes of UTF-8 */
#define S3_UPLOAD_ID_MAX 1024
#define S3_SHA256_HEX 65
#define S3_ETAG_MAX 128
#define S3_PART_MIN ((uint64_t)5 << 20)
#define S3_PART_USUAL ((uint64_t)16 << 20)
#define S3_PARTS_MAX 10000u
#define S3_SPEED_MIN 65536u

struct s3;

/* Texts are owned by whoever calls, and must outlive it; NULL or "": not given. */
struct s3_options {
	const char *bucket;
	const char *region;           /* NULL: identity's */
	const char *endpoint_url;     /* [aws] endpoint_url_s3; NULL: as endpoint_find() says */
	const char *endpoint_url_all; /* [aws] endpoint_url */
	const char *storage_class;    /* "STANDARD_IA", ...; NULL: the bucket's usual one */
	const char *sse;              /* "AES256" or "aws:kms"; NULL: as the bucket says */
	const char *kms_key_id;       /* only with "aws:kms"; NULL: the account's own */
	uint64_t bytes_per_s; /* in either direction; 0: no limit; else at least S3_SPEED_MIN */
	uint64_t
		part_bytes; /* more if there would be more than S3_PARTS_MAX; 0: S3_PART_USUAL; else at least S3_PART_MIN */
	/* Told of what has gone or come, now and then; false: stop (-ECANCELED). NULL: nobody is. */
	bool (*progress)(uint64_t done, uint64_t total, void *ctx);
	void *ctx;
};

/* Returns 0; -EINVAL: an option, or the region, is wrong, explained in @why; -ENOMEM. None of the other things is owned. */
int s3_new(struct event_base *base, struct transport *t, struct credentials *c, struct identity *i,
	   const struct s3_options *o, struct buf *why, struct s3 **ret);
/* NULL is fine. */
void s3_free(struct s3 *s);

/*
 * The functions below return 0 or -errno, and then s3_why() is one line: what, bucket, key, why, what to do, without secrets; valid until
 * the next call. -ENOENT: no such key; -ENXIO: no such bucket; -EXDEV: the bucket is in another region (named in the line); -EEXIST: the
 * key is there already, and was to be new; -ESTALE: no such upload (any more), or the object is another than before; -EACCES: denied, or
 * no credentials; -EBADMSG: a checksum or a size differs; -ECANCELED: by progress(); -EAGAIN: the other side was not well in any of
 * the attempts (for the network -ETIMEDOUT, -ECONNREFUSED, ...); -EOPNOTSUPP: this store cannot do it; -EPROTO: refused, or not understood;
 * -EINVAL: a key, a size; errors of the file.
 */
const char *s3_why(const struct s3 *s);

/* What is known of an object. */
struct s3_object {
	uint64_t size;
	time_t modified;            /* 0: not told */
	char etag[S3_ETAG_MAX];     /* with its quotation marks */
	char sha256[S3_SHA256_HEX]; /* that we gave it as metadata when we sent it; "": none */
	char checksum[S3_ETAG_MAX]; /* S3's own x-amz-checksum-sha256; of parts "...-N"; "": none */
	char storage_class[32];     /* "": STANDARD, or not told */
	char sse[16];               /* "": not told */
};

/* What is sent, and how. */
struct s3_put {
	const char *key;
	int fd; /* from its beginning; its position is neither used nor changed */
	const char *
		sha256; /* of the whole, hexadecimal, kept as metadata; NULL: found out by reading it once more */
	bool overwrite; /* else -EEXIST if the key is there (If-None-Match) */

	/* Of a file in parts; an upload that was begun before. NULL or "": none. One that is gone (-ESTALE) is begun anew. */
	const char *upload_id;
	uint64_t part_bytes; /* with which it was begun */
	/* Told the id of an upload when it has begun, so that it can be gone on with; not 0 (-errno) ends it. If given, an upload that fails
	 * stays there to be gone on with, but for -EEXIST and -EBADMSG; else it is aborted. Parts that stay cost money: s3_abort(). */
	int (*begun)(const char *upload_id, uint64_t part_bytes, void *ctx);
	void *ctx;
};

struct s3_sent {
	uint64_t size, parts,
		parts_there; /* parts: 0, sent in one piece; parts_there: were there already */
	bool checked;        /* S3 told the SHA-256 of all that it got, and it was right */
	bool verified;       /* HEAD told the right size and, if checked, the right checksum */
};

/*
 * Sends a file: up to one part's size with PutObject, larger ones in parts; then asks with HEAD whether it is there as it was sent: what
 * returns 0 is verified. If an answer was lost, what is there decides. An upload that is gone on with sends only the parts that are not
 * there with the file's own hash.
 */
int s3_put_file(struct s3 *s, const struct s3_put *put, struct s3_sent *ret);
/* Ends an upload and frees its parts; 0 also if there is none. */
int s3_abort(struct s3 *s, const char *key, const char *upload_id);

int s3_head(struct s3 *s, const char *key, struct s3_object *ret);
/*
 * Writes the object to @fd from byte @from on, where the file has the bytes before that already (0: all anew). A connection that breaks is gone on
 * with where it broke, if the object is still the same (-ESTALE). In the end size and SHA-256 (if the object has one as metadata) are
 * compared: -EBADMSG. @want_etag: that it must have; NULL or "": any. @ret, NULL: not wanted.
 */
int s3_get_file(struct s3 *s, const char *key, int fd, uint64_t from, const char *want_etag,
		struct s3_object *ret);
/* 0 also if there is none. */
int s3_delete(struct s3 *s, const char *key);

struct s3_entry {
	const char *key; /* valid until the function returns */
	uint64_t size;
	time_t modified;
	const char *etag, *storage_class;
};

/* Every object whose key begins with @prefix ("": every), in the order of their keys. Not 0 from @fn ends it, and is returned. */
int s3_list(struct s3 *s, const char *prefix, int (*fn)(const struct s3_entry *e, void *ctx),
	    void *ctx);

#endif
