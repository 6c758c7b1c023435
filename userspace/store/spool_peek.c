/* SPDX-License-Identifier: MIT */
/*
 * A state file is opened to be written, because SQLite cannot read a write-ahead log otherwise, and not written to: no
 * statement of ours changes anything, and closing does not bring the log into the file.
 */
#include "store/spool_peek.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/spool_pack.h"
#include "store/sql.h"
#include "store/state_file.h"

#define SQL_SETTINGS "PRAGMA locking_mode = EXCLUSIVE; PRAGMA query_only = ON"
#define SQL_COUNT "SELECT count(*) FROM spool"
#define SQL_MINUTES \
	"SELECT s.id, s.start_s, s.maybe_sent OR s.under_way, s.size, p.bytes" \
	" FROM spool AS s JOIN spool_payload AS p ON p.seq = s.seq ORDER BY s.start_s, s.seq"

static void close_db(sqlite3 **db)
{
	sqlite3_close(*db);
}

static int open_db(const char *path, sqlite3 **ret)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
	int code;

	if (access(path, F_OK) != 0)
		return -errno;
	code = sqlite3_open_v2(path, ret, flags, NULL);
	if (code != SQLITE_OK)
		return sql_errno(*ret, code);
	sqlite3_db_config(*ret, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	return sql_run(*ret, SQL_SETTINGS);
}

/* The row on which @st stands. */
static int give(sqlite3_stmt *st, int (*fn)(const struct spool_minute *m, void *ctx), void *ctx,
		int *ret_stop)
{
	struct spool_minute m = {
		.id = sqlite3_column_int64(st, 0),
		.start_s = sqlite3_column_int64(st, 1),
		.maybe_sent = sqlite3_column_int(st, 2),
		.payload_len = (size_t)sqlite3_column_int64(st, 3),
	};
	const void *bytes = sqlite3_column_blob(st, 4);
	void *payload = NULL;
	int err;

	err = spool_unpack(bytes, (size_t)sqlite3_column_bytes(st, 4), m.payload_len, &payload);
	if (err)
		return err;
	m.payload = payload;
	*ret_stop = fn(&m, ctx);
	free(payload);
	return 0;
}

static int read_minutes(sqlite3 *db, int (*fn)(const struct spool_minute *m, void *ctx), void *ctx)
{
	_cleanup_(sql_donep) sqlite3_stmt *st = NULL;
	int err = sql_prepare(db, SQL_MINUTES, &st), stop = 0;

	if (err)
		return err;
	while (!stop && (err = sql_step(st)) == 1) {
		err = give(st, fn, ctx, &stop);
		if (err)
			return err;
	}
	return err < 0 ? err : 0;
}

int spool_peek(const char *directory, int (*fn)(const struct spool_minute *m, void *ctx), void *ctx,
	       uint64_t *ret_minutes, struct buf *why)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(4096);
	_cleanup_(close_db) sqlite3 *db = NULL;
	int64_t n = 0;
	int err = buf_printf(&path, "%s/" STATE_FILE_NAME, directory);

	if (!err)
		err = open_db(buf_str(&path), &db);
	if (!err)
		err = sql_integer(db, SQL_COUNT, &n);
	if (!err)
		err = read_minutes(db, fn, ctx);
	if (err == -EBUSY)
		buf_printf(why, "%s is open in another process", buf_str(&path));
	else if (err == -EUCLEAN || err == -EPROTO)
		buf_printf(why, "%s is damaged, or no state file", buf_str(&path));
	else if (err)
		buf_printf(why, "%s cannot be read: %s", buf_str(&path), strerror(-err));
	*ret_minutes = (uint64_t)n;
	return err;
}
