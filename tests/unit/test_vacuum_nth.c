/* SPDX-License-Identifier: MIT */
/*
 * The nth allocation, or the nth system call of each kind, fails during VACUUM: the database has what it had and is sound, or a copy of it
 * is beside it, which is said; nothing else is left.
 */
#include "archive_fixture.h"

#include <sqlite3.h>

#include "nth_faults.h"

#include "care/database.h"

static char path[200], kept[220], keep[200];
static struct buf why = BUF_INIT(8192);

static int64_t rows_of(const char *of)
{
	sqlite3_stmt *st = NULL;
	sqlite3 *db = NULL;
	int64_t n = -1;

	if (sqlite3_open_v2(of, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, "SELECT sum(length(x)) FROM t", -1, &st, NULL) == SQLITE_OK &&
	    sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static void make(void)
{
	sqlite3 *db = NULL;

	EXPECT_INT(sqlite3_open(keep, &db), SQLITE_OK);
	EXPECT_INT(
		sqlite3_exec(
			db,
			"CREATE TABLE t(x); WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL"
			" SELECT i + 1 FROM n WHERE i < 40) INSERT INTO t SELECT zeroblob(1000) FROM n;"
			"DELETE FROM t WHERE rowid > 20",
			NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
}

static void put_anew(void)
{
	char bytes[131072];
	int in = open(keep, O_RDONLY | O_CLOEXEC),
	    out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n = read(in, bytes, sizeof(bytes));

	unlink(fixture_path("v/db-journal"));
	EXPECT(n > 20000 && write(out, bytes, (size_t)n) == n);
	close(in);
	close(out);
	unlink(kept);
}

static void expect_whole(unsigned int n, int err, const struct database_vacuumed *v)
{
	_cleanup_(database_findings_done) struct database_findings found;
	_cleanup_(buf_done) struct buf text = BUF_INIT(8192);
	const bool is_kept = access(kept, F_OK) == 0;

	const int64_t rows = rows_of(path); /* as the service, it undoes what was cut off */

	EXPECT_INT(database_check(path, NULL, &text, &found), 0);
	if (found.n || rows != 20000)
		FAIL_CASE("call %u failed: %d: %s: the database is not what it was: %s", n, err,
			  buf_str(&why), buf_str(&text));
	if (is_kept && !nth.kind.for_good && nth.kind.calls == NTH_WRITE)
		FAIL_CASE("call %u failed, and was not undone: %s", n, buf_str(&why));
	if (is_kept && (!*v->kept || rows_of(kept) != 20000 || !strstr(buf_str(&why), "kept")))
		FAIL_CASE("call %u failed: %d: %s: a copy is left", n, err, buf_str(&why));
	if (!is_kept && *v->kept)
		FAIL_CASE("call %u failed: %d: %s: there is no copy", n, err, buf_str(&why));
	unlink(fixture_path(
		"v/db-journal")); /* SQLite leaves one of which nothing is to be undone */
	if (fixture_count("v") != 1 + is_kept)
		FAIL_CASE("call %u failed: %d: %s: something is left", n, err, buf_str(&why));
}

static void vacuums(const struct fault *f)
{
	for (unsigned int n = 1; unit_state.result == UNIT_OK && nth_again(&f->kind, n);
	     n += nth_further(n, f->each, f->share)) {
		struct database_vacuumed v;
		int descriptors, err;

		put_anew();
		buf_reset(&why);
		descriptors = nth_descriptors();
		nth_arm();
		err = database_vacuum(path, NULL, &why, &v);
		nth_disarm();
		EXPECT_INT(nth_descriptors(), descriptors);
		if (err && !nth_hit())
			FAIL_CASE("nothing failed, but: %d: %s", err, buf_str(&why));
		if (fault_is_memory(f) ? err && err != -ENOMEM && !strstr(buf_str(&why), "memory") :
					 err && !why.len)
			FAIL_CASE("call %u failed: %d: %s", n, err, buf_str(&why));
		expect_whole(n, err, &v);
	}
}

int main(int argc, char **argv)
{
	unit_state.argc = argc;
	unit_state.argv = argv;
	unit_begin("prepared");
	fixture_begin();
	EXPECT_INT(shell("mkdir v"), 0);
	snprintf(path, sizeof(path), "%s", fixture_path("v/db"));
	snprintf(kept, sizeof(kept), "%s.before-vacuum", path);
	snprintf(keep, sizeof(keep), "%s", fixture_path("in/db"));
	make();
	for (size_t i = 0; i < ARRAY_SIZE(all_faults); i++) {
		if (!unit_wanted(all_faults[i].name))
			continue;
		unit_begin("%s", all_faults[i].name);
		vacuums(&all_faults[i]);
	}
	unit_begin("cleared up");
	buf_done(&why);
	EXPECT_INT(shell("rm -rf v"), 0);
	fixture_end();
	return unit_finish();
}
