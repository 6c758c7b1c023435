/* SPDX-License-Identifier: MIT */
/*
 * Opens what a path names, without being led elsewhere by whoever may write in one of its directories.
 *
 * The path is walked name by name. A symbolic link is followed only if it stands in a directory that is trusted: it, and every
 * directory that was passed before, is root's (or ours, where we are not root) and writable by nobody else. Then its target is
 * walked by the same rule. Any other link ends it: -ELOOP. A hard link cannot be told from the file; that nobody can make one to a
 * file of somebody else's is the kernel's part (sysctl fs.protected_hardlinks, proc_sys_fs(5)).
 */
#ifndef ISAMON_TRUSTED_PATH_H
#define ISAMON_TRUSTED_PATH_H

#include <stdbool.h>
#include <sys/stat.h>

struct trusted_dir {
	int fd; /* O_PATH; -1: none */
	bool trusted;
};

/* For _cleanup_(trusted_dir_done) struct trusted_dir d = { .fd = -1 }; */
void trusted_dir_done(struct trusted_dir *d);

/* @path: absolute. Returns 0 or -errno. */
int trusted_dir_open(const char *path, struct trusted_dir *ret);

/* What trusted_path_open() would open of @name in the directory, as far as it can be said without opening it. @path: of the directory,
 * for a link. */
int trusted_dir_stat(const struct trusted_dir *d, const char *path, const char *name,
		     struct stat *ret_stat);

/*
 * Opens the regular file for reading; never waits for anybody (O_NONBLOCK), and is no terminal's (O_NOCTTY). @path: absolute. Returns 0 or
 * -errno; -ELOOP: a link that is not followed, or too many; -EISDIR; -ESPIPE: neither file nor directory.
 */
int trusted_path_open(const char *path, int *ret_fd, struct stat *ret_stat);

#endif
