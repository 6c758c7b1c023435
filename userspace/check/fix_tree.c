/* SPDX-License-Identifier: MIT */
/* Owners and modes. Invariant: only what the plan names is changed, and only as long as it is the file that was seen: it is opened below the top
 * without symbolic links, and compared, before it is changed by that descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/openat2.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"
#include "check/fix_impl.h"

#define FIRST_SIZE 64
#define PERMISSIONS 07777
#define NAME_SIZE 64

/* Another name of it is perhaps somewhere else, where it is right as it is. */
static bool has_other_names(const struct stat *st)
{
	return !S_ISDIR(st->st_mode) && st->st_nlink > 1;
}

static int add(const char *path, const struct stat *st, const struct tree_item *want, void *ctx)
{
	struct fix *x = ctx;
	struct fix_item *item;

	if (has_other_names(st))
		return 0;
	if (x->n == FIX_TREE_MAX)
		return -E2BIG;
	if (x->n == x->size) {
		const size_t size = x->size ? 2 * x->size : FIRST_SIZE;
		struct fix_item *items = realloc(x->items, size * sizeof(*items));

		if (!items)
			return -ENOMEM;
		x->items = items;
		x->size = size;
	}
	item = &x->items[x->n];
	*item = (struct fix_item){
		.path = strdup(path),
		.dev = st->st_dev,
		.ino = st->st_ino,
		.old_uid = st->st_uid,
		.old_gid = st->st_gid,
		.old_mode = st->st_mode & PERMISSIONS,
		.want = *want,
	};
	if (!item->path)
		return -ENOMEM;
	x->n++;
	return 0;
}

static int open_item(const struct fix *x, const struct fix_item *item)
{
	struct open_how how = { .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
				.resolve =
					RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };
	long fd = syscall(SYS_openat2, x->top_fd, item->path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

static bool is_same(const struct fix_item *item, const struct stat *st)
{
	return st->st_dev == item->dev && st->st_ino == item->ino && st->st_uid == item->old_uid &&
	       st->st_gid == item->old_gid && (st->st_mode & PERMISSIONS) == item->old_mode &&
	       (S_ISDIR(st->st_mode) || S_ISREG(st->st_mode)) && !has_other_names(st);
}

/* A change of owners takes setuid bits away, so the mode comes after it. */
static int change(const struct fix *x, const struct fix_item *item)
{
	_cleanup_(file_closep) int fd = open_item(x, item);
	const struct tree_item *want = &item->want;
	char path[64];
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st))
		return -errno;
	if (!is_same(item, &st))
		return -ESTALE;
	if ((want->uid != st.st_uid || want->gid != st.st_gid) &&
	    fchownat(fd, "", want->uid, want->gid, AT_EMPTY_PATH))
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd); /* fchmod(2) takes no O_PATH */
	if (want->mode != item->old_mode && chmod(path, want->mode))
		return -errno;
	return 0;
}

static int apply(struct fix *x, struct buf *said, struct buf *why)
{
	size_t n_done = 0;
	int err = 0;

	for (size_t i = 0; i < x->n; i++) {
		char plain[256];
		int one = change(x, &x->items[i]);

		n_done += one == 0;
		if (!one || one == -ENOENT) /* it is gone */
			continue;
		if (!err) {
			utf8_make_plain(x->items[i].path, strlen(x->items[i].path), plain,
					sizeof(plain));
			buf_printf(why, "%s: %s", plain,
				   one == -ESTALE ? "it was changed meanwhile" : strerror(-one));
		}
		err = err ?: one;
	}
	buf_printf(said, "%zu of %zu changed", n_done, x->n);
	return err;
}

int fix_plan_tree(struct fix *x, const char *path, struct buf *why)
{
	struct tree_limits limits = { .max = 0 };
	struct tree trees[TREES_MAX];
	const size_t n = trees_list(x->config, trees);
	struct child_user user;
	int err = child_user_find(x->config->app_user, x->config->app_group, &user);
	size_t i = 0;

	while (i < n && strcmp(trees[i].path, path) != 0)
		i++;
	if (err || i == n) {
		buf_printf(why, err ? "%s: no such user" : "%s is no tree of the service",
			   err ? x->config->app_user : path);
		return err ? err : -EINVAL;
	}
	if (tree_is_of_system(path)) {
		buf_printf(why, "%s is a directory of the system, and stays as it is", path);
		return -EINVAL;
	}
	x->top_fd = tree_open(path);
	if (x->top_fd < 0) {
		buf_printf(why, "%s: %s", path, strerror(-x->top_fd));
		return x->top_fd;
	}
	err = tree_walk(x->top_fd, trees[i].kind, &user, &limits, add, x, why);
	if (!err && !x->n) {
		buf_printf(why, "%s: nothing is left to be changed", path);
		return -ENODATA;
	}
	x->apply = apply;
	snprintf(x->title, sizeof(x->title), "set owners and modes of %zu in %.300s", x->n, path);
	return err;
}

static void add_owner(uid_t uid, gid_t gid, struct buf *out)
{
	const struct passwd *p = getpwuid(uid);
	const struct group *g = getgrgid(gid);
	char user[NAME_SIZE], group[NAME_SIZE];

	snprintf(user, sizeof(user), p ? "%s" : "%.0s%u", p ? p->pw_name : "", uid);
	snprintf(group, sizeof(group), g ? "%s" : "%.0s%u", g ? g->gr_name : "", gid);
	buf_printf(out, "%s:%s", user, group);
}

static void describe_item(const struct fix_item *item, struct buf *out)
{
	const bool owner = item->want.uid != item->old_uid || item->want.gid != item->old_gid;
	char plain[512];

	utf8_make_plain(item->path, strlen(item->path), plain, sizeof(plain));
	buf_printf(out, "  %s  ", plain);
	if (owner) {
		add_owner(item->old_uid, item->old_gid, out);
		buf_add_str(out, " -> ");
		add_owner(item->want.uid, item->want.gid, out);
	}
	if (item->want.mode != item->old_mode)
		buf_printf(out, "%s%04o -> %04o", owner ? "  " : "", item->old_mode,
			   item->want.mode);
	buf_add_char(out, '\n');
}

void fix_describe(const struct fix *x, size_t max, struct buf *out)
{
	for (size_t i = 0; i < x->n && i < max; i++) {
		if (x->n > max && i + 1 == max) {
			buf_printf(out, "  ... and %zu more\n", x->n - i);
			break;
		}
		describe_item(&x->items[i], out);
	}
}
