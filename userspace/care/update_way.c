/* SPDX-License-Identifier: MIT */
/* The walk from the root on, name by name. Invariant: what was passed before can be changed by root only, so it stays what it was. */
#include "care/update_way.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as Linux, path_resolution(7) */

static bool others_write(const struct stat *st)
{
	return st->st_mode & S_IWOTH || (st->st_mode & S_IWGRP && st->st_gid != 0);
}

static int refuse(const char *place, const struct stat *st, struct buf *why)
{
	buf_printf(why, "%s: is of user %u, mode %04o: others than root may change it", place,
		   st->st_uid, st->st_mode & 07777);
	return -EPERM;
}

/* The path with the link at @place, of which @rest comes next, replaced by what it says. */
static int follow(const char *place, const char *rest, char to[static PATH_MAX])
{
	char target[PATH_MAX];
	ssize_t len = readlink(place, target, sizeof(target) - 1);
	const char *slash = strrchr(place, '/');
	int n;

	if (len < 0)
		return -errno;
	target[len] = '\0';
	n = snprintf(to, PATH_MAX, "%.*s%s%s", *target == '/' ? 0 : (int)(slash + 1 - place), place,
		     target, rest);
	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* *ret: how long the beginning of @path is that ends in a link; 0: there is none. */
static int pass(const char *path, uid_t last, struct buf *why, size_t *ret)
{
	char place[PATH_MAX];

	*ret = 0;
	for (size_t n = 1;; n += strcspn(path + n, "/")) {
		const bool ends = !path[n + strspn(path + n, "/")];
		struct stat st;

		snprintf(place, sizeof(place), "%.*s", (int)n, path);
		if (lstat(place, &st)) {
			int err = -errno;

			buf_printf(why, "%s: %s", place, strerror(-err));
			return err;
		}
		if (ends && !S_ISLNK(st.st_mode) && st.st_uid == last && last != 0)
			return 0;
		if (st.st_uid != 0 || (!S_ISLNK(st.st_mode) && others_write(&st) &&
				       (ends || !(st.st_mode & S_ISVTX))))
			return refuse(place, &st, why);
		if (S_ISLNK(st.st_mode)) {
			*ret = n;
			return 0;
		}
		if (ends)
			return 0;
		n += strspn(path + n, "/");
	}
}

int update_way_check(const char *path, uid_t last, struct buf *why)
{
	char now[PATH_MAX], next[PATH_MAX];
	size_t link = 0;
	int err = 0;

	if (*path != '/' || snprintf(now, sizeof(now), "%s", path) >= (int)sizeof(now))
		return -EINVAL;
	for (int i = 0; i < LINKS_MAX; i++) {
		char place[PATH_MAX];

		err = pass(now, last, why, &link);
		if (err || !link)
			return err;
		snprintf(place, sizeof(place), "%.*s", (int)link, now);
		err = follow(place, now + link, next);
		if (err)
			return err;
		memcpy(now, next, sizeof(now));
	}
	return -ELOOP;
}

int update_way_open(const char *path)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
				.resolve = RESOLVE_NO_SYMLINKS };
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}
