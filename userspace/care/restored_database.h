/* SPDX-License-Identifier: MIT */
/* A database of an archive that was unpacked just now, before anybody has opened it. */
#ifndef ISAMON_RESTORED_DATABASE_H
#define ISAMON_RESTORED_DATABASE_H

#include <stdbool.h>

#include "base/buf.h"
#include "care/database.h"

/* Whether the regular file @name in @dir_fd begins as a SQLite database does; not if it may not be read. Returns 0 or -errno. */
int restored_database_is(int dir_fd, const char *name, bool *ret);
/*
 * Checks the database @name in @dir_fd together with the log that the archive has of it. Archives of other makers have a log with or
 * without its index, or an index alone: that one means nothing, and is removed; for a log alone there is an empty one while it is read.
 * Blocks. Returns 0: it is sound (rows whose foreign key points nowhere are the application's affair); -EBUSY: a transaction was cut off in
 * it, so that it cannot be checked without changing it, and the service undoes it; -EBADMSG: it is damaged; another -errno, that of
 * @progress included. What is wrong is in @why, without the name.
 */
int restored_database_check(int dir_fd, const char *name, const struct database_progress *progress,
			    struct buf *why);

#endif
