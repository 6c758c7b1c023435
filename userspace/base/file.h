/* SPDX-License-Identifier: MIT */
/* Small things to do with files. All block on the file system only. */
#ifndef ISAMON_FILE_H
#define ISAMON_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"

/* Appends the whole file @path, also one of /proc whose size is not known beforehand, to @ret.
 * Returns 0 or -errno; -ESPIPE: a FIFO, which might never end; -EFBIG: longer than the room in @ret. On an error @ret is as it was. */
int file_read(const char *path, struct buf *ret);
/* The same, and what fstat(2) says of the file that was read. */
int file_read_stat(const char *path, struct buf *ret, struct stat *ret_stat);

/* Write all of @bytes, whatever pieces the kernel takes them in: from where the file stands, or at @offset. Return 0 or -errno; then a part
 * may be written. Not synced. */
int file_write(int fd, const void *bytes, size_t n);
int file_write_at(int fd, const void *bytes, size_t n, uint64_t offset);

/* Makes the directory @path and those above it that are missing, with @mode less the umask.
 * Returns 0, also if it was there already; -ENOTDIR: something else is in the way; another
 * -errno. */
int file_make_directory(const char *path, mode_t mode);

/*
 * Locks @path for as long as *ret_fd is open (flock(2), so the lock goes with the process, however
 * it ends), and writes our process id into it; the file stays, for its owner alone to read. Does not
 * wait: -EBUSY if another process has it; then *ret_holder (may be NULL) is that one's process id, 0
 * if not known. Returns 0 or -errno.
 */
int file_lock(const char *path, int *ret_fd, pid_t *ret_holder);
/* Likewise, but others may have it so, too: it keeps out file_lock() alone, and is kept out by that. The id is that of who came last. */
int file_lock_shared(const char *path, int *ret_fd, pid_t *ret_holder);

/* For _cleanup_(file_closep) int fd = -1; closes it unless negative. */
void file_closep(int *fd);

#endif
