/* SPDX-License-Identifier: MIT */
/* Who could lead an update elsewhere: a tree of directories and links of different owners. */
#include "unit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "care/update_environment.h"
#include "care/update_way.h"

#define OTHER 65534

static char top[] = "/tmp/isamon-way-XXXXXX";

static const struct {
	const char *path, *link; /* link NULL: a directory */
	uid_t uid;
	mode_t mode;
} tree[] = {
	{ "roots", NULL, 0, 0755 },
	{ "roots/venv", NULL, 0, 0755 },
	{ "roots/users", NULL, OTHER, 0755 },
	{ "roots/link", "venv", 0, 0 },
	{ "roots/absolute", "TOP/roots/venv", 0, 0 },
	{ "roots/up", "../home/link", 0, 0 },
	{ "roots/loop", "loop", 0, 0 },
	{ "roots/open", NULL, 0, 0777 },
	{ "roots/open/venv", NULL, 0, 0755 },
	{ "roots/sticky", NULL, 0, 01777 },
	{ "roots/sticky/venv", NULL, 0, 0755 },
	{ "home", NULL, OTHER, 0755 },
	{ "home/venv", NULL, OTHER, 0755 },
	{ "home/roots", NULL, 0, 0755 },
	{ "home/link", "TOP/roots/venv", OTHER, 0 },
	{ "home/current", "venv", OTHER, 0 },
};

static void full(const char *path, char to[PATH_MAX])
{
	snprintf(to, PATH_MAX, "%s/%s", top, path);
}

static bool is_root(void)
{
	if (geteuid() != 0)
		unit_skip("needs root: owners are given away");
	return geteuid() == 0;
}

static void plant(void)
{
	char path[PATH_MAX], target[PATH_MAX];

	if (!is_root())
		return;
	umask(0);
	REQUIRE(mkdtemp(top));
	REQUIRE_INT(chmod(top, 0755), 0);
	for (size_t i = 0; i < ARRAY_SIZE(tree); i++) {
		const char *link = tree[i].link;

		full(tree[i].path, path);
		if (link && strncmp(link, "TOP/", 4) == 0)
			full(link + 4, target);
		else
			snprintf(target, sizeof(target), "%s", link ?: "");
		REQUIRE_INT(link ? symlink(target, path) : mkdir(path, tree[i].mode), 0);
		REQUIRE_INT(lchown(path, tree[i].uid, tree[i].uid), 0);
	}
}

static void uproot(void)
{
	char path[PATH_MAX];

	if (!is_root())
		return;
	for (size_t i = ARRAY_SIZE(tree); i-- > 0;) {
		full(tree[i].path, path);
		if (unlink(path))
			rmdir(path);
	}
	rmdir(top);
}

static void ways(void)
{
	static const struct {
		const char *path;
		uid_t last;
		int err;
		const char *place;
	} rows[] = {
		{ "roots/venv", 0, 0, "" },
		{ "roots/venv/", 0, 0, "" },
		{ "roots/link", 0, 0, "" },
		{ "roots/absolute", 0, 0, "" },
		{ "roots/users", 0, -EPERM, "/roots/users: " },
		{ "roots/users", OTHER, 0, "" },
		{ "roots/open", 0, -EPERM, "/roots/open: " },
		{ "roots/open/venv", 0, -EPERM, "/roots/open: " },
		{ "roots/sticky", 0, -EPERM, "/roots/sticky: " },
		{ "roots/sticky/venv", 0, 0, "" },
		{ "roots/up", 0, -EPERM, "/home: " },
		{ "roots/loop", 0, -ELOOP, "" },
		{ "roots/none", 0, -ENOENT, "" },
		{ "home/roots", 0, -EPERM, "/home: " },
		{ "home/roots", OTHER, -EPERM, "/home: " },
		{ "home/link", OTHER, -EPERM, "/home: " },
	};

	if (geteuid() != 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(8192);
		char path[PATH_MAX];

		unit_begin("%s as the last of %u", rows[i].path, rows[i].last);
		full(rows[i].path, path);
		EXPECT_INT(update_way_check(path, rows[i].last, &why), rows[i].err);
		EXPECT_HAS(buf_str(&why), rows[i].place);
	}
}

/* What it is exchanged for is the user's: nobody's else may be. */
static void environments(void)
{
	static const struct {
		const char *path;
		uid_t user;
		int err;
		const char *why;
	} rows[] = {
		{ "home/venv", OTHER, 0, "" },
		{ "home/current", OTHER, 0, "" },
		{ "roots/users", OTHER, 0, "" },
		{ "roots/link", OTHER, 0, "" },
		{ "home/link", OTHER, -EPERM, "a symbolic link" },
		{ "roots/up", OTHER, -EPERM, "a symbolic link" },
		{ "roots/venv", 0, 0, "" },
		{ "roots/link", 0, 0, "" },
		{ "roots/open/venv", 0, -EPERM, "as root" },
		{ "home/roots", 0, -EPERM, "as root" },
	};

	if (geteuid() != 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(8192);
		const struct update_user user = { .as = { .uid = rows[i].user } };
		struct update_environment e;
		char path[PATH_MAX];

		unit_begin("%s of %u", rows[i].path, rows[i].user);
		full(rows[i].path, path);
		EXPECT_INT(update_environment_open(path, "20261126-120000", &user, &why, &e),
			   rows[i].err);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		update_environment_close(&e);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a tree of several owners", plant },
		{ NULL, ways },
		{ NULL, environments },
		{ "is taken away", uproot },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
