/* SPDX-License-Identifier: MIT */
/*
 * The state file as a file: how it is opened, and what it must be.
 * All block on the disk.
 */
#ifndef ISAMON_STATE_FILE_H
#define ISAMON_STATE_FILE_H

#include <sqlite3.h>

#include "base/buf.h"

#define STATE_FILE_NAME "isamon.db"

/* Makes the directory (0750) if it is missing, and says where the file @name is in it: an absolute path without symbolic links,
 * which the caller frees. */
int state_file_path(const char *directory, const char *name, struct buf *why, char **ret_path);

/*
 * The right to open the file, for as long as *ret_fd is open; makes the file (0600). SQLite's own locks make several that want it stand in
 * each other's way; whoever shares a file with others tries for this first. Close it after the database: SQLite's locks go with any
 * descriptor of the file. Returns 0; -EBUSY: another process has it; another -errno. All explained in @why.
 */
int state_file_reserve(const char *path, struct buf *why, int *ret_fd);

/*
 * Opens, or makes (0600), the file, brings its schema to the present version and sees to its room. It is then locked against any other
 * process until it is closed.
 * Returns 0; -EUCLEAN: it is damaged, or no SQLite file; -EEXIST: it is another application's database; -ENOTSUP: it is of a newer
 * isamon; -EBUSY: somebody else has it open; -ELOOP: it is a symbolic link; another -errno. All explained in @why. A
 * file that is refused is left as it was. If only the room is missing, that is no error.
 */
int state_file_open(const char *path, struct buf *why, sqlite3 **ret);

/*
 * The same for one that is there, to read from it for a moment: nothing of it is changed, nor its schema brought to the present version, which may
 * be older. Returns as state_file_open() does; -ENODATA: there is nothing in it yet. Close it as a damaged one.
 */
int state_file_look(const char *path, struct buf *why, sqlite3 **ret);

/* Closes it; NULL is fine. The log stays, with its blocks. A @damaged one is not written to any more. */
void state_file_close(sqlite3 *db, int damaged);

#endif
