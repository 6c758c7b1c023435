/* SPDX-License-Identifier: MIT */
/* How full is full, and which kernel is newer than the one that runs. */
#include "unit.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

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

static void install(const char *directory, const char *kernel, bool whole)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", directory, kernel);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/%s/modules.order", directory, kernel);
	f = whole ? fopen(path, "we") : NULL;
	if (f)
		fclose(f);
}

static void newest_kernel(void)
{
	_cleanup_(buf_done) struct buf newest = BUF_INIT(256);
	char directory[256], path[512];

	snprintf(directory, sizeof(directory), "%s/isamon-test.XXXXXX", getenv("TMPDIR") ?: "/tmp");
	REQUIRE(mkdtemp(directory));
	EXPECT_INT(system_newest_kernel(directory, "6.1.0-18-amd64", &newest), -ENOENT);
	install(directory, "6.1.0-9-amd64", true);
	install(directory, "6.1.0-18-amd64", true);
	install(directory, "6.1.0-25-cloud-amd64", true);
	install(directory, "6.1.0-30-amd64", false);
	EXPECT_INT(system_newest_kernel(directory, "6.1.0-9-amd64", &newest), 0);
	EXPECT_STR(buf_str(&newest), "6.1.0-18-amd64");
	EXPECT_INT(system_newest_kernel(directory, "6.1.0-18-amd64", &newest), 0);
	EXPECT_STR(buf_str(&newest), "6.1.0-18-amd64");
	EXPECT_INT(system_newest_kernel(directory, "6.1.0-25-cloud-amd64", &newest), 0);
	EXPECT_STR(buf_str(&newest), "6.1.0-25-cloud-amd64");
	EXPECT_INT(system_newest_kernel(directory, "6.18.44-own", &newest), -ENOENT);
	EXPECT_INT(system_newest_kernel("/nonexistent", "6.1.0-18-amd64", &newest), -ENOENT);
	for (const char *const *k =
		     (const char *const[]){ "6.1.0-9-amd64", "6.1.0-18-amd64",
					    "6.1.0-25-cloud-amd64", "6.1.0-30-amd64", NULL };
	     *k; k++) {
		snprintf(path, sizeof(path), "%s/%s/modules.order", directory, *k);
		unlink(path);
		snprintf(path, sizeof(path), "%s/%s", directory, *k);
		rmdir(path);
	}
	EXPECT_INT(rmdir(directory), 0);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, fullness },
		{ "sizes, for people", sizes },
		{ "which file systems count", types },
		{ "the newest kernel of a kind that is installed", newest_kernel },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
