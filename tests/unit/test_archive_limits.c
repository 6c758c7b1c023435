/* SPDX-License-Identifier: MIT */
/* Archives that would take more time or memory than they look like, and pieces that end anywhere. */
#include "archive_fixture.h"

#include <errno.h>

#include "care/archive_read.h"

static struct buf why = BUF_INIT(10000);

/* Reads "x.tgz". */
static int read_archive(bool extract, const struct archive_read_options *o, struct archive_was *ret)
{
	struct archive_read_options own = o ? *o : (struct archive_read_options){ 0 };
	int fd = fixture_open("x.tgz", O_RDONLY), out = fixture_open("out", O_RDONLY | O_DIRECTORY);
	char scratch[200];
	int err;

	snprintf(scratch, sizeof(scratch), "%s", fixture_path("scratch"));
	own.scratch = scratch;
	buf_reset(&why);
	err = extract ? archive_extract(fd, out, &own, &why, ret) :
			archive_verify(fd, &own, &why, ret);
	EXPECT((err != 0) == (why.len != 0));
	close(fd);
	close(out);
	EXPECT_INT(fixture_count("scratch"), 0);
	return err;
}

static int try(bool extract, const struct archive_read_options *o)
{
	struct archive_was was;
	int err = read_archive(extract, o, &was);

	archive_was_done(&was);
	return err;
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
		EXPECT_INT(read_archive(false, &o, &was), 0);
		EXPECT_UINT(was.n_unsound, 1);
		archive_was_done(&was);
	}
	EXPECT_INT(checked, 22);
	fixture_end();
}

/* A map of holes with three million of them: some KiB of gzip, and a gigabyte of memory for those that would read a few more. */
static void map_of_holes(void)
{
	static const char said[] =
		"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n21 GNU.sparse.name=x\n26 GNU.sparse.realsize=10\n";
	const uint64_t holes = 3000000, text = 8;
	const struct tar_member members[] = {
		{ .name = "pax", .type = 'x', .text = said },
		{ .name = "x", .type = '0', .size = text + holes * 4 },
	};
	struct buf tar = BUF_INIT(100000);
	fixture_begin();
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		tar_add(&tar, &members[i]);
	tar_write(&tar);
	EXPECT_INT(
		shell("head -c -1024 x.tar >y.tar; { echo 3000000; yes 0 | head -n 6000000; head -c 2000 /dev/zero; } >>y.tar; gzip -c y.tar >x.tgz; rm y.tar"),
		0);
	EXPECT_INT(try(false, NULL), -EFBIG);
	EXPECT_STR(buf_str(&why), "the archive: a member has a header that is too large");
	buf_done(&tar);
	fixture_end();
}

static int ends_on_its_way(uint64_t bytes, void *ctx)
{
	unsigned int *left = ctx;

	EXPECT(bytes > 0);
	return --*left ? 0 : -ECANCELED;
}

/* A long file, and a long hole, need not be waited for. */
static void ended_within_a_member(void)
{
	static const char *const makes[] = { "truncate -s 100M in/big",
					     "head -c 50000000 /dev/zero >in/big" };
	unsigned int left;
	const struct archive_read_options o = { .going = ends_on_its_way, .ctx = &left };

	for (size_t i = 0; i < ARRAY_SIZE(makes); i++) {
		fixture_begin();
		EXPECT_INT(shell(makes[i]), 0);
		EXPECT_INT(shell("tar -S -czf x.tgz -C in big"), 0);
		for (int extract = 0; extract < 2; extract++) {
			left = 2;
			EXPECT_INT(try(extract, &o), -ECANCELED);
			EXPECT_UINT(left, 0);
		}
		left = 1000;
		EXPECT_INT(try(false, &o), 0);
		EXPECT(left < 999 && left > 990);
		fixture_end();
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a map of holes that is too large", map_of_holes },
		{ "ended within a long member", ended_within_a_member },
		{ "databases that come by pieces", databases_by_pieces },
	};
	int status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));

	buf_done(&why);
	return status;
}
