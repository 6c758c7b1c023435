/* SPDX-License-Identifier: MIT */
/*
 * The state file as the store's thread holds it: from its directory and name to an open database, again and again if it must be.
 * All block on the disk; in one thread at a time. Who tells what in the log: store_file_tell() and store_file_keep_room() a
 * change of state, and whoever finds damage, where the file went.
 */
#ifndef ISAMON_STORE_FILE_H
#define ISAMON_STORE_FILE_H

#include <sqlite3.h>
#include <stdbool.h>

#include "base/buf.h"

struct store_file {
	char *directory, *name, *path;
	sqlite3 *db;          /* NULL: it is not open */
	int reserved_fd;      /* state_file_reserve(), or -1 */
	unsigned int wait_ms; /* for another process that has it */
	unsigned int births;
	int trouble; /* the error that was told last */
	bool tight;  /* it was told that the disk is full */
};

/* Copies both; opens nothing. wait_ms is for a file of one process. Returns 0 or -ENOMEM; store_file_done() is due in either case. */
int store_file_init(struct store_file *f, const char *directory, const char *name);
/* Closes what is open. */
void store_file_done(struct store_file *f);
/* Closes it for others to have, until store_file_begin(). */
void store_file_leave(struct store_file *f);

/* Opens, or makes it, and waits for another process that has it; a damaged one is set aside on the way. Returns 0 or
 * -errno, always explained in @why: as state_file_path() and state_file_open(), or why it cannot be set aside. */
int store_file_begin(struct store_file *f, struct buf *why);
/* Closes it, because damage was found in it, and puts it out of the way. Returns 0 or -errno. */
int store_file_set_aside(struct store_file *f);

/* Tells how the last work that meant to change it ended (0 or -errno), if that is news of the disk; any other error is
 * passed over. */
void store_file_tell(struct store_file *f, int err);
/* room_keep() with what is open, and tells when the disk is full, or is not any more. */
void store_file_keep_room(struct store_file *f);

#endif
