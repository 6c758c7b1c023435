/* SPDX-License-Identifier: MIT */
/*
 * The state file, STATE_DIRECTORY/isamon.db (SQLite, WAL), and the one thread that touches it.
 *
 * SQLite waits for the disk, and the measuring loop must not: work is handed to the thread, one after the other, and its end
 * is told in the loop. Tools that have no loop open it in the same way and run a loop of their own.
 * A file that is damaged or not ours is set aside (isamon.db.damaged-DATE, named in the log) and a new one
 * begun; one of a newer isamon is left alone, and refused. A full disk is told once a state change, and the work that
 * meets it fails with -ENOSPC; nothing else ends.
 * The schema has a version (PRAGMA user_version) and one migration for each.
 */
#ifndef ISAMON_STORE_H
#define ISAMON_STORE_H

#include <event2/event.h>
#include <sqlite3.h>

#include "base/buf.h"

struct store;

/* Opens, or makes, the file; blocks on the disk. Returns 0 or -errno, explained in @why. */
int store_open(struct event_base *base, const char *directory, struct buf *why, struct store **ret);
/* Waits until work that was handed over is done; ends of work that were not told are forgotten. */
void store_close(struct store *s);

/* Runs in the store's thread; the only place where @db is used. Returns 0 or -errno. */
typedef int (*store_work_fn)(sqlite3 *db, void *job);
/* Runs in the loop, once. */
typedef void (*store_done_fn)(int err, void *job);

/* Hands work over, in order. @job belongs to the work until @done is called. Returns 0 or -ENOMEM. */
int store_do(struct store *s, store_work_fn work, store_done_fn done, void *job);

/* From SQLite's code to -errno: SQLITE_FULL -ENOSPC, SQLITE_NOMEM -ENOMEM, SQLITE_BUSY -EBUSY, SQLITE_CORRUPT and NOTADB -EUCLEAN,
 * SQLITE_READONLY -EROFS, others -EIO. */
int store_errno(int sqlite_code);

#endif
