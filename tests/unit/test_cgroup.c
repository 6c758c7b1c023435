/* SPDX-License-Identifier: MIT */
/* The cgroup2 root: found by the table of mounts, or mounted privately where there is none. */
#include "unit.h"

#include <linux/capability.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "probe/cgroup.h"

#define OTHERS \
	"22 27 0:21 / /proc rw - proc proc rw\n40 31 0:37 / /sys/fs/cgroup/x rw - cgroup c rw\n"

/* Opens the root by a table with @text in it; the table is gone afterwards. */
static int open_by(const char *text, struct buf *why, int *ret_fd)
{
	char path[] = "/tmp/test_cgroup.XXXXXX";
	int fd = mkstemp(path), err;

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		return -EIO;
	close(fd);
	err = cgroup_open_root_by(path, why, ret_fd);
	unlink(path);
	return err;
}

/* The directory is the root itself: it, and no other, has no cgroup.type. */
static void expect_root(int fd)
{
	struct statfs fs = { 0 };

	EXPECT_INT(fstatfs(fd, &fs), 0);
	EXPECT_INT(fs.f_type, CGROUP2_SUPER_MAGIC);
	EXPECT_INT(faccessat(fd, "cgroup.procs", F_OK, 0), 0);
	EXPECT(faccessat(fd, "cgroup.type", F_OK, 0) != 0);
}

static bool may_mount(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data))
		return false;
	return data[0].effective & (1u << CAP_SYS_ADMIN);
}

static void opens_what_is_mounted(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(10000);
	_cleanup_(file_closep) int fd = -1;
	int err = cgroup_open_root(&why, &fd);

	if (err) {
		unit_skip("no cgroup2 here: %s", buf_str(&why));
		return;
	}
	expect_root(fd);
	EXPECT_STR(buf_str(&why), "");
}

static void mounts_privately(void)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
		{ "without a mount it is mounted privately", OTHERS },
		{ "with an empty table it is mounted privately", "" },
		{ "a mount point that is gone is passed over",
		  OTHERS "41 31 0:38 / /nowhere\\040here rw shared:1 - cgroup2 none rw\n" },
		{ "a mount that is hidden by another is passed over",
		  "41 31 0:38 / /tmp rw,relatime - cgroup2 none rw\n" OTHERS },
		{ "a part of the hierarchy is not taken for the whole",
		  "41 31 0:38 /a.slice /sys/fs/cgroup/unified rw - cgroup2 none rw\n" },
		{ "lines that are none do no harm",
		  "41\n - cgroup2 \n\\\n41 31 0:38 / - cgroup2 x rw" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(10000);
		_cleanup_(file_closep) int fd = -1;

		unit_begin("%s", rows[i].name);
		if (!may_mount()) {
			unit_skip("no CAP_SYS_ADMIN");
			continue;
		}
		EXPECT_INT(open_by(rows[i].text, &why, &fd), 0);
		EXPECT_STR(buf_str(&why), "");
		expect_root(fd);
	}
}

/* Runs @child without privileges; it exits 0 if all was as expected. */
static void without_privileges(int (*child)(void))
{
	int status = -1;
	pid_t pid;

	if (geteuid() != 0) {
		unit_skip("not root, so there is nothing to drop");
		return;
	}
	pid = fork();
	REQUIRE(pid >= 0);
	if (pid == 0)
		_exit(setgid(65534) || setuid(65534) ? 9 : child());
	REQUIRE_INT(waitpid(pid, &status, 0), pid);
	EXPECT(WIFEXITED(status));
	EXPECT_INT(WEXITSTATUS(status), 0);
}

static int child_is_told_why(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(10000);
	int fd = -1;
	int err = open_by(OTHERS "41 31 0:38 / /nowhere rw - cgroup2 none rw\n", &why, &fd);

	if (err != -EPERM || fd != -1)
		return 1;
	if (!strstr(buf_str(&why), "mounted on /nowhere, which cannot be opened: No such file"))
		return 2;
	return strstr(buf_str(&why), "CAP_SYS_ADMIN: run isamon as root") ? 0 : 3;
}

static void explains_lack_of_privileges(void)
{
	without_privileges(child_is_told_why);
}

static int child_gets_the_part(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(10000), real = BUF_INIT(1 << 20);
	_cleanup_(buf_done) struct buf table = BUF_INIT(10000);
	const char *line;
	int fd = -1;

	if (file_read("/proc/self/mountinfo", &real))
		return 4;
	line = strstr(buf_str(&real), " - cgroup2 ");
	if (!line)
		return 0; /* nothing to try it with */
	while (line > real.data && line[-1] != '\n')
		line--;
	for (int field = 0; field < 4; field++)
		line = strchr(line, ' ') + 1;
	buf_printf(&table, "41 31 0:38 /a.slice %.*s rw - cgroup2 none rw\n",
		   (int)strcspn(line, " "), line);
	if (open_by(buf_str(&table), &why, &fd) || fd < 0)
		return 1;
	close(fd);
	return strstr(buf_str(&why), "Only the part /a.slice") ? 0 : 2;
}

static void takes_a_part_at_last(void)
{
	without_privileges(child_gets_the_part);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "the mounted root is found", opens_what_is_mounted },
		{ NULL, mounts_privately },
		{ "without privileges it says what is missing", explains_lack_of_privileges },
		{ "where nothing else is possible a part is taken, and said so",
		  takes_a_part_at_last },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
