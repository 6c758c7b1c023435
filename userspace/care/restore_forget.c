/* SPDX-License-Identifier: MIT */
/* The trees that were replaced, found by their names: they have no list that could be lost. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "care/restore_impl.h"

#define ID_BYTES 15 /* 20261126-140501 */

static int64_t id_time(const char *id)
{
	struct tm tm = { 0 };
	const char *end;

	if (strlen(id) != ID_BYTES)
		return -1;
	end = strptime(id, "%Y%m%d-%H%M%S", &tm);
	return end && !*end ? timegm(&tm) : -1;
}

/* The id in the name of a kept tree; NULL: it is none. */
static const char *id_of(const struct restore *r, const char *name)
{
	size_t n = strlen(r->name), m = strlen(RESTORE_BEFORE);

	if (strncmp(name, r->name, n) != 0 || strncmp(name + n, RESTORE_BEFORE, m) != 0)
		return NULL;
	return id_time(name + n + m) < 0 ? NULL : name + n + m;
}

/* Since when it is kept, which its name does not say: a restore that was gone on with days later has an old id. */
static int64_t kept_since(const struct restore *r, const char *name, const char *id)
{
	struct stat st;

	return fstatat(r->parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) ? id_time(id) :
								       st.st_ctim.tv_sec;
}

int restore_touch_kept(const struct restore *r)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	struct stat st;

	if (fstatat(r->parent_fd, r->before, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	times[1] = st.st_mtim;
	return utimensat(r->parent_fd, r->before, times, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

static int forget(struct restore *r, DIR *d, int64_t before_s, const char *unfinished,
		  unsigned int *ret_n)
{
	const struct dirent *e;
	int first = 0;

	while ((e = readdir(d))) {
		const char *id = id_of(r, e->d_name);
		int err;

		if (!id || kept_since(r, e->d_name, id) > before_s || strcmp(id, unfinished) == 0)
			continue;
		err = restore_remove_tree(r->parent_fd, e->d_name);
		if (!err)
			++*ret_n;
		else if (!first)
			first = restore_failed(r, e->d_name, err);
	}
	return first;
}

int restore_forget(const char *target, int64_t now_s, int64_t older_s, struct buf *why,
		   unsigned int *ret_n)
{
	const struct restore_options o = { .target = target };
	struct restore r = { .o = &o, .why = why, .parent_fd = -1, .work_fd = -1 };
	struct restore_status status;
	int fd, err = restore_look(target, &status);
	DIR *d = NULL;

	*ret_n = 0;
	if (!err)
		err = restore_open_parent(&r);
	if (!err) {
		fd = openat(r.parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		d = fd < 0 ? NULL : fdopendir(fd);
		err = d ? forget(&r, d, now_s - older_s, status.id, ret_n) : -errno;
		if (d)
			closedir(d);
		else if (fd >= 0)
			close(fd);
	}
	restore_close(&r);
	if (err == -ENOENT)
		return 0; /* there is not even a directory above it */
	return restore_failed(&r, target, err);
}
