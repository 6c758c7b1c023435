/* SPDX-License-Identifier: MIT */
/* The walk through the service's directories finds what was planted there, and nothing else. */
#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "check/audit_tree.h"

static char top[] = "/tmp/test_audit.XXXXXX";

static void put(const char *name, const char *text, mode_t mode)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0 || fchmod(fd, mode))
		FAIL_CASE("%s: %s", path, strerror(errno));
	close(fd);
}

static void make(const char *name, mode_t mode)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	if (mkdir(path, 0700) || chmod(path, mode))
		FAIL_CASE("%s: %s", path, strerror(errno));
}

static void look(const char *name, bool owners, uid_t uid, struct findings *f)
{
	struct audit_tree t = { .user = "u", .uid = uid, .has_user = true, .owners = owners };
	char path[300];

	snprintf(path, sizeof(path), "%s%s%s", top, *name ? "/" : "", name);
	EXPECT_INT(audit_tree_look(&t, path, f), 0);
}

static bool has(const struct findings *f, const char *id, const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->list[i].id, id) == 0 && strcmp(f->list[i].subject, path) == 0)
			return true;
	return false;
}

/* More text than is read is said; what a name tells is found all the same. */
static void tells_what_was_not_read(void)
{
	struct audit_tree t = { .user = "u", .text_bytes = AUDIT_TREE_TEXT_MAX };
	_cleanup_(findings_done) struct findings f = { 0 };
	char path[300];

	make("full", 0755);
	put("full/a.conf", "JWT_SECRET=abcdefghijkl", 0644);
	put("full/b.conf", "JWT_SECRET=abcdefghijkl", 0644);
	put("full/closed.conf", "JWT_SECRET=abcdefghijkl", 0600);
	put("full/.env", "A=b", 0644);
	snprintf(path, sizeof(path), "%s/full", top);
	EXPECT_INT(audit_tree_look(&t, path, &f), 0);
	REQUIRE_UINT(f.n, 2);
	EXPECT(has(&f, "files.secret", "full/.env"));
	EXPECT_STR(f.list[1].id, "files.not-all");
	EXPECT_INT(f.list[1].result, FINDING_UNKNOWN);
	EXPECT_HAS(f.list[1].evidence, "2 files were not looked into for secrets");
}

static void finds_what_was_planted(void)
{
	_cleanup_(findings_done) struct findings f = { 0 };

	make("d", 0755);
	put("d/fine.py", "x = 1\n", 0644);
	put("d/world", "x", 0666);
	make("d/sticky", 01777);
	make("d/open", 0777);
	put("d/set", "x", 04755);
	put("d/a.env", "A=b\n", 0644);
	put("d/b.env", "A=b\n", 0640);
	put("d/c.env", "", 0644);
	put("d/config.toml", "JWT_SECRET = \"0123456789abcdef\"\n", 0644);
	put("d/site.pem", "-----BEGIN CERTIFICATE-----\n", 0644);
	put("d/both.pem", "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n", 0644);
	make("d/closed", 0750);
	put("d/closed/d.env", "A=b\n", 0644);
	make("d/.aws", 0755);
	put("d/.aws/credentials", "x", 0644);
	look("d", true, geteuid(), &f);
	EXPECT(has(&f, "files.world-writable", "d/world"));
	EXPECT(has(&f, "files.world-writable", "d/open"));
	EXPECT(has(&f, "files.setuid", "d/set"));
	EXPECT(has(&f, "files.secret", "d/a.env"));
	EXPECT(has(&f, "files.secret", "d/config.toml"));
	EXPECT(has(&f, "files.secret", "d/both.pem"));
	EXPECT(has(&f, "files.secret", "d/.aws/credentials"));
	EXPECT_UINT(f.n, 7);
	for (size_t i = 0; i < f.n; i++)
		EXPECT(!strstr(f.list[i].evidence, "0123456789abcdef"));
}

static void quotes_names_for_shells(void)
{
	_cleanup_(findings_done) struct findings f = { 0 };
	char expected[400];

	make("q", 0755);
	put("q/x; echo 'hi'", "x", 0666);
	look("q", true, geteuid(), &f);
	snprintf(expected, sizeof(expected), "chmod o-w '%s/q/x; echo '\\''hi'\\'''", top);
	REQUIRE(f.n == 1);
	EXPECT_STR(f.list[0].remedy, expected);
}

static void names_owners(void)
{
	_cleanup_(findings_done) struct findings f = { 0 };

	if (geteuid() != 0) {
		unit_skip("needs root");
		return;
	}
	make("o", 0755);
	put("o/mine", "x", 0600);
	put("o/theirs", "x", 0600);
	put("o/strange", "x", 0600);
	{
		char path[300];

		snprintf(path, sizeof(path), "%s/o/theirs", top);
		EXPECT_INT(chown(path, 12345, 0), 0);
		snprintf(path, sizeof(path), "%s/o/strange", top);
		EXPECT_INT(chown(path, 54321, 0), 0);
	}
	look("o", true, 12345, &f);
	EXPECT_UINT(f.n, 1);
	EXPECT(has(&f, "files.owner", "o/strange"));
	findings_done(&f);
	look("o", false, 12345, &f);
	EXPECT_UINT(f.n, 0);
}

static void is_not_led_away(void)
{
	_cleanup_(findings_done) struct findings f = { 0 };
	char path[300];

	make("l", 0755);
	make("away", 0755);
	put("away/x.env", "A=b\n", 0644);
	snprintf(path, sizeof(path), "%s/l/link", top);
	EXPECT_INT(symlink("../away", path), 0);
	snprintf(path, sizeof(path), "%s/l/x.env", top);
	EXPECT_INT(symlink("../away/x.env", path), 0);
	snprintf(path, sizeof(path), "%s/l/fifo.key", top);
	EXPECT_INT(mkfifo(path, 0644), 0);
	look("l", true, geteuid(), &f);
	EXPECT_UINT(f.n, 0);
	look("nowhere", true, geteuid(), &f);
	EXPECT_UINT(f.n, 0);
}

static void says_how_many_more(void)
{
	_cleanup_(findings_done) struct findings f = { 0 };

	make("many", 0755);
	for (int i = 0; i < AUDIT_TREE_EACH_MAX + 7; i++) {
		char name[40];

		snprintf(name, sizeof(name), "many/%d", i);
		put(name, "x", 0666);
	}
	look("many", true, geteuid(), &f);
	REQUIRE_UINT(f.n, AUDIT_TREE_EACH_MAX + 1);
	EXPECT_HAS(f.list[AUDIT_TREE_EACH_MAX].evidence, "and 7 more below ");
}

static void deep_ones_end(void)
{
	_cleanup_(findings_done) struct findings f = { 0 };
	char name[300] = "deep";

	for (int i = 0; i < 40; i++) {
		make(name, 0755);
		strncat(name, "/d", sizeof(name) - strlen(name) - 1);
	}
	look("deep", true, geteuid(), &f);
	REQUIRE_UINT(f.n, 1);
	EXPECT_INT((int)f.list[0].result, FINDING_UNKNOWN);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "finds what was planted", finds_what_was_planted },
		{ "tells what was not read", tells_what_was_not_read },
		{ "names are quoted for shells", quotes_names_for_shells },
		{ "names owners", names_owners },
		{ "is not led away by links, nor held up by a FIFO", is_not_led_away },
		{ "says how many more there are", says_how_many_more },
		{ "a tree that is too deep comes to an end, and it is said", deep_ones_end },
	};
	int status;

	umask(0022);
	if (!mkdtemp(top) || chmod(top, 0755))
		return 1;
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return status;
}
