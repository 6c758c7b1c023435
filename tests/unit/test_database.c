/* SPDX-License-Identifier: MIT */
/* Databases: the ways of opening, copies, and what is left when a write fails. */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unit.h"

#define DATABASE_BUSY_MS 200
#include "care/database.c"
#include "care/database_check.c"
#undef TRIES
#include "care/database_copy.c"
#include "care/database_figures.c"
#include "care/database_vacuum.c"

static char top[200];

static const char *in_top(const char *name)
{
	static char paths[4][300];
	static unsigned int n;
	char *path = paths[n++ % 4];

	snprintf(path, 300, "%s/%s", top, name);
	return path;
}

static bool is_there(const char *name)
{
	return access(in_top(name), F_OK) == 0;
}

/* Runs statements, and leaves it open. */
static sqlite3 *open_with(const char *name, const char *sql)
{
	sqlite3 *db = NULL;

	EXPECT_INT(sqlite3_open(in_top(name), &db), SQLITE_OK);
	EXPECT_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	return db;
}

#define FILL \
	"WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 300) " \
	"INSERT INTO t SELECT i, randomblob(3000) FROM n;"
#define MAKE "CREATE TABLE t (i INTEGER PRIMARY KEY, x);" FILL

static void make(const char *name, const char *sql)
{
	sqlite3_close(open_with(name, sql));
}

static void clean(void)
{
	static const char *const names[] = { "a", "a-wal", "a-shm",          "a-journal",
					     "b", "b.tmp", "a.before-vacuum" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(in_top(names[i]));
}

static void versions(void)
{
	EXPECT(!database_has_wal_bug(3006023));
	EXPECT(database_has_wal_bug(3007000));
	EXPECT(database_has_wal_bug(3040001));
	EXPECT(database_has_wal_bug(3051002));
	EXPECT(!database_has_wal_bug(3051003));
}

static void ways(void)
{
	static const struct {
		const char *name, *sql;
		bool keep_open;
		enum database_way way;
	} rows[] = {
		{ "rollback journals", MAKE, false, DATABASE_PLAIN },
		{ "rollback journals, open elsewhere", MAKE, true, DATABASE_PLAIN },
		{ "a log, open elsewhere", "PRAGMA journal_mode = WAL;" MAKE, true, DATABASE_LOG },
		{ "a log, closed", "PRAGMA journal_mode = WAL;" MAKE, false, DATABASE_IMMUTABLE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct database d;
		sqlite3 *other;
		bool wal, shm;

		unit_begin("opened: %s", rows[i].name);
		clean();
		other = open_with("a", rows[i].sql);
		if (!rows[i].keep_open) {
			sqlite3_close(other);
			other = NULL;
		}
		wal = is_there("a-wal");
		shm = is_there("a-shm");
		EXPECT_INT(database_open(in_top("a"), NULL, &why, &d), 0);
		EXPECT_INT((int)d.way, (int)rows[i].way);
		EXPECT(sqlite3_exec(d.sql, "INSERT INTO t VALUES (999, 1)", NULL, NULL, NULL) !=
		       SQLITE_OK);
		EXPECT_INT(database_unchanged(&d), 0);
		database_close(&d);
		EXPECT(is_there("a-wal") == wal);
		EXPECT(is_there("a-shm") == shm);
		sqlite3_close(other);
	}
}

/* What is read as immutable does not count if it was changed meanwhile. */
static void changes_are_seen(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct database d;
	sqlite3 *other;

	clean();
	make("a", "PRAGMA journal_mode = WAL;" MAKE);
	REQUIRE_INT(database_open(in_top("a"), NULL, &why, &d), 0);
	other = open_with("a", "DELETE FROM t WHERE i = 1");
	EXPECT_INT(database_unchanged(&d), -EAGAIN);
	sqlite3_close(other);
	EXPECT_INT(database_unchanged(&d), -EAGAIN);
	database_close(&d);
}

static void refusals(void)
{
	static const struct {
		const char *name, *text;
		size_t len;
		int err;
		const char *why;
	} rows[] = {
		{ "text", "hello hello hello", 17, -EUCLEAN,
		  "no SQLite database, or an encrypted one" },
		{ "a header and nothing else", "SQLite format 3\0....", 20, -EUCLEAN,
		  "no SQLite database" },
		{ "not there", NULL, 0, -ENOENT, "No such file" },
	};
	_cleanup_(buf_done) struct buf empty_why = BUF_INIT(1000);
	struct database d;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		FILE *f;

		unit_begin("refused: %s", rows[i].name);
		clean();
		f = rows[i].text ? fopen(in_top("a"), "w") : NULL;
		if (f) {
			fwrite(rows[i].text, 1, rows[i].len, f);
			fclose(f);
		}
		EXPECT_INT(database_open(in_top("a"), NULL, &why, &d), rows[i].err);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		EXPECT(d.sql == NULL);
	}
	unit_begin("an empty file is a database");
	close(open(in_top("a"), O_CREAT | O_WRONLY, 0600));
	EXPECT_INT(database_open(in_top("a"), NULL, &empty_why, &d), 0);
	database_close(&d);
}

static void locked(void)
{
	_cleanup_(database_findings_done) struct database_findings f;
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	sqlite3 *other;

	clean();
	other = open_with("a", MAKE "BEGIN EXCLUSIVE");
	/* Within one process SQLite itself sees the other connection's lock. */
	EXPECT_INT(database_check(in_top("a"), NULL, &why, &f), -EBUSY);
	EXPECT_HAS(buf_str(&why), "is locked by another process");
	sqlite3_close(other);
}

/* A name with what means something in a URI. */
static void odd_names(void)
{
	static const char name[] = "o%41d?mode=rwc#x";
	_cleanup_(database_findings_done) struct database_findings f;
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);

	make(name, MAKE);
	EXPECT_INT(database_check(in_top(name), NULL, &why, &f), 0);
	EXPECT_UINT(f.n, 0);
	unlink(in_top(name));
}

static int64_t n_rows(const char *name);

/* The log is beside the file, not beside the link. */
static void links(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct database_copied copied;
	struct database_vacuumed v;
	struct database d;
	sqlite3 *other;

	clean();
	other = open_with("a", "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;" MAKE);
	EXPECT_INT(mkdir(in_top("far"), 0700), 0);
	EXPECT_INT(symlink(in_top("a"), in_top("far/link")), 0);
	EXPECT_INT(symlink(in_top("far"), in_top("near")), 0);
	EXPECT_INT(database_open(in_top("near/link"), NULL, &why, &d), 0);
	EXPECT_INT((int)d.way, DATABASE_LOG);
	database_close(&d);
	EXPECT_INT(database_copy(in_top("near/link"), in_top("near/copy"), NULL, &why, &copied), 0);
	EXPECT_STR(buf_str(&why), "");
	EXPECT_INT(n_rows("far/copy"), 300);
	sqlite3_close(other);
	EXPECT_INT(database_vacuum(in_top("near/link"), NULL, &why, &v), 0);
	EXPECT_STR(buf_str(&why), "");
	EXPECT_INT(n_rows("a"), 300);
	unlink(in_top("far/copy"));
	unlink(in_top("far/link"));
	unlink(in_top("near"));
	EXPECT_INT(rmdir(in_top("far")), 0);
}

static int64_t n_rows(const char *name)
{
	sqlite3 *db = open_with(name, "SELECT 1");
	int64_t n = -1;

	sql_integer(db, "SELECT count(*) FROM t", &n);
	sqlite3_close(db);
	return n;
}

/* Another connection that writes each time the copy has gone on, and is never at rest. */
static int write_something(const char *what, double done, void *ctx)
{
	(void)done;
	if (strcmp(what, "copying") == 0)
		EXPECT_INT(sqlite3_exec(ctx, "UPDATE t SET x = randomblob(2999) WHERE i = 150",
					NULL, NULL, NULL),
			   SQLITE_OK);
	return 0;
}

#define FILL_MORE \
	"WITH RECURSIVE n (i) AS (VALUES (301) UNION ALL SELECT i + 1 FROM n WHERE i < 3000) " \
	"INSERT INTO t SELECT i, randomblob(3000) FROM n;"

static void copies(void)
{
	static const struct {
		const char *name, *sql;
		unsigned int restarts;
	} rows[] = {
		{ "rollback journals", MAKE FILL_MORE, RESTARTS_MAX },
		{ "a log", "PRAGMA journal_mode = WAL;" MAKE FILL_MORE, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct database_progress p = { .fn = write_something };
		struct database_copied copied;
		struct stat st;

		unit_begin("copied while another writes: %s", rows[i].name);
		clean();
		p.ctx = open_with("a", rows[i].sql);
		chmod(in_top("a"), 0640);
		EXPECT_INT(database_copy(in_top("a"), in_top("b"), &p, &why, &copied), 0);
		EXPECT_STR(buf_str(&why), "");
		EXPECT_UINT(copied.restarts, rows[i].restarts);
		EXPECT(stat(in_top("b"), &st) == 0 && (st.st_mode & 0777) == 0640);
		EXPECT_UINT(copied.bytes, (uint64_t)st.st_size);
		EXPECT(!is_there("b.tmp"));
		EXPECT_INT(n_rows("b"), 3000);
		EXPECT_INT(database_copy(in_top("a"), in_top("b"), NULL, &why, &copied), -EEXIST);
		sqlite3_close(p.ctx);
	}
}

static int refuse(const char *what, double done, void *ctx)
{
	const char *when = ctx;

	(void)done;
	return strcmp(what, when) == 0;
}

static void cancelled(void)
{
	static const char *const whens[] = { "copying", "checking" };

	for (size_t i = 0; i < ARRAY_SIZE(whens); i++) {
		const struct database_progress p = { .fn = refuse,
						     .ctx = (void *)(uintptr_t)whens[i] };
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct database_copied copied;

		unit_begin("stopped while %s", whens[i]);
		clean();
		make("a", MAKE FILL_MORE);
		EXPECT_INT(database_copy(in_top("a"), in_top("b"), &p, &why, &copied), -ECANCELED);
		EXPECT(!is_there("b"));
		EXPECT(!is_there("b.tmp"));
	}
}

/* Files cannot grow beyond @bytes. */
static void limit_files(uint64_t bytes)
{
	struct rlimit limit = { .rlim_max = RLIM_INFINITY };

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes ? bytes : limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void copy_without_room(void)
{
	struct stat st;

	clean();
	make("a", MAKE);
	stat(in_top("a"), &st);
	for (uint64_t bytes = 1; bytes < (uint64_t)st.st_size; bytes += 100000) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct database_copied copied;
		int err;

		limit_files(bytes);
		err = database_copy(in_top("a"), in_top("b"), NULL, &why, &copied);
		limit_files(0);
		if (!EXPECT(err < 0 && why.len))
			FAIL_CASE("at %llu bytes", (unsigned long long)bytes);
		EXPECT(!is_there("b"));
		EXPECT(!is_there("b.tmp"));
	}
}

static void vacuums(void)
{
	static const char *const modes[] = { "DELETE", "WAL" };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct database_vacuumed v;
		char sql[1000];

		unit_begin("vacuum: %s", modes[i]);
		clean();
		snprintf(sql, sizeof(sql),
			 "PRAGMA journal_mode = %s; %s DELETE FROM t WHERE i > 20", modes[i], MAKE);
		make("a", sql);
		EXPECT_INT(database_vacuum(in_top("a"), NULL, &why, &v), 0);
		EXPECT_STR(buf_str(&why), "");
		EXPECT(v.after_bytes < v.before_bytes / 3);
		EXPECT_STR(v.kept, "");
		EXPECT(!is_there("a.before-vacuum"));
		EXPECT(!is_there("a-wal"));
		EXPECT_INT(n_rows("a"), 20);
		EXPECT(sqlite3_temp_directory == NULL);
	}
}

/* The journal of the VACUUM is larger than the database: with this limit the copy can be made, and VACUUM cannot end. */
static void vacuum_without_room(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000), before = BUF_INIT(8 << 20),
				       after = BUF_INIT(8 << 20);
	struct database_vacuumed v;
	struct stat st;

	clean();
	make("a", MAKE);
	stat(in_top("a"), &st);
	REQUIRE_INT(file_read(in_top("a"), &before), 0);
	limit_files((uint64_t)st.st_size);
	EXPECT(database_vacuum(in_top("a"), NULL, &why, &v) < 0);
	limit_files(0);
	EXPECT(why.len > 0);
	EXPECT_STR(v.kept, "");
	EXPECT(!is_there("a.before-vacuum"));
	EXPECT_INT(n_rows("a"), 300);
	REQUIRE_INT(file_read(in_top("a"), &after), 0);
	EXPECT(before.len == after.len && memcmp(before.data, after.data, before.len) == 0);
}

static void vacuum_of_a_damaged_one(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct database_vacuumed v;
	int fd;

	clean();
	make("a", MAKE);
	fd = open(in_top("a"), O_WRONLY);
	EXPECT(pwrite(fd, in_top("garbage, and longer"), 100, 50 * 4096) == 100);
	close(fd);
	EXPECT_INT(database_vacuum(in_top("a"), NULL, &why, &v), -EBADMSG);
	EXPECT_HAS(buf_str(&why), "is damaged, so is every copy");
	EXPECT(!is_there("a.before-vacuum"));
}

static void vacuum_of_one_in_use(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct database_vacuumed v;
	sqlite3 *other;

	clean();
	other = open_with("a", "PRAGMA journal_mode = WAL;" MAKE);
	EXPECT_INT(database_vacuum(in_top("a"), NULL, &why, &v), -EBUSY);
	EXPECT(!is_there("a.before-vacuum"));
	EXPECT(is_there("a-wal"));
	sqlite3_close(other);
}

/* Found damaged after a VACUUM: the copy comes back. */
static void puts_back(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4000);
	struct database_vacuumed v = { .before_bytes = 1 };
	struct database_copied copied;
	int fd;

	clean();
	make("a", MAKE);
	snprintf(v.kept, sizeof(v.kept), "%s", in_top("a.before-vacuum"));
	REQUIRE_INT(database_copy(in_top("a"), v.kept, NULL, &why, &copied), 0);
	fd = open(in_top("a"), O_WRONLY);
	EXPECT(pwrite(fd, top, sizeof(top), 50 * 4096) == sizeof(top));
	close(fd);
	EXPECT_INT(settle(in_top("a"), 0, NULL, &why, &v), -EBADMSG);
	EXPECT_HAS(buf_str(&why), "put in its place");
	EXPECT_STR(v.kept, "");
	EXPECT_INT(n_rows("a"), 300);
}

static void figures(void)
{
	_cleanup_(database_figures_done) struct database_figures f;
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	sqlite3 *other;

	clean();
	other = open_with("a", "PRAGMA journal_mode = WAL; PRAGMA user_version = 7;" MAKE
			       "CREATE TABLE \"q\"\"\x01uote\" (x); DELETE FROM t WHERE i > 100");
	REQUIRE_INT(database_figures(in_top("a"), true, NULL, &why, &f), 0);
	EXPECT_STR(f.journal_mode, "wal");
	EXPECT_STR(f.encoding, "UTF-8");
	EXPECT_INT(f.user_version, 7);
	EXPECT_INT(f.page_size, 4096);
	EXPECT(f.n_free > 100 && f.n_pages > f.n_free && f.wal_bytes > 100000 && f.in_use);
	REQUIRE_UINT(f.n_tables, 3);
	for (size_t i = 0; i < f.n_tables; i++) {
		if (strcmp(f.tables[i].name, "t") == 0)
			EXPECT_INT(f.tables[i].rows, 100);
		if (strcmp(f.tables[i].name, "q\"?uote") == 0)
			EXPECT_INT(f.tables[i].rows, 0);
	}
	sqlite3_close(other);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "versions with the WAL-reset bug", versions },
		{ NULL, ways },
		{ "a change while it is read as immutable", changes_are_seen },
		{ NULL, refusals },
		{ "a database that is locked", locked },
		{ "a name with ?, # and %", odd_names },
		{ "symbolic links", links },
		{ NULL, copies },
		{ NULL, cancelled },
		{ "a copy without room", copy_without_room },
		{ NULL, vacuums },
		{ "VACUUM without room leaves it as it was", vacuum_without_room },
		{ "no VACUUM of a damaged one", vacuum_of_a_damaged_one },
		{ "no VACUUM of one in use", vacuum_of_one_in_use },
		{ "the copy is put back", puts_back },
		{ "figures", figures },
	};
	const char *tmp = getenv("TMPDIR");
	int status;

	signal(SIGXFSZ, SIG_IGN);
	snprintf(top, sizeof(top), "%s/isamon-database.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(top))
		return 1;
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	clean();
	rmdir(top);
	return status;
}
