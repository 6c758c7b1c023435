/* SPDX-License-Identifier: MIT */
/*
 * Makes backups, and finds out whether one is sound. What is listed as sound was read back from the disk, compared with its
 * manifest byte for byte (by hashes), and its databases were checked.
 */
#ifndef ISAMON_BACKUP_H
#define ISAMON_BACKUP_H

#include <stdint.h>

#include "base/buf.h"
#include "care/archive_write.h"
#include "care/backup_place.h"
#include "store/catalogue.h"

/* Told now and then: "reading", "checking"; @total 0: not known. An answer other than 0 ends it with -ECANCELED. */
typedef int (*backup_progress_fn)(const char *what, uint64_t done, uint64_t total, void *ctx);

struct backup_progress {
	backup_progress_fn fn; /* NULL: nobody wants to know */
	void *ctx;
};

struct backup_create_options {
	enum backup_kind kind;
	const char *name, *source, *host;
	const char *note; /* NULL: none */
	int level;        /* of gzip, 1 to 9 */
	const char *const *exclude;
	size_t n_exclude;
	int64_t now_s;
	/* Of the last one of its kind: how many bytes of files became how many of an archive; 0: not known. For how much room is needed. */
	uint64_t last_file_bytes, last_archive_bytes;
	struct backup_progress progress;
};

struct backup_made {
	struct catalogue_entry entry; /* as it is in the catalogue now */
	struct archive_written written;
	int catalogue_err; /* it is not in the catalogue: what it is called in the list is then "not verified"; explained in: */
	struct buf catalogue_why;
};

/*
 * Makes one of the directory @source in @place: looks whether there is room; writes; syncs; reads back and compares; gives it its
 * name; and puts it into the catalogue (NULL: none). Blocks for as long as it takes; memory as archive_write.h and archive_read.h say.
 * Returns 0; -ENOENT: there is no @source; -ENOSPC, with how much is missing; -EBADMSG: what was read back is not what was written;
 * -ECANCELED; -EEXIST; another -errno; explained in @why. Then there is no new backup. @ret is filled in always, for
 * backup_made_done().
 */
int backup_create(struct backup_place *place, const struct backup_create_options *o,
		  struct catalogue *c, struct buf *why, struct backup_made *ret);
void backup_made_done(struct backup_made *m);

/*
 * Reads the archive @fd (from its beginning), whatever made it: hash of the whole, if @e knows one; every member; the manifest, if it
 * has one; its databases, in @scratch. Sets what is found out in @e: sha256 (if it is sound), verdict, why, verified_s, what it is made of. Returns 0, be
 * it sound or not; -ECANCELED, -ENOSPC or another -errno, explained in @why: it was not found out.
 */
int backup_verify(int fd, const char *scratch, const struct backup_progress *progress,
		  int64_t now_s, struct catalogue_entry *e, struct buf *why);

/* The SHA-256 of all of @fd, and its size. Returns 0 or -errno. */
int backup_hash(int fd, const struct backup_progress *progress, char ret_sha256[SHA256_HEX],
		uint64_t *ret_bytes);

#endif
