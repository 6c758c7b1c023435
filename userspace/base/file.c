/* SPDX-License-Identifier: MIT */
/* Files: read one whole, write all, make directories, lock. Descriptors are closed on every path. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/number.h"

void file_closep(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static int fd_read(int fd, struct buf *ret)
{
	for (;;) {
		char piece[4096];
		ssize_t n = read(fd, piece, sizeof(piece));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		if (buf_add(ret, piece, (size_t)n))
			return ret->err;
	}
}

int file_read(const char *path, struct buf *ret)
{
	struct stat st;

	return file_read_stat(path, ret, &st);
}

int file_read_stat(const char *path, struct buf *ret, struct stat *ret_stat)
{
	_cleanup_(file_closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t before = ret->len;
	struct stat st;
	int err;

	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))
		return -ESPIPE; /* it might never end */
	if (ret->err)
		return ret->err;
	err = fd_read(fd, ret);
	if (err) {
		ret->err = 0;
		ret->len = before;
		if (ret->data)
			ret->data[before] = '\0';
	}
	*ret_stat = st;
	return err;
}

/* Of what pwrite(2) or write(2) returned: 0, or -errno, also for nothing. */
static int piece_err(ssize_t put)
{
	return put > 0 || (put < 0 && errno == EINTR) ? 0 : put < 0 ? -errno : -EIO;
}

int file_write(int fd, const void *bytes, size_t n)
{
	const char *at = bytes;
	int err = 0;

	while (n && !err) {
		ssize_t put = write(fd, at, n);

		err = piece_err(put);
		at += put > 0 ? put : 0;
		n -= put > 0 ? (size_t)put : 0;
	}
	return err;
}

int file_write_at(int fd, const void *bytes, size_t n, uint64_t offset)
{
	const char *at = bytes;
	int err = 0;

	while (n && !err) {
		ssize_t put = pwrite(fd, at, n, (off_t)offset);

		err = piece_err(put);
		if (put <= 0)
			continue;
		at += put;
		n -= (size_t)put;
		offset += (uint64_t)put;
	}
	return err;
}

static int directory_make_one(const char *path, mode_t mode)
{
	struct stat st;

	if (mkdir(path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_make_directory(const char *path, mode_t mode)
{
	char part[PATH_MAX];
	size_t n = strlen(path);
	int err;

	if (n == 0)
		return -ENOENT;
	if (n >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, path, n + 1);
	for (size_t i = 1; i < n; i++) {
		if (part[i] != '/')
			continue;
		part[i] = '\0';
		err = directory_make_one(part, mode);
		if (err)
			return err;
		part[i] = '/';
	}
	return directory_make_one(part, mode);
}

static pid_t lock_holder(int fd)
{
	char text[24] = "";
	uint64_t pid;

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return number_parse_u64(text, 1, INT_MAX, &pid) ? 0 : (pid_t)pid;
}

/* One that was made by an older isamon lies among secrets, and all could read it. */
static void lock_close_to_others(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077))
		fchmod(fd, 0600);
}

/* What the holder before us wrote may be longer, hence the truncation. */
static int lock_sign(int fd)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	ssize_t done;

	if (ftruncate(fd, 0))
		return -errno;
	done = pwrite(fd, text, (size_t)n, 0);
	if (done < 0)
		return -errno;
	return done == n ? 0 : -EIO;
}

static int lock_file(const char *path, int operation, int *ret_fd, pid_t *ret_holder)
{
	_cleanup_(file_closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int err;

	if (fd < 0)
		return -errno;
	if (flock(fd, operation | LOCK_NB)) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (ret_holder)
			*ret_holder = lock_holder(fd);
		return -EBUSY;
	}
	lock_close_to_others(fd);
	err = lock_sign(fd);
	if (err)
		return err;
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int file_lock(const char *path, int *ret_fd, pid_t *ret_holder)
{
	return lock_file(path, LOCK_EX, ret_fd, ret_holder);
}

int file_lock_shared(const char *path, int *ret_fd, pid_t *ret_holder)
{
	return lock_file(path, LOCK_SH, ret_fd, ret_holder);
}
