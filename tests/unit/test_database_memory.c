/* SPDX-License-Identifier: MIT */
/* Lack of memory, SQLite's as well as ours: what is told of a database is true, or nothing is told; no copy is left that is not whole. */
#include "unit.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nomem.h"

#include "care/database_figures.c"

static char top[100], good[120], bad[120], copy[120];

/* --- SQLite's allocations fail, too */

static sqlite3_mem_methods real;

static void *sql_malloc(int n)
{
	return nomem_fails() ? NULL : real.xMalloc(n);
}

static void *sql_realloc(void *p, int n)
{
	return nomem_fails() ? NULL : real.xRealloc(p, n);
}

static void hook(void)
{
	sqlite3_mem_methods own;

	EXPECT_INT(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real), SQLITE_OK);
	own = real;
	own.xMalloc = sql_malloc;
	own.xRealloc = sql_realloc;
	EXPECT_INT(sqlite3_config(SQLITE_CONFIG_MALLOC, &own), SQLITE_OK);
}

/* --- the databases */

static void make(const char *path)
{
	sqlite3 *db = NULL;

	EXPECT_INT(sqlite3_open(path, &db), SQLITE_OK);
	EXPECT_INT(
		sqlite3_exec(
			db,
			"PRAGMA user_version = 7; CREATE TABLE t(x); CREATE INDEX i ON t(x);"
			"WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 50)"
			"INSERT INTO t SELECT randomblob(500) FROM n",
			NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
}

/* A page of it is nothing. */
static void damage(const char *path)
{
	static const char nothing[4096];
	FILE *f = fopen(path, "r+e");

	REQUIRE(f);
	EXPECT(fseek(f, 3 * 4096, SEEK_SET) == 0 && fwrite(nothing, sizeof(nothing), 1, f) == 1);
	fclose(f);
}

static void begin(void)
{
	const char *dir = getenv("TMPDIR");

	snprintf(top, sizeof(top), "%.40s/database.XXXXXX", dir ? dir : "/tmp");
	EXPECT(mkdtemp(top));
	snprintf(good, sizeof(good), "%s/good", top);
	snprintf(bad, sizeof(bad), "%s/bad", top);
	snprintf(copy, sizeof(copy), "%s/copy", top);
	nomem.fail_at = 0;
	make(good);
	make(bad);
	damage(bad);
}

static void end(void)
{
	nomem.fail_at = 0;
	unlink(good);
	unlink(bad);
	unlink(copy);
	EXPECT_INT(rmdir(top), 0);
}

/* Each of the first, then ever fewer: there are thousands. */
static unsigned int further(unsigned int n)
{
	return n < 100 ? 1 : n / 30;
}

static size_t n_tables(void)
{
	static size_t found;
	const unsigned int fail_at = nomem.fail_at, made = nomem.made;
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	struct database_figures f;

	if (found)
		return found;
	nomem.fail_at = 0;
	EXPECT_INT(database_figures(good, true, NULL, &why, &f), 0);
	found = f.n_tables;
	database_figures_done(&f);
	nomem.fail_at = fail_at;
	nomem.made = made;
	return found;
}

static void figures_are_true(void)
{
	unsigned int failed = 0;

	begin();
	for (unsigned int n = 1; nomem_again(n); n += further(n)) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
		struct database_figures f;
		int err = database_figures(good, true, NULL, &why, &f);

		EXPECT(err == 0 || (nomem_hit() && err == -ENOMEM));
		failed += err != 0;
		if (!err) {
			EXPECT(f.page_size == 4096 && f.n_pages > 10 && f.user_version == 7);
			EXPECT_STR(f.encoding, "UTF-8");
			EXPECT_STR(f.journal_mode, "delete");
			EXPECT_UINT(f.n_tables, n_tables());
		}
		database_figures_done(&f);
	}
	EXPECT(failed > 20);
	end();
}

/* What is damaged is never called sound, nor what is sound damaged. */
static void verdicts_are_true(void)
{
	unsigned int failed = 0;

	begin();
	for (int damaged = 0; damaged < 2; damaged++) {
		for (unsigned int n = 1; nomem_again(n); n += further(n)) {
			_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
			struct database_findings f;
			int err = database_check(damaged ? bad : good, NULL, &why, &f);

			EXPECT(err == 0 || (nomem_hit() && err == -ENOMEM));
			failed += err != 0;
			if (!err)
				EXPECT((f.n != 0) == damaged);
			database_findings_done(&f);
		}
	}
	EXPECT(failed > 20);
	end();
}

static void no_half_copies(void)
{
	unsigned int failed = 0;

	begin();
	for (unsigned int n = 1; nomem_again(n); n += further(n)) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
		struct database_copied copied;
		char unfinished[130];
		int err = database_copy(good, copy, NULL, &why, &copied);

		EXPECT(err == 0 || (nomem_hit() && err == -ENOMEM));
		failed += err != 0;
		snprintf(unfinished, sizeof(unfinished), "%s.tmp", copy);
		EXPECT(access(unfinished, F_OK) != 0);
		EXPECT((access(copy, F_OK) == 0) == (err == 0));
		unlink(copy);
	}
	EXPECT(failed > 20);
	end();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "figures without memory", figures_are_true },
		{ "checking without memory", verdicts_are_true },
		{ "copying without memory", no_half_copies },
	};

	hook();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
