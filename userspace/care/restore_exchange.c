/* SPDX-License-Identifier: MIT */
/*
 * Exchanges two directories by their names. Invariant: both trees are whole under one of three names, and which is where is told by
 * their inodes: each call begins from what it finds, so that it may have been cut off anywhere before.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "care/restore_impl.h"

#define MOVES_MAX 8

struct where {
	ino_t target, stage, before;
};

struct place {
	int fd;
	const char *name;
};

static int look(const struct restore *r, struct where *w)
{
	int err = restore_inode(r->parent_fd, r->name, &w->target);

	if (!err)
		err = restore_inode(r->work_fd, RESTORE_STAGE, &w->stage);
	if (!err)
		err = restore_inode(r->parent_fd, r->before, &w->before);
	return err;
}

static int sync_both(const struct restore *r)
{
	RESTORE_STEP();
	return fsync(r->parent_fd) || fsync(r->work_fd) ? -errno : 0;
}

static int move(const struct restore *r, struct place from, struct place to, unsigned int flags)
{
	int err;

	RESTORE_STEP();
	err = renameat2(from.fd, from.name, to.fd, to.name, flags) ? -errno : 0;
	/* File systems without the flag: nobody else makes names of this form. */
	if (err == -EINVAL && flags == RENAME_NOREPLACE &&
	    faccessat(to.fd, to.name, F_OK, AT_SYMLINK_NOFOLLOW) && errno == ENOENT)
		err = renameat(from.fd, from.name, to.fd, to.name) ? -errno : 0;
	RESTORE_STEP();
	return err ? err : sync_both(r);
}

static bool is_unsupported(int err)
{
	return err == -EINVAL || err == -ENOSYS || err == -EOPNOTSUPP;
}

bool restore_is_at_target(const struct restore *r, ino_t ino)
{
	ino_t there;

	return restore_inode(r->parent_fd, r->name, &there) == 0 && there == ino;
}

bool restore_is_untouched(const struct restore *r)
{
	struct where w;

	if (!r->new_ino)
		return true; /* only what is unpacked is exchanged */
	return look(r, &w) == 0 && w.stage == r->new_ino && !w.before;
}

static int strange(struct restore *r)
{
	return restore_failed(
		r, "the directory is not the one that was here when the restore began, and stays",
		-ESTALE);
}

/* One move on the way to the new tree. Returns 1: more to do; 0; -errno. */
static int forward_once(struct restore *r)
{
	const struct place target = { r->parent_fd, r->name },
			   stage = { r->work_fd, RESTORE_STAGE },
			   before = { r->parent_fd, r->before };
	struct where w;
	int err = look(r, &w);

	if (err)
		return err;
	if (w.target == r->new_ino) {
		if (!r->old_ino || w.before == r->old_ino)
			return 0;
		if (w.stage != r->old_ino || w.before)
			return strange(r);
		err = move(r, stage, before, RENAME_NOREPLACE);
	} else if (w.stage != r->new_ino || w.target != (w.before ? 0 : r->old_ino) ||
		   (w.before && w.before != r->old_ino)) {
		return strange(r);
	} else if (!w.target) {
		err = move(r, stage, target, RENAME_NOREPLACE);
	} else {
		err = move(r, target, stage, RENAME_EXCHANGE);
		if (is_unsupported(err))
			err = move(r, target, before, RENAME_NOREPLACE);
	}
	return err ? err : 1;
}

static int backward_once(struct restore *r)
{
	const struct place target = { r->parent_fd, r->name },
			   stage = { r->work_fd, RESTORE_STAGE },
			   before = { r->parent_fd, r->before };
	struct where w;
	int err = look(r, &w);

	if (err)
		return err;
	if (w.target == r->old_ino) { /* 0: there was none, and is none */
		if (!r->new_ino || w.before != r->new_ino)
			return 0;
		err = move(r, before, stage, RENAME_NOREPLACE);
	} else if (!w.target) {
		if (w.before != r->old_ino)
			return strange(r);
		err = move(r, before, target, RENAME_NOREPLACE);
	} else if (w.target != r->new_ino) {
		return strange(r);
	} else if (!r->old_ino) {
		err = move(r, target, stage, RENAME_NOREPLACE);
	} else if (w.before == r->old_ino) {
		err = move(r, target, before, RENAME_EXCHANGE);
		if (is_unsupported(err))
			err = move(r, target, stage, RENAME_NOREPLACE);
	} else if (w.stage == r->old_ino) {
		err = move(r, target, stage, RENAME_EXCHANGE);
	} else {
		return strange(r);
	}
	return err ? err : 1;
}

static int repeat(struct restore *r, int (*once)(struct restore *r))
{
	int more = 1;

	for (int i = 0; more > 0 && i < MOVES_MAX; i++)
		more = once(r);
	if (more > 0)
		more = -ELOOP;
	if (!more)
		more = sync_both(r);
	return restore_failed(r, r->o->target, more);
}

int restore_forward(struct restore *r)
{
	return repeat(r, forward_once);
}

int restore_backward(struct restore *r)
{
	return repeat(r, backward_once);
}
