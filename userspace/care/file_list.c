/* SPDX-License-Identifier: MIT */
/*
 * The walk: for each directory its names at once, sorted, then one after the other by openat(2) with O_NOFOLLOW.
 * Invariant: walk->path is the path of what is being looked at; each level puts it back before it returns.
 */
#include "care/file_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"

#ifndef FILE_LIST_NAMES_MAX /* a test has less */
#define FILE_LIST_NAMES_MAX (64u << 20)
#endif

struct walk {
	const struct file_list_options *o;
	file_list_fn fn;
	void *ctx;
	struct buf *why;
	dev_t dev;
	size_t names_bytes; /* of all levels */
	unsigned int depth;
	size_t path_len;
	char path[FILE_LIST_PATH_MAX];
	char link[PATH_MAX];
};

struct names {
	char **name;
	size_t n, size;
	size_t bytes;
};

static void names_done(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->name[i]);
	free(names->name);
}

static int explain(struct walk *w, const char *what, int err)
{
	char plain[FILE_LIST_PATH_MAX];

	utf8_make_plain(w->path_len ? w->path : ".", FILE_LIST_PATH_MAX, plain, sizeof(plain));
	buf_printf(w->why, "cannot %s %s: %s", what, plain, strerror(-err));
	return err;
}

static int add_name(struct walk *w, struct names *names, const char *name)
{
	size_t bytes = strlen(name) + 1 + sizeof(char *);

	if (w->names_bytes + bytes > FILE_LIST_NAMES_MAX)
		return -E2BIG;
	if (names->n == names->size) {
		size_t size = names->size ? 2 * names->size : 64;
		char **grown = realloc(names->name, size * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		names->name = grown;
		names->size = size;
	}
	names->name[names->n] = strdup(name);
	if (!names->name[names->n])
		return -ENOMEM;
	names->n++;
	names->bytes += bytes;
	w->names_bytes += bytes;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Takes @fd over. */
static int read_names(struct walk *w, int fd, struct names *names)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *d;
	int err = 0;

	if (!dir) {
		err = -errno;
		close(fd);
		return err;
	}
	while (!err) {
		errno = 0;
		d = readdir(dir);
		if (!d) {
			err = -errno;
			break;
		}
		if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
			err = add_name(w, names, d->d_name);
	}
	closedir(dir);
	if (!err && names->n)
		qsort(names->name, names->n, sizeof(*names->name), compare_names);
	return err;
}

static bool is_excluded(const struct walk *w, const char *name, const struct stat *st)
{
	const struct file_list_options *o = w->o;

	if (o->exclude_ino && S_ISDIR(st->st_mode) && st->st_ino == o->exclude_ino &&
	    st->st_dev == o->exclude_dev)
		return true;
	for (size_t i = 0; i < o->n_exclude; i++) {
		const char *pattern = o->exclude[i];
		bool whole = strchr(pattern, '/') != NULL;

		if (fnmatch(pattern, whole ? w->path : name, whole ? FNM_PATHNAME : 0) == 0)
			return true;
	}
	return false;
}

static const char *skipped_kind(const struct stat *st)
{
	switch (st->st_mode & S_IFMT) {
	case S_IFSOCK: return "a socket";
	case S_IFIFO: return "a FIFO";
	case S_IFBLK:
	case S_IFCHR: return "a device";
	default: return "of no known kind";
	}
}

static int tell(struct walk *w, struct file_entry *e, enum file_kind kind, const char *why)
{
	e->kind = kind;
	e->why = why;
	return w->fn(e, w->ctx);
}

static int tell_symlink(struct walk *w, struct file_entry *e)
{
	ssize_t n = readlinkat(e->dir_fd, e->name, w->link, sizeof(w->link) - 1);

	if (n < 0)
		return errno == ENOENT || errno == EINVAL ? 0 : explain(w, "read", -errno);
	w->link[n] = '\0';
	e->link = w->link;
	return tell(w, e, FILE_SYMLINK, NULL);
}

static int walk_names(struct walk *w, int dir_fd);

static int walk_directory(struct walk *w, struct file_entry *e)
{
	_cleanup_(file_closep) int fd = -1;
	int err;

	if (!w->o->cross_mounts && e->st.st_dev != w->dev)
		return tell(w, e, FILE_SKIPPED, "on another file system");
	if (w->depth >= FILE_LIST_DEPTH_MAX)
		return tell(w, e, FILE_SKIPPED, "too deep");
	fd = openat(e->dir_fd, e->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) /* gone, or something else by now */
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ?
			       0 :
			       explain(w, "read", -errno);
	if (fstat(fd, &e->st))
		return explain(w, "read", -errno);
	err = tell(w, e, FILE_DIRECTORY, NULL);
	if (err)
		return err;
	w->depth++;
	err = walk_names(w, fd);
	w->depth--;
	return err;
}

static int look_at(struct walk *w, int dir_fd, const char *name)
{
	struct file_entry e = { .path = w->path, .dir_fd = dir_fd, .name = name };

	if (fstatat(dir_fd, name, &e.st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : explain(w, "read", -errno);
	if (is_excluded(w, name, &e.st))
		return 0;
	if (S_ISDIR(e.st.st_mode))
		return walk_directory(w, &e);
	if (S_ISLNK(e.st.st_mode))
		return tell_symlink(w, &e);
	if (!S_ISREG(e.st.st_mode))
		return tell(w, &e, FILE_SKIPPED, skipped_kind(&e.st));
	return tell(w, &e, FILE_REGULAR, NULL);
}

/* A name whose path would be too long is told as that of its directory: there is room for no more. */
static int tell_too_long(struct walk *w, int dir_fd)
{
	struct file_entry e = { .path = w->path, .dir_fd = dir_fd, .name = "." };

	if (fstat(dir_fd, &e.st))
		return explain(w, "read", -errno);
	return tell(w, &e, FILE_SKIPPED, "something in it has too long a path");
}

static int look_below(struct walk *w, int dir_fd, const char *name)
{
	size_t before = w->path_len, slash = before > 0, n = strlen(name);
	int err;

	if (before + slash + n >= sizeof(w->path))
		return tell_too_long(w, dir_fd);
	if (slash)
		w->path[before] = '/';
	memcpy(w->path + before + slash, name, n + 1);
	w->path_len = before + slash + n;
	err = look_at(w, dir_fd, name);
	w->path_len = before;
	w->path[before] = '\0';
	return err;
}

static int walk_names(struct walk *w, int dir_fd)
{
	_cleanup_(names_done) struct names names = { 0 };
	/* A description of its own: the position in dir_fd is nobody's business. */
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err;

	if (fd < 0)
		return errno == ENOENT ? 0 : explain(w, "read", -errno);
	err = read_names(w, fd, &names);
	if (err)
		explain(w, "read", err);
	for (size_t i = 0; !err && i < names.n; i++)
		err = look_below(w, dir_fd, names.name[i]);
	w->names_bytes -= names.bytes;
	return err;
}

int file_list_walk(int dir_fd, const struct file_list_options *o, file_list_fn fn, void *ctx,
		   struct buf *why)
{
	static const struct file_list_options none;
	struct walk *w = calloc(1, sizeof(*w));
	struct file_entry e = { .path = ".", .dir_fd = dir_fd, .name = "." };
	int err;

	if (!w)
		return -ENOMEM;
	w->o = o ? o : &none;
	w->fn = fn;
	w->ctx = ctx;
	w->why = why;
	if (fstat(dir_fd, &e.st)) {
		err = explain(w, "read", -errno);
	} else {
		w->dev = e.st.st_dev;
		err = tell(w, &e, FILE_DIRECTORY, NULL);
		if (!err)
			err = walk_names(w, dir_fd);
	}
	free(w);
	return err;
}
