/* SPDX-License-Identifier: MIT */
/* One rule a kind. Invariant: what a rule wants, judged again, is fine. */
#include "check/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/clock.h"
#include "base/file.h"
#include "care/file_list.h"

#define PERMISSIONS 07777

size_t trees_list(const struct config *c, struct tree ret[static TREES_MAX])
{
	const struct tree all[] = {
		{ TREE_DATA, c->backup_data },         { TREE_LOGS, c->app_logs },
		{ TREE_BACKUPS, c->backup_directory }, { TREE_CONFIG, c->backup_config },
		{ TREE_CODE, c->app_directory },       { TREE_CODE, c->app_venv },
	};
	size_t n = 0;

	_Static_assert(ARRAY_SIZE(all) <= TREES_MAX, "every tree finds room");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (*all[i].path == '/')
			ret[n++] = all[i];
	return n;
}

bool tree_is_of_system(const char *path)
{
	static const char *const list[] = {
		"/",
		"/bin",
		"/boot",
		"/dev",
		"/etc",
		"/etc/default",
		"/etc/nginx",
		"/etc/supervisor",
		"/etc/systemd",
		"/etc/sysconfig",
		"/home",
		"/lib",
		"/lib64",
		"/media",
		"/mnt",
		"/opt",
		"/proc",
		"/root",
		"/run",
		"/sbin",
		"/srv",
		"/sys",
		"/tmp",
		"/usr",
		"/usr/bin",
		"/usr/lib",
		"/usr/lib64",
		"/usr/local",
		"/usr/local/bin",
		"/usr/local/lib",
		"/usr/sbin",
		"/usr/share",
		"/var",
		"/var/backups",
		"/var/cache",
		"/var/lib",
		"/var/lock",
		"/var/log",
		"/var/mail",
		"/var/opt",
		"/var/run",
		"/var/spool",
		"/var/tmp",
		"/var/www",
	};
	char real[PATH_MAX];
	size_t n;

	if (!realpath(path, real))
		snprintf(real, sizeof(real), "%s", path);
	for (n = strlen(real); n > 1 && real[n - 1] == '/'; n--)
		real[n - 1] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		if (strcmp(real, list[i]) == 0)
			return true;
	return false;
}

static bool is_secret(const char *path)
{
	const char *name = strrchr(path, '/');
	const size_t n = strlen(path);

	name = name ? name + 1 : path;
	return strcmp(name, ".env") == 0 || (n > 4 && strcmp(path + n - 4, ".env") == 0);
}

/* Whose it has to be; root's is fine, too, where the user need not write. */
static void judge_owner(bool root_too, const struct stat *st, const struct child_user *user,
			struct tree_item *ret)
{
	const bool users = st->st_uid == user->uid && st->st_gid == user->gid;

	if (users || (root_too && (st->st_uid == 0 || st->st_uid == user->uid)))
		return;
	ret->wrong |= TREE_OWNER;
	ret->uid = user->uid;
	ret->gid = user->gid;
}

static void forbid(mode_t bits, enum tree_wrong wrong, struct tree_item *ret)
{
	if (!(ret->mode & bits))
		return;
	ret->wrong |= wrong;
	ret->mode &= ~bits;
}

/* Whether the user may do what @bit says (S_IROTH, S_IWOTH) only because all may. */
static bool has_it_as_one_of_all(mode_t bit, const struct stat *st, const struct child_user *user)
{
	bool is_in = st->st_gid == user->gid;

	for (size_t i = 0; i < user->n_groups && !is_in; i++)
		is_in = st->st_gid == user->groups[i];
	return (st->st_mode & bit) && st->st_uid != user->uid && !is_in;
}

/* Of a file that is given away: its bits were set by somebody who is not the new owner. */
static void take_set_ids(const struct stat *st, struct tree_item *ret)
{
	if (S_ISREG(st->st_mode) && ret->wrong & TREE_OWNER)
		ret->mode &= ~(mode_t)(S_ISUID | S_ISGID);
}

bool tree_judge(enum tree_kind kind, const char *path, const struct stat *st,
		const struct child_user *user, struct tree_item *ret)
{
	const bool directory = S_ISDIR(st->st_mode), top = strcmp(path, ".") == 0;
	const bool users = kind == TREE_DATA || (kind == TREE_LOGS && top);

	*ret = (struct tree_item){
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mode = st->st_mode & PERMISSIONS,
	};
	if (!directory && !S_ISREG(st->st_mode))
		return false;
	/* A log that the user could write to goes on being one. */
	judge_owner(!users && !(kind == TREE_LOGS && has_it_as_one_of_all(S_IWOTH, st, user)), st,
		    user, ret);
	forbid(S_IWOTH, TREE_WRITABLE, ret);
	if (kind == TREE_BACKUPS && !directory)
		forbid(S_IROTH | S_IXOTH, TREE_READABLE, ret);
	if (kind == TREE_CONFIG && !directory && is_secret(path)) {
		/* The user goes on reading it: by its group, and that alone. */
		if (has_it_as_one_of_all(S_IROTH, st, user) && !(ret->wrong & TREE_OWNER)) {
			ret->gid = user->gid;
			ret->mode |= S_IRGRP;
		}
		forbid(S_IROTH | S_IXOTH | S_IWGRP, TREE_READABLE, ret);
	}
	if (directory && users && (ret->mode & S_IRWXU) != S_IRWXU) {
		ret->wrong |= TREE_CLOSED;
		ret->mode |= S_IRWXU;
	}
	take_set_ids(st, ret);
	return ret->wrong != 0;
}

int tree_open(const char *path)
{
	_cleanup_(file_closep) int top = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (top < 0)
		return -errno;
	path += strspn(path, "/");
	return beneath_open_directory(top, *path ? path : ".");
}

struct walk {
	enum tree_kind kind;
	const struct child_user *user;
	struct tree_limits *limits;
	tree_fn fn;
	void *ctx;
};

static int judge_entry(const struct file_entry *e, void *ctx)
{
	struct walk *w = ctx;
	struct tree_limits *l = w->limits;
	struct tree_item item;

	l->seen++;
	if ((l->max && l->seen > l->max) || (l->end_ns && clock_monotonic_ns() > l->end_ns)) {
		l->reached = true;
		return 1;
	}
	if (e->kind != FILE_REGULAR && e->kind != FILE_DIRECTORY)
		return 0;
	return tree_judge(w->kind, e->path, &e->st, w->user, &item) ?
		       w->fn(e->path, &e->st, &item, w->ctx) :
		       0;
}

int tree_walk(int fd, enum tree_kind kind, const struct child_user *user,
	      struct tree_limits *limits, tree_fn fn, void *ctx, struct buf *why)
{
	const struct file_list_options o = { .cross_mounts = false };
	struct walk w = { kind, user, limits, fn, ctx };
	int err = file_list_walk(fd, &o, judge_entry, &w, why);

	return err == 1 && limits->reached ? 0 : err;
}
