/* SPDX-License-Identifier: MIT */
/* What /proc says of a process: texts as kernels write them, hostile ones, a made-up tree, and this process. */
#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "probe/proc.h"

#define STAT_REST " 4711 4711 0 -1 4194560 12 13 14 15 160 17 18 19 20 0 21 0 2200 23 24 25\n"

static void stats(void)
{
	static const struct {
		const char *name, *text;
		bool ok;
		const char *process;
		char state;
	} rows[] = {
		{ "a plain one", "4711 (uvicorn) S 1" STAT_REST, true, "uvicorn", 'S' },
		{ "a name with spaces and parentheses", "4711 (a) R 9 (b c) D 1" STAT_REST, true,
		  "a) R 9 (b c", 'D' },
		{ "a name that is a parenthesis", "4711 ()) S 1" STAT_REST, true, ")", 'S' },
		{ "no name", "4711 () S 1" STAT_REST, true, "", 'S' },
		{ "a name with a line end", "4711 (a\n1 (b) S 1" STAT_REST, true, "a\n1 (b", 'S' },
		{ "a name longer than any",
		  "1 (0123456789012345678901234567890123456789012345678901234567890123456789) S 1" STAT_REST,
		  true, "012345678901234567890123456789012345678901234567890123456789012", 'S' },
		{ "nothing", "", false, "", 0 },
		{ "no parentheses", "4711 uvicorn S 1" STAT_REST, false, "", 0 },
		{ "the wrong way round", "4711 )uvicorn( S 1" STAT_REST, false, "", 0 },
		{ "cut off behind the name", "4711 (uvicorn)", false, "", 0 },
		{ "cut off before the start",
		  "4711 (u) S 1 4711 4711 0 -1 1 2 3 4 5 6 7 8 9 20 0 1 0", false, "", 0 },
		{ "words for numbers", "4711 (u) S 1 x x x x x x x x x x x x x x x x x x", false,
		  "", 0 },
		{ "a number beyond 64 bits", "4711 (u) S 99999999999999999999999" STAT_REST, false,
		  "", 0 },
		{ "a parent beyond any pid", "4711 (u) S 4294967297" STAT_REST, false, "", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct proc_stat st = { .state = 'x' };

		unit_begin("stat: %s", rows[i].name);
		EXPECT_INT(proc_parse_stat(rows[i].text, &st), rows[i].ok);
		if (!rows[i].ok) {
			EXPECT_INT(st.state, 'x');
			continue;
		}
		EXPECT_STR(st.name, rows[i].process);
		EXPECT_INT(st.state, rows[i].state);
		EXPECT_INT(st.parent, 1);
		EXPECT_INT(st.group, 4711);
		EXPECT_UINT(st.minor_faults, 12);
		EXPECT_UINT(st.major_faults, 14);
		EXPECT_UINT(st.user_ticks, 160);
		EXPECT_UINT(st.system_ticks, 17);
		EXPECT_UINT(st.threads, 21);
		EXPECT_UINT(st.start_ticks, 2200);
	}
}

static void figures(void)
{
	struct proc_sample s = { 0 };

	unit_begin("status: memory by kind");
	EXPECT(proc_parse_status("Name:\tRssAnon:\t99 kB\nVmRSS:\t  30 kB\nRssAnon:\t      10 kB\n"
				 "RssFile:\t      12 kB\nRssShmem:\t       8 kB\nVmSwap:\t 3 kB\n",
				 &s));
	EXPECT_UINT(s.anon_bytes, 10240);
	EXPECT_UINT(s.file_bytes, 12288);
	EXPECT_UINT(s.shmem_bytes, 8192);
	EXPECT_UINT(s.swap_bytes, 3072);
	EXPECT_UINT(s.known, PROC_MEMORY);

	unit_begin("status: a zombie has none");
	s = (struct proc_sample){ 0 };
	EXPECT(!proc_parse_status("Name:\tx\nState:\tZ (zombie)\nThreads:\t1\n", &s));
	EXPECT_UINT(s.known, 0);

	unit_begin("status: a value that does not fit");
	EXPECT(!proc_parse_status(
		"RssAnon: 18446744073709551615 kB\nRssFile: 1 kB\nRssShmem: 1 kB\n"
		"VmSwap: 1 kB\n",
		&s));
	EXPECT_UINT(s.known | s.file_bytes, 0);

	unit_begin("status: switches of threads add up");
	for (int i = 0; i < 2; i++)
		EXPECT(proc_parse_switches("voluntary_ctxt_switches:\t5\n"
					   "nonvoluntary_ctxt_switches:\t7\n",
					   &s));
	EXPECT_UINT(s.voluntary, 10);
	EXPECT_UINT(s.involuntary, 14);
	EXPECT(!proc_parse_switches("nonvoluntary_ctxt_switches:\t7\n", &s));

	unit_begin("schedstat: the second number is the delay");
	EXPECT(proc_parse_schedstat("123 456 7\n", &s));
	EXPECT_UINT(s.run_delay_ns, 456);
	EXPECT(!proc_parse_schedstat("123\n", &s));

	unit_begin("io: what storage saw");
	EXPECT(proc_parse_io("rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\n"
			     "write_bytes: 8192\ncancelled_write_bytes: 0\n",
			     &s));
	EXPECT_UINT(s.read_bytes, 4096);
	EXPECT_UINT(s.write_bytes, 8192);
	EXPECT(!proc_parse_io("rchar: 1\n", &s));

	unit_begin("limits: the soft one");
	EXPECT(proc_parse_limits(
		"Limit                     Soft Limit           Hard Limit\n"
		"Max open files            1024                 524288               "
		"files\n",
		&s));
	EXPECT_UINT(s.max_fds, 1024);
	EXPECT(proc_parse_limits("Max open files            unlimited            unlimited\n", &s));
	EXPECT(s.max_fds == PROC_UNLIMITED);
	EXPECT(!proc_parse_limits("Max processes             1\n", &s));

	unit_begin("smaps_rollup: PSS");
	EXPECT(proc_parse_rollup("55-7f ---p 00000000 00:00 0                          [rollup]\n"
				 "Rss:                1640 kB\nPss:                 207 kB\n"
				 "Pss_Dirty:           112 kB\n",
				 &s));
	EXPECT_UINT(s.pss_bytes, 207 * 1024);
	EXPECT(!proc_parse_rollup("Pss_Dirty: 1 kB\n", &s));
}

static void put(const char *proc, const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/42/%s", proc, name);
	f = fopen(path, "we");
	REQUIRE(f);
	fputs(text, f);
	fclose(f);
}

static void put_directory(const char *proc, const char *name)
{
	char path[200];

	snprintf(path, sizeof(path), "%s/42/%s", proc, name);
	REQUIRE_INT(file_make_directory(path, 0700), 0);
}

static void clean(const char *proc)
{
	static const char *const names[] = { "/42/task/42/schedstat",
					     "/42/task/42/status",
					     "/42/task/42",
					     "/42/task/43/schedstat",
					     "/42/task/43/status",
					     "/42/task/43",
					     "/42/task",
					     "/42/fd/0",
					     "/42/fd/7",
					     "/42/fd",
					     "/42/stat",
					     "/42/io",
					     "/42/limits",
					     "/42/status",
					     "/42",
					     "" };
	char path[200];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s%s", proc, names[i]);
		if (remove(path))
			FAIL_CASE("%s stays", path);
	}
}

static void a_tree(void)
{
	char proc[] = "/tmp/test_proc.XXXXXX";
	struct proc_sample s;

	REQUIRE(mkdtemp(proc));
	EXPECT_INT(proc_read(proc, 42, &s), -ESRCH);
	put_directory(proc, "task/42");
	put_directory(proc, "task/43");
	put_directory(proc, "fd");
	put(proc, "stat", "no stat\n");
	EXPECT_INT(proc_read(proc, 42, &s), -EBADMSG);
	put(proc, "stat", "42 (u) S 1" STAT_REST);
	EXPECT_INT(proc_read(proc, 42, &s), 0);
	EXPECT_UINT(s.known, PROC_CPU | PROC_FAULTS | PROC_FDS);
	put(proc, "status", "RssAnon: 1 kB\nRssFile: 1 kB\nRssShmem: 1 kB\nVmSwap: 1 kB\n");
	put(proc, "io", "read_bytes: 1\nwrite_bytes: 2\n");
	put(proc, "limits", "Max open files   1024  524288  files\n");
	put(proc, "fd/0", "");
	put(proc, "fd/7", "");
	for (int i = 0; i < 2; i++) {
		put(proc, i ? "task/43/schedstat" : "task/42/schedstat", "1 20 3\n");
		put(proc, i ? "task/43/status" : "task/42/status",
		    "voluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t7\n");
	}
	EXPECT_INT(proc_read(proc, 42, &s), 0);
	EXPECT_UINT(s.known, PROC_PSS - 1);
	EXPECT_UINT(s.pid, 42);
	EXPECT_UINT(s.start_ns, 2200 * PROC_TICK_NS);
	EXPECT_UINT(s.user_ns, 1600000000);
	EXPECT_UINT(s.system_ns, 170000000);
	EXPECT_UINT(s.cpu_ns, 1770000000);
	EXPECT_UINT(s.run_delay_ns, 40);
	EXPECT_UINT(s.voluntary, 10);
	EXPECT_UINT(s.open_fds, 2);
	EXPECT_UINT(s.threads, 21);
	clean(proc);
}

static void split(void)
{
	static const struct {
		uint64_t cpu, user, system, want_user, want_system;
	} rows[] = {
		{ 0, 0, 0, 0, 0 },
		{ 7, 0, 0, 7, 0 },
		{ 7, 0, 4, 0, 7 },
		{ 100, 30, 10, 75, 25 },
		{ 100, 4, 0, 100, 0 },
		{ UINT64_MAX / 2, UINT64_MAX / 4, UINT64_MAX / 4, UINT64_MAX / 4 + 1,
		  UINT64_MAX / 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct proc_sample s = { .cpu_ns = rows[i].cpu,
					 .user_ns = rows[i].user,
					 .system_ns = rows[i].system };

		proc_split_cpu(&s);
		EXPECT_UINT(s.user_ns, rows[i].want_user);
		EXPECT_UINT(s.system_ns, rows[i].want_system);
	}
}

static void this_process(void)
{
	struct proc_sample a, b;
	int fd;

	REQUIRE_INT(proc_read("/proc", getpid(), &a), 0);
	EXPECT(a.cpu_ns > 0 && a.anon_bytes > 0 && a.open_fds >= 3 && a.threads == 1);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	REQUIRE_INT(proc_read("/proc", getpid(), &b), 0);
	EXPECT_UINT(b.open_fds, a.open_fds + 1);
	EXPECT(b.cpu_ns > a.cpu_ns && b.cpu_ns < a.cpu_ns + 1000000000);
	EXPECT_UINT(b.start_ns, a.start_ns);
	close(fd);
	EXPECT_INT(proc_read_pss("/proc", getpid(), &b), 0);
	EXPECT(b.known & PROC_PSS);
	EXPECT(b.pss_bytes > 0 && b.pss_bytes < 2 * (b.anon_bytes + b.file_bytes + b.shmem_bytes));
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, stats },
		{ NULL, figures },
		{ "a made-up tree is read whole", a_tree },
		{ "CPU time is divided as the ticks are", split },
		{ "this process is read whole", this_process },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
