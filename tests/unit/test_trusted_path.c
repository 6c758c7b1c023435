/* SPDX-License-Identifier: MIT */
/* Which links are followed, and what is opened at all. */
#include "logs/trusted_path.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "store_fixture.h"

static char top[200];

static const char *in(const char *name)
{
	static char paths[4][300];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, 300, "%s/%s", top, name);
	return path;
}

static void put(const char *name, const char *text)
{
	int fd = open(in(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	EXPECT(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static int try_open(const char *path, const char *expected)
{
	struct stat st = { 0 };
	char text[16] = "";
	int fd = -1, err;

	err = trusted_path_open(path, &fd, &st);
	if (err)
		return err;
	EXPECT(read(fd, text, sizeof(text) - 1) >= 0);
	EXPECT_STR(text, expected);
	EXPECT_UINT(st.st_size, strlen(expected));
	EXPECT(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	close(fd);
	return 0;
}

/* As above; and what the directory says of it. */
static int try_dir(const char *dir, const char *name, const char *expected)
{
	_cleanup_(trusted_dir_done) struct trusted_dir d = { .fd = -1 };
	struct stat seen = { 0 };
	char path[PATH_MAX];
	int err;

	err = trusted_dir_open(dir, &d);
	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	err = try_open(path, expected);
	EXPECT_INT(trusted_dir_stat(&d, dir, name, &seen), err);
	if (!err)
		EXPECT_UINT(seen.st_size, strlen(expected));
	return err;
}

static bool make_top(const char *where)
{
	snprintf(top, sizeof(top), "%s/test_trusted.XXXXXX", where);
	return mkdtemp(top) != NULL;
}

static const char *tmp(void)
{
	return getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
}

static void plain(void)
{
	REQUIRE(make_top(tmp()));
	mkdir(in("d"), 0777);
	put("d/f", "text");
	EXPECT_INT(try_open(in("d/f"), "text"), 0);
	EXPECT_INT(try_open(in("d//./../d/f"), "text"), 0);
	EXPECT_INT(try_dir(in("d"), "f", "text"), 0);
	EXPECT_INT(try_open(in("d/missing"), ""), -ENOENT);
	EXPECT_INT(try_open(in("d/f/x"), ""), -ENOTDIR);
	EXPECT_INT(try_open(in("d"), ""), -EISDIR);
	EXPECT_INT(try_dir(in("d/f"), "x", ""), -ENOTDIR);
	EXPECT_INT(try_open("d/f", ""), -EINVAL);
	remove_tree(top);
}

/* Nothing is waited for, and no device is opened. */
static void no_regular_file(void)
{
	REQUIRE(make_top(tmp()));
	mkfifo(in("fifo"), 0644);
	EXPECT_INT(try_open(in("fifo"), ""), -ESPIPE);
	EXPECT_INT(try_dir(top, "fifo", ""), -ESPIPE);
	EXPECT_INT(try_open("/dev/null", ""), -ESPIPE);
	EXPECT_INT(try_dir("/dev", "null", ""), -ESPIPE);
	remove_tree(top);
}

/* A directory in which others may write, too. */
static void strange_links(void)
{
	REQUIRE(make_top(tmp()));
	mkdir(in("d"), 0755);
	chmod(in("d"), 0777);
	mkdir(in("d/e"), 0755);
	put("secret", "secret");
	put("d/e/f", "text");
	EXPECT(!symlink("../secret", in("d/file")));
	EXPECT(!symlink(in("secret"), in("d/absolute")));
	EXPECT(!symlink("..", in("d/up")));
	EXPECT(!symlink("../../secret", in("d/e/below")));
	EXPECT_INT(try_open(in("d/file"), ""), -ELOOP);
	EXPECT_INT(try_open(in("d/absolute"), ""), -ELOOP);
	EXPECT_INT(try_open(in("d/up/secret"), ""), -ELOOP);
	/* Its own directory is fine, but not the one above. */
	EXPECT_INT(try_open(in("d/e/below"), ""), -ELOOP);
	EXPECT_INT(try_dir(in("d"), "file", ""), -ELOOP);
	EXPECT_INT(try_dir(in("d/up"), "secret", ""), -ELOOP);
	EXPECT_INT(try_open(in("d/e/f"), "text"), 0);
	remove_tree(top);
}

static void trusted_links(void)
{
	if (geteuid() != 0 || !make_top("/run")) {
		unit_skip("it takes root to have a directory of which all above are root's");
		return;
	}
	chmod(top, 0755);
	mkdir(in("d"), 0755);
	mkdir(in("loose"), 0755);
	chmod(in("loose"), 0777);
	put("d/f", "text");
	EXPECT(!symlink("d/f", in("relative")));
	EXPECT(!symlink(in("d"), in("directory")));
	EXPECT(!symlink("relative", in("twice")));
	EXPECT(!symlink("itself", in("itself")));
	EXPECT(!symlink("../d/f", in("loose/f")));
	EXPECT(!symlink("loose/f", in("to_loose")));
	EXPECT_INT(try_open(in("relative"), "text"), 0);
	EXPECT_INT(try_open(in("directory/f"), "text"), 0);
	EXPECT_INT(try_open(in("twice"), "text"), 0);
	EXPECT_INT(try_dir(top, "relative", "text"), 0);
	EXPECT_INT(try_dir(in("directory"), "f", "text"), 0);
	EXPECT_INT(try_open(in("itself"), ""), -ELOOP);
	EXPECT_INT(try_open(in("to_loose"), ""), -ELOOP);
	/* The same, when the directory is somebody else's. */
	EXPECT(!chown(top, 65534, 65534));
	EXPECT_INT(try_open(in("relative"), ""), -ELOOP);
	EXPECT_INT(try_dir(top, "relative", ""), -ELOOP);
	remove_tree(top);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "plain paths", plain },
		{ "only regular files", no_regular_file },
		{ "links where others may write are not followed", strange_links },
		{ "links where only root may write are", trusted_links },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
