/* SPDX-License-Identifier: MIT */
/*
 * Room inside the state file, so that a full disk does not stop it.
 *
 * Free pages: some megabytes of the file have nothing in them but their blocks on the disk. The file never grows but by
 * room_keep(), which asks for the blocks before it makes pages of them, so that whatever was committed can also be brought from
 * the write-ahead log into the file; and the log, once made as long as the room, is never shortened and used again and
 * again.
 * It holds on file systems that write in place (ext4, XFS, tmpfs). One that copies on write (btrfs) needs free blocks for any
 * change: there a full disk stops everything until it has some again, and nothing is lost.
 * All block on the disk, in the store's thread.
 */
#ifndef ISAMON_ROOM_H
#define ISAMON_ROOM_H

#include <sqlite3.h>
#include <stdint.h>

/* Made at once; made again as soon as there is less than the latter. */
#define ROOM_BYTES (4u << 20)
#define ROOM_LOW_BYTES (2u << 20)
/* Of this, taking and removing live when adding has to stop. */
#define ROOM_LAST_BYTES (128u << 10)

/* For a file that was just opened: what an isamon that was killed left of making room goes, and the file may not grow any
 * more by itself. Then as room_keep(). */
int room_open(sqlite3 *db);

/* Makes room, where there is too little. Returns 0: there is enough; -ENOSPC: the disk has none; another -errno. */
int room_keep(sqlite3 *db);

/* Bytes of free pages. */
int room_left(sqlite3 *db, uint64_t *ret_bytes);

#endif
