/* SPDX-License-Identifier: MIT */
/*
 * Removes trees. Invariant: nothing is followed and nothing that is mounted is gone into; each directory is opened by one name in one
 * that is open. What lies deeper than DEPTH_MAX is brought to the top first, so that descriptors do not run out.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "care/restore_impl.h"

#define DEPTH_MAX 100
#define ROUNDS_MAX 10000

struct removal {
	int top_fd;
	unsigned int n_raised; /* directories that were brought to the top */
};

static void close_dirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* A file system without the attribute is told by its device. */
int restore_is_mount(int dir_fd, const char *name, bool *ret)
{
	struct statx above, st;

	if (statx(dir_fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &above) ||
	    statx(dir_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &st))
		return -errno;
	*ret = above.stx_dev_major != st.stx_dev_major || above.stx_dev_minor != st.stx_dev_minor ||
	       (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
	return 0;
}

/* Without CAP_DAC_OVERRIDE modes count for root, too. By a descriptor: what has the name may change. */
static int let_in(int dir_fd, const char *name)
{
	_cleanup_(file_closep) int fd =
		openat(dir_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return fd < 0 || chmod(path, 0700) ? -errno : 0;
}

static int open_directory(int dir_fd, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir_fd, name, flags);
	struct stat st;

	if (fd < 0 && errno == EACCES && let_in(dir_fd, name) == 0)
		fd = openat(dir_fd, name, flags);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700)
		fchmod(fd, 0700);
	return fd;
}

static int empty(struct removal *m, int fd, unsigned int depth);

static int raise_one(struct removal *m, int dir_fd, const char *name)
{
	char to[40];

	do {
		snprintf(to, sizeof(to), ".isamon-raised-%u", m->n_raised++);
	} while (faccessat(m->top_fd, to, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
	return renameat(dir_fd, name, m->top_fd, to) ? -errno : 0;
}

static int remove_directory(struct removal *m, int dir_fd, const char *name, unsigned int depth)
{
	_cleanup_(file_closep) int fd = -1;
	bool mounted = false;
	int err = restore_is_mount(dir_fd, name, &mounted);

	if (err || mounted)
		return err ? err : -EBUSY;
	if (depth >= DEPTH_MAX)
		return raise_one(m, dir_fd, name);
	fd = open_directory(dir_fd, name);
	if (fd < 0)
		return fd;
	err = empty(m, fd, depth + 1);
	if (err)
		return err;
	RESTORE_STEP();
	return unlinkat(dir_fd, name, AT_REMOVEDIR) ? -errno : 0;
}

/* @fd stays the caller's. */
static int empty(struct removal *m, int fd, unsigned int depth)
{
	_cleanup_(close_dirp) DIR *d = NULL;
	int err = 0, again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (again < 0)
		return -errno;
	d = fdopendir(again);
	if (!d) {
		err = -errno;
		close(again);
		return err;
	}
	while (!err) {
		const struct dirent *e;

		errno = 0;
		e = readdir(d);
		if (!e)
			return -errno;
		if (is_dots(e->d_name))
			continue;
		RESTORE_STEP();
		if (unlinkat(fd, e->d_name, 0) == 0 || errno == ENOENT)
			continue;
		err = errno == EISDIR || errno == EPERM ? -EISDIR : -errno;
		if (err == -EISDIR)
			err = remove_directory(m, fd, e->d_name, depth);
	}
	return err;
}

int restore_remove_tree(int dir_fd, const char *name)
{
	_cleanup_(file_closep) int fd = -1;
	struct removal m = { .n_raised = 0 };
	bool mounted = false;
	int err = restore_is_mount(dir_fd, name, &mounted);

	if (err || mounted)
		return err == -ENOENT ? 0 : err ? err : -EBUSY;
	fd = open_directory(dir_fd, name);
	if (fd < 0)
		return fd;
	m.top_fd = fd;
	/* What was brought to the top may have come behind the reading. */
	for (int i = 0; i < ROUNDS_MAX; i++) {
		err = empty(&m, fd, 0);
		if (err)
			return err;
		RESTORE_STEP();
		if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
	}
	return -ENOTEMPTY;
}
