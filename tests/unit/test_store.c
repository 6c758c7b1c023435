/* SPDX-License-Identifier: MIT */
/* The state file and its thread: who may open it, what it becomes, in which order work is done and told. */
#include "store_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "store/migrations.h"
#include "store/sql.h"

static int run_sql(sqlite3 *db, void *job)
{
	return sql_run(db, job);
}

static int64_t integer_of(const char *text)
{
	sqlite3 *db = NULL;
	int64_t n = -1;

	sqlite3_open(t.file, &db);
	sql_integer(db, text, &n);
	sqlite3_close(db);
	return n;
}

static void make_file(const char *sql)
{
	sqlite3 *db = NULL;

	mkdir(t.dir, 0750);
	sqlite3_open(t.file, &db);
	EXPECT_INT(sql_run(db, sql), 0);
	sqlite3_close(db);
}

static void write_file(const char *path, const char *bytes)
{
	FILE *f = fopen(path, "w");

	REQUIRE(f);
	fputs(bytes, f);
	fclose(f);
}

/* --- the file */

static void makes_it(void)
{
	struct stat st = { 0 };

	set_up();
	REQUIRE_INT(open_store(), 0);
	EXPECT_INT(stat(t.dir, &st), 0);
	EXPECT_UINT(st.st_mode & 07777, 0750);
	EXPECT_INT(stat(t.file, &st), 0);
	EXPECT_UINT(st.st_mode & 07777, 0600);
	close_both();
	EXPECT_INT(integer_of("PRAGMA application_id"), MIGRATIONS_APPLICATION_ID);
	EXPECT_INT(integer_of("PRAGMA user_version"), 5);
	EXPECT_INT(integer_of("SELECT count(*) FROM spool_counter"), 1);
	EXPECT_INT(open_store(), 0);
	tear_down();
}

static void is_for_one(void)
{
	struct store *second = NULL;
	uint64_t before;

	set_up();
	REQUIRE_INT(open_store(), 0);
	before = clock_monotonic_ns();
	EXPECT_INT(store_open(t.base, t.dir, &t.why, &second), -EBUSY);
	EXPECT_HAS(buf_str(&t.why), "is open in another process");
	EXPECT(clock_monotonic_ns() - before < 2 * NS_PER_SEC);
	tear_down();
}

static void refuses_links(void)
{
	char other[300];

	set_up();
	mkdir(t.dir, 0750);
	snprintf(other, sizeof(other), "%s/other", t.top);
	write_file(other, "");
	REQUIRE_INT(symlink(other, t.file), 0);
	EXPECT_INT(open_store(), -ELOOP);
	EXPECT_HAS(buf_str(&t.why), "symbolic link");
	EXPECT_INT(file_size(other), 0);
	unlink(t.file);
	REQUIRE_INT(mkfifo(t.file, 0600), 0);
	EXPECT_INT(open_store(), -EINVAL);
	tear_down();
}

/* A link on the way, as /var/lib/isamon -> /data/isamon, is the administrator's. */
static void follows_directories(void)
{
	char real[300];

	set_up();
	snprintf(real, sizeof(real), "%s/real", t.top);
	mkdir(real, 0750);
	REQUIRE_INT(symlink(real, t.dir), 0);
	EXPECT_INT(open_store(), 0);
	close_both();
	unlink(t.dir);
	tear_down();
}

static void refuses_foreign(void)
{
	static const struct {
		const char *name, *sql;
		int err;
		const char *why;
	} rows[] = {
		{ "refuses another application's database",
		  "PRAGMA application_id = 77; CREATE TABLE x (y)", -EEXIST,
		  "another application" },
		{ "refuses a database without an application", "CREATE TABLE x (y)", -EEXIST,
		  "another application" },
		{ "refuses a newer isamon's",
		  "PRAGMA application_id = 1769169261; PRAGMA user_version = 99; CREATE TABLE x (y)",
		  -ENOTSUP, "newer isamon" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("%s", rows[i].name);
		set_up();
		make_file(rows[i].sql);
		EXPECT_INT(open_store(), rows[i].err);
		EXPECT_HAS(buf_str(&t.why), rows[i].why);
		EXPECT_INT(integer_of("SELECT count(*) FROM x"), 0);
		EXPECT_UINT(count_names(t.dir, "isamon.db", NULL, 0), 1);
		tear_down();
	}
}

static void cannot_be_made(void)
{
	set_up();
	write_file(t.dir, "");
	EXPECT_INT(open_store(), -ENOTDIR);
	EXPECT_HAS(buf_str(&t.why), t.dir);
	unlink(t.dir);
	tear_down();
}

/* --- migrations */

static void migrates(void)
{
	static const char *const list[] = {
		"CREATE TABLE a (x); INSERT INTO a VALUES (7)",
		"ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x * 2",
		"CREATE TABLE b AS SELECT x + y AS z FROM a; nonsense",
		"CREATE TABLE b AS SELECT x + y AS z FROM a",
	};
	const char *const good[] = { list[0], list[1], list[3] };
	sqlite3 *db = NULL;
	int64_t version = -1, z = 0;

	sqlite3_open(":memory:", &db);
	EXPECT_INT(migrations_run(db, list, 1, &version), 0);
	EXPECT_INT(version, 1);
	EXPECT(migrations_run(db, list, 3, &version) != 0);
	EXPECT_INT(version, 2);
	EXPECT_INT(sql_integer(db, "SELECT count(*) FROM sqlite_schema", &z), 0);
	EXPECT_INT(z, 1);
	EXPECT_INT(migrations_run(db, good, 3, &version), 0);
	EXPECT_INT(version, 3);
	EXPECT_INT(sql_integer(db, "SELECT z FROM b", &z), 0);
	EXPECT_INT(z, 21);
	EXPECT_INT(migrations_run(db, good, 3, &version), 0);
	EXPECT_INT(migrations_run(db, good, 2, &version), -ENOTSUP);
	EXPECT_INT(version, 3);
	sqlite3_close(db);
}

/* What version 1 wrote is read by whatever comes after it. */
static void reads_version_1(void)
{
	set_up();
	make_file(
		"CREATE TABLE spool (seq INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE,"
		" start_s INTEGER NOT NULL, size INTEGER NOT NULL, stored INTEGER NOT NULL,"
		" under_way INTEGER NOT NULL DEFAULT 0, maybe_sent INTEGER NOT NULL DEFAULT 0);"
		"CREATE INDEX spool_by_start ON spool (start_s);"
		"CREATE TABLE spool_payload (seq INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
		"CREATE TABLE spool_counter (one INTEGER PRIMARY KEY CHECK (one = 1),"
		" dropped_age INTEGER NOT NULL, dropped_size INTEGER NOT NULL,"
		" dropped_full INTEGER NOT NULL, damaged INTEGER NOT NULL, pushed INTEGER NOT NULL,"
		" rejected INTEGER NOT NULL, maybe_twice INTEGER NOT NULL);"
		"INSERT INTO spool_counter VALUES (1, 1, 2, 3, 4, 5, 6, 7);"
		"CREATE TABLE room (bytes BLOB);"
		"INSERT INTO room VALUES (zeroblob(100000));"
		/* "isamon" by zlib */
		"INSERT INTO spool VALUES (1, 42, strftime('%s', 'now') - 600, 6, 14, 1, 0);"
		"INSERT INTO spool_payload VALUES (1, x'789ccb2c4ecccdcf030008d20288');"
		"PRAGMA application_id = 1769169261; PRAGMA user_version = 1");
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_UINT(spool_stats(t.spool).minutes, 1);
	EXPECT_UINT(spool_stats(t.spool).dropped_full, 3);
	EXPECT_UINT(spool_stats(t.spool).maybe_twice, 7);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 1000), 0);
	REQUIRE_UINT(got.n, 1);
	EXPECT_INT(got.ids[0], 42);
	EXPECT(got.maybe[0]);
	EXPECT_STR(got.text, "isamon");
	tear_down();
}

/* --- damage */

static void expect_set_aside(void)
{
	char name[300] = "";

	EXPECT_UINT(count_names(t.dir, "isamon.db.damaged-", name, sizeof(name)), 1);
	EXPECT_UINT(strlen(name), strlen("isamon.db.damaged-20261126-073208"));
}

static void sets_aside_rubbish(void)
{
	set_up();
	mkdir(t.dir, 0750);
	write_file(t.file,
		   "This is not a database, but a text that is long enough to be looked at, "
		   "for SQLite reads a hundred bytes before it decides what a file is.\n");
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(add(1, now_s()), 0);
	expect_set_aside();
	tear_down();
}

static void sets_aside_at_work(void)
{
	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(add(1, now_s()), 0);
	EXPECT_INT(store_wait(t.store, store_spoil, NULL), 0);
	EXPECT_INT(add(2, now_s()), 0);
	EXPECT_UINT(spool_stats(t.spool).minutes, 1);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 1000), 0);
	REQUIRE_UINT(got.n, 1);
	EXPECT_INT(got.ids[0], 2);
	close_both();
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_UINT(spool_stats(t.spool).minutes, 1);
	tear_down();
}

/* What is in it may be all there, and is kept. */
static void keeps_what_it_cannot_use(void)
{
	static char drop[] = "DROP TABLE spool_payload";

	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(add(1, now_s()), 0);
	EXPECT_INT(store_wait(t.store, run_sql, drop), 0);
	EXPECT_INT(add(2, now_s()), -EPROTO);
	close_both();
	EXPECT_UINT(count_names(t.dir, "isamon.db.damaged-", NULL, 0), 0);
	EXPECT_INT(integer_of("SELECT count(*) FROM spool"), 1);
	tear_down();
}

static void codes(void)
{
	static const struct {
		int code, err;
	} all[] = {
		{ SQLITE_OK, 0 },
		{ SQLITE_ROW, 0 },
		{ SQLITE_DONE, 0 },
		{ SQLITE_CORRUPT, -EUCLEAN },
		{ SQLITE_CORRUPT_INDEX, -EUCLEAN },
		{ SQLITE_NOTADB, -EUCLEAN },
		{ SQLITE_ERROR, -EPROTO },
		{ SQLITE_CONSTRAINT_UNIQUE, -EPROTO },
		{ SQLITE_MISMATCH, -EPROTO },
		{ SQLITE_RANGE, -EPROTO },
		{ SQLITE_TOOBIG, -EPROTO },
		{ SQLITE_FULL, -ENOSPC },
		{ SQLITE_NOMEM, -ENOMEM },
		{ SQLITE_IOERR_NOMEM, -ENOMEM },
		{ SQLITE_BUSY, -EBUSY },
		{ SQLITE_LOCKED, -EBUSY },
		{ SQLITE_READONLY, -EROFS },
		{ SQLITE_PERM, -EACCES },
		{ SQLITE_IOERR_READ, -EIO },
		{ SQLITE_CANTOPEN, -EIO },
		{ SQLITE_MISUSE, -EIO },
		{ SQLITE_INTERNAL, -EIO },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		EXPECT_INT(sql_errno(NULL, all[i].code), all[i].err);
}

static void keeps_so_many(void)
{
	char log[300];

	set_up();
	mkdir(t.dir, 0750);
	for (int i = 0; i < 12; i++) {
		write_file(t.file, "no database at all, and that for more than sixteen bytes");
		REQUIRE_INT(open_store(), 0);
		close_both();
		unlink(t.file);
		snprintf(log, sizeof(log), "%s-wal", t.file);
		unlink(log);
	}
	EXPECT_UINT(count_names(t.dir, "isamon.db.damaged-", NULL, 0), 8);
	tear_down();
}

/* --- the thread */

static struct {
	unsigned int done;
	int order[64];
	pthread_t thread;
	pthread_t loop;
} seen;

static int note_thread(sqlite3 *db, void *job)
{
	sigset_t blocked;

	(void)job;
	seen.thread = pthread_self();
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	EXPECT(sigismember(&blocked, SIGTERM) == 1);
	return db ? -(int)(intptr_t)job : -1;
}

static void note_done(int err, void *job)
{
	EXPECT_INT(err, -(int)(intptr_t)job);
	EXPECT(pthread_equal(pthread_self(), seen.loop));
	seen.order[seen.done++] = (int)(intptr_t)job;
}

static void keeps_order(void)
{
	set_up();
	REQUIRE_INT(open_store(), 0);
	seen.done = 0;
	seen.loop = pthread_self();
	for (int i = 0; i < 50; i++)
		EXPECT_INT(store_do(t.store, note_thread, note_done, (void *)(intptr_t)(i + 200)),
			   0);
	turn_until(&seen.done, 50);
	for (int i = 0; i < 50; i++)
		EXPECT_INT(seen.order[i], i + 200);
	EXPECT(!pthread_equal(seen.thread, seen.loop));
	tear_down();
}

static void close_waits(void)
{
	set_up();
	REQUIRE_INT(open_store(), 0);
	seen.done = 0;
	seen.loop = pthread_self();
	for (int i = 0; i < 20; i++)
		EXPECT_INT(store_do(t.store, note_thread, note_done, (void *)(intptr_t)1000), 0);
	store_close(take(t.store));
	EXPECT_UINT(seen.done, 20);
	tear_down();
}

static int leaves_open(sqlite3 *db, void *job)
{
	(void)job;
	return sql_run(db, "BEGIN IMMEDIATE; INSERT INTO room VALUES (x'00')");
}

static void rolls_back(void)
{
	static char begin[] = "BEGIN; COMMIT";

	set_up();
	REQUIRE_INT(open_store(), 0);
	EXPECT_INT(store_wait(t.store, leaves_open, NULL), 0);
	EXPECT_INT(store_wait(t.store, run_sql, begin), 0);
	close_both();
	EXPECT_INT(integer_of("SELECT count(*) FROM room"), 0);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "makes directory and file, for nobody else", makes_it },
		{ "a second opener is told that it is busy", is_for_one },
		{ "follows no link, opens no fifo", refuses_links },
		{ "a directory may be a link", follows_directories },
		{ NULL, refuses_foreign },
		{ "says what cannot be made", cannot_be_made },
		{ "migrates version by version", migrates },
		{ "reads a file of version 1", reads_version_1 },
		{ "sets aside what is no database", sets_aside_rubbish },
		{ "sets aside what is damaged while it runs", sets_aside_at_work },
		{ "keeps what SQLite refuses to work with", keeps_what_it_cannot_use },
		{ "SQLite's codes", codes },
		{ "keeps eight damaged files", keeps_so_many },
		{ "works in order, in a thread, and tells in the loop", keeps_order },
		{ "closing waits for work and tells it", close_waits },
		{ "a transaction that is left open is rolled back", rolls_back },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
