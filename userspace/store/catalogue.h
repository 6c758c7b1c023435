/* SPDX-License-Identifier: MIT */
/*
 * What is known of backups, in a state file of its own, STATE_DIRECTORY/backups.db, which every `isamon backup` uses, each only for
 * moments (store_begin_shared()). It says what was found out about an archive; whether the archive is there, its directory says: what is
 * known of a file that is gone, or is another one now, does not count (care/backup_list.h).
 */
#ifndef ISAMON_CATALOGUE_H
#define ISAMON_CATALOGUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sha256.h"

#define CATALOGUE_FILE "backups.db"
#define CATALOGUE_NOTE_MAX 1000 /* bytes */

enum backup_kind { BACKUP_DATA, BACKUP_CONFIG, BACKUP_KINDS };
/* In the file: never change one of these. */
enum backup_verdict { BACKUP_NOT_VERIFIED, BACKUP_SOUND, BACKUP_UNSOUND };
enum backup_remote {
	BACKUP_NOT_SENT,
	BACKUP_TO_SEND, /* it is to be in S3, and is not, or not wholly */
	BACKUP_SENT     /* S3 has it, as it said when it was asked afterwards */
};

struct catalogue_entry {
	char file[256];         /* its name in the directory of backups: what names it */
	char id[32];            /* of that; not in the catalogue. "data-20261126-020000" */
	enum backup_kind kind;  /* likewise */
	bool local;             /* likewise: it is in the directory */
	int64_t created_s;      /* since the epoch */
	uint64_t archive_bytes; /* of the file */
	/* What it is made of; 0 where nobody has read it yet. */
	uint64_t files, file_bytes, databases;
	uint64_t n_skipped, n_changed, n_damaged; /* as in care/archive_write.h */
	enum backup_verdict verdict;
	int64_t verified_s;
	enum backup_remote remote;
	int64_t sent_s;
	uint64_t part_bytes;     /* of upload_id */
	char sha256[SHA256_HEX]; /* "": not known */
	char host[256];
	char note[CATALOGUE_NOTE_MAX + 1];
	char why[512]; /* it is not sound */
	char bucket[64], key[1025];
	char upload_id[1025]; /* "": none is under way */
};

struct catalogue;

/* Touches no file yet. Returns 0 or -errno. */
int catalogue_open(const char *state_directory, struct catalogue **ret);
void catalogue_close(struct catalogue *c);
/* For _cleanup_(). */
void catalogue_closep(struct catalogue **c);

/* All block, and return 0 or -errno, explained in @why. */

/* Adds it, or replaces what is known of its file. */
int catalogue_put(struct catalogue *c, const struct catalogue_entry *e, struct buf *why);
/*
 * What one who had a copy of the entry for hours has found out, or done; the rest stays as others have set it meanwhile. If the
 * catalogue knows nothing of the file, or that of another size, it is as catalogue_put().
 */
enum catalogue_part {
	CATALOGUE_FOUND, /* what it is made of, verdict, why, verified_s, sha256, host */
	CATALOGUE_SENT /* remote, sent_s, bucket, key, upload_id, part_bytes; sha256 if it was not known */
};
int catalogue_update(struct catalogue *c, const struct catalogue_entry *e, enum catalogue_part part,
		     struct buf *why);
/* It is fine if it was not there. */
int catalogue_forget(struct catalogue *c, const char *file, struct buf *why);
/* By name. Of a catalogue that is not there yet there are none, and it is not made. Other than 0 from @fn ends it, and is returned. */
int catalogue_each(struct catalogue *c, int (*fn)(const struct catalogue_entry *e, void *ctx),
		   void *ctx, struct buf *why);

#endif
