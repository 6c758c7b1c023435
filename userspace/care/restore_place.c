/* SPDX-License-Identifier: MIT */
/*
 * Where a restore works: the directory above the target, opened once, and the work directory in it. Invariant: the work directory is ours
 * alone (0700, our own), so that nobody else can have written its journal; without a journal there is nothing of worth in it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"
#include "base/util.h"
#include "care/restore_impl.h"

#define MOUNTS_MAX (8u << 20)
#define LOCK_TRIES 10 /* who only looks holds it for an instant */
#define LOCK_PAUSE_NS 20000000

int restore_failed(struct restore *r, const char *what, int err)
{
	char plain[512];

	if (!err || r->why->len)
		return err;
	utf8_make_plain(what, strlen(what), plain, sizeof(plain));
	if (err == -EINVAL || err == -ESTALE)
		buf_printf(r->why, "%s", plain);
	else
		buf_printf(r->why, "%s: %s", plain, strerror(-err));
	return err;
}

void restore_say(const struct restore *r, const char *line)
{
	if (r->o->say)
		r->o->say(line, r->o->ctx);
}

bool restore_is_asked(const struct restore *r)
{
	return r->o->stop_asked && r->o->stop_asked(r->o->ctx);
}

static int wrong_target(struct restore *r, const char *what)
{
	char plain[RESTORE_PATH_MAX];

	utf8_make_plain(r->o->target, strlen(r->o->target), plain, sizeof(plain));
	buf_printf(r->why, "%s %s", plain, what);
	return -EINVAL;
}

int restore_open_parent(struct restore *r)
{
	const char *target = r->o->target, *name;
	char above[RESTORE_PATH_MAX];
	size_t n = strlen(target);

	while (n > 1 && target[n - 1] == '/')
		n--;
	if (*target != '/' || n >= sizeof(above))
		return wrong_target(r, "is no absolute path");
	memcpy(above, target, n);
	above[n] = '\0';
	name = strrchr(above, '/') + 1;
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return wrong_target(r, "is no directory that could be exchanged");
	if (strlen(name) > RESTORE_NAME_MAX)
		return wrong_target(r, "has too long a name");
	memcpy(r->name, name, strlen(name) + 1);
	snprintf(r->work, sizeof(r->work), ".%s.isamon-restore", r->name);
	above[name - above] = '\0';
	r->parent_fd = open(above, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return r->parent_fd < 0 ? restore_failed(r, above, -errno) : 0;
}

int restore_inode(int dir_fd, const char *name, ino_t *ret)
{
	struct stat st;

	*ret = 0;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	*ret = st.st_ino;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

/* --- what may be exchanged */

/* Undoes the kernel's \ooo (proc(5)), in place. */
static void unescape(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] && s[3]) {
			*to++ = (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = '\0';
}

/* The first mount that lies in the directory @path, in @text, which is changed; NULL. */
static const char *find_mount(char *text, const char *path)
{
	size_t n = strlen(path);

	for (char *line = text, *next; *line; line = next) {
		char *end = strchr(line, '\n'), *field = line;

		next = end ? end + 1 : line + strlen(line);
		if (end)
			*end = '\0';
		for (int i = 0; field && i < 4; i++) {
			field = strchr(field, ' ');
			field = field ? field + 1 : NULL;
		}
		if (!field)
			continue;
		field[strcspn(field, " ")] = '\0';
		unescape(field);
		if (strncmp(field, path, n) == 0 && field[n] == '/')
			return field;
	}
	return NULL;
}

static int look_for_mounts(struct restore *r)
{
	_cleanup_(buf_done) struct buf mounts = BUF_INIT(MOUNTS_MAX);
	char link[40], path[2 * RESTORE_PATH_MAX];
	const char *found;
	ssize_t n;
	int err;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", r->parent_fd);
	n = readlink(link, path, RESTORE_PATH_MAX);
	if (n <= 0 || n >= RESTORE_PATH_MAX)
		return restore_failed(r, link, n < 0 ? -errno : -ENAMETOOLONG);
	if (path[n - 1] == '/')
		n--; /* the root */
	snprintf(path + n, sizeof(path) - (size_t)n, "/%s", r->name);
	err = file_read("/proc/self/mountinfo", &mounts);
	if (err)
		return restore_failed(r, "/proc/self/mountinfo", err);
	found = mounts.len ? find_mount(mounts.data, path) : NULL;
	if (!found)
		return 0;
	wrong_target(r, "cannot be exchanged, because something is mounted in it, at ");
	buf_add_str(r->why, found + strlen(path) + 1);
	buf_add_str(r->why, ": it would move with the old tree");
	return -EINVAL;
}

int restore_look_at_target(struct restore *r)
{
	struct stat st;
	bool mounted = false;
	int err;

	if (fstatat(r->parent_fd, r->name, &st, AT_SYMLINK_NOFOLLOW)) {
		r->old_ino = 0;
		return errno == ENOENT ? 0 : restore_failed(r, r->o->target, -errno);
	}
	if (S_ISLNK(st.st_mode))
		return wrong_target(
			r,
			"is a symbolic link, which is never followed: give the directory that it points to as the target");
	if (!S_ISDIR(st.st_mode))
		return wrong_target(r, "is not a directory");
	err = restore_is_mount(r->parent_fd, r->name, &mounted);
	if (err)
		return restore_failed(r, r->o->target, err);
	if (mounted)
		return wrong_target(
			r,
			"is a mount point, which cannot be renamed, and so not exchanged: restore beside it, to another "
			"target, and move what is needed by hand");
	r->old_ino = st.st_ino;
	return look_for_mounts(r);
}

/* --- the work directory */

static int lock(int fd)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };

	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB); i++) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (i == LOCK_TRIES)
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	return 0;
}

int restore_open_work(struct restore *r, bool make)
{
	struct stat st;
	ino_t named;
	int err;

	RESTORE_STEP();
	if (make && mkdirat(r->parent_fd, r->work, 0700) && errno != EEXIST)
		return restore_failed(r, r->work, -errno);
	r->work_fd = openat(r->parent_fd, r->work, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r->work_fd < 0)
		return errno == ENOENT ? -ENOENT : restore_failed(r, r->work, -errno);
	if (fstat(r->work_fd, &st))
		return restore_failed(r, r->work, -errno);
	if (st.st_uid != geteuid() || (st.st_mode & 077)) {
		buf_printf(r->why, "%s beside the target is another user's, or open to others",
			   r->work);
		return -EPERM;
	}
	err = lock(r->work_fd);
	if (!err)
		err = restore_inode(r->parent_fd, r->work, &named);
	if (!err && named != st.st_ino)
		err = -EBUSY; /* who had it has ended just now */
	if (err == -EBUSY)
		buf_printf(r->why, "another restore of %s is under way", r->name);
	return restore_failed(r, r->work, err);
}

static int remove_names(struct restore *r, DIR *d)
{
	const struct dirent *e;
	int err = 0;

	while (!err && (errno = 0, e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		    strcmp(e->d_name, RESTORE_JOURNAL) == 0)
			continue;
		RESTORE_STEP();
		if (unlinkat(r->work_fd, e->d_name, 0))
			err = errno == EISDIR || errno == EPERM ?
				      restore_remove_tree(r->work_fd, e->d_name) :
				      -errno;
	}
	return err ? err : -errno;
}

int restore_empty_work(struct restore *r)
{
	int err, fd;
	ino_t stage;
	DIR *d;

	err = restore_inode(r->work_fd, RESTORE_STAGE, &stage);
	if (!err && stage && stage == r->old_ino)
		err = -EEXIST; /* never: it was put in its place before */
	if (err)
		return restore_failed(r, r->work, err);
	fd = openat(r->work_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		err = -errno;
		file_closep(&fd);
		return restore_failed(r, r->work, err);
	}
	err = remove_names(r, d);
	closedir(d);
	RESTORE_STEP();
	if (!err && fsync(r->work_fd))
		err = -errno;
	return restore_failed(r, r->work, err);
}

int restore_remove_work(struct restore *r)
{
	int err = restore_empty_work(r);

	if (err)
		return err;
	RESTORE_STEP();
	if (unlinkat(r->work_fd, RESTORE_JOURNAL, 0) && errno != ENOENT)
		return restore_failed(r, RESTORE_JOURNAL, -errno);
	/* With the journal it has ended: a directory that stays is emptied by the next one. */
	RESTORE_STEP();
	(void)unlinkat(r->parent_fd, r->work, AT_REMOVEDIR);
	RESTORE_STEP();
	(void)fsync(r->parent_fd);
	return 0;
}

void restore_close(struct restore *r)
{
	file_closep(&r->work_fd);
	file_closep(&r->parent_fd);
}
