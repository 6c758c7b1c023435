/* SPDX-License-Identifier: MIT */
/* Figures of /proc are read as the kernel writes them; what is none is refused. */
#include "unit.h"

#include "check/host_figures.h"

#define KIB 1024ull

static void memory(void)
{
	static const struct {
		const char *name, *text;
		bool ok;
	} rows[] = {
		{ "all of it",
		  "MemTotal:        2000 kB\nMemFree:          100 kB\nMemAvailable:     500 kB\n"
		  "SwapCached:        0 kB\nSwapTotal:       1000 kB\nSwapFree:         250 kB\n",
		  true },
		{ "no available memory",
		  "MemTotal: 2000 kB\nSwapTotal: 1000 kB\nSwapFree: 250 kB\n", false },
		{ "more available than there is",
		  "MemTotal: 2000 kB\nMemAvailable: 2001 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n",
		  false },
		{ "more swap free than there is",
		  "MemTotal: 2000 kB\nMemAvailable: 1 kB\nSwapTotal: 0 kB\nSwapFree: 1 kB\n",
		  false },
		{ "a name within another",
		  "XMemTotal: 1 kB\nMemTotal: 2000 kB\nMemAvailable: 500 kB\nSwapTotal: 1000 kB\nSwapFree: 250 kB\n",
		  true },
		{ "nothing", "", false },
		{ "no number",
		  "MemTotal: x kB\nMemAvailable: 500 kB\nSwapTotal: 1000 kB\nSwapFree: 250 kB\n",
		  false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct host_memory m = { .total = 7 };

		unit_begin("memory: %s", rows[i].name);
		EXPECT_INT(host_parse_memory(rows[i].text, &m), rows[i].ok);
		EXPECT_UINT(m.total, rows[i].ok ? 2000 * KIB : 7);
		if (!rows[i].ok)
			continue;
		EXPECT_UINT(m.available, 500 * KIB);
		EXPECT_UINT(m.swap_total, 1000 * KIB);
		EXPECT_UINT(m.swap_free, 250 * KIB);
	}
}

static void load(void)
{
	struct host_load l;

	REQUIRE(host_parse_load("0.11 5.20 15.30 3/217 4711\n", &l));
	EXPECT_NEAR(l.load1, 0.11, 1e-9);
	EXPECT_NEAR(l.load5, 5.2, 1e-9);
	EXPECT_NEAR(l.load15, 15.3, 1e-9);
	EXPECT_UINT(l.running, 3);
	EXPECT_UINT(l.tasks, 217);
	EXPECT(!host_parse_load("0.11 5.20 15.30\n", &l));
	EXPECT(!host_parse_load("-1 5.20 15.30 3/217 1\n", &l));
	EXPECT(!host_parse_load("nan 5.20 15.30 3/217 1\n", &l));
	EXPECT(!host_parse_load("", &l));
}

static void cpu(void)
{
	struct host_cpu c;

	REQUIRE(host_parse_cpu("cpu  10 20 30 1000 40 5 6 70 0 0\ncpu0 1 2\n", &c));
	EXPECT_UINT(c.busy, 10 + 20 + 30 + 5 + 6);
	EXPECT_UINT(c.idle, 1000);
	EXPECT_UINT(c.waiting, 40);
	EXPECT_UINT(c.stolen, 70);
	EXPECT(!host_parse_cpu("cpu 1 2 3\n", &c));
	EXPECT(!host_parse_cpu("intr 1 2 3 4 5 6 7 8\n", &c));
}

static void between(void)
{
	const struct host_cpu a = { .busy = 10, .idle = 20, .waiting = 30, .stolen = 40 };
	const struct host_cpu b = { .busy = 15, .idle = 60, .waiting = 29, .stolen = 40 };
	const struct host_cpu d = host_cpu_between(&a, &b);

	EXPECT_UINT(d.busy, 5);
	EXPECT_UINT(d.idle, 40);
	EXPECT_UINT(d.waiting, 0);
	EXPECT_UINT(d.stolen, 0);
}

static void files(void)
{
	uint64_t used, max;

	REQUIRE(host_parse_files("1056\t56\t9223372036854775807\n", &used, &max));
	EXPECT_UINT(used, 1000);
	EXPECT_UINT(max, INT64_MAX);
	EXPECT(!host_parse_files("1056\t1057\t100\n", &used, &max));
	EXPECT(!host_parse_files("1056\t0\t0\n", &used, &max));
	EXPECT(!host_parse_files("1056\n", &used, &max));
}

static void pressure(void)
{
	struct host_pressure p;

	REQUIRE(host_parse_pressure("some avg10=1.00 avg60=2.50 avg300=0.10 total=12\n"
				    "full avg10=0.00 avg60=0.75 avg300=0.00 total=1\n",
				    &p));
	EXPECT_NEAR(p.some60, 2.5, 1e-9);
	EXPECT_NEAR(p.full60, 0.75, 1e-9);
	REQUIRE(host_parse_pressure("some avg10=1.00 avg60=100.00 avg300=0.10 total=12\n", &p));
	EXPECT_NEAR(p.some60, 100, 1e-9);
	EXPECT_NEAR(p.full60, 0, 1e-9);
	EXPECT(!host_parse_pressure("full avg10=0.00 avg60=0.75 avg300=0.00 total=1\n", &p));
	EXPECT(!host_parse_pressure("some avg10=1.00 avg60=101 avg300=0.10 total=12\n", &p));
	EXPECT(!host_parse_pressure("some avg10=1.00 avg60=1\nfull nothing\n", &p));
	EXPECT(!host_parse_pressure("", &p));
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, memory },
		{ "load", load },
		{ "ticks of the CPUs", cpu },
		{ "a figure of the CPUs that falls", between },
		{ "open files", files },
		{ "pressure", pressure },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
