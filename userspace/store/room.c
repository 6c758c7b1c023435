/* SPDX-License-Identifier: MIT */
/*
 * Free pages in the state file. Invariant: outside of room_grow(), max_page_count is the number of pages, each of which has a
 * block in the file.
 */
#include "store/room.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/util.h"
#include "store/sql.h"

#define SQL_FREE "PRAGMA freelist_count"
#define SQL_PAGES "PRAGMA page_count"
#define SQL_PAGE_SIZE "PRAGMA page_size"
#define SQL_ADD "INSERT INTO room VALUES (zeroblob(%u))"
#define SQL_DELETE "DELETE FROM room"
#define SQL_LIMIT "PRAGMA max_page_count = %" PRId64

/* Its own overhead: the table's page and the list of free pages. */
#define ROOM_EXTRA_PAGES 16

static int pages_limit(sqlite3 *db, int64_t n)
{
	char text[64];

	snprintf(text, sizeof(text), SQL_LIMIT, n);
	return sql_run(db, text);
}

/* As many pages as there are; SQLite takes no smaller limit than that, so 1 is the way to say it. */
static int pages_pin(sqlite3 *db)
{
	return pages_limit(db, 1);
}

int room_left(sqlite3 *db, uint64_t *ret_bytes)
{
	int64_t n = 0, size = 0;
	int err;

	err = sql_integer(db, SQL_FREE, &n);
	if (!err)
		err = sql_integer(db, SQL_PAGE_SIZE, &size);
	if (!err)
		*ret_bytes = (uint64_t)n * (uint64_t)size;
	return err;
}

/* SQLite's own way to ask the file system for blocks: a file in chunks (of a page), and a hint of its size. Blocks that are not
 * used in the end go with the next checkpoint. */
static int blocks_get(sqlite3 *db, int64_t pages, int64_t page_size)
{
	int chunk = (int)page_size;
	sqlite3_int64 bytes = pages * page_size;
	const char *path = sqlite3_db_filename(db, "main");
	struct statvfs fs;

	if (path && statvfs(path, &fs) == 0 && fs.f_bfree * fs.f_frsize < 2ull * ROOM_BYTES)
		return -ENOSPC;
	sqlite3_file_control(db, "main", SQLITE_FCNTL_CHUNK_SIZE, &chunk);
	return sqlite3_file_control(db, "main", SQLITE_FCNTL_SIZE_HINT, &bytes) == SQLITE_OK ?
		       0 :
		       -ENOSPC;
}

static int checkpoint(sqlite3 *db)
{
	int n_log = 0, n_done = 0;
	int code;

	code = sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_FULL, &n_log, &n_done);
	if (code != SQLITE_OK)
		return sql_errno(db, code);
	return n_log == n_done ? 0 : -EIO;
}

/* The blob takes the free pages there are, and new ones for what is missing. */
static int blob_make(sqlite3 *db, int64_t pages, int64_t page_size)
{
	char text[64];
	int err;

	snprintf(text, sizeof(text), SQL_ADD, ROOM_BYTES);
	err = blocks_get(db, pages, page_size);
	if (!err)
		err = pages_limit(db, pages);
	if (!err)
		err = sql_run(db, text);
	return err ? err : checkpoint(db);
}

static int room_grow(sqlite3 *db)
{
	int64_t pages = 0, n_free = 0, page_size = 0, wanted;
	int err, pin_err;

	err = sql_integer(db, SQL_PAGES, &pages);
	if (!err)
		err = sql_integer(db, SQL_FREE, &n_free);
	if (!err)
		err = sql_integer(db, SQL_PAGE_SIZE, &page_size);
	if (err)
		return err;
	if (page_size < 512)
		return -EUCLEAN;
	wanted = ROOM_BYTES / page_size + ROOM_EXTRA_PAGES;
	if (n_free < wanted)
		pages += wanted - n_free;
	err = blob_make(db, pages, page_size);
	pin_err = sql_run(db, SQL_DELETE);
	if (!pin_err)
		pin_err = pages_pin(db);
	return err ? err : pin_err;
}

/* The log was made by room_grow(), unless somebody took it away. */
static int log_is_short(sqlite3 *db)
{
	const char *name = sqlite3_db_filename(db, "main");
	const char *path = name ? sqlite3_filename_wal(name) : NULL;
	struct stat st;

	return !path || stat(path, &st) || st.st_size < (off_t)ROOM_BYTES;
}

int room_keep(sqlite3 *db)
{
	uint64_t bytes = 0;
	int err;

	err = room_left(db, &bytes);
	if (err || (bytes >= ROOM_LOW_BYTES && !log_is_short(db)))
		return err;
	return room_grow(db);
}

int room_open(sqlite3 *db)
{
	int err;

	err = sql_run(db, SQL_DELETE);
	if (!err)
		err = pages_pin(db);
	return err ? err : room_keep(db);
}
