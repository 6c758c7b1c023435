/* SPDX-License-Identifier: MIT */
/* How full is full, and which kernel is newer than the one that runs. */
#include "unit.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* In a mount namespace of its own: many file systems, one upon the other. */
static void many_disks(void)
{
	_cleanup_(findings_done) struct findings f = { 0 };
	char top[] = "/tmp/isamon-disks-XXXXXX";
	int status = 1;
	pid_t pid;

	if (geteuid() != 0) {
		unit_skip("needs root: mounts");
		return;
	}
	REQUIRE(mkdtemp(top));
	pid = fork();
	if (pid == 0) {
		bool ok = unshare(CLONE_NEWNS) == 0 &&
			  mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;

		for (int i = 0; ok && i < 70; i++) {
			char path[100];

			snprintf(path, sizeof(path), "%s/%d", top, i);
			ok = (i || mount("none", top, "tmpfs", 0, "size=1m") == 0) &&
			     mkdir(path, 0700) == 0 &&
			     mount("none", path, "tmpfs", 0, "size=1m") == 0;
		}
		if (!ok)
			_exit(77);
		ok = system_check_disks(NULL, &f) == 0 && f.n > 0;
		_exit(ok && f.list[f.n - 1].result == FINDING_UNKNOWN &&
				      strstr(f.list[f.n - 1].evidence, "were not looked at") ?
			      0 :
			      1);
	}
	waitpid(pid, &status, 0);
	rmdir(top);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		unit_skip("no mount namespace of its own");
	else
		EXPECT_INT(status, 0);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, fullness },
		{ "sizes, for people", sizes },
		{ "which file systems count", types },
		{ "more file systems than are looked at", many_disks },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
