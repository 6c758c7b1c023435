/* SPDX-License-Identifier: MIT */
/* The application's Python, as its user: what it says is told from that it could not be run. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check/app_python.h"

static char top[] = "/tmp/isamon-app-python-XXXXXX", venv[64], closed[64], user[] = "nobody",
	    group[] = "";

static const char *path_of(const char *name, char to[100])
{
	snprintf(to, 100, "%s/%s", top, name);
	return to;
}

static void write_python(const char *script, mode_t mode)
{
	char path[100];
	FILE *f = fopen(path_of("venv/bin/python", path), "w");

	REQUIRE(f);
	fprintf(f, "#!/bin/sh\n%s\n", script);
	fclose(f);
	REQUIRE_INT(chmod(path, mode), 0);
}

static void make(void)
{
	char path[100];

	REQUIRE(mkdtemp(top));
	REQUIRE_INT(chmod(top, 0755), 0);
	snprintf(venv, sizeof(venv), "%s/venv", top);
	snprintf(closed, sizeof(closed), "%s/closed", top);
	REQUIRE_INT(mkdir(venv, 0755), 0);
	REQUIRE_INT(mkdir(path_of("venv/bin", path), 0755), 0);
	REQUIRE_INT(mkdir(closed, 0700), 0);
}

static void rows(void)
{
	static const struct {
		const char *name, *script;
		char *directory;
		mode_t mode;
		int status;
		const char *out;
	} table[] = {
		{ "its status, and what it says", "id -un; exit 3", top, 0755, 3, "nobody\n" },
		{ "a status that is its own", "echo a; exit 126", top, 0755, 126, "a\n" },
		{ "a directory that keeps it out", "echo a", closed, 0755, -EACCES, "" },
		{ "one that it may not run", "echo a", top, 0744, -EACCES, "" },
	};
	const char *arguments[] = { NULL };

	if (geteuid() != 0) {
		unit_begin("as another user");
		unit_skip("needs root");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		const struct config c = { .app_venv = venv,
					  .app_user = user,
					  .app_group = group,
					  .app_directory = table[i].directory };
		_cleanup_(buf_done) struct buf out = BUF_INIT(1000);

		unit_begin("%s", table[i].name);
		write_python(table[i].script, table[i].mode);
		EXPECT_INT(app_python(&c, arguments, 10000, &out), table[i].status);
		EXPECT_STR(buf_str(&out), table[i].out);
	}
}

static void forget(void)
{
	static const char *const names[] = { "venv/bin/python", "venv/bin", "venv", "closed" };
	char path[100];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (unlink(path_of(names[i], path)))
			rmdir(path);
	EXPECT_INT(rmdir(top), 0);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "an environment", make },
		{ NULL, rows },
		{ "is taken away", forget },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
