/* SPDX-License-Identifier: MIT */
/* Archives that would take more time or memory than they look like. */
#include "archive_read_fixture.h"

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
	EXPECT_INT(try("x.tgz", false, NULL), -EFBIG);
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
			EXPECT_INT(try("x.tgz", extract, &o), -ECANCELED);
			EXPECT_UINT(left, 0);
		}
		left = 1000;
		EXPECT_INT(try("x.tgz", false, &o), 0);
		EXPECT(left < 999 && left > 990);
		fixture_end();
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a map of holes that is too large", map_of_holes },
		{ "ended within a long member", ended_within_a_member },
	};

	return archive_main(argc, argv, cases, ARRAY_SIZE(cases));
}
