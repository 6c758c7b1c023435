/* SPDX-License-Identifier: MIT */
/* A directory is read once for all names in it. Only regular files become names; links as trusted_path.h has it. In an olddir
 * nothing is live, whatever it is called. */
#include "logs/follow_names.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/util.h"
#include "logs/rotated_name.h"
#include "logs/trusted_path.h"

struct listing {
	struct follow_names *names;
	const struct trusted_dir *dir;
	const char *path; /* of the directory */
	const char *base; /* pattern of the name */
	const char *home; /* the directory of the live names; of an olddir it is another one */
};

static void dir_closep(DIR **d)
{
	if (*d)
		closedir(*d);
}

/* Says nothing of the file, or the directory: that it was not found does not mean that it is gone. */
static bool is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM;
}

static bool has_wildcard(const char *s)
{
	return strpbrk(s, "*?[") != NULL;
}

static bool matches(const char *base, const char *name)
{
	return fnmatch(base, name, FNM_PERIOD) == 0;
}

/* Of a name in an olddir: whatever moved there without another name is rotated, too. */
static bool old_name_judge(const char *base, const char *name, char ret_live[NAME_MAX + 1])
{
	if (rotated_name(name, ret_live) != ROTATED_NOT && matches(base, ret_live))
		return true;
	snprintf(ret_live, NAME_MAX + 1, "%s", name);
	return matches(base, name);
}

/* Whether @name is one of @base, and of which live name. */
static bool name_judge(const struct listing *l, const char *name, char ret_live[NAME_MAX + 1],
		       bool *ret_is_live)
{
	enum rotated_form form = rotated_name(name, ret_live);
	struct stat st;

	*ret_is_live = false;
	if (l->home != l->path)
		return old_name_judge(l->base, name, ret_live);
	if (form == ROTATED_BEHIND && matches(l->base, ret_live))
		return true;
	if (form == ROTATED_WITHIN && matches(l->base, ret_live) &&
	    (!matches(l->base, name) || !trusted_dir_stat(l->dir, l->path, ret_live, &st)))
		return true;
	*ret_is_live = true;
	snprintf(ret_live, NAME_MAX + 1, "%s", name);
	return matches(l->base, name);
}

bool follow_names_concerns(const char *path, const char *name)
{
	const char *base = strrchr(path, '/');
	char live[NAME_MAX + 1];

	base = base ? base + 1 : path;
	return matches(base, name) || (rotated_name(name, live) && matches(base, live));
}

static char *path_join(const char *dir, const char *name)
{
	char *s = NULL;

	return asprintf(&s, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name) < 0 ? NULL : s;
}

static struct follow_name *name_new(struct follow_names *n)
{
	if (n->n == n->room) {
		size_t room = n->room ? 2 * n->room : 32;
		struct follow_name *list = realloc(n->list, room * sizeof(*list));

		if (!list)
			return NULL;
		n->list = list;
		n->room = room;
	}
	n->list[n->n] = (struct follow_name){ 0 };
	return &n->list[n->n];
}

static void name_look(const struct listing *l, const char *name, struct follow_name *ret)
{
	struct stat st;

	ret->err = trusted_dir_stat(l->dir, l->path, name, &st);
	if (ret->err)
		return;
	ret->device = st.st_dev;
	ret->inode = st.st_ino;
	ret->size = (uint64_t)st.st_size;
	ret->mtime_ns = st.st_mtim.tv_sec * (int64_t)NS_PER_SEC + st.st_mtim.tv_nsec;
}

static int name_add(const struct listing *l, const char *name)
{
	char live[NAME_MAX + 1];
	struct follow_name *n;
	bool is_live;

	if (!name_judge(l, name, live, &is_live))
		return 0;
	if (l->names->n >= FOLLOW_NAMES_MAX) {
		l->names->cut = true;
		return 0;
	}
	n = name_new(l->names);
	if (!n)
		return -ENOMEM;
	name_look(l, name, n);
	if (is_shortage(n->err))
		return n->err;
	if (n->err == -ENOENT || (n->err && !is_live) ||
	    (n->err == -EISDIR && has_wildcard(l->base)))
		return 0;
	n->is_live = is_live;
	n->is_gzip = rotated_name_is_gzip(name);
	n->is_foreign = rotated_name_is_foreign(name);
	n->path = path_join(l->path, name);
	n->live = path_join(l->home, live);
	if (!n->path || !n->live) {
		free(n->path);
		free(n->live);
		return -ENOMEM;
	}
	l->names->n++;
	return 0;
}

/* @home: of the live names, @path itself if it is no olddir. */
static int directory_read(struct follow_names *names, const char *path, const char *base,
			  const char *home, const struct follow_names_hooks *hooks)
{
	_cleanup_(trusted_dir_done) struct trusted_dir dir = { .fd = -1 };
	_cleanup_(dir_closep) DIR *d = NULL;
	struct listing l = { names, &dir, path, base, home };
	struct dirent *e;
	int fd, err;

	hooks->directory(path, hooks->ctx);
	err = trusted_dir_open(path, &dir);
	fd = err ? -1 : openat(dir.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (!err && fd < 0)
		err = -errno;
	/* Names that are known can be opened in a directory that may be passed, but not read. */
	if (err == -EACCES && dir.fd >= 0 && home == path && !has_wildcard(base))
		return name_add(&l, base);
	if (is_shortage(err))
		return err;
	if (err) {
		if (err != -ENOENT)
			hooks->refused(path, err, hooks->ctx);
		return 0;
	}
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (!err && (errno = 0, e = readdir(d)))
		err = name_add(&l, e->d_name);
	/* (-ENOENT: it was removed meanwhile) */
	return err ? err : errno == ENOENT ? 0 : -errno;
}

static int on_glob_error(const char *path, int err)
{
	(void)path;
	return is_shortage(-err);
}

/* The directory of live names, and where logrotate moves them to. */
static int home_read(struct follow_names *names, const char *home, const char *base,
		     const char *olddir, const struct follow_names_hooks *hooks)
{
	char old[PATH_MAX];
	int err, n;

	err = directory_read(names, home, base, home, hooks);
	if (err || !olddir || !*olddir)
		return err;
	n = *olddir == '/' ?
		    snprintf(old, sizeof(old), "%s", olddir) :
		    snprintf(old, sizeof(old), "%s/%s", strcmp(home, "/") == 0 ? "" : home, olddir);
	if (n >= (int)sizeof(old)) {
		hooks->refused(olddir, -ENAMETOOLONG, hooks->ctx);
		return 0;
	}
	while (n > 1 && old[n - 1] == '/')
		old[--n] = '\0';
	return strcmp(old, home) == 0 ? 0 : directory_read(names, old, base, home, hooks);
}

static int directories_read(struct follow_names *names, const char *pattern, const char *base,
			    const char *olddir, const struct follow_names_hooks *hooks)
{
	glob_t g = { 0 };
	char parent[PATH_MAX];
	size_t n = strcspn(pattern, "*?[");
	int err;

	snprintf(parent, sizeof(parent), "%.*s", (int)n, pattern);
	*strrchr(parent, '/') = '\0';
	hooks->directory(*parent ? parent : "/", hooks->ctx);
	err = glob(pattern, GLOB_ONLYDIR | GLOB_NOSORT, on_glob_error, &g);
	err = err == GLOB_NOSPACE ? -ENOMEM : err == GLOB_ABORTED ? -EMFILE : 0;
	for (size_t i = 0; i < g.gl_pathc && !err; i++)
		err = home_read(names, g.gl_pathv[i], base, olddir, hooks);
	globfree(&g);
	return err;
}

int follow_names_add(struct follow_names *n, const char *path, const char *olddir,
		     const struct follow_names_hooks *hooks)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (path[0] != '/' || !slash[1] || strlen(path) >= sizeof(dir))
		return 0;
	snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return has_wildcard(dir) ? directories_read(n, dir, slash + 1, olddir, hooks) :
				   home_read(n, dir, slash + 1, olddir, hooks);
}

/* Length of the directory of the live names if @path, whose directory has @n bytes, is in @olddir; -1: it is not. */
static int home_length(const char *path, size_t n, const char *pattern, const char *olddir)
{
	size_t len = strlen(olddir);

	while (len > 1 && olddir[len - 1] == '/')
		len--;
	if (len > n || strncmp(path + n - len, olddir, len) != 0)
		return -1;
	if (*olddir == '/')
		return len == n ? (int)(strrchr(pattern, '/') - pattern) : -1;
	return len < n && path[n - len - 1] == '/' ? (int)(n - len - 1) : -1;
}

static bool is_live_of(const char *pattern, const char *dir, int n, const char *base,
		       char ret[PATH_MAX])
{
	return snprintf(ret, PATH_MAX, "%.*s/%s", n, dir, base) < PATH_MAX &&
	       fnmatch(pattern, ret, FNM_PATHNAME | FNM_PERIOD) == 0;
}

bool follow_names_live(const char *path, const char *pattern, const char *olddir,
		       char ret[PATH_MAX])
{
	const char *slash = strrchr(path, '/'), *dir = path;
	char base[NAME_MAX + 1];
	bool is_rotated;
	int n = -1;

	if (!slash || strlen(slash + 1) > NAME_MAX)
		return false;
	is_rotated = rotated_name(slash + 1, base) != ROTATED_NOT;
	if (is_rotated && is_live_of(pattern, dir, (int)(slash - path), base, ret))
		return true;
	if (olddir && *olddir)
		n = home_length(path, (size_t)(slash - path), pattern, olddir);
	if (n < 0)
		return false;
	dir = *olddir == '/' ? pattern : path;
	return (is_rotated && is_live_of(pattern, dir, n, base, ret)) ||
	       is_live_of(pattern, dir, n, slash + 1, ret);
}

void follow_names_done(struct follow_names *n)
{
	for (size_t i = 0; i < n->n; i++) {
		free(n->list[i].path);
		free(n->list[i].live);
	}
	free(n->list);
	*n = (struct follow_names){ 0 };
}
