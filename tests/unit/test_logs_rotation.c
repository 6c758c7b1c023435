/* SPDX-License-Identifier: MIT */
#include <time.h>

#include "unit.h"

#include "cmd/logs_rotation.h"

static int add_rule(const struct rotation_rule *r, void *ctx)
{
	buf_printf(ctx, "%s%s%s%s;", r->path, r->copytruncate ? "!" : "", *r->olddir ? ">" : "",
		   r->olddir);
	return 0;
}

static void rows(void)
{
	static const struct {
		const char *name, *text, *rules;
	} table[] = {
		{ "a section", "/var/log/a.log {\n\tdaily\n}\n", "/var/log/a.log;" },
		{ "on one line", "/a { copytruncate }", "/a;" },
		{ "several paths", "/a /b\n\"/c d\" '/e'\n{\n\tcopytruncate\n}\n/f {\n}",
		  "/a!;/b!;/c d!;/e!;/f;" },
		{ "before all", "copytruncate\n/a {\n}\n/b {\nnocopytruncate\n}\n", "/a!;/b;" },
		{ "comments", "# /a {\n/b { # copytruncate\n# copytruncate\n}\n", "/b;" },
		{ "scripts",
		  "/a {\npostrotate\n\tcopytruncate\n\techo } /x {\nendscript\ncreate\n}\n/b{\n}\n",
		  "/a;/b;" },
		{ "other words", "include /etc/logrotate.d\nsu root adm\nolddir /old\n/a {\n}\n",
		  "/a>/old;" },
		{ "olddir", "/a /b {\n\tolddir old # /x\n}\n/c {\n}\n", "/a>old;/b>old;/c;" },
		{ "olddir before all",
		  "olddir \"/o d\"\n/a {\n}\n/b {\nnoolddir\n}\n/c {\nolddir c\n}\n",
		  "/a>/o d;/b;/c>c;" },
		{ "olddir of nothing", "olddir\n/a {\nolddir\ncopytruncate\n}\n/b {\n}\n",
		  "/a!;/b;" },
		{ "no end", "/a {\ncopytruncate\n", "" },
		{ "no section", "/a /b\n", "" },
		{ "escapes", "/a\\ b{\n}\n", "/a b;" },
		{ "carriage returns", "/a {\r\n\tcopytruncate\r\n}\r\n", "/a!;" },
		{ "nothing", "", "" },
		{ "braces", "}}{{}\n/a {\n}", "/a;" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		_cleanup_(buf_done) struct buf rules = BUF_INIT(1000);

		unit_begin("rules: %s", table[i].name);
		EXPECT_INT(rotation_read(table[i].text, add_rule, &rules), 0);
		EXPECT_STR(buf_str(&rules), table[i].rules);
	}
}

static int stop(const struct rotation_rule *r, void *ctx)
{
	(void)r;
	++*(int *)ctx;
	return 42;
}

static void stops(void)
{
	int n = 0;

	EXPECT_INT(rotation_read("/a /b {\n}\n/c {\n}\n", stop, &n), 42);
	EXPECT_INT(n, 1);
}

static void state(void)
{
	static const char text[] = "logrotate state -- version 2\n"
				   "\"/var/log/a.log\" 2026-11-26-8:5:1\n"
				   "\"/var/log/b \\\"c\\\".log\" 2026-11-27-0:0:0\n"
				   "\"/old\" 2026-11-25\n"
				   "\"/bad\" yesterday\n";
	int64_t s = 42;

	EXPECT_INT(rotation_last(text, "/var/log/a.log", &s), 0);
	EXPECT_INT(s, 1795680301);
	EXPECT_INT(rotation_last(text, "/var/log/b \"c\".log", &s), 0);
	EXPECT_INT(s, 1795737600);
	EXPECT_INT(rotation_last(text, "/old", &s), 0);
	EXPECT_INT(s, 1795564800);
	EXPECT_INT(rotation_last(text, NULL, &s), 0);
	EXPECT_INT(s, 1795737600);
	EXPECT_INT(rotation_last(text, "/bad", &s), -ENOENT);
	EXPECT_INT(rotation_last(text, "/none", &s), -ENOENT);
	EXPECT_INT(rotation_last("", NULL, &s), -ENOENT);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, rows },
		{ "the caller stops it", stops },
		{ "when logrotate ran", state },
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
