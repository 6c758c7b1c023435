/* SPDX-License-Identifier: MIT */
/* A pass. Reading comes first, in small steps; then the family tree is made in one go, which takes a
 * millisecond with 10,000 processes. A process that comes or goes between is seen or not, never half. */
#include "probe/members_pass.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/number.h"
#include "base/util.h"
#include "probe/proc.h"

#define PROCESSES_FIRST 512
#define LINKS_A_LOOK 32 /* between two looks at the clock */
#define KTHREADD 2
#define NOBODY UINT32_MAX

struct process {
	uint64_t start_ticks;
	pid_t pid, parent, group;
	uint32_t parent_at; /* its place in the list, or NOBODY */
	bool owner, member, manager;
};

struct pass {
	const char *proc;
	const uint64_t *inodes;
	size_t n_inodes;
	DIR *dir, *fds; /* fds: of the process that was added last, while they are looked through */
	struct process *list;
	size_t n, size;
};

int pass_new(const char *proc, const uint64_t *inodes, size_t n_inodes, struct pass **ret_pass)
{
	struct pass *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->proc = proc;
	p->inodes = inodes;
	p->n_inodes = n_inodes;
	p->dir = opendir(proc);
	if (!p->dir) {
		err = -errno;
		free(p);
		return err;
	}
	*ret_pass = p;
	return 0;
}

void pass_free(struct pass *p)
{
	if (!p)
		return;
	if (p->fds)
		closedir(p->fds);
	closedir(p->dir);
	free(p->list);
	free(p);
}

size_t pass_seen(const struct pass *p)
{
	return p->n;
}

/* Programs that start others for a living; by the name that /proc/PID/stat has, 15 bytes. */
static bool is_manager(const struct proc_stat *st, pid_t pid)
{
	static const char *const names[] = {
		"systemd",      "init",      "supervisord", "circusd",         "monit",  "runsv",
		"s6-supervise", "s6-svscan", "runsvdir",    "containerd-shim", "conmon",
	};

	if (pid == 1)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(st->name, names[i]) == 0)
			return true;
	return false;
}

static int add(struct pass *p, pid_t pid, const struct proc_stat *st)
{
	if (p->n == p->size) {
		size_t size = p->size ? p->size * 2 : PROCESSES_FIRST;
		struct process *list = reallocarray(p->list, size, sizeof(*list));

		if (!list)
			return -ENOMEM;
		p->list = list;
		p->size = size;
	}
	p->list[p->n++] = (struct process){
		.pid = pid,
		.parent = st->parent,
		.group = st->group,
		.start_ticks = st->start_ticks,
		.manager = is_manager(st, pid),
	};
	return 0;
}

/* "socket:[4711]" */
static bool is_socket(int dir, const char *name, const uint64_t *inodes, size_t n_inodes)
{
	static const char head[] = "socket:[";
	char link[64];
	ssize_t n = readlinkat(dir, name, link, sizeof(link) - 1);
	uint64_t inode;

	if (n <= (ssize_t)sizeof(head) || memcmp(link, head, sizeof(head) - 1) != 0)
		return false;
	link[n - 1] = '\0'; /* the bracket */
	if (number_parse_u64(link + sizeof(head) - 1, 1, UINT64_MAX, &inode) != 0)
		return false;
	for (size_t i = 0; i < n_inodes; i++)
		if (inodes[i] == inode)
			return true;
	return false;
}

static DIR *open_fds(const char *proc, pid_t pid)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%d/fd", proc, (int)pid) >= (int)sizeof(path))
		return NULL;
	return opendir(path);
}

bool pass_is_owner(const char *proc, pid_t pid, const uint64_t *inodes, size_t n_inodes,
		   size_t *links)
{
	DIR *dir = n_inodes && *links ? open_fds(proc, pid) : NULL;
	bool found = false;

	if (!dir)
		return false;
	for (struct dirent *d; !found && *links && (d = readdir(dir)); --*links)
		found = is_socket(dirfd(dir), d->d_name, inodes, n_inodes);
	closedir(dir);
	return found;
}

/* Looks through some descriptors of the last process. */
static void look_at_fds(struct pass *p)
{
	struct process *last = &p->list[p->n - 1];

	for (int i = 0; i < LINKS_A_LOOK; i++) {
		struct dirent *d = readdir(p->fds);

		if (d && is_socket(dirfd(p->fds), d->d_name, p->inodes, p->n_inodes))
			last->owner = true;
		if (d && !last->owner)
			continue;
		closedir(p->fds);
		p->fds = NULL;
		return;
	}
}

/* The next process. Returns 0, 1 behind the last, or -ENOMEM. */
static int look_at_next(struct pass *p)
{
	struct dirent *d = readdir(p->dir);
	struct proc_stat st;
	uint64_t pid;
	int err;

	if (!d)
		return 1;
	if (number_parse_u64(d->d_name, 1, INT_MAX, &pid) != 0 ||
	    proc_read_stat(p->proc, (pid_t)pid, &st) != 0)
		return 0;
	if (pid == KTHREADD || st.parent == KTHREADD)
		return 0;
	err = add(p, (pid_t)pid, &st);
	if (!err && p->n_inodes && !p->list[p->n - 1].manager)
		p->fds = open_fds(p->proc, (pid_t)pid);
	return err;
}

int pass_step(struct pass *p, uint64_t budget_ns)
{
	uint64_t until = clock_monotonic_ns() + budget_ns;
	int done = 0;

	do {
		if (p->fds)
			look_at_fds(p);
		else
			done = look_at_next(p);
	} while (!done && clock_monotonic_ns() < until);
	return done;
}

static int by_pid(const void *a, const void *b)
{
	pid_t x = ((const struct process *)a)->pid, y = ((const struct process *)b)->pid;

	return (x > y) - (x < y);
}

/* A parent that is younger than its child is another process, with the pid of one that has gone. */
static void find_parents(struct pass *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct process key = { .pid = p->list[i].parent };
		const struct process *parent = bsearch(&key, p->list, p->n, sizeof(key), by_pid);

		if (parent && parent->start_ticks <= p->list[i].start_ticks &&
		    parent != &p->list[i])
			p->list[i].parent_at = (uint32_t)(parent - p->list);
		else
			p->list[i].parent_at = NOBODY;
	}
}

static void add_descendants(struct pass *p)
{
	bool more;

	do {
		more = false;
		for (size_t i = 0; i < p->n; i++) {
			struct process *c = &p->list[i];

			if (c->member || c->parent_at == NOBODY || !p->list[c->parent_at].member)
				continue;
			c->member = more = true;
		}
	} while (more);
}

void pass_read_cgroup(const char *proc, pid_t pid, char *text, size_t size)
{
	char path[PATH_MAX];
	ssize_t n = 0;
	int fd;

	text[0] = '\0';
	if (snprintf(path, sizeof(path), "%s/%d/cgroup", proc, (int)pid) >= (int)sizeof(path))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		n = read(fd, text, size - 1);
	file_closep(&fd);
	text[n > 0 ? n : 0] = '\0';
}

static bool same_cgroup(const struct pass *p, pid_t a, pid_t b)
{
	char of_a[PATH_MAX], of_b[PATH_MAX];

	pass_read_cgroup(p->proc, a, of_a, sizeof(of_a));
	pass_read_cgroup(p->proc, b, of_b, sizeof(of_b));
	return strcmp(of_a, of_b) == 0;
}

static bool has_strange_child(const struct pass *p, uint32_t at)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->list[i].parent_at == at && !p->list[i].member)
			return true;
	return false;
}

/* Whether the parent, which there is, may be a wrapper of the process. */
static bool may_wrap(const struct pass *p, const struct process *child)
{
	const struct process *parent = &p->list[child->parent_at];

	return !parent->manager && parent->group == child->group &&
	       same_cgroup(p, parent->pid, child->pid);
}

/* The topmost of the wrappers above a process; itself, where there is none. */
static uint32_t topmost(const struct pass *p, uint32_t at)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->list[at].parent_at == NOBODY || !may_wrap(p, &p->list[at]))
			break;
		at = p->list[at].parent_at;
	}
	return at;
}

/* The wrappers above one member. What a manager started is one with all its other children, which may become members
 * by that: returns whether this is so. */
static bool add_ancestors(struct pass *p, uint32_t at)
{
	uint32_t above = p->list[at].parent_at, top;

	if (above == NOBODY || p->list[above].member)
		return false; /* nobody, or done */
	top = topmost(p, at);
	above = p->list[top].parent_at;
	if (above != NOBODY && p->list[above].manager) {
		bool is_new = !p->list[top].member;

		p->list[top].member = true;
		return is_new;
	}
	while (at != top && !has_strange_child(p, p->list[at].parent_at)) {
		at = p->list[at].parent_at;
		p->list[at].member = true;
	}
	return false;
}

static void find_members(struct pass *p)
{
	qsort(p->list, p->n, sizeof(*p->list), by_pid);
	find_parents(p);
	for (size_t i = 0; i < p->n; i++)
		p->list[i].member = p->list[i].owner;
	add_descendants(p);
	for (uint32_t i = 0; i < p->n; i++)
		if (p->list[i].owner && add_ancestors(p, i))
			add_descendants(p);
}

static enum member_role role_of(const struct pass *p, const struct process *of)
{
	uint32_t at = of->parent_at;
	size_t steps = 0;

	if (!of->owner)
		return MEMBER_HELPER;
	for (; at != NOBODY && steps < p->n; at = p->list[at].parent_at, steps++)
		if (p->list[at].owner)
			return MEMBER_WORKER;
	return MEMBER_MAIN;
}

static bool is_born(const struct pass *p, const struct process *of)
{
	return of->parent_at != NOBODY && p->list[of->parent_at].member;
}

static int by_role(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	if (x->role != y->role)
		return x->role < y->role ? -1 : 1;
	if (x->start_ticks != y->start_ticks)
		return x->start_ticks < y->start_ticks ? -1 : 1;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

int pass_result(struct pass *p, struct member **ret_members, size_t *ret_n)
{
	struct member *list;
	size_t n = 0;

	*ret_members = NULL;
	*ret_n = 0;
	if (!p->n)
		return 0;
	find_members(p);
	for (size_t i = 0; i < p->n; i++)
		n += p->list[i].member;
	if (!n)
		return 0;
	list = calloc(n, sizeof(*list));
	if (!list)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < p->n; i++) {
		const struct process *x = &p->list[i];

		if (x->member)
			list[n++] = (struct member){ x->pid,        x->parent, x->start_ticks,
						     role_of(p, x), x->owner,  is_born(p, x) };
	}
	qsort(list, n, sizeof(*list), by_role);
	*ret_members = list;
	*ret_n = n < MEMBERS_MAX ? n : MEMBERS_MAX;
	return 0;
}
