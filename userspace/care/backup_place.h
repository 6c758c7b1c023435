/* SPDX-License-Identifier: MIT */
/*
 * The directory of backups, while one process works there. What is not finished is in a directory of its own in it,
 * BACKUP_PART: it is not listed as a backup, whatever happens, and the next one who works there removes it.
 */
#ifndef ISAMON_BACKUP_PLACE_H
#define ISAMON_BACKUP_PLACE_H

#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"

#define BACKUP_PART ".isamon-part"
#define BACKUP_LOCK ".isamon-lock"

#define BACKUP_DRILL "drill" /* in BACKUP_PART: where a drill restores */

struct backup_place {
	const char *directory; /* not owned */
	int lock_fd, dir_fd, part_fd;
	struct stat st;     /* of the directory */
	char scratch[3100]; /* the path of BACKUP_PART */
};

/*
 * Makes the directory if it is missing (0700), locks it, and removes what a run that was killed has left. Blocks on the disk. Returns
 * 0; -EBUSY: another process works there; another -errno; explained in @why. backup_place_close() is due in either case.
 */
int backup_place_open(const char *directory, struct buf *why, struct backup_place *ret);
/* Removes what is unfinished. */
void backup_place_close(struct backup_place *p);

/* A new file in BACKUP_PART, 0600, for reading and writing. Returns its descriptor or -errno, explained in @why. */
int backup_place_begin(struct backup_place *p, const char *file, struct buf *why);
/* Gives it its name in the directory, where it was not there yet (-EEXIST), for good: both are on the disk then. It was synced before. */
int backup_place_finish(struct backup_place *p, const char *file, struct buf *why);
/* Removes @name from BACKUP_PART, with all that is in it; 0 also if it is not there. */
int backup_place_remove(struct backup_place *p, const char *name);
/* How many bytes may be written. Returns 0 or -errno. */
int backup_place_room(const struct backup_place *p, uint64_t *ret_bytes);

#endif
