/* SPDX-License-Identifier: MIT */
/* Owners and modes: what is wrong by kind of tree, and that exactly that is changed. */
#include "unit.h"

#include "nomem.h"

#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#include "check/fix_tree.c"
#include "check/tree.c"

#define OTHER 4242

static struct child_user user = { .uid = 1, .gid = 1 };

static void judges(void)
{
	static const struct {
		const char *name, *path;
		enum tree_kind kind;
		mode_t mode;
		uid_t uid;
		gid_t gid;
		unsigned int wrong;
		mode_t want;
		gid_t group; /* that it should have; 0: not looked at */
	} rows[] = {
		{ "data of the user", "x", TREE_DATA, S_IFREG | 0644, 1, 1, 0, 0, 0 },
		{ "data of root", "x", TREE_DATA, S_IFREG | 0644, 0, 0, TREE_OWNER, 0644, 0 },
		{ "data of another group", "x", TREE_DATA, S_IFREG | 0644, 1, 0, TREE_OWNER, 0644,
		  0 },
		{ "data that all may write", "x", TREE_DATA, S_IFREG | 0666, 1, 1, TREE_WRITABLE,
		  0664, 0 },
		{ "a directory of data that all may write", "x", TREE_DATA, S_IFDIR | 01777, 1, 1,
		  TREE_WRITABLE, 01775, 0 },
		{ "a closed directory of data", "x", TREE_DATA, S_IFDIR | 0500, 1, 1, TREE_CLOSED,
		  0700, 0 },
		{ "a file that is read only", "x", TREE_DATA, S_IFREG | 0400, 1, 1, 0, 0, 0 },
		{ "a symbolic link", "x", TREE_DATA, S_IFLNK | 0777, 0, 0, 0, 0, 0 },
		{ "a socket", "x", TREE_DATA, S_IFSOCK | 0777, 0, 0, 0, 0, 0 },
		{ "the directory of logs, root's", ".", TREE_LOGS, S_IFDIR | 0755, 0, 0, TREE_OWNER,
		  0755, 0 },
		{ "a log of root", "x.log", TREE_LOGS, S_IFREG | 0644, 0, 0, 0, 0, 0 },
		{ "a log of somebody else", "x.log", TREE_LOGS, S_IFREG | 0644, OTHER, 1,
		  TREE_OWNER, 0644, 0 },
		{ "a log of root that the user writes as one of all", "x.log", TREE_LOGS,
		  S_IFREG | 0666, 0, 0, TREE_OWNER | TREE_WRITABLE, 0664, 1 },
		{ "a log of root that all may write, the user by its group", "x.log", TREE_LOGS,
		  S_IFREG | 0666, 0, 1, TREE_WRITABLE, 0664, 1 },
		{ "somebody's program that is to run as who owns it", "x", TREE_LOGS,
		  S_IFREG | 06777, OTHER, OTHER, TREE_OWNER | TREE_WRITABLE, 0775, 1 },
		{ "a directory that hands its group on", "x", TREE_DATA, S_IFDIR | 02755, 0, 0,
		  TREE_OWNER, 02755, 1 },
		{ "a backup that all may read", "x.tar.gz", TREE_BACKUPS, S_IFREG | 0644, 0, 0,
		  TREE_READABLE, 0640, 0 },
		{ "a backup", "x.tar.gz", TREE_BACKUPS, S_IFREG | 0600, 0, 0, 0, 0, 0 },
		{ "the directory of backups", ".", TREE_BACKUPS, S_IFDIR | 0755, 0, 0, 0, 0, 0 },
		{ "secrets that all may read", "a/x.env", TREE_CONFIG, S_IFREG | 0644, 0, 1,
		  TREE_READABLE, 0640, 0 },
		{ "secrets of root that the user reads as one of all", ".env", TREE_CONFIG,
		  S_IFREG | 0604, 0, 0, TREE_READABLE, 0640, 1 },
		{ "secrets", ".env", TREE_CONFIG, S_IFREG | 0640, 0, 1, 0, 0, 0 },
		{ "secrets that the group may write", ".env", TREE_CONFIG, S_IFREG | 0660, 0, 1,
		  TREE_READABLE, 0640, 0 },
		{ "configuration without secrets", "x.toml", TREE_CONFIG, S_IFREG | 0644, 0, 0, 0,
		  0, 0 },
		{ "code of root", "x.py", TREE_CODE, S_IFREG | 0644, 0, 0, 0, 0, 0 },
		{ "code that all may write", "x.py", TREE_CODE, S_IFREG | 0646, 0, 0, TREE_WRITABLE,
		  0644, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stat st = { .st_mode = rows[i].mode,
				   .st_uid = rows[i].uid,
				   .st_gid = rows[i].gid };
		struct tree_item item;
		bool wrong;

		unit_begin("%s", rows[i].name);
		wrong = tree_judge(rows[i].kind, rows[i].path, &st, &user, &item);
		EXPECT_INT(wrong, rows[i].wrong != 0);
		EXPECT_UINT(item.wrong, rows[i].wrong);
		if (!wrong)
			continue;
		EXPECT_UINT(item.mode, rows[i].want);
		if (rows[i].group)
			EXPECT_UINT(item.gid, rows[i].group);
		st.st_mode = (rows[i].mode & S_IFMT) | item.mode;
		st.st_uid = item.uid;
		st.st_gid = item.gid;
		EXPECT(!tree_judge(rows[i].kind, rows[i].path, &st, &user, &item));
	}
}

/* --- changes, as root */

static char top[] = "/tmp/test-tree.XXXXXX";

static void put(const char *name, mode_t mode, uid_t owner)
{
	char path[200];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || fchown(fd, owner, owner) || fchmod(fd, mode))
		FAIL_CASE("%s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static struct stat look(const char *name)
{
	struct stat st = { .st_uid = 99999 };
	char path[200];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	if (lstat(path, &st))
		FAIL_CASE("%s: %s", path, strerror(errno));
	return st;
}

static int forget(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	(void)f;
	return remove(path);
}

static void make(struct config *c, char *name_of_user)
{
	char path[200], other[200];

	snprintf(top, sizeof(top), "/tmp/test-tree.XXXXXX");
	REQUIRE(mkdtemp(top));
	REQUIRE_INT(chown(top, 1, 1), 0);
	put("good", 0644, 1);
	put("roots", 0644, 0);
	put("open", 0666, 1);
	put("named", 0644, 0);
	snprintf(path, sizeof(path), "%s/named", top);
	snprintf(other, sizeof(other), "%s/named-twice", top);
	REQUIRE_INT(link(path, other), 0);
	put("swapped", 0644, 0);
	snprintf(path, sizeof(path), "%s/link", top);
	REQUIRE_INT(symlink("/etc/passwd", path), 0);
	c->backup_data = top;
	c->app_user = name_of_user;
}

static void changes_what_was_seen(void)
{
	static char none[] = "none", empty[] = "", name[] = "daemon";
	struct config c = { .backup_data = none,
			    .app_logs = none,
			    .backup_directory = none,
			    .backup_config = none,
			    .app_directory = none,
			    .app_venv = none,
			    .app_group = empty };
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000), said = BUF_INIT(1000),
				       plan = BUF_INIT(4000);
	struct fix x = { .config = &c, .top_fd = -1 };
	char path[200];

	if (geteuid() != 0) {
		unit_skip("only root can give files away");
		return;
	}
	make(&c, name);
	EXPECT_INT(fix_plan_tree(&x, "/nowhere", &why), -EINVAL);
	buf_reset(&why);
	REQUIRE_INT(fix_plan_tree(&x, top, &why), 0);
	EXPECT_UINT(x.n, 3);
	fix_describe(&x, 10, &plan);
	EXPECT_STR(buf_str(&plan), "  open  0666 -> 0664\n  roots  root:root -> daemon:daemon\n"
				   "  swapped  root:root -> daemon:daemon\n");
	buf_reset(&plan);
	fix_describe(&x, 2, &plan);
	EXPECT_STR(buf_str(&plan), "  open  0666 -> 0664\n  ... and 2 more\n");
	/* Another file has taken the place of one that was seen. */
	snprintf(path, sizeof(path), "%s/swapped", top);
	REQUIRE_INT(unlink(path), 0);
	REQUIRE_INT(symlink("/etc/shadow", path), 0);
	EXPECT(x.apply(&x, &said, &why) != 0);
	EXPECT_STR(buf_str(&said), "2 of 3 changed");
	EXPECT_HAS(buf_str(&why), "swapped: ");
	EXPECT_UINT(look("roots").st_uid, 1);
	EXPECT_UINT(look("roots").st_gid, 1);
	EXPECT_UINT(look("open").st_mode & 07777, 0664);
	EXPECT_UINT(look("named").st_uid, 0);
	EXPECT_UINT(look("good").st_mode & 07777, 0644);
	for (size_t i = 0; i < x.n; i++)
		free(x.items[i].path);
	free(x.items);
	close(x.top_fd);
	nftw(top, forget, 8, FTW_DEPTH | FTW_PHYS);
}

/* A database in /var/lib makes that the directory of the data; nobody wants /var/lib given to the service. */
static void spares_the_system(void)
{
	static const struct {
		const char *path;
		bool is;
	} rows[] = {
		{ "/", true },
		{ "/var/lib", true },
		{ "/var/lib/", true },
		{ "/var/../etc//", true },
		{ "/var/lib/shop", false },
		{ "/opt/shop", false },
		{ "/opt/none/..", false },
	};
	static char none[] = "none", empty[] = "", name[] = "daemon", data[] = "/var/lib";
	const struct config c = { .backup_data = data,
				  .app_logs = none,
				  .backup_directory = none,
				  .backup_config = none,
				  .app_directory = none,
				  .app_venv = none,
				  .app_user = name,
				  .app_group = empty };
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct fix x = { .config = &c, .top_fd = -1 };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (tree_is_of_system(rows[i].path) != rows[i].is)
			FAIL_CASE("%s: not %d", rows[i].path, rows[i].is);
	EXPECT_INT(fix_plan_tree(&x, data, &why), -EINVAL);
	EXPECT_HAS(buf_str(&why), "/var/lib is a directory of the system");
}

static void follows_no_link(void)
{
	char path[200];

	snprintf(top, sizeof(top), "/tmp/test-tree.XXXXXX");
	REQUIRE(mkdtemp(top));
	snprintf(path, sizeof(path), "%s/link", top);
	REQUIRE_INT(symlink("/etc", path), 0);
	EXPECT_INT(tree_open(path), -ELOOP);
	snprintf(path, sizeof(path), "%s/none", top);
	EXPECT_INT(tree_open(path), -ENOENT);
	nftw(top, forget, 8, FTW_DEPTH | FTW_PHYS);
}

static int stop(const char *path, const struct stat *st, const struct tree_item *item, void *ctx)
{
	(void)path;
	(void)st;
	(void)item;
	++*(unsigned int *)ctx;
	return 0;
}

static void keeps_to_its_limits(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct tree_limits limits = { .max = 3 }, late = { .end_ns = 1 };
	int fd = tree_open("/etc");
	unsigned int n = 0;

	REQUIRE(fd >= 0);
	EXPECT_INT(tree_walk(fd, TREE_DATA, &user, &limits, stop, &n, &why), 0);
	EXPECT(limits.reached);
	EXPECT(n <= 3);
	EXPECT_INT(tree_walk(fd, TREE_DATA, &user, &late, stop, &n, &why), 0);
	EXPECT(late.reached);
	close(fd);
}

static void plans_without_memory(void)
{
	const struct stat st = { .st_mode = S_IFREG | 0644, .st_nlink = 1 };
	const struct tree_item want = { .uid = 1 };

	for (unsigned int n = 1; nomem_again(n); n++) {
		struct fix x = { .top_fd = -1 };
		int err = add("x", &st, &want, &x);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
		for (size_t i = 0; i < x.n; i++)
			free(x.items[i].path);
		free(x.items);
	}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, judges },
		{ "what was seen is changed, and nothing that took its place",
		  changes_what_was_seen },
		{ "a directory of the system is nobody's", spares_the_system },
		{ "the way to a tree has no symbolic link", follows_no_link },
		{ "a walk keeps to its limits", keeps_to_its_limits },
		{ "memory that runs out is told", plans_without_memory },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
