/* SPDX-License-Identifier: MIT */
/* Databases within archives: each is looked at, with its log, wherever it stands. */
#include "archive_read_fixture.h"

static int check_err;

static int check_fake(const char *path, struct buf *text, void *ctx)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char head[20];

	(void)ctx;
	EXPECT_INT(read(fd, head, sizeof(head)), 20);
	EXPECT_BYTES(head, 20, "SQLite format 3\0live", 20);
	close(fd);
	if (check_err)
		buf_printf(text, "row 1 is missing");
	return check_err;
}

static int copy_file(const char *path, const char *to, struct buf *text, void *ctx)
{
	(void)text;
	(void)ctx;
	return link(path, to) ? -errno : 0;
}

static void checks_databases(void)
{
	struct archive_read_options o = { .check_database = check_fake };
	struct archive_was was;

	fixture_begin();
	EXPECT_INT(
		shell("cd in; printf 'SQLite format 3\\000live' > app.db; echo x > y; tar -czf ../t.tgz ."),
		0);
	write_ours(copy_file);
	check_err = 0;
	EXPECT_INT(read_archive("a.tgz", false, &o, &was), 0);
	EXPECT_UINT(was.databases, 1);
	archive_was_done(&was);
	check_err = -EBADMSG;
	EXPECT_INT(try("a.tgz", false, &o), -EBADMSG);
	EXPECT_STR(buf_str(&why), "app.db: a database that is not sound, and was");
	EXPECT_INT(try("a.tgz", true, &o), 0);
	EXPECT_INT(read_archive("t.tgz", false, &o, &was), 0);
	EXPECT(!was.has_manifest);
	EXPECT_UINT(was.n_unsound, 1);
	EXPECT_STR(buf_str(&was.unsound), "app.db: row 1 is missing\n");
	archive_was_done(&was);
	check_err = -ENOSPC;
	EXPECT_INT(try("t.tgz", false, &o), -ENOSPC);
	fixture_end();
}

static unsigned int seen_sides[4];

/* Whether a log was there, and an index; and what the log says. */
static int check_with_log(const char *path, struct buf *text, void *ctx)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	char side[600], log[8] = "";
	int fd;

	(void)ctx;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		snprintf(side, sizeof(side), "%s%s", path, suffixes[i]);
		seen_sides[i] += access(side, F_OK) == 0;
	}
	snprintf(side, sizeof(side), "%s-wal", path);
	fd = open(side, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	EXPECT(read(fd, log, sizeof(log) - 1) > 0);
	close(fd);
	buf_add_str(text, "its log");
	return strcmp(log, "bad") == 0 ? -EBADMSG : strcmp(log, "busy") == 0 ? -EBUSY : 0;
}

static void checks_databases_with_their_logs(void)
{
	static const struct {
		const char *what, *make, *order;
		unsigned int databases, unsound;
		unsigned int sides[4]; /* of all checks */
		const char *text;
	} rows[] = {
		{ "the log behind",
		  "printf good > d/app.db-wal",
		  "d/app.db d/app.db-wal",
		  1,
		  0,
		  { 2, 1, 1, 0 },
		  "" },
		{ "the log before",
		  "printf good > d/app.db-wal",
		  "d/app.db-wal d/app.db",
		  1,
		  0,
		  { 2, 1, 1, 0 },
		  "" },
		{ "a bad log behind",
		  "printf bad > d/app.db-wal",
		  "d/app.db d/app.db-wal",
		  0,
		  1,
		  { 2, 1, 1, 0 },
		  "d/app.db: its log\n" },
		{ "a bad log before",
		  "printf bad > d/app.db-wal",
		  "d/app.db-wal d/app.db",
		  0,
		  1,
		  { 2, 1, 1, 0 },
		  "d/app.db: its log\n" },
		{ "a transaction cut off",
		  "printf busy > d/app.db-wal",
		  "d/app.db d/app.db-wal",
		  1,
		  0,
		  { 2, 1, 1, 0 },
		  "" },
		{ "a journal",
		  "printf x > d/app.db-journal",
		  "d/app.db d/app.db-journal",
		  1,
		  0,
		  { 2, 0, 1, 1 },
		  "" },
		{ "an empty log",
		  ": > d/app.db-wal",
		  "d/app.db d/app.db-wal",
		  1,
		  0,
		  { 1, 0, 0, 0 },
		  "" },
		{ "a log of nothing",
		  "printf bad > d/other-wal",
		  "d/app.db d/other-wal",
		  1,
		  0,
		  { 2, 0, 0, 0 },
		  "" },
		{ "an index",
		  "printf bad > d/app.db-shm",
		  "d/app.db-shm d/app.db",
		  1,
		  0,
		  { 1, 0, 0, 0 },
		  "" },
	};
	struct archive_read_options o = { .check_database = check_with_log };
	struct archive_was was;
	char script[400];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("databases are looked at with %s", rows[i].what);
		fixture_begin();
		memset(seen_sides, 0, sizeof(seen_sides));
		snprintf(
			script, sizeof(script),
			"cd in; mkdir d; printf 'SQLite format 3\\000' > d/app.db; %s; tar -czf ../t.tgz %s",
			rows[i].make, rows[i].order);
		EXPECT_INT(shell(script), 0);
		EXPECT_INT(read_archive("t.tgz", false, &o, &was), 0);
		EXPECT_UINT(was.databases, rows[i].databases);
		EXPECT_UINT(was.n_unsound, rows[i].unsound);
		EXPECT_STR(buf_str(&was.unsound), rows[i].text);
		for (size_t k = 0; k < ARRAY_SIZE(rows[i].sides); k++)
			EXPECT_UINT(seen_sides[k], rows[i].sides[k]);
		archive_was_done(&was);
		EXPECT_INT(fixture_count("scratch"), 0);
		fixture_end();
	}
}

static int all_bad(const char *path, struct buf *text, void *ctx)
{
	char content[64] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC), *checked = ctx;

	EXPECT(fd >= 0 && read(fd, content, sizeof(content)) == 20);
	EXPECT_STR(content, "SQLite format 3");
	EXPECT_STR(content + 16, "rest");
	close(fd);
	++*checked;
	buf_add_str(text, "bad");
	return -EBADMSG;
}

/* A piece of the gzip file ends within the bytes by which a database is known, wherever that is. */
static void databases_by_pieces(void)
{
	int checked = 0;
	const struct archive_read_options o = { .check_database = all_bad, .ctx = &checked };

	fixture_begin();
	EXPECT_INT(
		shell("printf 'SQLite format 3\\000rest' >in/d; printf SQLite >in/short; tar --format=ustar -cf x.tar -C in d short"),
		0);
	for (int at = 512; at <= 512 + 21; at++) {
		struct archive_was was;
		char script[200];

		snprintf(script, sizeof(script),
			 "head -c %d x.tar | gzip >x.tgz; tail -c +%d x.tar | gzip >>x.tgz", at,
			 at + 1);
		EXPECT_INT(shell(script), 0);
		EXPECT_INT(read_archive("x.tgz", false, &o, &was), 0);
		EXPECT_UINT(was.n_unsound, 1);
		archive_was_done(&was);
	}
	EXPECT_INT(checked, 22);
	fixture_end();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "databases are looked at", checks_databases },
		{ NULL, checks_databases_with_their_logs },
		{ "databases that come by pieces", databases_by_pieces },
	};

	return archive_main(argc, argv, cases, ARRAY_SIZE(cases));
}
