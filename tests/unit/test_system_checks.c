/* SPDX-License-Identifier: MIT */
/* How full is full, and which kernel is newer than the one that runs. */
#include "unit.h"

#include "check/system_impl.h"

static void fullness(void)
{
	static const struct {
		uint64_t used, left;
		unsigned int percent;
		enum finding_result result;
	} rows[] = {
		{ 0, 0, 0, FINDING_FINE },
		{ 0, 100, 0, FINDING_FINE },
		{ 1, 1000, 1, FINDING_FINE },
		{ 79, 21, 79, FINDING_FINE },
		{ 7901, 2099, 80, FINDING_WARNING },
		{ 80, 20, 80, FINDING_WARNING },
		{ 94, 6, 94, FINDING_WARNING },
		{ 9401, 599, 95, FINDING_PROBLEM },
		{ 100, 0, 100, FINDING_PROBLEM },
		{ UINT64_MAX, 0, 100, FINDING_PROBLEM },
		{ UINT64_MAX, UINT64_MAX, 50, FINDING_FINE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int percent = system_percent(rows[i].used, rows[i].left);

		unit_begin("%ju used, %ju left", (uintmax_t)rows[i].used, (uintmax_t)rows[i].left);
		EXPECT_UINT(percent, rows[i].percent);
		EXPECT_INT((int)system_judge_full(percent), (int)rows[i].result);
	}
}

static void sizes(void)
{
	char size[SYSTEM_SIZE_MAX];

	EXPECT_STR(system_size(0, size), "0 B");
	EXPECT_STR(system_size(1023, size), "1023 B");
	EXPECT_STR(system_size(1536, size), "1.5 KiB");
	EXPECT_STR(system_size(64ull << 30, size), "64 GiB");
	EXPECT_STR(system_size(UINT64_MAX, size), "16384 PiB");
}

static void types(void)
{
	EXPECT(system_type_counts("ext4"));
	EXPECT(system_type_counts("tmpfs"));
	EXPECT(system_type_counts("overlay"));
	EXPECT(!system_type_counts("proc"));
	EXPECT(!system_type_counts("squashfs"));
	EXPECT(system_type_is_remote("nfs4"));
	EXPECT(system_type_is_remote("fuse.s3fs"));
	EXPECT(!system_type_is_remote("xfs"));
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, fullness },
		{ "sizes, for people", sizes },
		{ "which file systems count", types },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
