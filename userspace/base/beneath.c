/* SPDX-License-Identifier: MIT */
/* Invariant: without openat2(2) each part of a path is opened by its one name in the directory before it, which is held open. */
#include "base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"

/* With O_DIRECTORY a link that is not followed is ENOTDIR, as all that is no directory. */
static int open_part(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd >= 0)
		return fd;
	if (errno != ENOTDIR)
		return -errno;
	return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode) ?
		       -ELOOP :
		       -ENOTDIR;
}

int beneath_walk(int dir_fd, const char *path)
{
	_cleanup_(file_closep) int at = -1;
	char name[NAME_MAX + 1];
	int fd;

	if (*path == '/')
		return -EXDEV;
	if (!*path)
		return -ENOENT;
	at = open_part(dir_fd, ".");
	while (at >= 0 && *path) {
		const size_t n = strcspn(path, "/");
		int next;

		if (n > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, path, n);
		name[n] = '\0';
		path += n + strspn(path + n, "/");
		if (strcmp(name, "..") == 0)
			return -EXDEV;
		next = open_part(at, name);
		file_closep(&at);
		at = next;
	}
	if (at < 0)
		return at;
	fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int beneath_open_directory(int dir_fd, const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	long fd = syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	if (fd >= 0)
		return (int)fd;
	/* Filters of system calls say the one or the other. */
	return errno == ENOSYS || errno == EPERM ? beneath_walk(dir_fd, path) : -errno;
}
