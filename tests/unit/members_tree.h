/* SPDX-License-Identifier: MIT */
/* A made-up /proc with processes and a listening socket, and a set of members over it. */
#ifndef ISAMON_MEMBERS_TREE_H
#define ISAMON_MEMBERS_TREE_H

#include "unit.h"

#include <dirent.h>
#include <unistd.h>

#include "base/file.h"
#include "probe/members.h"

#define INODE 777
#define HEAD "  sl  local_address rem_address   st ...\n"
#define LISTEN(inode) \
	"   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 " #inode \
	" 1 0 100 0 0 10 0\n"

#define YOUNG (1ull << 40) /* made a moment ago, whenever that is */

struct row {
	pid_t pid, parent, group;
	const char *name;
	uint64_t start;
	bool socket;
	const char *cgroup;
	/* expected */
	char role; /* m, w, h; 0: not a member */
};

UNIT_USED_ static void put(const char *proc, const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", proc, name);
	f = fopen(path, "we");
	REQUIRE(f);
	fputs(text, f);
	fclose(f);
}

UNIT_USED_ static void put_process(const char *proc, const struct row *r)
{
	char name[100], text[300];

	snprintf(name, sizeof(name), "%s/%d/fd", proc, (int)r->pid);
	REQUIRE_INT(file_make_directory(name, 0700), 0);
	snprintf(name, sizeof(name), "%d/stat", (int)r->pid);
	snprintf(text, sizeof(text),
		 "%d (%s) S %d %d 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %" PRIu64 " 0 0 0\n",
		 (int)r->pid, r->name, (int)r->parent, (int)r->group, r->start);
	put(proc, name, text);
	snprintf(name, sizeof(name), "%d/cgroup", (int)r->pid);
	snprintf(text, sizeof(text), "0::%s\n", r->cgroup ? r->cgroup : "/unit");
	put(proc, name, text);
	snprintf(name, sizeof(name), "%s/%d/fd/4", proc, (int)r->pid);
	snprintf(text, sizeof(text), "socket:[%d]", r->socket ? INODE : INODE + 1);
	REQUIRE_INT(symlink(text, name), 0);
	snprintf(name, sizeof(name), "%s/%d/fd/0", proc, (int)r->pid);
	REQUIRE_INT(symlink("/dev/null", name), 0);
}

UNIT_USED_ static void remove_tree(const char *path)
{
	DIR *dir = opendir(path);
	char below[400];

	for (struct dirent *d; dir && (d = readdir(dir));) {
		if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
			continue;
		snprintf(below, sizeof(below), "%s/%s", path, d->d_name);
		if (remove(below))
			remove_tree(below);
	}
	if (dir)
		closedir(dir);
	if (remove(path))
		return;
}

UNIT_USED_ static void make_proc(char *proc)
{
	REQUIRE(mkdtemp(proc));
	put(proc, "version", "not a process");
	{
		char net[100];

		snprintf(net, sizeof(net), "%s/net", proc);
		REQUIRE_INT(file_make_directory(net, 0700), 0);
	}
	put(proc, "net/tcp", HEAD LISTEN(777));
}

/* Goes through the pass in the smallest steps. Returns how many it took. */
UNIT_USED_ static int finish(struct members *m)
{
	int steps = 0;

	while (members_busy(m) && steps < 100000) {
		members_step(m, 0);
		steps++;
	}
	return steps;
}

UNIT_USED_ static char role_of(const struct members *m, pid_t pid)
{
	const struct member *x = members_find(m, pid);

	return x ? member_role_name(x->role)[0] : 0;
}

#define TREE(...) \
	{ \
		__VA_ARGS__, \
		{ \
			0 \
		} \
	}

#endif
