/* SPDX-License-Identifier: MIT */
/*
 * The log goes first: a file without its log is an older file, a log beside a new file would be
 * foreign to it.
 */
#include "store/set_aside.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/util.h"

#define DAMAGED ".damaged-"

static const char *const tails[] = { "-wal", "-shm", "" };

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* How many are there already; names with a tail belong to one that has none. */
static int count_kept(const char *dir, const char *name)
{
	_cleanup_(dir_closep) DIR *d = opendir(dir);
	char prefix[NAME_MAX + 1];
	struct dirent *e;
	int n = 0, len;

	len = snprintf(prefix, sizeof(prefix), "%s" DAMAGED, name);
	if (!d || len >= (int)sizeof(prefix))
		return 0;
	while ((e = readdir(d))) {
		size_t end = strlen(e->d_name);

		if (strncmp(e->d_name, prefix, (size_t)len) == 0 && e->d_name[end - 1] >= '0' &&
		    e->d_name[end - 1] <= '9')
			n++;
	}
	return n;
}

static int delete_all(const char *path)
{
	char from[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		snprintf(from, sizeof(from), "%s%s", path, tails[i]);
		if (unlink(from) && errno != ENOENT)
			return -errno;
	}
	return 0;
}

/* The first of the names under which nothing is. */
static int name_find(const char *path, struct buf *ret_name)
{
	const time_t now = (time_t)(clock_realtime_ns() / NS_PER_SEC);
	struct tm tm = { 0 };
	char date[32];

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &tm);
	for (int i = 1; i < 1000; i++) {
		buf_reset(ret_name);
		buf_printf(ret_name, "%s" DAMAGED "%s", path, date);
		if (i > 1)
			buf_printf(ret_name, ".%d", i);
		if (ret_name->err)
			return ret_name->err;
		if (access(ret_name->data, F_OK) && errno == ENOENT)
			return 0;
	}
	return -EEXIST;
}

static int rename_all(const char *path, const char *name)
{
	char from[PATH_MAX], to[PATH_MAX];
	bool is_file;

	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		is_file = tails[i][0] == '\0';
		snprintf(from, sizeof(from), "%s%s", path, tails[i]);
		if (snprintf(to, sizeof(to), "%s%s", name, tails[i]) >= (int)sizeof(to))
			return -ENAMETOOLONG;
		if (rename(from, to) && (is_file || errno != ENOENT))
			return -errno;
	}
	return 0;
}

int set_aside(const char *path, struct buf *ret_name)
{
	_cleanup_(file_closep) int fd = -1;
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	int err;

	if (!slash || slash == path || strlen(path) + 64 > sizeof(dir))
		return -EINVAL;
	snprintf(dir, sizeof(dir), "%.*s", (int)(slash - path), path);
	if (count_kept(dir, slash + 1) >= SET_ASIDE_MAX) {
		buf_reset(ret_name);
		return delete_all(path);
	}
	err = name_find(path, ret_name);
	if (!err)
		err = rename_all(path, ret_name->data);
	if (err)
		return err;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fsync(fd);
	return 0;
}
