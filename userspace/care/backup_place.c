/* SPDX-License-Identifier: MIT */
/* Where backups are made. Invariant: a name of an archive appears in the directory only by the rename of a file that is whole and on
 * the disk, and what was there stays. */
#include "care/backup_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"
#include "care/restore_impl.h"

/* A test ends the process, or lets it fail, between any two steps. */
#ifndef BACKUP_STEP
#define BACKUP_STEP()
#endif

static int said(struct buf *why, const char *path, const char *what, int err)
{
	buf_printf(why, "%s: %s: %s", path, what, strerror(-err));
	if (err == -EROFS)
		buf_add_str(
			why,
			" (a unit of systemd may write only where ReadWritePaths= says, and to what was there "
			"when it was started)");
	return err;
}

/* Removes @name in @dir_fd with all that is in it, however deep; no symbolic link is followed, and nothing mounted is gone into. */
static int remove_tree(int dir_fd, const char *name)
{
	if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
		return 0;
	return errno == EISDIR || errno == EPERM ? restore_remove_tree(dir_fd, name) : -errno;
}

static int lock(struct backup_place *p, struct buf *why)
{
	char path[sizeof(p->scratch)];
	pid_t holder = 0;
	int err;

	snprintf(path, sizeof(path), "%s/%s", p->directory, BACKUP_LOCK);
	err = file_lock(path, &p->lock_fd, &holder);
	if (err == -EBUSY)
		buf_printf(why, "%s: another isamon works there already (process %ld)",
			   p->directory, (long)holder);
	else if (err)
		said(why, path, "cannot be locked", err);
	return err;
}

int backup_place_open(const char *directory, struct buf *why, struct backup_place *ret)
{
	struct backup_place *p = ret;
	int err;

	*p = (struct backup_place){
		.directory = directory, .lock_fd = -1, .dir_fd = -1, .part_fd = -1
	};
	if ((size_t)snprintf(p->scratch, sizeof(p->scratch), "%s/%s", directory, BACKUP_PART) >=
	    sizeof(p->scratch))
		return said(why, directory, "cannot be used", -ENAMETOOLONG);
	p->dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->dir_fd < 0 && errno == ENOENT) {
		err = file_make_directory(directory, 0700);
		if (err)
			return said(why, directory, "cannot be made", err);
		p->dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (p->dir_fd < 0 || fstat(p->dir_fd, &p->st))
		return said(why, directory, "cannot be opened", -errno);
	err = lock(p, why);
	if (err)
		return err;
	BACKUP_STEP();
	err = remove_tree(p->dir_fd, BACKUP_PART);
	if (!err && mkdirat(p->dir_fd, BACKUP_PART, 0700))
		err = -errno;
	BACKUP_STEP();
	if (!err) {
		p->part_fd = openat(p->dir_fd, BACKUP_PART,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		err = p->part_fd < 0 ? -errno : 0;
		if (err)
			unlinkat(p->dir_fd, BACKUP_PART, AT_REMOVEDIR);
	}
	return err ? said(why, p->scratch, "cannot be made anew", err) : 0;
}

void backup_place_close(struct backup_place *p)
{
	if (p->part_fd >= 0)
		remove_tree(p->dir_fd, BACKUP_PART);
	file_closep(&p->part_fd);
	file_closep(&p->dir_fd);
	file_closep(&p->lock_fd);
}

int backup_place_begin(struct backup_place *p, const char *file, struct buf *why)
{
	int fd = openat(p->part_fd, file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0) {
		const int err = -errno;

		buf_printf(why, "%s/%s: cannot be made: %s", p->scratch, file, strerror(-err));
		return err;
	}
	BACKUP_STEP();
	return fd;
}

/* Not every file system has RENAME_NOREPLACE; a link does not replace either. */
static int rename_new(struct backup_place *p, const char *file)
{
	if (renameat2(p->part_fd, file, p->dir_fd, file, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (linkat(p->part_fd, file, p->dir_fd, file, 0))
		return -errno;
	return unlinkat(p->part_fd, file, 0) ? -errno : 0;
}

int backup_place_finish(struct backup_place *p, const char *file, struct buf *why)
{
	int err;

	BACKUP_STEP();
	err = rename_new(p, file);
	if (err) {
		buf_printf(why, "%s/%s: cannot be named so: %s", p->directory, file,
			   strerror(-err));
		return err;
	}
	BACKUP_STEP();
	if (fsync(p->dir_fd)) {
		err = -errno;
		unlinkat(p->dir_fd, file, 0); /* what is said to have failed is not there */
		return said(why, p->directory, "cannot be synced", err);
	}
	BACKUP_STEP();
	return 0;
}

int backup_place_remove(struct backup_place *p, const char *name)
{
	return remove_tree(p->part_fd, name);
}

int backup_place_room(const struct backup_place *p, uint64_t *ret_bytes)
{
	struct statvfs v;

	if (fstatvfs(p->dir_fd, &v))
		return -errno;
	*ret_bytes = (uint64_t)v.f_bavail * v.f_frsize;
	return 0;
}
