/* SPDX-License-Identifier: MIT */
/* Whoever opens a restored database meets its log. So does this, and leaves nothing of its own behind. */
#include "care/restored_database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/util.h"

#define NAME_BYTES 300 /* NAME_MAX, and a suffix */

int restored_database_is(int dir_fd, const char *name, bool *ret)
{
	static const char magic[16] = "SQLite format 3"; /* with the NUL */
	_cleanup_(file_closep) int fd =
		openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char begin[sizeof(magic)];
	ssize_t n;

	*ret = false;
	if (fd < 0)
		return errno == EACCES ? 0 : -errno;
	do
		n = pread(fd, begin, sizeof(begin), 0);
	while (n < 0 && errno == EINTR);
	*ret = n == (ssize_t)sizeof(begin) && memcmp(begin, magic, sizeof(magic)) == 0;
	return n < 0 ? -errno : 0;
}

static bool has_side(int dir_fd, const char *base, const char *suffix, char name[static NAME_BYTES])
{
	int n = snprintf(name, NAME_BYTES, "%s%s", base, suffix);

	return n > 0 && n < NAME_BYTES && faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Returns whether an index was made. */
static bool settle_index(int dir_fd, const char *name, char shm[static NAME_BYTES])
{
	char wal[NAME_BYTES];
	bool has_wal = has_side(dir_fd, name, "-wal", wal),
	     has_shm = has_side(dir_fd, name, "-shm", shm);
	int fd;

	if (has_shm && !has_wal)
		unlinkat(dir_fd, shm, 0);
	if (!has_wal || has_shm)
		return false;
	fd = openat(dir_fd, shm, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

int restored_database_check(int dir_fd, const char *name, const struct database_progress *progress,
			    struct buf *why)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(8192);
	char path[NAME_BYTES + 32], shm[NAME_BYTES];
	struct database_findings found;
	bool made = settle_index(dir_fd, name, shm);
	int err;

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir_fd, name);
	err = database_check(path, progress, &text, &found);
	if (made)
		unlinkat(dir_fd, shm, 0);
	if (!err && found.n > found.n_foreign) {
		const char *line = buf_str(&found.text);

		buf_printf(why, "is damaged: %.*s", (int)strcspn(line, "\n"), line);
		err = -EBADMSG;
	} else if (err == -EBUSY) {
		buf_add_str(why, "has an unfinished transaction, and could not be checked");
	} else if (err == -EUCLEAN) {
		buf_add_str(why, "cannot be read: it is damaged, or encrypted");
		err = -EBADMSG;
	} else if (err) {
		buf_printf(why, "cannot be read: %s", strerror(-err));
	}
	database_findings_done(&found);
	return err;
}
