/* SPDX-License-Identifier: MIT */
/* The requests of a multipart upload, each as it stands in S3's API; blocking, with errors and s3_why() as in s3.h. */
#ifndef ISAMON_S3_PARTS_H
#define ISAMON_S3_PARTS_H

#include "aws/s3_impl.h"

/* A part that is there. */
struct s3_part {
	char etag[48];                      /* without its quotation marks; "": not there */
	unsigned char sha256[SHA256_BYTES]; /* of what we have */
	bool checked;                       /* S3 told this hash of what it got */
};

/* What ListParts tells of one. */
struct s3_part_there {
	uint64_t number, size;
	char etag[48];                   /* without its quotation marks */
	char checksum[S3_BASE64_SHA256]; /* "": not told */
};

int s3_parts_create(struct s3 *s, const char *key, const char *sha256,
		    char ret_id[S3_UPLOAD_ID_MAX + 1]);
/* Sends bytes of a file as part @number (from 1). @done: what progress begins at, each time that it is sent. */
int s3_parts_send(struct s3 *s, const char *key, const char *id, unsigned int number, int fd,
		  uint64_t at, uint64_t len, const struct s3_hashes *h, struct s3_part *ret);
/* Calls @fn for each part that is there. Not 0 from it ends it, and is returned. */
int s3_parts_list(struct s3 *s, const char *key, const char *id,
		  int (*fn)(const struct s3_part_there *p, void *ctx), void *ctx);
/* Makes the object of parts 1 to @n. */
int s3_parts_complete(struct s3 *s, const char *key, const char *id, const struct s3_part *parts,
		      unsigned int n, bool overwrite);

#endif
