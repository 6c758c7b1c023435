/* SPDX-License-Identifier: MIT */
/*
 * Finds the cgroup2 root. A line of mountinfo (Documentation/filesystems/proc.rst, 3.5):
 *   41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:1 - cgroup2 cgroup2 rw
 * id, parent, device, root, mount point, options, optional fields, "-", type, source, options.
 * A mount may hide another, so what was opened must itself be cgroup2.
 */
#include "probe/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"

#define MOUNTINFO_MAX (16 * 1024 * 1024)
#define FIELD_ROOT 3
#define FIELD_POINT 4
#define FIELD_N 5

#define PART \
	"Only the part %s of the cgroup2 hierarchy can be seen here (on %s): what the service does " \
	"outside it is not measured. "
#define HIDDEN "cgroup2 is mounted on %s, which cannot be opened: %s. "
#define NOWHERE \
	"%sThe cgroup2 hierarchy is not mounted as a whole, and mounting it privately failed " \
	"(%s: %s): %s"

struct mount {
	char *root;
	char *point;
};

static bool is_octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' &&
	       s[2] <= '7';
}

/* Undoes the kernel's \040 for a space and the like, in place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (*s == '\\' && is_octal(s + 1)) {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

/* Takes @line apart, in place. Returns whether it is a mount of cgroup2. */
static bool mount_of_line(char *line, struct mount *ret)
{
	char *fields[FIELD_N], *type = strstr(line, " - ");

	if (!type || strncmp(type + 3, "cgroup2 ", 8) != 0)
		return false;
	*type = '\0';
	for (size_t i = 0; i < FIELD_N; i++) {
		fields[i] = line;
		line += strcspn(line, " ");
		if (*line)
			*line++ = '\0';
	}
	unescape(fields[FIELD_ROOT]);
	unescape(fields[FIELD_POINT]);
	*ret = (struct mount){ .root = fields[FIELD_ROOT], .point = fields[FIELD_POINT] };
	return *ret->point == '/';
}

static int mount_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0)
		return -errno;
	if (fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
		return fd;
	close(fd);
	return -ENODEV;
}

/* Opens the first usable mount in @table (which is cut up) whose root is (@whole), or is not,
 * that of the hierarchy. Appends to @why what cannot be used, and which part it is. A descriptor
 * or -errno. */
static int mount_pick(char *table, bool whole, struct buf *why)
{
	int result = -ENOENT;

	for (char *next; table; table = next) {
		struct mount m;

		next = strchr(table, '\n');
		if (next)
			*next++ = '\0';
		if (!mount_of_line(table, &m) || (strcmp(m.root, "/") == 0) != whole)
			continue;
		result = mount_open(m.point);
		if (result >= 0 && !whole)
			buf_printf(why, PART, m.root, m.point);
		if (result >= 0)
			return result;
		buf_printf(why, HIDDEN, m.point, strerror(-result));
	}
	return result;
}

static int mount_find(const char *mountinfo, bool whole, struct buf *why)
{
	_cleanup_(buf_done) struct buf table = BUF_INIT(MOUNTINFO_MAX);
	int err = file_read(mountinfo, &table);

	if (err == 0)
		return mount_pick(table.data, whole, why);
	buf_printf(why, "%s cannot be read: %s. ", mountinfo, strerror(-err));
	return err;
}

/* glibc has names for these calls since 2.36 only. Returns a descriptor or -errno. */
static int mount_private(const char **ret_step)
{
	_cleanup_(file_closep) int context = -1;
	_cleanup_(file_closep) int mount = -1;
	int fd;

	*ret_step = "fsopen";
	context = (int)syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC);
	if (context < 0)
		return -errno;
	*ret_step = "fsconfig";
	if (syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	*ret_step = "fsmount";
	mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	if (mount < 0)
		return -errno;
	*ret_step = "open";
	fd = openat(mount, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static const char *private_advice(int err)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		return "that needs CAP_SYS_ADMIN: run isamon as root, or mount it for all: "
		       "mount -t cgroup2 none /sys/fs/cgroup";
	case -ENODEV:
		return "this kernel is built without control groups (CONFIG_CGROUPS, CONFIG_CGROUP_BPF): "
		       "boot one that has them";
	case -ENOSYS:
		return "this kernel is older than 5.2: mount it with mount -t cgroup2 none /sys/fs/cgroup, "
		       "or boot a newer one";
	default: return "mount it by hand to see why: mount -t cgroup2 none /sys/fs/cgroup";
	}
}

int cgroup_open_root_by(const char *mountinfo, struct buf *why, int *ret_fd)
{
	_cleanup_(buf_done) struct buf tried = BUF_INIT(4096);
	const char *step;
	int fd = mount_find(mountinfo, true, &tried), err;

	if (fd < 0)
		err = fd = mount_private(&step);
	if (fd < 0)
		fd = mount_find(mountinfo, false, why);
	if (fd < 0) {
		buf_printf(why, NOWHERE, buf_str(&tried), step, strerror(-err),
			   private_advice(err));
		return err;
	}
	*ret_fd = fd;
	return 0;
}

int cgroup_open_root(struct buf *why, int *ret_fd)
{
	return cgroup_open_root_by("/proc/self/mountinfo", why, ret_fd);
}
