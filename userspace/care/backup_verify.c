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
};

static int tell(const struct backup_progress *p, const char *what, uint64_t done, uint64_t total)
{
	if (total && done > total) /* holes, a manifest, what has grown */
		done = total;
	return p->fn && p->fn(what, done, total, p->ctx) ? -ECANCELED : 0;
}

static void digest_freep(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void memory_freep(unsigned char **memory)
{
	free(*memory);
}

static int hash_pieces(int fd, const struct backup_progress *progress, EVP_MD_CTX *digest,
		       uint64_t *ret_bytes)
{
	_cleanup_(memory_freep) unsigned char *piece = malloc(PIECE);
	struct stat st;
	uint64_t at = 0;
	int err = 0;

	if (!piece)
		return -ENOMEM;
	if (fstat(fd, &st))
		return -errno;
	while (!err) {
		const ssize_t n = pread(fd, piece, PIECE, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		if (EVP_DigestUpdate(digest, piece, (size_t)n) != 1)
			return -ENOMEM;
		at += (size_t)n;
		err = tell(progress, "hashing", at, (uint64_t)st.st_size);
	}
	*ret_bytes = at;
	return err;
}

int backup_hash(int fd, const struct backup_progress *progress, char ret_sha256[SHA256_HEX],
		uint64_t *ret_bytes)
{
	_cleanup_(digest_freep) EVP_MD_CTX *digest = EVP_MD_CTX_new();
	unsigned char bytes[SHA256_BYTES];
	int err;

	if (!digest || EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	err = hash_pieces(fd, progress, digest, ret_bytes);
	if (err)
		return err;
	if (EVP_DigestFinal_ex(digest, bytes, NULL) != 1)
		return -ENOMEM;
	sha256_to_hex(bytes, ret_sha256);
	return 0;
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

static int read_members(int fd, const char *scratch, const struct backup_progress *progress,
			struct catalogue_entry *e, struct buf *why)
{
	struct reading r = { .progress = progress, .total = e->file_bytes };
	const struct archive_read_options o = {
		.scratch = scratch,
		.allow_setuid = true,
		.check_database = check_database,
		.member = member_read,
		.going = member_going,
		.ctx = &r,
	};
	struct archive_was was;
	int err;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	err = archive_verify(fd, &o, why, &was);
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

int backup_verify(int fd, const char *scratch, const struct backup_progress *progress,
		  int64_t now_s, struct catalogue_entry *e, struct buf *why)
{
	_cleanup_(buf_done) struct buf found = BUF_INIT(8192);
	char sha256[SHA256_HEX];
	uint64_t bytes = 0;
	int err = backup_hash(fd, progress, sha256, &bytes);

	if (!err && *e->sha256 && strcmp(sha256, e->sha256) != 0) {
		set_unsound(e, "it is not what was written: its SHA-256 is another one");
		e->verified_s = now_s;
		return 0;
	}
	if (!err)
		err = read_members(fd, scratch, progress, e, &found);
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
	e->archive_bytes = bytes;
	e->verified_s = now_s;
	return 0;
}
