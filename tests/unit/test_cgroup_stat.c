/* SPDX-License-Identifier: MIT */
/* A cgroup's figures: the texts of its files, its directories by the table of mounts, a tree of files. */
#include "probe/cgroup_stat.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "unit.h"

#define V2_CPU \
	"usage_usec 9\nuser_usec 5\nsystem_usec 4\nnr_periods 70\nnr_throttled 50\n" \
	"throttled_usec 1234567\nnr_bursts 0\nburst_usec 0\n"
#define V2_CPU_OFF "usage_usec 9\nuser_usec 5\nsystem_usec 4\n"
#define V1_CPU "nr_periods 71\nnr_throttled 51\nthrottled_time 1234567891\n"
#define EVENTS "low 1\nhigh 22\nmax 33\noom 4\noom_kill 5\noom_group_kill 0\n"
#define PSI \
	"some avg10=1.50 avg60=0.80 avg300=0.21 total=12345678\n" \
	"full avg10=0.00 avg60=0.00 avg300=0.00 total=9\n"

static void cpu(void)
{
	static const struct {
		const char *name, *text;
		bool there;
		uint64_t periods, throttled, ns;
	} rows[] = {
		{ "cpu.stat of v2", V2_CPU, true, 70, 50, 1234567000 },
		{ "cpu.stat of v1", V1_CPU, true, 71, 51, 1234567891 },
		{ "cpu.stat without the controller", V2_CPU_OFF, false, 0, 0, 0 },
		{ "an empty cpu.stat", "", false, 0, 0, 0 },
		{ "keys in another order",
		  "throttled_time 3\nxnr_periods 9\nnr_throttled 2\nnr_periods 1", true, 1, 2, 3 },
		{ "a number that is none", "nr_periods 7x\nnr_throttled 1\nthrottled_time 1\n",
		  false, 0, 0, 0 },
		{ "a negative number", "nr_periods -7\nnr_throttled 1\nthrottled_time 1\n", false,
		  0, 0, 0 },
		{ "a number that is too large",
		  "nr_periods 1\nnr_throttled 1\nthrottled_time 18446744073709551616\n", false, 0,
		  0, 0 },
		{ "microseconds that are too many",
		  "nr_periods 1\nnr_throttled 1\nthrottled_usec 18446744073709551615\n", false, 0,
		  0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct cgroup_stat s = { 0 };

		unit_begin("%s", rows[i].name);
		EXPECT_INT(cgroup_stat_parse_cpu(rows[i].text, &s), rows[i].there);
		EXPECT_INT(s.has_cpu, rows[i].there);
		if (!rows[i].there)
			continue;
		EXPECT_UINT(s.periods, rows[i].periods);
		EXPECT_UINT(s.throttled_periods, rows[i].throttled);
		EXPECT_UINT(s.throttled_ns, rows[i].ns);
	}
}

static void memory(void)
{
	struct cgroup_stat s = { 0 };

	EXPECT(cgroup_stat_parse_memory(EVENTS, &s));
	EXPECT_UINT(s.memory_high, 22);
	EXPECT_UINT(s.memory_max, 33);
	EXPECT_UINT(s.memory_oom, 4);
	EXPECT_UINT(s.memory_oom_kill, 5);
	EXPECT(!cgroup_stat_parse_memory("low 1\nhigh 22\nmax 33\n", &s));
	EXPECT(!s.has_memory);
}

static void pressure(void)
{
	struct cgroup_stat s = { 0 };

	EXPECT(cgroup_stat_parse_pressure(PSI, CGROUP_IO, &s));
	EXPECT(s.has_pressure[CGROUP_IO][CGROUP_SOME] && s.has_pressure[CGROUP_IO][CGROUP_FULL]);
	EXPECT_UINT(s.pressure_ns[CGROUP_IO][CGROUP_SOME], 12345678000);
	EXPECT_UINT(s.pressure_ns[CGROUP_IO][CGROUP_FULL], 9000);
	EXPECT(!s.has_pressure[CGROUP_CPU][CGROUP_SOME]);
	/* Before Linux 5.13 there is no full line for the CPU. */
	EXPECT(cgroup_stat_parse_pressure("some avg10=0.00 total=7\n", CGROUP_CPU, &s));
	EXPECT(s.has_pressure[CGROUP_CPU][CGROUP_SOME] && !s.has_pressure[CGROUP_CPU][CGROUP_FULL]);
	EXPECT(!cgroup_stat_parse_pressure("", CGROUP_CPU, &s));
	EXPECT(!cgroup_stat_parse_pressure("some avg10=0.00\nfoo total=7\n", CGROUP_CPU, &s));
	EXPECT(!cgroup_stat_parse_pressure("some total=\n", CGROUP_CPU, &s));
	EXPECT(!s.has_pressure[CGROUP_CPU][CGROUP_SOME]);
}

#define M_V2 "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:1 - cgroup2 cgroup2 rw\n"
#define M_V1 "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
#define M_SET "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"

static void directories(void)
{
	static const struct {
		const char *name, *mounts, *cgroup, *v2, *v1;
	} rows[] = {
		{ "a unit in cgroup2", "1 2 0:3 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw",
		  "0::/system.slice/a.service\n", "/sys/fs/cgroup/system.slice/a.service", "" },
		{ "both hierarchies", M_SET M_V1 M_V2,
		  "3:cpuset:/x\n2:cpu,cpuacct:/y/z\n1:name=systemd:/w\n0::/v\n",
		  "/sys/fs/cgroup/unified/v", "/sys/fs/cgroup/cpu,cpuacct/y/z" },
		{ "v1 only", M_V1, "2:cpu,cpuacct:/y\n", "", "/sys/fs/cgroup/cpu,cpuacct/y" },
		{ "nothing mounted", "", "0::/a\n2:cpu:/b\n", "", "" },
		{ "a mount of a part", "1 2 0:3 /a /cg rw - cgroup2 none rw", "0::/a/b/c",
		  "/cg/b/c", "" },
		{ "a mount of another part", "1 2 0:3 /a /cg rw - cgroup2 none rw", "0::/ab/c", "",
		  "" },
		{ "the mount of more is taken",
		  "1 2 0:3 /a /part rw - cgroup2 none rw\n1 2 0:3 / /all rw - cgroup2 none rw\n"
		  "1 2 0:3 / /again rw - cgroup2 none rw",
		  "0::/a/b", "/all/a/b", "" },
		{ "the root", M_V2 M_V1, "2:cpu,cpuacct:/\n0::/\n", "/sys/fs/cgroup/unified",
		  "/sys/fs/cgroup/cpu,cpuacct" },
		{ "outside the namespace", M_V2, "0::/../b\n", "", "" },
		{ "above the namespace", M_V2, "0::/..\n", "", "" },
		{ "a colon in a name", M_V2, "0::/a:b.scope\n", "/sys/fs/cgroup/unified/a:b.scope",
		  "" },
		{ "lines that are none", "x\n - \n - cgroup2\n" M_V2, "0:\n:\n\n0::/a",
		  "/sys/fs/cgroup/unified/a", "" },
		{ "an escaped mount point", "1 2 0:3 / /a\\040b rw - cgroup2 none rw\n", "0::/a",
		  "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char path[] = "/tmp/test_cgroup_stat.XXXXXX";
		struct cgroup_mounts m;
		struct cgroup_dirs d;
		int fd = mkstemp(path);

		unit_begin("%s", rows[i].name);
		REQUIRE(fd >= 0);
		EXPECT_INT(write(fd, rows[i].mounts, strlen(rows[i].mounts)),
			   (ssize_t)strlen(rows[i].mounts));
		close(fd);
		EXPECT_INT(cgroup_stat_mounts(path, &m), 0);
		unlink(path);
		cgroup_stat_parse_dirs(rows[i].cgroup, &m, &d);
		EXPECT_STR(d.v2, rows[i].v2);
		EXPECT_STR(d.v1_cpu, rows[i].v1);
	}
}

static void long_paths(void)
{
	struct cgroup_mounts m = { .v2 = { "/", "/sys/fs/cgroup" } };
	char text[CGROUP_STAT_PATH_MAX + 64];
	struct cgroup_dirs d;

	memset(text, 'a', sizeof(text));
	memcpy(text, "0::/", 4);
	text[sizeof(text) - 1] = '\0';
	cgroup_stat_parse_dirs(text, &m, &d);
	EXPECT_STR(d.v2, "");
	text[CGROUP_STAT_PATH_MAX - 1 - strlen("/sys/fs/cgroup") + 3] = '\0';
	cgroup_stat_parse_dirs(text, &m, &d);
	EXPECT_UINT(strlen(d.v2), CGROUP_STAT_PATH_MAX - 1);
}

/* --- a tree of files like cgroupfs */

static char root[] = "/tmp/test_cgroup_stat.XXXXXX";

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	f = fopen(path, "we");
	if (!f || fputs(text, f) < 0)
		FAIL_CASE("cannot write %s", path);
	if (f)
		fclose(f);
}

static void make_tree(void)
{
	char path[256];

	if (!mkdtemp(root))
		FAIL_CASE("mkdtemp");
	snprintf(path, sizeof(path), "%s/proc/42", root);
	EXPECT_INT(file_make_directory(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/v2/a", root);
	EXPECT_INT(file_make_directory(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/v1/b", root);
	EXPECT_INT(file_make_directory(path, 0700), 0);
	put("proc/42/cgroup", "2:cpu:/b\n0::/a\n");
	put("v2/a/cgroup.type", "domain\n");
	put("v1/release_agent", "");
	put("v1/cpu.stat", V1_CPU);
	put("v2/cpu.pressure", PSI);
}

static void remove_tree(void)
{
	static const char *const names[] = {
		"proc/42/cgroup",
		"proc/42",
		"proc",
		"v2/a/cgroup.type",
		"v2/a/cpu.pressure",
		"v2/a/io.pressure",
		"v2/a/cpu.stat",
		"v2/a/memory.events",
		"v2/a",
		"v2/cpu.pressure",
		"v2",
		"v1/b/cpu.stat",
		"v1/b",
		"v1/release_agent",
		"v1/cpu.stat",
		"v1",
	};
	char path[256];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", root, names[i]);
		remove(path);
	}
	EXPECT_INT(rmdir(root), 0);
}

static void read_tree(struct cgroup_stat *s)
{
	struct cgroup_mounts m = { .v2.root = "/", .v1_cpu.root = "/" };
	struct cgroup_dirs d;
	char proc[256];

	snprintf(m.v2.point, sizeof(m.v2.point), "%s/v2", root);
	snprintf(m.v1_cpu.point, sizeof(m.v1_cpu.point), "%s/v1", root);
	snprintf(proc, sizeof(proc), "%s/proc", root);
	EXPECT_INT(cgroup_stat_dirs(&m, proc, 43, &d), -ENOENT);
	EXPECT_INT(cgroup_stat_dirs(&m, proc, 42, &d), 0);
	cgroup_stat_read(&d, s);
}

static void tree(void)
{
	struct cgroup_stat s;

	make_tree();
	put("v2/a/cpu.pressure", PSI);
	put("v2/a/cpu.stat", V2_CPU_OFF);
	put("v1/b/cpu.stat", V1_CPU);
	read_tree(&s);
	EXPECT(s.v2_id && s.cpu_id && s.v2_id != s.cpu_id && !s.cpu_is_v2);
	EXPECT(s.has_cpu && !s.has_memory);
	EXPECT_UINT(s.throttled_ns, 1234567891);
	EXPECT(s.has_pressure[CGROUP_CPU][CGROUP_SOME] && !s.has_pressure[CGROUP_IO][CGROUP_SOME]);

	put("v2/a/cpu.stat", V2_CPU); /* the controller is v2's: that counts, not v1 */
	put("v2/a/memory.events", EVENTS);
	put("v2/a/io.pressure", "");
	read_tree(&s);
	EXPECT(s.cpu_is_v2 && s.cpu_id == s.v2_id);
	EXPECT_UINT(s.throttled_ns, 1234567000);
	EXPECT_UINT(s.memory_max, 33);
	EXPECT(!s.has_pressure[CGROUP_IO][CGROUP_SOME]);

	put("proc/42/cgroup", "2:cpu:/\n0::/\n"); /* the roots are nobody's */
	read_tree(&s);
	EXPECT(!s.v2_id && !s.has_cpu && !s.has_pressure[CGROUP_CPU][CGROUP_SOME]);

	put("proc/42/cgroup", "2:cpu:/b (deleted)\n0::/gone\n");
	read_tree(&s);
	EXPECT(!s.v2_id && !s.cpu_id && !s.has_cpu);
	remove_tree();
}

/* What this machine has must be found for ourselves, and be no smaller the next time. */
static void own(void)
{
	struct cgroup_mounts m;
	struct cgroup_dirs d;
	struct cgroup_stat a, b;

	REQUIRE_INT(cgroup_stat_mounts("/proc/self/mountinfo", &m), 0);
	REQUIRE_INT(cgroup_stat_dirs(&m, "/proc", getpid(), &d), 0);
	if (!*d.v2 && !*d.v1_cpu) {
		unit_skip("this process is in the root of each hierarchy");
		return;
	}
	cgroup_stat_read(&d, &a);
	cgroup_stat_read(&d, &b);
	EXPECT(a.v2_id || a.cpu_id);
	EXPECT_UINT(a.v2_id, b.v2_id);
	EXPECT(b.throttled_ns >= a.throttled_ns);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, cpu },
		{ "memory.events", memory },
		{ "pressure files", pressure },
		{ NULL, directories },
		{ "a path that is too long is no directory", long_paths },
		{ "a tree of files", tree },
		{ "the cgroup of this process", own },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
