/* SPDX-License-Identifier: MIT */
/* Directories through no symbolic link: with openat2(2), without it, and where a filter of system calls refuses it. */
#include "unit.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/file.h"

static char top[] = "/tmp/test_beneath.XXXXXX";
static int top_fd = -1;

static void make(void)
{
	REQUIRE(mkdtemp(top));
	top_fd = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	REQUIRE(top_fd >= 0);
	REQUIRE_INT(mkdirat(top_fd, "a", 0755), 0);
	REQUIRE_INT(mkdirat(top_fd, "a/b", 0755), 0);
	REQUIRE_INT(mkdirat(top_fd, "a/b/c", 0755), 0);
	REQUIRE_INT(symlinkat("b", top_fd, "a/link"), 0);
	REQUIRE_INT(symlinkat("/etc", top_fd, "a/out"), 0);
	REQUIRE_INT(mknodat(top_fd, "a/file", S_IFREG | 0644, 0), 0);
}

static void unmake(void)
{
	static const char *const files[] = { "a/link", "a/out", "a/file" }, *const directories[] = {
		"a/b/c", "a/b", "a"
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		EXPECT_INT(unlinkat(top_fd, files[i], 0), 0);
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
		EXPECT_INT(unlinkat(top_fd, directories[i], AT_REMOVEDIR), 0);
	close(top_fd);
	EXPECT_INT(rmdir(top), 0);
}

/* 0 if it is @same, and can be read; or its error. */
static int open_as(int (*fn)(int dir_fd, const char *path), const char *path, const char *same)
{
	_cleanup_(file_closep) int fd = fn(top_fd, path);
	struct stat is, wanted;

	if (fd < 0)
		return fd;
	if (!same || fstat(fd, &is) || fstatat(top_fd, same, &wanted, 0))
		return -ENODATA;
	if (fcntl(fd, F_GETFD) != FD_CLOEXEC || fcntl(fd, F_GETFL) & O_PATH)
		return -EBADFD;
	return is.st_dev == wanted.st_dev && is.st_ino == wanted.st_ino ? 0 : -ESTALE;
}

static void opens_and_refuses(const char *how, int (*fn)(int dir_fd, const char *path))
{
	static const struct {
		const char *path, *same;
		int err;
	} table[] = {
		{ ".", ".", 0 },
		{ "a", "a", 0 },
		{ "a/", "a", 0 },
		{ "a//b/./", "a/b", 0 },
		{ "./a/b/c", "a/b/c", 0 },
		{ "", NULL, -ENOENT },
		{ "x", NULL, -ENOENT },
		{ "a/x/b", NULL, -ENOENT },
		{ "a/file", NULL, -ENOTDIR },
		{ "a/file/x", NULL, -ENOTDIR },
		{ "a/link", NULL, -ELOOP },
		{ "a/link/c", NULL, -ELOOP },
		{ "a/out/ssh", NULL, -ELOOP },
		{ "/etc", NULL, -EXDEV },
		{ "..", NULL, -EXDEV },
		{ "a/../..", NULL, -EXDEV },
	};
	char longest[NAME_MAX + 2];

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		unit_begin("%s: %s", how, table[i].path);
		EXPECT_INT(open_as(fn, table[i].path, table[i].same), table[i].err);
	}
	unit_begin("%s: names and descriptors that cannot be", how);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	EXPECT_INT(open_as(fn, longest, NULL), -ENAMETOOLONG);
	EXPECT_INT(fn(-1, "a"), -EBADF);
}

static void with_openat2(void)
{
	opens_and_refuses("openat2", beneath_open_directory);
}

static void part_by_part(void)
{
	opens_and_refuses("part by part", beneath_walk);
	EXPECT_INT(beneath_walk(top_fd, "a/../a"), -EXDEV);
}

/* As RestrictSUIDSGID= of systemd does it, and as old filters of containers do. */
static bool refuse_openat2(int err)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void without_it(int err)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (!refuse_openat2(err))
			_exit(77);
		_exit(open_as(beneath_open_directory, "a/b", "a/b") == 0 &&
				      open_as(beneath_open_directory, "a/link/c", NULL) == -ELOOP ?
			      0 :
			      1);
	}
	REQUIRE_INT(waitpid(pid, &status, 0), pid);
	EXPECT(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
}

static void where_it_is_refused(void)
{
	without_it(ENOSYS);
	without_it(EPERM);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "with openat2", with_openat2 },
		{ "part by part", part_by_part },
		{ "where a filter refuses openat2", where_it_is_refused },
	};
	int status;

	make();
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	unmake();
	return status;
}
