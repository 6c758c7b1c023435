/* SPDX-License-Identifier: MIT */
/* Whether an archive is sound. */
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "base/util.h"
#include "care/archive_read.h"
#include "care/backup.h"
#include "care/database.h"

#define PIECE (256u * 1024)

struct reading {
	const struct backup_progress *progress;
	uint64_t done, total;
	EVP_MD_CTX *digest; /* of the whole file */
	uint64_t bytes;
};

static int tell(const struct backup_progress *p, const char *what, uint64_t done, uint64_t total)
{
	if (total && done > total) /* holes, a manifest, what has grown */
		done = total;
	return p->fn && p->fn(what, done, total, p->ctx) ? -ECANCELED : 0;
}

static void reading_done(struct reading *r)
{
	EVP_MD_CTX_free(r->digest);
}

static void memory_freep(unsigned char **memory)
{
	free(*memory);
}

static int add_bytes(const void *bytes, size_t n, void *ctx)
{
	struct reading *r = ctx;

	if (EVP_DigestUpdate(r->digest, bytes, n) != 1)
		return -ENOMEM;
	r->bytes += n;
	return 0;
}

/* What is left of @fd from its position on. */
static int hash_rest(int fd, struct reading *r, char ret_sha256[SHA256_HEX])
{
	_cleanup_(memory_freep) unsigned char *piece = malloc(PIECE);
	const struct archive_input in = { fd, add_bytes, r };
	unsigned char bytes[SHA256_BYTES];
	struct stat st;
	ssize_t n = 1;

	if (!piece)
		return -ENOMEM;
	if (fstat(fd, &st))
		return -errno;
	while (n > 0) {
		n = archive_input_read(&in, piece, PIECE);
		if (n > 0 && tell(r->progress, "hashing", r->bytes, (uint64_t)st.st_size))
			return -ECANCELED;
	}
	if (n < 0)
		return (int)n;
	if (EVP_DigestFinal_ex(r->digest, bytes, NULL) != 1)
		return -ENOMEM;
	sha256_to_hex(bytes, ret_sha256);
	return 0;
}

static int begin_hash(int fd, struct reading *r)
{
	r->digest = EVP_MD_CTX_new();
	if (!r->digest || EVP_DigestInit_ex(r->digest, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

int backup_hash(int fd, const struct backup_progress *progress, char ret_sha256[SHA256_HEX],
		uint64_t *ret_bytes)
{
	_cleanup_(reading_done) struct reading r = { .progress = progress };
	int err = begin_hash(fd, &r);

	if (!err)
		err = hash_rest(fd, &r, ret_sha256);
	*ret_bytes = r.bytes;
	return err;
}

/* --- the members */

static int database_told(const char *what, double done, void *ctx)
{
	const struct reading *r = ctx;

	(void)what;
	(void)done;
	return tell(r->progress, "checking", r->done, r->total);
}

/* Rows whose foreign key points nowhere are the application's affair: the copy is as the database was. */
static int check_database(const char *path, struct buf *why, void *ctx)
{
	const struct database_progress progress = { database_told, ctx };
	struct database_findings f;
	int err = database_check(path, &progress, why, &f);

	if (!err && f.n > f.n_foreign) {
		const char *text = buf_str(&f.text);

		buf_printf(why, "%.*s%s", (int)strcspn(text, "\n"), text,
			   f.n > 1 ? ", and more" : "");
		err = -EBADMSG;
	}
	database_findings_done(&f);
	return err;
}

static int member_read(const struct archive_member *m, void *ctx)
{
	struct reading *r = ctx;

	r->done += m->size;
	return tell(r->progress, "checking", r->done, r->total);
}

static int member_going(uint64_t bytes, void *ctx)
{
	const struct reading *r = ctx;

	return tell(r->progress, "checking", r->done + bytes, r->total);
}

/* The first line of @why. */
static void set_unsound(struct catalogue_entry *e, const char *why)
{
	e->verdict = BACKUP_UNSOUND;
	utf8_make_plain(why, strcspn(why, "\n"), e->why, sizeof(e->why));
}

/* That a file is no archive, or not as its manifest says, is found out; that it cannot be read is not. */
static bool is_verdict(int err)
{
	return err == -EBADMSG || err == -EPERM || err == -EFBIG;
}

static void set_parts(struct catalogue_entry *e, const struct archive_was *was)
{
	e->files = was->files;
	e->file_bytes = was->file_bytes;
	e->databases = was->databases;
	e->n_damaged = was->n_unsound;
	if (!*e->host)
		snprintf(e->host, sizeof(e->host), "%s", was->host);
}

static int read_members(int fd, const char *scratch, struct reading *r, struct catalogue_entry *e,
			struct buf *why)
{
	const struct archive_read_options o = {
		.scratch = scratch,
		.allow_setuid = true,
		.check_database = check_database,
		.member = member_read,
		.going = member_going,
		.bytes = add_bytes,
		.ctx = r,
	};
	struct archive_was was;
	int err = archive_verify(fd, &o, why, &was);

	if (!err) {
		set_parts(e, &was);
		e->verdict = BACKUP_SOUND;
		e->why[0] = '\0';
	}
	/* One that the manifest calls damaged was so when the archive was made; of the guide's archives nobody can say. */
	if (!err && was.n_unsound && !was.has_manifest)
		set_unsound(e, buf_str(&was.unsound));
	archive_was_done(&was);
	return err;
}

/* The file is read once: its hash is made on the way, and to its end where the members were not read so far. */
static int read_once(int fd, const char *scratch, struct reading *r, struct catalogue_entry *e,
		     struct buf *found, char ret_sha256[SHA256_HEX], bool *ret_other)
{
	struct catalogue_entry read = *e;
	int err = begin_hash(fd, r), hash_err;

	if (err)
		return err;
	err = read_members(fd, scratch, r, &read, found);
	if (err == -ECANCELED)
		return err;
	hash_err = hash_rest(fd, r, ret_sha256);
	if (hash_err)
		return err && !is_verdict(err) ? err : hash_err;
	*ret_other = *e->sha256 && strcmp(ret_sha256, e->sha256) != 0;
	if (!*ret_other)
		*e = read;
	return err;
}

int backup_verify(int fd, const char *scratch, const struct backup_progress *progress,
		  int64_t now_s, struct catalogue_entry *e, struct buf *why)
{
	_cleanup_(reading_done) struct reading r = { .progress = progress, .total = e->file_bytes };
	_cleanup_(buf_done) struct buf found = BUF_INIT(8192);
	char sha256[SHA256_HEX] = "";
	bool other = false;
	int err = read_once(fd, scratch, &r, e, &found, sha256, &other);

	if (other) {
		set_unsound(e, "it is not what was written: its SHA-256 is another one");
		e->verified_s = now_s;
		return 0;
	}
	if (err == -EPERM)
		buf_add_str(&found, " (refused: it would not be restored)");
	if (err && !is_verdict(err)) {
		buf_printf(why, "%s: cannot be verified: %s", e->file,
			   found.len ? buf_str(&found) : strerror(-err));
		return err;
	}
	if (err)
		set_unsound(e, buf_str(&found));
	else if (e->verdict == BACKUP_SOUND)
		snprintf(e->sha256, sizeof(e->sha256), "%s", sha256);
	e->archive_bytes = r.bytes;
	e->verified_s = now_s;
	return 0;
}
