/* SPDX-License-Identifier: MIT */
/* Units of control groups: of made-up texts, of a made-up /proc. */
#include "unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "care/process_unit.h"

static void finds_units(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "0::/system.slice/nginx.service\n", "nginx.service" },
		{ "12:cpu:/\n0::/user.slice/user-0.slice/session-1.scope\n", "session-1.scope" },
		{ "0::/system.slice/docker.service/x\n", "docker.service" },
		{ "0::/a.service/b.scope", "b.scope" },
		{ "0::/a.service/b-x.mount", "b-x.mount" },
		{ "4:cpu:/x.service\n1:name=systemd:/system.slice/ssh.socket\n", "ssh.socket" },
		{ "4:cpu:/x.service\n", "" },
		{ "0::/\n", "" },
		{ "0::/.service", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char unit[128];

		unit_begin("cgroup: %s", rows[i].text);
		EXPECT_INT(process_unit_parse(rows[i].text, unit, sizeof(unit)),
			   *rows[i].expected != 0);
		EXPECT_STR(unit, rows[i].expected);
	}
}

static void is_plain_and_fits(void)
{
	static const char strange[] = "0::/a\x1b[31m.service\n";
	char unit[128], small[10];

	EXPECT(process_unit_parse(strange, unit, sizeof(unit)));
	EXPECT(!strchr(unit, '\x1b'));
	EXPECT(!process_unit_parse("0::/nginx.service\n", small, sizeof(small)));
	EXPECT_STR(small, "");
	EXPECT(process_unit_parse("0::/a.service\n", small, sizeof(small)));
	EXPECT_STR(small, "a.service");
}

static void asks_proc(void)
{
	char top[] = "/tmp/test_process_unit.XXXXXX", path[100], unit[128];
	FILE *f;

	REQUIRE(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/17", top);
	REQUIRE_INT(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/17/cgroup", top);
	f = fopen(path, "we");
	REQUIRE(f);
	fputs("0::/system.slice/nginx.service\n", f);
	fclose(f);
	EXPECT(process_unit(top, 17, unit, sizeof(unit)));
	EXPECT_STR(unit, "nginx.service");
	EXPECT(!process_unit(top, 18, unit, sizeof(unit)));
	EXPECT_STR(unit, "");
	unlink(path);
	snprintf(path, sizeof(path), "%s/17", top);
	rmdir(path);
	rmdir(top);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, finds_units },
		{ "a name is plain, and fits or is none", is_plain_and_fits },
		{ "a process's unit is read off /proc", asks_proc },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
