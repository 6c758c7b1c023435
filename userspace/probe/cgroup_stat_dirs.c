/* SPDX-License-Identifier: MIT */
/*
 * Where a process's cgroup is in the file system: PID/cgroup says its path in each hierarchy
 * (cgroups(7)), the table of mounts where the hierarchy is (Documentation/filesystems/proc.rst, 3.5). A path
 * with characters that the kernel escapes is none that we follow.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "probe/cgroup_stat.h"

#define MOUNTINFO_MAX (16 * 1024 * 1024)
#define CGROUP_FILE_MAX (64 * 1024)
#define FIELD_ROOT 3
#define FIELD_POINT 4

/* A piece of a line. */
struct piece {
	const char *at;
	size_t len;
};

static bool copy(struct piece p, char to[static CGROUP_STAT_PATH_MAX])
{
	if (p.len >= CGROUP_STAT_PATH_MAX || memchr(p.at, '\\', p.len) || memchr(p.at, '\0', p.len))
		return false;
	memcpy(to, p.at, p.len);
	to[p.len] = '\0';
	return true;
}

/* The @n-th field between spaces; empty if there are fewer. */
static struct piece field(struct piece line, unsigned int n)
{
	struct piece f = { line.at, 0 };
	const char *end = line.at + line.len;

	for (; n && f.at < end; f.at++)
		n -= *f.at == ' ';
	while (f.at + f.len < end && f.at[f.len] != ' ')
		f.len++;
	return f;
}

static bool is(struct piece p, const char *text)
{
	return p.len == strlen(text) && memcmp(p.at, text, p.len) == 0;
}

/* Whether @word is in a list by comma. */
static bool has_word(struct piece list, const char *word)
{
	const char *end = list.at + list.len;

	while (list.at < end) {
		const char *comma = memchr(list.at, ',', (size_t)(end - list.at));
		struct piece p = { list.at, (size_t)((comma ? comma : end) - list.at) };

		if (is(p, word))
			return true;
		list.at += p.len + 1;
	}
	return false;
}

void cgroup_stat_parse_mount(const char *line, struct cgroup_mounts *m)
{
	const char *type = strstr(line, " - ");
	struct piece head, tail;
	struct cgroup_mount found, *into;

	if (!type)
		return;
	head = (struct piece){ line, (size_t)(type - line) };
	tail = (struct piece){ type + 3, strcspn(type + 3, "\n") };
	if (is(field(tail, 0), "cgroup2"))
		into = &m->v2;
	else if (is(field(tail, 0), "cgroup") && has_word(field(tail, 2), "cpu"))
		into = &m->v1_cpu;
	else
		return;
	if (!copy(field(head, FIELD_ROOT), found.root) ||
	    !copy(field(head, FIELD_POINT), found.point) || *found.point != '/' ||
	    *found.root != '/')
		return;
	if (!*into->point || strlen(found.root) < strlen(into->root))
		*into = found;
}

int cgroup_stat_mounts(const char *mountinfo, struct cgroup_mounts *ret)
{
	_cleanup_(buf_done) struct buf table = BUF_INIT(MOUNTINFO_MAX);
	int err = file_read(mountinfo, &table);
	char *line, *next;

	memset(ret, 0, sizeof(*ret));
	if (err || !table.len)
		return err;
	for (line = table.data; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		cgroup_stat_parse_mount(line, ret);
	}
	return 0;
}

/* @path in the hierarchy, as the mount shows it; "" if it does not. */
static void place(const struct cgroup_mount *m, struct piece path,
		  char to[static CGROUP_STAT_PATH_MAX])
{
	size_t root = strcmp(m->root, "/") == 0 ? 0 : strlen(m->root);
	int n;

	*to = '\0';
	if (!*m->point || path.len < root || memcmp(path.at, m->root, root) != 0)
		return;
	path.at += root;
	path.len -= root;
	if ((path.len && *path.at != '/') || path.len >= CGROUP_STAT_PATH_MAX ||
	    memmem(path.at, path.len, "/..", 3))
		return; /* the root of a namespace is above: not to be seen from here */
	if (path.len == 1)
		path.len = 0;
	n = snprintf(to, CGROUP_STAT_PATH_MAX, "%s%.*s", m->point, (int)path.len, path.at);
	if (n >= CGROUP_STAT_PATH_MAX)
		*to = '\0';
}

void cgroup_stat_parse_dirs(const char *text, const struct cgroup_mounts *m,
			    struct cgroup_dirs *ret)
{
	memset(ret, 0, sizeof(*ret));
	while (*text) {
		struct piece line = { text, strcspn(text, "\n") };
		const char *first = memchr(line.at, ':', line.len), *second = NULL;

		text += line.len + (text[line.len] == '\n');
		if (first)
			second = memchr(first + 1, ':', (size_t)(line.at + line.len - first - 1));
		if (!second)
			continue;
		line.len -= (size_t)(second + 1 - line.at);
		line.at = second + 1;
		if (second == first + 1)
			place(&m->v2, line, ret->v2);
		else if (has_word((struct piece){ first + 1, (size_t)(second - first - 1) }, "cpu"))
			place(&m->v1_cpu, line, ret->v1_cpu);
	}
}

/* Of cgroup v2, the root and no other has no cgroup.type; of v1, the root and no other a release_agent. */
static void drop_root(char *directory, const char *file, bool root_has_it)
{
	char path[CGROUP_STAT_PATH_MAX + 32];

	if (!*directory)
		return;
	snprintf(path, sizeof(path), "%s/%s", directory, file);
	if ((access(path, F_OK) == 0) == root_has_it)
		*directory = '\0';
}

int cgroup_stat_dirs(const struct cgroup_mounts *m, const char *proc, pid_t pid,
		     struct cgroup_dirs *ret)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(CGROUP_FILE_MAX);
	char path[CGROUP_STAT_PATH_MAX];
	int err;

	memset(ret, 0, sizeof(*ret));
	if (snprintf(path, sizeof(path), "%s/%d/cgroup", proc, (int)pid) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	err = file_read(path, &text);
	if (err)
		return err;
	cgroup_stat_parse_dirs(buf_str(&text), m, ret);
	drop_root(ret->v2, "cgroup.type", false);
	drop_root(ret->v1_cpu, "release_agent", true);
	return 0;
}
