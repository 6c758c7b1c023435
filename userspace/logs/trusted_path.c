/* SPDX-License-Identifier: MIT */
/*
 * The walk: rest is what is still to be walked below the directory at. Every open is O_NOFOLLOW with O_PATH, so nothing is touched
 * that was not looked at; links are read from the descriptor that was looked at, so they cannot be exchanged in between.
 */
#include "logs/trusted_path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"

#define LINKS_MAX 40 /* as Linux, path_resolution(7) */

struct walk {
	struct trusted_dir at;
	char rest[PATH_MAX];
	int links;
};

void trusted_dir_done(struct trusted_dir *d)
{
	file_closep(&d->fd);
	d->fd = -1;
}

static bool is_trusted(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

static int walk_to(struct walk *w, int fd, const struct stat *st, bool before)
{
	trusted_dir_done(&w->at);
	w->at = (struct trusted_dir){ .fd = fd, .trusted = before && is_trusted(st) };
	return 0;
}

static int walk_root(struct walk *w)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		close(fd);
		return -EIO;
	}
	return walk_to(w, fd, &st, true);
}

/* The link at @fd: its target comes before the rest. */
static int walk_link(struct walk *w, int fd)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n;

	if (!w->at.trusted || ++w->links > LINKS_MAX)
		return -ELOOP;
	n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	n = snprintf(rest, sizeof(rest), "%s%s%s", target, *w->rest ? "/" : "", w->rest);
	if (n >= (ssize_t)sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(w->rest, rest, (size_t)n + 1);
	return target[0] == '/' ? walk_root(w) : 0;
}

/* Takes the first name off the rest. Returns 0; -ENOENT: there is none; -ENAMETOOLONG. */
static int walk_name(struct walk *w, char name[NAME_MAX + 1])
{
	const char *from = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(from, "/");
	const char *next = from + n + strspn(from + n, "/");

	if (!n)
		return -ENOENT;
	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, from, n);
	name[n] = '\0';
	memmove(w->rest, next, strlen(next) + 1);
	return 0;
}

/* Walks until the rest is empty. What it came to that is no directory is *ret_fd (O_PATH); -1: it ends in a directory. */
static int walk_go(struct walk *w, int *ret_fd, struct stat *st)
{
	char name[NAME_MAX + 1];
	int err;

	while (!(err = walk_name(w, name))) {
		_cleanup_(file_closep) int fd =
			openat(w->at.fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0 || fstat(fd, st))
			return -errno;
		if (S_ISLNK(st->st_mode)) {
			err = walk_link(w, fd);
			if (err)
				return err;
		} else if (S_ISDIR(st->st_mode)) {
			walk_to(w, fd, st, w->at.trusted);
			fd = -1;
		} else if (*w->rest) {
			return -ENOTDIR;
		} else {
			*ret_fd = fd;
			fd = -1;
			return 0;
		}
	}
	*ret_fd = -1;
	return err == -ENOENT ? 0 : err;
}

static int walk_path(struct walk *w, const char *path, int *ret_fd, struct stat *st)
{
	size_t n = strlen(path);
	int err;

	if (path[0] != '/')
		return -EINVAL;
	if (n >= sizeof(w->rest))
		return -ENAMETOOLONG;
	memcpy(w->rest, path, n + 1);
	w->at = (struct trusted_dir){ .fd = -1 };
	w->links = 0;
	err = walk_root(w);
	if (!err)
		err = walk_go(w, ret_fd, st);
	if (err)
		trusted_dir_done(&w->at);
	return err;
}

int trusted_dir_open(const char *path, struct trusted_dir *ret)
{
	struct stat st;
	struct walk w;
	int fd = -1, err;

	err = walk_path(&w, path, &fd, &st);
	if (err)
		return err;
	if (fd >= 0) {
		close(fd);
		trusted_dir_done(&w.at);
		return -ENOTDIR;
	}
	*ret = w.at;
	return 0;
}

static int kind_check(const struct stat *st)
{
	if (S_ISREG(st->st_mode))
		return 0;
	return S_ISDIR(st->st_mode) ? -EISDIR : -ESPIPE;
}

static int path_look(const char *path, const char *name, int *ret_fd, struct stat *st)
{
	char whole[PATH_MAX];
	struct walk w;
	int err;

	if (snprintf(whole, sizeof(whole), "%s%s%s", path, name ? "/" : "", name ? name : "") >=
	    (int)sizeof(whole))
		return -ENAMETOOLONG;
	err = walk_path(&w, whole, ret_fd, st);
	if (err)
		return err;
	trusted_dir_done(&w.at);
	if (*ret_fd < 0)
		return -EISDIR;
	err = kind_check(st);
	if (err)
		close(*ret_fd);
	return err;
}

/* The file that was found is opened through its descriptor: no name is asked for again. */
static int path_open(const char *path, const char *name, int *ret_fd, struct stat *st)
{
	_cleanup_(file_closep) int found = -1;
	char self[64];
	int fd = -1, err;

	err = path_look(path, name, &fd, st);
	if (err)
		return err;
	found = fd;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", found);
	fd = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int trusted_dir_stat(const struct trusted_dir *d, const char *path, const char *name,
		     struct stat *ret_stat)
{
	int fd = -1, err;

	if (fstatat(d->fd, name, ret_stat, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISLNK(ret_stat->st_mode))
		return kind_check(ret_stat);
	if (!d->trusted)
		return -ELOOP;
	err = path_look(path, name, &fd, ret_stat);
	if (err)
		return err;
	close(fd);
	return 0;
}

int trusted_path_open(const char *path, int *ret_fd, struct stat *ret_stat)
{
	return path_open(path, NULL, ret_fd, ret_stat);
}
