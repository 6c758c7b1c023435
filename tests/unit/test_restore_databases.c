/* SPDX-License-Identifier: MIT */
/* Databases in archives of other makers: copied raw, while somebody had them open. They are checked as the service will find them. */
#include "unit.h"

#include "restore_fixture.h"

static void step(void)
{
}

#define SQL_RAW \
	"PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; CREATE TABLE t(x); CREATE INDEX i ON t(x);" \
	"INSERT INTO t VALUES (randomblob(90000)); PRAGMA wal_checkpoint(TRUNCATE);" \
	"INSERT INTO t SELECT randomblob(90000) FROM t; UPDATE t SET x = x || 'a';"
/* More than the cache holds: the journal is on the disk, and the file is changed. */
#define SQL_HOT \
	"PRAGMA cache_size=5; CREATE TABLE t(x); INSERT INTO t VALUES (randomblob(900000)); BEGIN; UPDATE t SET x = x || 'a';" \
	"INSERT INTO t SELECT randomblob(900000) FROM t;"

static struct buf why = BUF_INIT(8192), told = BUF_INIT(8192);
static struct restore_result result;

static void tell(const char *line, void *ctx)
{
	(void)ctx;
	buf_printf(&told, "%s\n", line);
}

static const struct {
	const char *name, *more;
	int err;
	bool unchecked;
} raw_copies[] = {
	{ "with a log and its index", "cp ../../raw.db ../../raw.db-wal ../../raw.db-shm .;", 0,
	  false },
	{ "with a log alone", "cp ../../raw.db ../../raw.db-wal .;", 0, false },
	{ "with an index alone", "cp ../../raw.db ../../raw.db-shm .;", 0, false },
	{ "with an index that is nonsense",
	  "cp ../../raw.db ../../raw.db-wal .; head -c 32768 /dev/urandom >raw.db-shm;", 0, false },
	{ "whose pages are zeros, but not in the log",
	  "cp ../../raw.db ../../raw.db-wal .; : >raw.db-shm; truncate -s 4096 raw.db; truncate -s 8192 raw.db;",
	  0, false },
	{ "with a transaction that was cut off", "cp ../../hot.db ../../hot.db-journal .;", 0,
	  true },
	{ "whose log was lost, and that is short", "cp ../../raw.db .; truncate -s 8192 raw.db;",
	  -EBADMSG, false },
};

static sqlite3 *open_with(const char *name, const char *sql)
{
	sqlite3 *db = NULL;

	EXPECT_INT(sqlite3_open(fixture_path(name), &db), SQLITE_OK);
	EXPECT_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static void copied_raw(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(raw_copies); i++) {
		struct restore_options o = play_options();
		sqlite3 *raw, *hot;

		unit_begin("a database %s", raw_copies[i].name);
		EXPECT_INT(shell("rm -f raw.db* hot.db*"), 0);
		raw = open_with("raw.db", SQL_RAW);
		hot = open_with("hot.db", SQL_HOT);
		play_begin(raw_copies[i].more);
		sqlite3_close(raw);
		sqlite3_close(hot);
		buf_reset(&why);
		buf_reset(&told);
		o.say = tell;
		EXPECT_INT(restore_begin(&o, &why, &result), raw_copies[i].err);
		EXPECT_INT(strstr(buf_str(&told), "could not be checked") != NULL,
			   raw_copies[i].unchecked);
		if (raw_copies[i].err)
			EXPECT_HAS(buf_str(&why), "the database raw.db");
		else
			EXPECT_UINT(result.databases, 2);
		EXPECT_INT(shell("test ! -e p/data/raw.db-shm || test -e p/data/raw.db-wal"), 0);
	}
	unit_end();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, copied_raw },
	};
	int status;

	fixture_begin();
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	buf_done(&why);
	buf_done(&told);
	play_end();
	EXPECT_INT(shell("rm -f raw.db* hot.db*"), 0);
	fixture_end();
	return status;
}
