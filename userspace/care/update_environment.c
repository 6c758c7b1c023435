/* SPDX-License-Identifier: MIT */
/*
 * Environments beside each other. Invariant: only directories NAME.isamon-ID of our own making are ever removed, and never one that has
 * the environment's name at that moment.
 */
#include "care/update_environment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "care/restore_tree.h"
#include "care/update_way.h"

#define OUT_MAX 65536
#define PYVENV_MAX 65536
#define ID_DIGITS "0123456789-"
#define ID_LEN 15
#define KEPT_MAX 64
#define PIP_OPTIONS_MAX 16

static int said(struct buf *why, const char *what, int err)
{
	if (err)
		buf_printf(why, "%s%s: %s", why->len ? "\n" : "", what, strerror(-err));
	return err;
}

/* --- pyvenv.cfg */

static void copy_value(const char *at, size_t n, char *to, size_t size)
{
	while (n && (*at == ' ' || *at == '\t'))
		at++, n--;
	while (n && strchr(" \t\r", at[n - 1]))
		n--;
	*to = '\0';
	if (n < size) {
		memcpy(to, at, n);
		to[n] = '\0';
	}
}

int update_pyvenv_parse(const char *text, struct update_pyvenv *ret)
{
	char key[64], value[PATH_MAX];

	*ret = (struct update_pyvenv){ .home = "" };
	while (*text) {
		size_t n = strcspn(text, "\n"), to = strcspn(text, "=\n");

		if (to < n) {
			copy_value(text, to, key, sizeof(key));
			copy_value(text + to + 1, n - to - 1, value, sizeof(value));
			if (strcmp(key, "home") == 0)
				memcpy(ret->home, value, sizeof(value));
			else if (strcmp(key, "executable") == 0)
				memcpy(ret->executable, value, sizeof(value));
			else if (strcmp(key, "include-system-site-packages") == 0)
				ret->system_site_packages = strcasecmp(value, "true") == 0;
		}
		text += n + (text[n] == '\n');
	}
	return *ret->home == '/' ? 0 : -EBADMSG;
}

/* What it names is run. */
static int check_owner(const struct stat *st, const struct update_user *user, const char *path,
		       struct buf *why)
{
	/* A group beside root's can be anybody. */
	const mode_t others = user->as.uid == 0 && st->st_gid != 0 ? S_IWOTH | S_IWGRP : S_IWOTH;

	if ((!st->st_uid || st->st_uid == user->as.uid) && !(st->st_mode & others))
		return 0;
	buf_printf(
		why,
		"%s: who owns it, or may write it (user %u, mode %04o), is not user %u, to whom the tree belongs, and who runs the Python that it names: give both to one user",
		path, st->st_uid, st->st_mode & 07777, user->as.uid);
	return -EPERM;
}

/* The Python that the old one is of; where that is gone (an upgrade of the system), the one that has its place. */
static int find_python(const struct update_environment *e, const struct update_user *user,
		       struct update_pyvenv *ret, struct buf *why)
{
	_cleanup_(buf_done) struct buf path = BUF_INIT(2 * PATH_MAX), text = BUF_INIT(PYVENV_MAX);
	struct stat st;
	int err = buf_printf(&path, "%s/pyvenv.cfg", e->path);

	if (!err)
		err = file_read_stat(buf_str(&path), &text, &st);
	if (!err && check_owner(&st, user, buf_str(&path), why))
		return -EPERM;
	if (!err)
		err = update_pyvenv_parse(buf_str(&text), ret);
	if (err) {
		buf_printf(why, "%s: is no environment of python -m venv: %s", buf_str(&path),
			   strerror(-err));
		return err;
	}
	if (*ret->executable != '/' || access(ret->executable, X_OK))
		if ((size_t)snprintf(ret->executable, sizeof(ret->executable), "%s/python3",
				     ret->home) >= sizeof(ret->executable))
			return -ENAMETOOLONG;
	if (access(ret->executable, X_OK) == 0)
		return 0;
	buf_printf(
		why,
		"%s: %s, and it is the Python that %s names: install it again, or make the environment of another one by hand (python3 -m venv --clear %s), and then --rebuild",
		ret->executable, strerror(errno), buf_str(&path), e->path);
	return -EIO;
}

/* --- names */

/* The inode of a directory; 0: nothing has that name. */
static int inode(int dir_fd, const char *name, ino_t *ret)
{
	struct stat st;

	*ret = 0;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	*ret = st.st_ino;
	return 0;
}

/*
 * The exchange is root's, and what comes is the user's. Whoever lays links could have another environment exchanged, which root or another service
 * runs. Without any link, and where all is the user's own, there is nothing to be won.
 */
static int check_way(const struct update_environment *e, const char *venv,
		     const struct update_user *user, struct buf *why)
{
	_cleanup_(file_closep) int direct = update_way_open(venv);
	struct stat above, itself, named;
	bool no_link, users;
	int err;

	if (fstat(e->parent_fd, &above) ||
	    fstatat(e->parent_fd, e->name, &itself, AT_SYMLINK_NOFOLLOW))
		return said(why, venv, -errno);
	no_link = direct >= 0 && fstat(direct, &named) == 0 && named.st_dev == itself.st_dev &&
		  named.st_ino == itself.st_ino;
	users = above.st_uid == user->as.uid && itself.st_uid == user->as.uid;
	if (user->as.uid != 0 && (no_link || users))
		return 0;
	err = update_way_check(venv, user->as.uid, why);
	if (err == -EPERM && user->as.uid == 0)
		buf_printf(
			why,
			"; and what is in %s would be run as root: give the tree to the service's user",
			venv);
	else if (err == -EPERM)
		buf_printf(
			why,
			"; and a symbolic link leads from there to %s, which is not the user's: write that path into [app] venv",
			e->path);
	return err;
}

int update_environment_open(const char *venv, const char *id, const struct update_user *user,
			    struct buf *why, struct update_environment *ret)
{
	char *slash, *real = realpath(venv, ret->path);
	bool is_mount = false;
	int err = real ? 0 : -errno;

	ret->parent_fd = -1;
	ret->old_ino = ret->new_ino = 0;
	if (err) {
		buf_printf(why, "%s: %s; [app] venv says where the environment is", venv,
			   strerror(-err));
		return err;
	}
	slash = strrchr(ret->path, '/');
	if (!slash[1] || (size_t)snprintf(ret->name, sizeof(ret->name), "%.200s", slash + 1) !=
				 strlen(slash + 1))
		return said(why, venv, -EINVAL);
	snprintf(ret->beside, sizeof(ret->beside), "%.200s" UPDATE_BESIDE "%.24s", ret->name, id);
	*slash = '\0';
	ret->parent_fd = update_way_open(*ret->path ? ret->path : "/");
	*slash = '/';
	if (ret->parent_fd < 0)
		return said(why, venv, ret->parent_fd);
	err = check_way(ret, venv, user, why);
	if (!err)
		err = inode(ret->parent_fd, ret->name, &ret->old_ino);
	if (!err)
		err = restore_is_mount(ret->parent_fd, ret->name, &is_mount);
	if (is_mount) {
		buf_printf(why, "%s: is a mount point, which cannot be exchanged", ret->path);
		err = -EINVAL;
	}
	return err && !why->len ? said(why, venv, err) : err;
}

void update_environment_close(struct update_environment *e)
{
	file_closep(&e->parent_fd);
	e->parent_fd = -1;
}

/* --- building */

static int is_empty(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *d = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *e;

	if (!d) {
		file_closep(&copy);
		return -errno;
	}
	while ((e = readdir(d)) && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0))
		;
	closedir(d);
	return e ? -ENOTEMPTY : 0;
}

int update_make_directory(int parent_fd, const char *name, mode_t mode,
			  const struct update_user *user)
{
	_cleanup_(file_closep) int fd = -1;
	struct stat st;
	int err;

	if (mkdirat(parent_fd, name, mode))
		return -errno;
	fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	/* What has something in it is not what was made: it would be given away. */
	err = st.st_uid == geteuid() ? is_empty(fd) : -EPERM;
	if (!err && fchown(fd, user->as.uid, user->as.gid))
		err = -errno;
	return err;
}

int update_environment_make(struct update_environment *e, const struct update_user *user,
			    struct buf *why)
{
	int err = update_make_directory(e->parent_fd, e->beside, 0755, user);

	if (!err)
		err = inode(e->parent_fd, e->beside, &e->new_ino);
	return said(why, e->beside, err);
}

static int make_venv(const struct update_environment *e, const struct update_run *run,
		     struct buf *why)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUT_MAX);
	struct update_pyvenv cfg;
	int err = find_python(e, run->user, &cfg, why);
	const char *argv[] = { cfg.executable, "-I", "-m", "venv", e->path, NULL, NULL };

	if (err)
		return err;
	if (cfg.system_site_packages) {
		argv[4] = "--system-site-packages";
		argv[5] = e->path;
	}
	err = update_run(run, argv, &out);
	return err ? update_run_failed("python -m venv", err, &out, why) : 0;
}

static int install(const struct update_environment *e, const struct update_build *b,
		   const struct update_run *run, struct buf *why)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUT_MAX), python = BUF_INIT(2 * PATH_MAX);
	_cleanup_(buf_done) struct buf requirements = BUF_INIT(2 * PATH_MAX);
	const char *argv[UPDATE_ARGS_MAX] = {
		NULL, "-I", "-m", "pip", "install", "--no-input", "--disable-pip-version-check",
		"-r"
	};
	size_t n = 8;
	int err;

	buf_printf(&python, "%s/bin/python", e->path);
	if (*b->requirements != '/')
		buf_printf(&requirements, "%s/", b->tree);
	buf_add_str(&requirements, b->requirements);
	if (python.err || requirements.err)
		return -ENAMETOOLONG;
	argv[0] = buf_str(&python);
	argv[n++] = buf_str(&requirements);
	for (size_t i = 0; i < b->n_pip_options && i < PIP_OPTIONS_MAX; i++)
		argv[n++] = b->pip_options[i];
	err = update_run(run, argv, &out);
	return err ? update_run_failed("pip install", err, &out, why) : 0;
}

/* Where the environment is below the tree, its name must be there in the new one, too. */
static int make_place(const struct update_environment *e, const struct update_build *b,
		      struct buf *why)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUT_MAX), place = BUF_INIT(2 * PATH_MAX);
	char tree[PATH_MAX];
	const char *argv[] = { "mkdir", "-p", "--", NULL, NULL };
	struct update_run run = b->run;
	size_t n;
	int err;

	if (!realpath(b->tree, tree))
		return said(why, b->tree, -errno);
	n = strlen(tree);
	if (strncmp(e->path, tree, n) != 0 || e->path[n] != '/')
		return 0;
	err = buf_printf(&place, "%s%s", b->stage, e->path + n);
	if (err)
		return err;
	argv[3] = buf_str(&place);
	run.user = b->user;
	err = update_run(&run, argv, &out);
	return err ? update_run_failed("mkdir", err, &out, why) : 0;
}

int update_environment_build(struct update_environment *e, const struct update_build *b,
			     struct buf *why)
{
	_cleanup_(buf_done) struct buf beside = BUF_INIT(2 * PATH_MAX);
	struct update_bind binds[2] = { { b->stage, b->tree }, { NULL, e->path } };
	struct update_run run = b->run;
	/* By its path: a descriptor is of another mount namespace. Whoever could lay something else there is who builds it. */
	int err = buf_printf(&beside, "%.*s%s", (int)(strlen(e->path) - strlen(e->name)), e->path,
			     e->beside);

	if (!err)
		err = make_place(e, b, why);
	if (err)
		return err;
	binds[1].from = buf_str(&beside);
	run.user = b->user;
	run.directory = b->tree;
	run.binds = binds;
	run.n_binds = ARRAY_SIZE(binds);
	run.tail = true;
	err = make_venv(e, &run, why);
	if (!err && *b->requirements)
		err = install(e, b, &run, why);
	/* Before anything is exchanged. */
	return !err && syncfs(e->parent_fd) ? said(why, e->beside, -errno) : err;
}

/* --- exchanging */

static int exchange(struct update_environment *e, ino_t wanted, ino_t other, struct buf *why)
{
	ino_t here, beside;
	int err = inode(e->parent_fd, e->name, &here);

	if (!err)
		err = inode(e->parent_fd, e->beside, &beside);
	if (!err && here == wanted)
		return 0;
	if (!err && (here != other || beside != wanted)) {
		buf_printf(
			why,
			"%s: is not the environment that was here when the update began, and stays",
			e->path);
		return -ESTALE;
	}
	if (!err && (renameat2(e->parent_fd, e->name, e->parent_fd, e->beside, RENAME_EXCHANGE) ||
		     fsync(e->parent_fd)))
		err = -errno;
	return said(why, e->path, err);
}

int update_environment_forth(struct update_environment *e, struct buf *why)
{
	return e->new_ino ? exchange(e, e->new_ino, e->old_ino, why) : 0;
}

int update_environment_back(struct update_environment *e, struct buf *why)
{
	return e->new_ino ? exchange(e, e->old_ino, e->new_ino, why) : 0;
}

static bool is_new(const struct update_environment *e)
{
	ino_t here;

	return e->new_ino && inode(e->parent_fd, e->name, &here) == 0 && here == e->new_ino;
}

int update_environment_remove(struct update_environment *e, struct buf *why)
{
	return is_new(e) ? 0 : said(why, e->beside, restore_remove_tree(e->parent_fd, e->beside));
}

/* --- those that were replaced */

static bool is_kept(const struct update_environment *e, const char *name)
{
	size_t n = strlen(e->name), m = sizeof(UPDATE_BESIDE) - 1;

	return strncmp(name, e->name, n) == 0 && strncmp(name + n, UPDATE_BESIDE, m) == 0 &&
	       strlen(name + n + m) == ID_LEN && strspn(name + n + m, ID_DIGITS) == ID_LEN;
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(b, a);
}

int update_environment_prune(const struct update_environment *e, unsigned int keep, struct buf *why,
			     unsigned int *ret_n)
{
	char names[KEPT_MAX][NAME_MAX + 1];
	const struct dirent *d;
	size_t n = 0;
	int err = 0, fd = openat(e->parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	*ret_n = 0;
	if (!dir) {
		err = -errno;
		file_closep(&fd);
		return said(why, e->path, err);
	}
	while (n < KEPT_MAX && (d = readdir(dir)))
		if (is_kept(e, d->d_name))
			snprintf(names[n++], sizeof(names[0]), "%s", d->d_name);
	closedir(dir);
	qsort(names, n, sizeof(names[0]), newest_first);
	for (size_t i = keep; i < n; i++) {
		int one = restore_remove_tree(e->parent_fd, names[i]);

		said(why, names[i], one);
		*ret_n += !one;
		err = err ? err : one;
	}
	return err;
}
