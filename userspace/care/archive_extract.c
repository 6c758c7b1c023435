/* SPDX-License-Identifier: MIT */
/*
 * Writes members below one directory. Invariant: nothing is opened but by beneath_open_directory(), through no symbolic link, or
 * by one name, never followed, in a directory that was opened so. What is there already is never written to.
 * Directories are 0700 until the end, when they get their mode, ACLs and time, the deepest first.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/beneath.h"
#include "base/file.h"
#include "care/archive_acl.h"
#include "care/archive_read_impl.h"

#define DIRECTORIES_BYTES_MAX (64u << 20)
#define XATTRS_BYTES_MAX 65536

struct directory {
	struct directory *before;
	mode_t mode;
	struct timespec mtime;
	size_t access_len, default_len;
	unsigned char *acls; /* both, behind the path */
	char path[];
};

/* The owner of the last member is most likely the next one's too. */
struct owner {
	char name[64];
	uint64_t archive_id;
	uint32_t id;
	bool known;
};

struct extractor {
	const struct archive_api *api;
	struct buf *why;
	int dir_fd, parent_fd, fd;
	char parent[4096]; /* what parent_fd is of */
	const char *name;  /* the last part of the path */
	struct archive_entry *entry;
	struct directory *directories;
	size_t directories_bytes;
	struct owner user, group;
	bool root, as_me;
	unsigned char access[ARCHIVE_ACL_MAX], defaults[ARCHIVE_ACL_MAX];
};

static int extract_failed(struct extractor *x, const struct archive_member *m, int err)
{
	if (err == -EEXIST)
		return archive_refuse(x->why, m->path, "is there already", err);
	if (err == -ELOOP || err == -EXDEV)
		return archive_refuse(x->why, m->path, "goes through a symbolic link", -EPERM);
	if (err == -EPERM && !x->why->len) /* the system's word, and no verdict about the archive */
		return archive_refuse(x->why, m->path, strerror(EPERM), archive_of_system(err));
	return archive_refuse(x->why, m->path, strerror(-err), err);
}

/* @path is x->parent; made where it is missing, as tar does. */
static int make_parents(struct extractor *x, char *path)
{
	int fd = -ENOENT;

	for (char *slash = strchr(path, '/');; slash = strchr(slash + 1, '/')) {
		_cleanup_(file_closep) int above = -1;
		char *last;

		if (slash)
			*slash = '\0';
		last = strrchr(path, '/');
		if (last)
			*last = '\0';
		above = beneath_open_directory(x->dir_fd, last ? path : ".");
		if (last)
			*last = '/';
		if (above >= 0 && mkdirat(above, last ? last + 1 : path, 0755) && errno != EEXIST)
			fd = -errno;
		else
			fd = above < 0 ? above : beneath_open_directory(x->dir_fd, path);
		if (slash)
			*slash = '/';
		if (fd < 0 || !slash)
			return fd;
		close(fd);
	}
}

static int open_parent(struct extractor *x, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 1;

	x->name = slash ? slash + 1 : path;
	if (x->parent_fd >= 0 && strlen(x->parent) == n &&
	    memcmp(x->parent, slash ? path : ".", n) == 0)
		return 0;
	file_closep(&x->parent_fd);
	memcpy(x->parent, slash ? path : ".", n);
	x->parent[n] = '\0';
	x->parent_fd = beneath_open_directory(x->dir_fd, x->parent);
	if (x->parent_fd == -ENOENT)
		x->parent_fd = make_parents(x, x->parent);
	return x->parent_fd < 0 ? x->parent_fd : 0;
}

/* That nobody has the name is told by some of these, too (getpwnam(3)); the others say that it could not be found out. */
static bool is_unknown(int err)
{
	return err == 0 || err == ENOENT || err == ESRCH || err == EBADF || err == EPERM;
}

static int owner_id(struct owner *o, const char *name, uint64_t id, bool group, uint32_t *ret)
{
	const struct passwd *user;
	const struct group *g;

	*ret = (uint32_t)id;
	if (!name || !*name || strlen(name) >= sizeof(o->name))
		return 0;
	if (o->known && o->archive_id == id && strcmp(o->name, name) == 0) {
		*ret = o->id;
		return 0;
	}
	errno = 0;
	g = group ? getgrnam(name) : NULL;
	user = group ? NULL : getpwnam(name);
	if (!g && !user && !is_unknown(errno))
		return -errno;
	*o = (struct owner){ .archive_id = id, .known = true };
	memcpy(o->name, name, strlen(name) + 1);
	o->id = *ret = g ? g->gr_gid : user ? user->pw_uid : (uint32_t)id;
	return 0;
}

static int set_owner(struct extractor *x, const struct archive_member *m, int fd, const char *name)
{
	uint32_t uid, gid;
	int err;

	if (!x->root)
		return 0;
	err = owner_id(&x->user, m->user, m->uid, false, &uid);
	if (!err)
		err = owner_id(&x->group, m->group, m->gid, true, &gid);
	if (err)
		return err;
	return fchownat(fd, name, uid, gid, AT_SYMLINK_NOFOLLOW | (*name ? 0 : AT_EMPTY_PATH)) ?
		       -errno :
		       0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* libarchive writes what is not printable ASCII, GNU tar % and =, as %XX; libarchive (3.6.2) does not read it so. False: too long, or a NUL. */
static bool decode_name(const char *name, char ret[static XATTR_NAME_MAX + 1])
{
	size_t n = 0;

	for (; *name && n < XATTR_NAME_MAX; name++) {
		const int high = *name == '%' ? hex_digit(name[1]) : -1;
		const int low = high < 0 ? -1 : hex_digit(name[2]);

		ret[n++] = low < 0 ? *name : (char)(high << 4 | low);
		if (low >= 0)
			name += 2;
	}
	ret[n] = '\0';
	return !*name && strlen(ret) == n;
}

/* What may run as its owner, or hands on its group, means something with owners only; and units of systemd may not set it. */
static mode_t mode_of(const struct extractor *x, const struct archive_member *m)
{
	return x->as_me ? m->mode & 01777 : m->mode;
}

/* user.* only: what others mean is this system's own business. A file system without them does without. */
static int set_xattrs(struct extractor *x, int fd)
{
	char decoded[XATTR_NAME_MAX + 1];
	const char *name;
	const void *value;
	size_t size;

	x->api->archive_entry_xattr_reset(x->entry);
	while (x->api->archive_entry_xattr_next(x->entry, &name, &value, &size) == ARCHIVE_OK) {
		if (!name || strncmp(name, "user.", 5) != 0 || size > XATTRS_BYTES_MAX ||
		    !decode_name(name, decoded))
			continue;
		if (fsetxattr(fd, decoded, value, size, 0) && errno != EOPNOTSUPP)
			return -errno;
	}
	return 0;
}

static int set_acl(int fd, const char *name, const void *acl, size_t n)
{
	return n && fsetxattr(fd, name, acl, n, 0) && errno != EOPNOTSUPP ? -errno : 0;
}

/* --- directories */

static int remember_directory(struct extractor *x, const struct archive_member *m)
{
	size_t n = strlen(m->path) + 1, bytes;
	struct directory *d;
	size_t access = archive_acl_encode(x->api, x->entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS,
					   x->access),
	       defaults = archive_acl_encode(x->api, x->entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT,
					     x->defaults);

	bytes = sizeof(*d) + n + access + defaults;
	if (x->directories_bytes + bytes > DIRECTORIES_BYTES_MAX)
		return archive_refuse(x->why, m->path, "too many directories", -EFBIG);
	d = malloc(bytes);
	if (!d)
		return -ENOMEM;
	*d = (struct directory){ .before = x->directories,
				 .mode = mode_of(x, m),
				 .mtime = { m->mtime_s, m->mtime_ns },
				 .access_len = access,
				 .default_len = defaults,
				 .acls = (unsigned char *)d->path + n };
	memcpy(d->path, m->path, n);
	memcpy(d->acls, x->access, access);
	memcpy(d->acls + access, x->defaults, defaults);
	x->directories = d;
	x->directories_bytes += bytes;
	return 0;
}

static int begin_directory(struct extractor *x, const struct archive_member *m)
{
	_cleanup_(file_closep) int fd = -1;
	int err;

	if (strcmp(m->path, ".") != 0 && mkdirat(x->parent_fd, x->name, 0700) && errno != EEXIST)
		return -errno;
	fd = beneath_open_directory(x->parent_fd, x->name);
	if (fd < 0)
		return fd == -ENOTDIR ? -EEXIST : fd;
	err = set_owner(x, m, fd, "");
	if (!err)
		err = set_xattrs(x, fd);
	return err ? err : remember_directory(x, m);
}

static int finish_directory(struct extractor *x, const struct directory *d)
{
	_cleanup_(file_closep) int fd = beneath_open_directory(x->dir_fd, d->path);
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, d->mtime };
	int err;

	if (fd < 0)
		return fd;
	if (fchmod(fd, d->mode))
		return -errno;
	err = set_acl(fd, "system.posix_acl_access", d->acls, d->access_len);
	if (!err && d->default_len)
		err = set_acl(fd, "system.posix_acl_default", d->acls + d->access_len,
			      d->default_len);
	return err || futimens(fd, times) == 0 ? err : -errno;
}

/* The last one that was told first: what is in a directory comes after it. */
static int finish_directories(struct extractor *x)
{
	int err = 0;

	for (const struct directory *d = x->directories; d && !err; d = d->before) {
		err = finish_directory(x, d);
		if (err) {
			archive_refuse(x->why, d->path, strerror(-err), err);
			err = archive_of_system(err);
		}
	}
	return err;
}

static void free_directories(struct extractor *x)
{
	for (struct directory *d = x->directories, *before; d; d = before) {
		before = d->before;
		free(d);
	}
}

/* --- the others */

static int begin_hardlink(struct extractor *x, const struct archive_member *m)
{
	const char *slash = strrchr(m->target, '/');
	char above[4096];
	_cleanup_(file_closep) int fd = -1;
	struct stat st;
	int err;

	snprintf(above, sizeof(above), "%.*s", slash ? (int)(slash - m->target) : 1,
		 slash ? m->target : ".");
	fd = beneath_open_directory(x->dir_fd, above);
	slash = slash ? slash + 1 : m->target;
	err = fd < 0 ? fd : fstatat(fd, slash, &st, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
	if (err && err != -ENOENT && err != -ENOTDIR && err != -ELOOP && err != -EXDEV)
		return err;
	if (err || !S_ISREG(st.st_mode))
		return archive_refuse(x->why, m->path, "a hard link to what is not there", -EPERM);
	return linkat(fd, slash, x->parent_fd, x->name, 0) ? -errno : 0;
}

static int begin_symlink(struct extractor *x, const struct archive_member *m)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { m->mtime_s, m->mtime_ns } };
	int err;

	if (symlinkat(m->target, x->parent_fd, x->name))
		return -errno;
	err = set_owner(x, m, x->parent_fd, x->name);
	if (!err && utimensat(x->parent_fd, x->name, times, AT_SYMLINK_NOFOLLOW))
		err = -errno;
	return err;
}

static int begin_file(struct extractor *x)
{
	x->fd = openat(x->parent_fd, x->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       0600);
	return x->fd < 0 ? -errno : 0;
}

static int extract_begin(const struct archive_member *m, struct archive_entry *e, void *ctx)
{
	struct extractor *x = ctx;
	int err = open_parent(x, m->path);

	x->entry = e;
	if (!err && m->kind != ARCHIVE_DIRECTORY && strcmp(m->path, ".") == 0)
		return archive_refuse(x->why, m->path, "the top is no directory", -EPERM);
	if (!err) {
		switch (m->kind) {
		case ARCHIVE_FILE: err = begin_file(x); break;
		case ARCHIVE_DIRECTORY: err = begin_directory(x, m); break;
		case ARCHIVE_SYMLINK: err = begin_symlink(x, m); break;
		case ARCHIVE_HARDLINK: err = begin_hardlink(x, m); break;
		}
	}
	return err ? extract_failed(x, m, err) : 0;
}

static int extract_data(const void *bytes, size_t n, uint64_t offset, void *ctx)
{
	struct extractor *x = ctx;

	return file_write_at(x->fd, bytes, n, offset);
}

static int finish_file(struct extractor *x, const struct archive_member *m)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { m->mtime_s, m->mtime_ns } };
	size_t n;
	int err;

	if (ftruncate(x->fd, (off_t)m->size))
		return -errno;
	err = set_owner(x, m, x->fd, "");
	if (!err && fchmod(x->fd, mode_of(x, m)))
		err = -errno;
	if (!err)
		err = set_xattrs(x, x->fd);
	n = archive_acl_encode(x->api, x->entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, x->access);
	if (!err)
		err = set_acl(x->fd, "system.posix_acl_access", x->access, n);
	return err || futimens(x->fd, times) == 0 ? err : -errno;
}

static int extract_end(struct archive_member *m, void *ctx)
{
	struct extractor *x = ctx;
	int err;

	if (m->kind != ARCHIVE_FILE)
		return 0;
	err = finish_file(x, m);
	file_closep(&x->fd);
	x->fd = -1;
	return err ? extract_failed(x, m, err) : 0;
}

int archive_extract(int fd, int dir_fd, const struct archive_read_options *o, struct buf *why,
		    struct archive_was *ret)
{
	struct extractor *x = calloc(1, sizeof(*x));
	struct archive_sink sink = {
		.begin = extract_begin, .data = extract_data, .end = extract_end, .ctx = x
	};
	struct archive_read_options own = *o;
	struct archive_api api = { 0 };
	int err;

	*ret = (struct archive_was){ .unsound = BUF_INIT(ARCHIVE_UNSOUND_MAX) };
	if (!x)
		return archive_refuse(why, "the archive", strerror(ENOMEM), -ENOMEM);
	own.check_database = NULL;
	x->api = &api;
	x->why = why;
	x->dir_fd = dir_fd;
	x->parent_fd = x->fd = -1;
	x->as_me = o->as_me;
	x->root = geteuid() == 0 && !o->as_me;
	err = archive_api_open(&api, why);
	if (!err)
		err = archive_read_members(fd, &api, &own, &sink, why, ret);
	if (!err)
		err = finish_directories(x);
	free_directories(x);
	file_closep(&x->fd);
	file_closep(&x->parent_fd);
	archive_api_close(&api);
	free(x);
	return err ? archive_refuse(why, "the archive", strerror(-err), err) : 0;
}
