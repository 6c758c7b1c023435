/* SPDX-License-Identifier: MIT */
/*
 * Walks a tree of files by descriptors: nothing that changes meanwhile, and no symbolic link, leads out of it.
 *
 * A directory's names are told sorted by their bytes, the directory itself before them. Memory: the names of the directories
 * on the way down, at most 64 MiB, whatever the size of the tree. One descriptor a level is open.
 */
#ifndef ISAMON_FILE_LIST_H
#define ISAMON_FILE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/buf.h"

#define FILE_LIST_PATH_MAX 4096 /* with the NUL */
#define FILE_LIST_DEPTH_MAX 200

enum file_kind {
	FILE_REGULAR,
	FILE_DIRECTORY,
	FILE_SYMLINK,
	FILE_SKIPPED, /* cannot or shall not be kept; said in why */
};

/* Valid during the call only. Names are bytes, any but '/' and NUL. */
struct file_entry {
	enum file_kind kind;
	const char *path; /* from the top, "a/b"; "." is the top itself */
	int dir_fd;       /* of the directory that it is in */
	const char *name; /* in that; "." for the top */
	struct stat st;
	const char *link; /* of a FILE_SYMLINK: where it points */
	const char *why;  /* of a FILE_SKIPPED: "a socket" */
};

/* An answer other than 0 ends the walk, which returns it. */
typedef int (*file_list_fn)(const struct file_entry *e, void *ctx);

struct file_list_options {
	bool cross_mounts; /* otherwise what is mounted in the tree is skipped, and said so */
	/* Shell patterns (fnmatch(3)) of what is passed over without a word, a directory with all that is in it: with a '/' for
	 * paths from the top ("cache/tmp*"), without one for names anywhere ("*.pyc"). */
	const char *const *exclude;
	size_t n_exclude;
	/* A directory of this device and inode is passed over too: where the backups are. Inode 0: none. */
	dev_t exclude_dev;
	ino_t exclude_ino;
};

/*
 * Tells @fn each entry of the directory @dir_fd, which stays the caller's. What vanishes meanwhile is passed over. Sockets,
 * FIFOs, devices, mounts, and what lies deeper or has a longer path than the limits above is FILE_SKIPPED.
 * Returns 0; -EACCES, -EIO and others: something could not be read, named in @why; -E2BIG: too many names; -ENOMEM; or what
 * @fn returned. Blocks on the disk.
 */
int file_list_walk(int dir_fd, const struct file_list_options *o, file_list_fn fn, void *ctx,
		   struct buf *why);

#endif
