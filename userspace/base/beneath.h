/* SPDX-License-Identifier: MIT */
/* A directory that is reached through no symbolic link: for paths that others have a say in. */
#ifndef ISAMON_BENEATH_H
#define ISAMON_BENEATH_H

/*
 * Opens the directory @path, which is relative, below @dir_fd ("." is that itself), for reading. By openat2(2) with RESOLVE_BENEATH and
 * RESOLVE_NO_SYMLINKS; where there is none (before Linux 5.6, and in units with RestrictSUIDSGID=, which refuses it whole because its
 * filter cannot see what it is asked for: systemd.exec(5)) part by part, none of them followed.
 * Returns a descriptor (close-on-exec) or -errno; -ELOOP: there is a symbolic link in it; -EXDEV: it is absolute, or leads out.
 */
int beneath_open_directory(int dir_fd, const char *path);

/* The same without openat2(2); here a part that is ".." is -EXDEV, wherever it leads. For beneath_open_directory() and its test. */
int beneath_walk(int dir_fd, const char *path);

#endif
