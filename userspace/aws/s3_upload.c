/* SPDX-License-Identifier: MIT */
/*
 * A file in parts, one after the other, begun or gone on with.
 *
 * Invariant: a part counts as there only if S3 told its hash, or its MD5 as ETag, and that is the hash of the file's bytes now. The object is
 * made only if all parts together have the SHA-256 that the file was to have.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/s3_impl.h"
#include "aws/s3_parts.h"

#define MIB ((uint64_t)1 << 20)

struct upload {
	struct s3 *s;
	const struct s3_put *put;
	const char *sha256;
	uint64_t size, part_bytes;
	unsigned int n;
	struct s3_part *parts;
	struct s3_part_there *there; /* by number - 1; NULL: nothing was there */
	EVP_MD_CTX *whole;
	char id[S3_UPLOAD_ID_MAX + 1];
	struct s3_sent *ret;
};

static void upload_done(struct upload *u)
{
	free(u->parts);
	free(u->there);
	EVP_MD_CTX_free(u->whole);
}

/* As asked for, or so large that there are no more than S3_PARTS_MAX. */
static uint64_t part_size(const struct s3 *s, uint64_t wanted, uint64_t size)
{
	const uint64_t least = (size + S3_PARTS_MAX - 1) / S3_PARTS_MAX;

	if (!wanted)
		wanted = s->options.part_bytes ? s->options.part_bytes : S3_PART_USUAL;
	if (wanted < S3_PART_MIN)
		wanted = S3_PART_MIN;
	return wanted >= least ? wanted : (least + MIB - 1) / MIB * MIB;
}

static int upload_init(struct upload *u, uint64_t wanted)
{
	u->part_bytes = part_size(u->s, wanted, u->size);
	u->n = (unsigned int)((u->size + u->part_bytes - 1) / u->part_bytes);
	if (!u->n)
		u->n = 1;
	u->parts = calloc(u->n, sizeof(*u->parts));
	u->whole = EVP_MD_CTX_new();
	if (!u->parts || !u->whole || !EVP_DigestInit_ex(u->whole, EVP_sha256(), NULL))
		return s3_fail(u->s, -ENOMEM, "UploadPart", u->put->key, "no memory");
	u->ret->parts = u->n;
	return 0;
}

/* --- what is there */

static int note_part(const struct s3_part_there *p, void *ctx)
{
	struct upload *u = ctx;

	if (p->number >= 1 && p->number <= u->n)
		u->there[p->number - 1] = *p;
	return 0;
}

/* Goes on with what the caller has kept. */
static int look_at_parts(struct upload *u)
{
	if (strlen(u->put->upload_id) > S3_UPLOAD_ID_MAX)
		return s3_fail(u->s, -EINVAL, "ListParts", u->put->key,
			       "the upload's id is too long");
	snprintf(u->id, sizeof(u->id), "%s", u->put->upload_id);
	u->there = calloc(u->n, sizeof(*u->there));
	if (!u->there)
		return s3_fail(u->s, -ENOMEM, "ListParts", u->put->key, "no memory");
	return s3_parts_list(u->s, u->put->key, u->id, note_part, u);
}

/* Whether part @i is there as the file has it. Fills it then. */
static bool is_there(struct upload *u, unsigned int i, uint64_t len, const struct s3_hashes *h)
{
	const struct s3_part_there *p = u->there ? &u->there[i] : NULL;
	struct s3_part *part = &u->parts[i];

	if (!p || !p->number || p->size != len || !p->etag[0])
		return false;
	if (p->checksum[0] ? strcmp(p->checksum, h->base64) != 0 :
			     !h->md5[0] || strcmp(p->etag, h->md5) != 0)
		return false;
	memcpy(part->etag, p->etag, sizeof(part->etag));
	memcpy(part->sha256, h->sha256, sizeof(part->sha256));
	part->checked = p->checksum[0];
	u->ret->parts_there++;
	return true;
}

/* --- sending */

static int send_part(struct upload *u, unsigned int i)
{
	const uint64_t at = u->part_bytes * i;
	const uint64_t len = u->size - at < u->part_bytes ? u->size - at : u->part_bytes;
	struct s3_hashes h;
	int err = s3_hash(u->put->fd, at, len, u->whole, &h);

	if (err)
		return s3_fail(u->s, err, "UploadPart", u->put->key, "the file cannot be read: %s",
			       strerror(-err));
	u->s->done = at;
	if (!is_there(u, i, len, &h))
		err = s3_parts_send(u->s, u->put->key, u->id, i + 1, u->put->fd, at, len, &h,
				    &u->parts[i]);
	u->s->done = at + len;
	return err;
}

static int check_whole(struct upload *u)
{
	unsigned char hash[SHA256_BYTES];
	char hex[SHA256_HEX];

	if (!EVP_DigestFinal_ex(u->whole, hash, NULL))
		return s3_fail(u->s, -ENOMEM, "UploadPart", u->put->key, "no memory");
	sha256_to_hex(hash, hex);
	if (!strcmp(hex, u->sha256))
		return 0;
	return s3_fail(u->s, -EBADMSG, "UploadPart", u->put->key,
		       "the file has another SHA-256 than it should, or changed while it was sent");
}

static int send_parts(struct upload *u)
{
	int err = 0;

	for (unsigned int i = 0; i < u->n && !err; i++) {
		err = send_part(u, i);
		if (!err && s3_progress(u->s))
			err = s3_fail(u->s, -ECANCELED, "UploadPart", u->put->key, "stopped");
	}
	return err ? err : check_whole(u);
}

/* What S3 makes of the parts' hashes: the hash of them all. Returns whether it has them of all parts. */
static bool composite(const struct upload *u, char *to, size_t size)
{
	unsigned char hash[SHA256_BYTES];
	char text[S3_BASE64_SHA256];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = c && EVP_DigestInit_ex(c, EVP_sha256(), NULL);

	for (unsigned int i = 0; i < u->n && ok; i++)
		ok = u->parts[i].checked && EVP_DigestUpdate(c, u->parts[i].sha256, SHA256_BYTES);
	ok = ok && EVP_DigestFinal_ex(c, hash, NULL);
	EVP_MD_CTX_free(c);
	if (!ok)
		return false;
	s3_base64_sha256(hash, text);
	snprintf(to, size, "%s-%u", text, u->n);
	return true;
}

/* Makes the object. If an answer was lost, what is there now decides. */
static int complete(struct upload *u)
{
	const struct s3_put *put = u->put;
	char checksum[S3_ETAG_MAX];
	int err, seen;

	u->ret->checked = composite(u, checksum, sizeof(checksum));
	err = s3_parts_complete(u->s, put->key, u->id, u->parts, u->n, put->overwrite);
	if (err && !((err == -EEXIST || err == -ESTALE) && u->s->outcome_unknown))
		return err;
	seen = s3_verify(u->s, put->key, u->size, u->sha256, u->ret->checked ? checksum : NULL);
	if (err == -EEXIST && seen == -EBADMSG)
		return s3_fail(u->s, err, "CompleteMultipartUpload", put->key,
			       "there is another object with this key, and it is kept");
	return err && (seen == -ENOENT || seen == -EBADMSG) ? err : seen;
}

static int begin(struct upload *u)
{
	int err = s3_parts_create(u->s, u->put->key, u->sha256, u->id);

	if (err || !u->put->begun)
		return err;
	err = u->put->begun(u->id, u->part_bytes, u->put->ctx);
	return err ? s3_fail(u->s, err, "CreateMultipartUpload", u->put->key,
			     "the upload's id could not be kept: %s", strerror(-err)) :
		     0;
}

/* Removes the parts, and keeps the line that says why. */
static void clean_up(struct upload *u)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(S3_WHY_MAX);
	int err;

	buf_add_str(&why, s3_why(u->s));
	err = s3_abort(u->s, u->put->key, u->id);
	if (err)
		buf_printf(&why, "; and its parts, which cost money, stay: %s", s3_why(u->s));
	buf_reset(&u->s->why);
	buf_add_str(&u->s->why, buf_str(&why));
}

static int upload_once(struct s3 *s, const struct s3_put *put, uint64_t size, const char *sha256,
		       bool resume, struct s3_sent *ret)
{
	_cleanup_(upload_done) struct upload u = {
		.s = s, .put = put, .sha256 = sha256, .size = size, .ret = ret
	};
	bool begun = false;
	int err;

	*ret = (struct s3_sent){ .size = size };
	s->done = 0;
	err = upload_init(&u, resume ? put->part_bytes : 0);
	if (!err)
		err = resume ? look_at_parts(&u) : begin(&u);
	begun = u.id[0] && err != -ESTALE;
	if (!err)
		err = send_parts(&u);
	if (!err)
		err = complete(&u);
	if (err && begun && (!put->begun || err == -EEXIST || err == -EBADMSG))
		clean_up(&u);
	return err;
}

int s3_upload(struct s3 *s, const struct s3_put *put, uint64_t size, const char *sha256,
	      struct s3_sent *ret)
{
	const bool resume = put->upload_id && *put->upload_id;
	int err = upload_once(s, put, size, sha256, resume, ret);

	/* Gone, or S3 wants it begun anew after a race (409). Once only. */
	if (err == -ESTALE)
		err = upload_once(s, put, size, sha256, false, ret);
	return err;
}
