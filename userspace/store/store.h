/* SPDX-License-Identifier: MIT */
/*
 * The state file, STATE_DIRECTORY/isamon.db (SQLite, WAL), and the one thread that touches it.
 *
 * SQLite waits for the disk, for ever if it hangs, and the measuring loop must not: work is handed to the thread, one after
 * the other, and its end is told in the loop. Opening and closing are such work, too: store_begin(), store_leave().
 * A file that is damaged, or no database at all, is set aside (isamon.db.damaged-DATE, named in the log) and a new one
 * begun, at the start and whenever the damage is found. A database of another application, or of a newer isamon, is left alone, and
 * refused. A full disk, and any other trouble, is told once a state change, and the work that meets it fails; nothing else
 * ends. For an hour and more, a full disk is not even met: store/room.h.
 * The schema has a version (PRAGMA user_version) and one migration for each.
 */
#ifndef ISAMON_STORE_H
#define ISAMON_STORE_H

#include <event2/event.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct store;

/*
 * Opens, or makes, the file, and its directory; blocks on the disk. Returns 0 or -errno, explained in @why: -EBUSY: another process
 * has it, 200 ms later still; -EEXIST: it is another application's; -ENOTSUP: a newer isamon's; -ELOOP: it is a symbolic link.
 */
int store_open(struct event_base *base, const char *directory, struct buf *why, struct store **ret);
/* The same, with a file of another name: of a process that has its own. */
int store_open_file(struct event_base *base, const char *directory, const char *name,
		    struct buf *why, struct store **ret);

/* As store_open(), but without waiting: whatever work comes first opens the file, or ends with the error, and the next one
 * tries again. Returns 0, -ENOMEM or -EMFILE. */
int store_begin(struct event_base *base, const char *directory, struct store **ret);
/*
 * As store_begin(), with a file of another name that other processes use, too: it is open only while there is work, and work that
 * finds it open elsewhere waits for that, five seconds at most: less than what a job is given to end by itself.
 * store_births() counts each opening.
 */
int store_begin_shared(struct event_base *base, const char *directory, const char *name,
		       struct store **ret);
/* Why the file could not be opened the last time that was tried; nothing is appended if it could. */
void store_why(struct store *s, struct buf *why);

/* Waits until work that was handed over is done, calls each @done that was not called yet, and does what these hand over,
 * too. Not from a @done. NULL is fine. */
void store_close(struct store *s);
/* As store_close(), but no longer than @ms (0: as long as it takes): for the end of a process. false: the disk hangs, and the thread
 * is left to itself with what it has, of which no end is told. */
bool store_close_within(struct store *s, unsigned int ms);
/* As store_close(), but without waiting: @left is called in the loop when all was told, the thread has ended and @s is gone.
 * Until then store_close() and store_close_within() may be called, without a call of @left. */
void store_leave(struct store *s, void (*left)(void *ctx), void *ctx);

/*
 * Runs in the store's thread; the only place where @db is used. Returns 0 or -errno. A transaction that it leaves
 * open is rolled back. With -EUCLEAN (sql_errno() in store/sql.h) the file is set aside, and the work is called once more with the
 * new one. Prepared statements do not outlive it.
 */
typedef int (*store_work_fn)(sqlite3 *db, void *job);
/* Runs in the loop, or in store_close(); once. May hand over more. */
typedef void (*store_done_fn)(int err, void *job);

/* Hands work over, in order. @job belongs to the work until @done is called. Returns 0, -ENOMEM, or -ESHUTDOWN: the store is
 * being closed. */
int store_do(struct store *s, store_work_fn work, store_done_fn done, void *job);

/* As store_do(), but blocks until it is done, and returns its error: for what comes before the loop. */
int store_wait(struct store *s, store_work_fn work, void *job);

/* How many times the file was begun anew since store_open(), because it was damaged: what was read from it does not hold any
 * more. For works. */
unsigned int store_births(const struct store *s);

#endif
