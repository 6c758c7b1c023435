/* SPDX-License-Identifier: MIT */
/* A restore drill: an archive is restored into a directory beside, where it is looked at, and removed again. */
#ifndef ISAMON_BACKUP_DRILL_H
#define ISAMON_BACKUP_DRILL_H

#include <stdint.h>

#include "care/backup.h"

struct backup_drilled {
	uint64_t entries; /* files, directories, links that are there now */
	uint64_t bytes;   /* of the files that were read, from the disk */
	uint64_t databases, n_unsound;
};

/*
 * Restores @e, which is in @place, into a directory of BACKUP_PART: every hash is compared on the way; then every file of it is
 * read, every database is opened and checked, and all is counted. Owners are not set, so that it can be done without the right
 * to. Blocks for as long as it takes; needs room for all of it but holes (an archive that would not fit with
 * them is read once more before, for how much that is), and leaves a twentieth of the disk (16 MiB to 1 GiB) to the service.
 * Returns 0; -EBADMSG: it cannot be restored, or is not what it should be, or a database that was sound is not; -ENOSPC; -ECANCELED;
 * another -errno; explained in @why. The directory is gone afterwards.
 */
int backup_drill(struct backup_place *place, const struct catalogue_entry *e,
		 const struct backup_progress *progress, struct buf *why,
		 struct backup_drilled *ret);

#endif
