/* SPDX-License-Identifier: MIT */
/* Who belongs to the service: on made-up trees of /proc, and with processes of our own. */
#include "unit.h"

#include <dirent.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "probe/members.h"
#include "probe/members_pass.h"
#include "probe/proc.h"

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

static void put(const char *proc, const char *name, const char *text)
{
	char path[200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", proc, name);
	f = fopen(path, "we");
	REQUIRE(f);
	fputs(text, f);
	fclose(f);
}

static void put_process(const char *proc, const struct row *r)
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

static void remove_tree(const char *path)
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

static void make_proc(char *proc)
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
static int finish(struct members *m)
{
	int steps = 0;

	while (members_busy(m) && steps < 100000) {
		members_step(m, 0);
		steps++;
	}
	return steps;
}

static char role_of(const struct members *m, pid_t pid)
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

static const struct {
	const char *name;
	struct row rows[12];
} families[] = {
	{ "one process", TREE({ 50, 1, 50, "python3", 9, true, NULL, 'm' },
			      { 60, 1, 60, "other", 9, false, NULL, 0 }) },
	{ "uvicorn with workers and a tracker",
	  TREE({ 1, 0, 1, "systemd", 0, true, "/init", 0 },
	       { 50, 1, 50, "uvicorn", 9, true, NULL, 'm' },
	       { 51, 50, 50, "python3", 10, false, NULL, 'h' },
	       { 52, 50, 50, "python3", 10, true, NULL, 'w' },
	       { 53, 50, 50, "python3", 10, true, NULL, 'w' }) },
	{ "descendants of any depth, in any order of pids",
	  TREE({ 50, 1, 50, "gunicorn", 9, true, NULL, 'm' },
	       { 30, 50, 50, "worker", 10, true, NULL, 'w' },
	       { 20, 30, 50, "sh", 11, false, NULL, 'h' },
	       { 10, 20, 10, "python3", 12, false, "/else", 'h' }) },
	{ "supervisord is not part of it", TREE({ 40, 1, 40, "supervisord", 5, false, NULL, 0 },
						{ 50, 40, 50, "python3", 9, true, NULL, 'm' },
						{ 60, 40, 60, "nginx", 9, false, NULL, 0 }) },
	{ "not even with the socket open (fcgi-program)",
	  TREE({ 40, 1, 40, "supervisord", 5, true, NULL, 0 },
	       { 50, 40, 50, "python3", 9, true, NULL, 'm' }) },
	{ "a manager in the same process group is not part of it",
	  TREE({ 40, 1, 40, "supervisord", 5, false, NULL, 0 },
	       { 50, 40, 40, "python3", 9, true, NULL, 'm' }) },
	{ "a wrapper is a helper", TREE({ 40, 1, 40, "poetry", 5, false, NULL, 'h' },
					{ 45, 40, 40, "sh", 6, false, NULL, 'h' },
					{ 50, 45, 40, "uvicorn", 9, true, NULL, 'm' },
					{ 51, 50, 40, "python3", 9, true, NULL, 'w' }) },
	{ "a shell with jobs is not", TREE({ 40, 1, 40, "bash", 5, false, NULL, 0 },
					   { 50, 40, 50, "uvicorn", 9, true, NULL, 'm' }) },
	{ "a script with another child is not",
	  TREE({ 30, 1, 30, "bash", 4, false, NULL, 0 }, { 40, 30, 40, "sh", 5, false, NULL, 0 },
	       { 50, 40, 40, "uvicorn", 9, true, NULL, 'm' },
	       { 60, 40, 40, "wrk", 9, false, NULL, 0 }) },
	{ "it is where a manager started it, with all of its children",
	  TREE({ 30, 1, 30, "supervisord", 4, false, NULL, 0 },
	       { 40, 30, 40, "bash", 5, false, NULL, 'h' },
	       { 45, 40, 40, "poetry", 6, false, NULL, 'h' },
	       { 50, 45, 40, "uvicorn", 9, true, NULL, 'm' },
	       { 51, 50, 40, "python3", 9, true, NULL, 'w' },
	       { 60, 40, 40, "sh", 7, false, NULL, 'h' },
	       { 61, 60, 61, "sleep", 8, false, NULL, 'h' },
	       { 70, 30, 70, "bash", 5, false, NULL, 0 },
	       { 71, 70, 70, "python3", 5, false, NULL, 0 }) },
	{ "but not from another process group",
	  TREE({ 30, 1, 30, "supervisord", 4, false, NULL, 0 },
	       { 40, 30, 40, "sshd", 5, false, NULL, 0 },
	       { 50, 40, 50, "uvicorn", 9, true, NULL, 'm' },
	       { 60, 40, 40, "sleep", 9, false, NULL, 0 }) },
	{ "a script with two workers is",
	  TREE({ 40, 1, 40, "sh", 5, false, NULL, 'h' }, { 50, 40, 40, "a", 9, true, NULL, 'm' },
	       { 60, 40, 40, "b", 9, true, NULL, 'm' }) },
	{ "a parent in another cgroup is not",
	  TREE({ 40, 1, 40, "sh", 5, false, "/user", 0 },
	       { 50, 40, 40, "uvicorn", 9, true, NULL, 'm' }) },
	{ "a parent that is younger is somebody else",
	  TREE({ 40, 1, 40, "sh", 99, false, NULL, 0 },
	       { 50, 40, 40, "uvicorn", 9, true, NULL, 'm' }) },
	{ "a child of the past holder of a pid is not one",
	  TREE({ 50, 1, 50, "uvicorn", 99, true, NULL, 'm' },
	       { 60, 50, 60, "cron", 9, false, NULL, 0 }) },
	{ "nobody", TREE({ 60, 1, 60, "other", 9, false, NULL, 0 }) },
};

static void trees(void)
{
	static const uint16_t port = 8000;

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		char proc[] = "/tmp/test_members.XXXXXX";
		struct members *m;
		size_t n, expected = 0;

		unit_begin("tree: %s", families[i].name);
		make_proc(proc);
		for (const struct row *r = families[i].rows; r->pid; r++) {
			put_process(proc, r);
			expected += r->role != 0;
		}
		REQUIRE_INT(members_new(proc, &m), 0);
		members_set_ports(m, &port, 1);
		EXPECT(!members_busy(m)); /* not before it is known that somebody listens */
		members_look(m, true, 1);
		EXPECT(finish(m) > 0);
		members_list(m, &n);
		EXPECT_UINT(n, expected);
		for (const struct row *r = families[i].rows; r->pid; r++)
			if (role_of(m, r->pid) != r->role)
				FAIL_CASE("%d: got role %c, expected %c", (int)r->pid,
					  role_of(m, r->pid) ?: '-', r->role ?: '-');
		members_free(m);
		remove_tree(proc);
	}
}

static void feeding(void)
{
	static const uint16_t port = 8000;
	static const struct row main_process = { 50, 1, 50, "uvicorn", 9, true, NULL, 'm' };
	static const struct row child = { 51, 50, 50, "python3", YOUNG, true, NULL, 'w' };
	static const struct row grandchild = { 52, 51, 50, "sh", YOUNG, false, NULL, 'h' };
	char proc[] = "/tmp/test_members.XXXXXX", path[100];
	struct members *m;
	size_t n;

	make_proc(proc);
	put_process(proc, &main_process);
	REQUIRE_INT(members_new(proc, &m), 0);
	members_set_ports(m, &port, 1);
	members_look(m, true, 1);
	finish(m);
	put_process(proc, &child);
	put_process(proc, &grandchild);
	EXPECT(!members_forked(m, 51, 52, YOUNG)); /* nobody's child yet */
	EXPECT(members_forked(m, 50, 51, YOUNG));
	EXPECT(!members_forked(m, 50, 51, YOUNG));
	EXPECT(members_forked(m, 51, 52, YOUNG));
	EXPECT_INT(role_of(m, 51), 'h');
	members_settle(m);
	EXPECT_INT(role_of(m, 51), 'w');
	EXPECT_INT(role_of(m, 52), 'h');
	EXPECT(!members_busy(m));

	EXPECT(members_exited(m, 52));
	EXPECT(!members_exited(m, 52));
	EXPECT(!members_exited(m, 4711));
	EXPECT(!members_busy(m));
	members_list(m, &n);
	EXPECT_UINT(n, 2);

	/* The pid comes back as another process. */
	snprintf(path, sizeof(path), "%s/51", proc);
	remove_tree(path);
	put_process(proc, &(struct row){ 51, 50, 50, "new", YOUNG + 1, false, NULL, 'h' });
	EXPECT(members_forked(m, 50, 51, YOUNG + 1));
	EXPECT_UINT(members_find(m, 51)->start_ticks, YOUNG + 1);
	EXPECT_INT(role_of(m, 51), 'h');

	/* The main process ends: the rest is looked up again. */
	EXPECT(members_exited(m, 50));
	EXPECT(members_busy(m));
	snprintf(path, sizeof(path), "%s/50", proc);
	remove_tree(path);
	finish(m);
	members_list(m, &n);
	EXPECT_UINT(n, 1); /* what it left */
	EXPECT_INT(role_of(m, 51), 'h');
	members_free(m);
	remove_tree(proc);
}

/* Twice forked: who is between is gone before anybody looks, and the one that stays has no parent of ours. */
static void orphans(void)
{
	static const uint16_t port = 8000;
	static const struct row main_process = { 50, 1, 50, "uvicorn", 9, true, NULL, 'm' };
	char proc[] = "/tmp/test_members.XXXXXX", path[100];
	struct members *m;
	size_t n;

	make_proc(proc);
	put_process(proc, &main_process);
	REQUIRE_INT(members_new(proc, &m), 0);
	members_set_ports(m, &port, 1);
	members_look(m, true, 1);
	finish(m);
	EXPECT(members_forked(m, 50, 60, 20));
	EXPECT(members_forked(m, 60, 61, 21));
	EXPECT(members_forked(m, 60, 62, 21));
	EXPECT(members_forked(m, 60, 63, 21));
	EXPECT(members_exited(m, 60));
	put_process(proc, &(struct row){ 61, 1, 61, "daemon", 21, false, NULL, 'h' });
	put_process(proc, &(struct row){ 62, 1, 62, "sharer", 21, true, NULL, 'w' });
	put_process(proc, &(struct row){ 63, 1, 63, "stranger", 22, false, NULL, 0 });
	for (int i = 0; i < 2; i++) {
		members_rescan(m);
		finish(m);
		members_list(m, &n);
		EXPECT_UINT(n, 3);
		EXPECT_INT(role_of(m, 50), 'm');
		EXPECT_INT(role_of(m, 61), 'h');
		EXPECT_INT(role_of(m, 62), 'w');
	}
	snprintf(path, sizeof(path), "%s/61", proc);
	remove_tree(path);
	members_rescan(m);
	finish(m);
	members_list(m, &n);
	EXPECT_UINT(n, 2);
	members_free(m);
	remove_tree(proc);
}

static void when_a_pass_is_due(void)
{
	static const uint16_t port = 8000;
	static const struct row main_process = { 50, 1, 50, "uvicorn", 9, true, NULL, 'm' };
	char proc[] = "/tmp/test_members.XXXXXX";
	uint64_t now = NS_PER_SEC;
	struct members *m;
	size_t n;
	unsigned int fed = 0, unfed = 0;

	make_proc(proc);
	put_process(proc, &main_process);
	REQUIRE_INT(members_new(proc, &m), 0);
	members_set_ports(m, &port, 1);
	members_look(m, true, now);
	finish(m);
	EXPECT_UINT(members_stats(m).passes, 1);
	EXPECT_UINT(members_stats(m).seen, 1);
	for (int i = 0; i < 3600; i++, now += NS_PER_SEC) {
		members_look(m, true, now);
		fed += finish(m) > 0;
	}
	for (int i = 0; i < 3600; i++, now += NS_PER_SEC) {
		members_look(m, false, now);
		unfed += finish(m) > 0;
	}
	EXPECT(fed >= 10 && fed <= 16);
	EXPECT(unfed >= 50 && unfed <= 62);

	/* While nobody listens they stay; with another socket they are looked for. */
	put(proc, "net/tcp", HEAD);
	members_rescan(m);
	EXPECT(members_busy(m));
	now += 10 * NS_PER_SEC;
	members_look(m, true, now);
	EXPECT(!members_busy(m));
	members_list(m, &n);
	EXPECT_UINT(n, 1);
	now += 10 * NS_PER_SEC;
	put(proc, "net/tcp", HEAD LISTEN(778));
	members_look(m, true, now);
	EXPECT(members_busy(m));
	finish(m); /* the process has 777 open: it is not the one that listens now */
	members_list(m, &n);
	EXPECT_UINT(n, 0);

	/* Somebody keeps the socket for a service that comes much later: it is not looked for ever more rarely. */
	for (int i = 0; i < 3600; i++, now += NS_PER_SEC) {
		members_look(m, true, now);
		finish(m);
	}
	put_process(proc, &(struct row){ 60, 1, 60, "late", 99, false, NULL, 'm' }); /* has 778 */
	for (int i = 0; i < 12; i++, now += NS_PER_SEC) {
		members_look(m, true, now);
		finish(m);
	}
	EXPECT_INT(role_of(m, 60), 'm');
	members_free(m);
	remove_tree(proc);
}

static void cgroups(void)
{
	static const uint16_t port = 8000;
	static const struct {
		const char *name, *text, *v1, *path;
		bool v2;
	} rows[] = {
		{ "cgroup2 alone", "0::/system.slice/a.service\n", "cpu", "/system.slice/a.service",
		  true },
		{ "both: cgroup2 first", "4:cpu,cpuacct:/v1\n0::/v2\n", "cpu", "/v2", true },
		{ "only the root in cgroup2", "4:cpu,cpuacct:/v1\n0::/\n", "cpuacct", "/v1",
		  false },
		{ "v1 alone", "5:memory:/m\n4:cpu,cpuacct:/v1\n", "memory", "/m", false },
		{ "no such controller", "4:cpu,cpuacct:/v1\n0::/\n", "acct", "/", true },
		{ "a path with colons", "0::/a:b:c\n", NULL, "/a:b:c", true },
		{ "nothing", "", "cpu", "", false },
		{ "no cgroup file's text", "x\n:\n4:cpu\n", "cpu", "", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		static const struct row r = { 50, 1, 50, "uvicorn", 9, true, NULL, 'm' };
		char proc[] = "/tmp/test_members.XXXXXX", path[100] = "x";
		struct members *m;

		unit_begin("cgroup: %s", rows[i].name);
		make_proc(proc);
		put_process(proc, &r);
		put(proc, "50/cgroup", rows[i].text);
		REQUIRE_INT(members_new(proc, &m), 0);
		EXPECT(!members_cgroup(m, "cpu", path, sizeof(path)));
		EXPECT_STR(path, "");
		members_set_ports(m, &port, 1);
		members_look(m, true, 1);
		finish(m);
		EXPECT_INT(members_cgroup(m, rows[i].v1, path, sizeof(path)), rows[i].v2);
		EXPECT_STR(path, rows[i].path);
		members_free(m);
		remove_tree(proc);
	}
}

/* CPU time of this thread: what others do at the time is not counted. */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Many processes, and one with many files: no step is long. */
static void many(void)
{
	static const uint16_t port = 8000;
	char proc[] = "/tmp/test_members.XXXXXX";
	uint64_t longest = 0;
	struct members *m;
	size_t n;

	make_proc(proc);
	for (pid_t pid = 2000; pid < 4000; pid++)
		put_process(proc, &(struct row){ pid, pid == 2000 ? 1 : 2000, 2000, "x", 9, true,
						 NULL, 0 });
	REQUIRE_INT(members_new(proc, &m), 0);
	members_set_ports(m, &port, 1);
	members_look(m, true, 1);
	while (members_busy(m)) {
		uint64_t before = cpu_ns(), used;

		members_step(m, 2000000);
		used = cpu_ns() - before;
		longest = used > longest ? used : longest;
	}
	members_list(m, &n);
	EXPECT_UINT(n, 2000);
	/* Generous: sanitizers, and the last step's family tree. */
	EXPECT(longest < 100000000);
	members_free(m);
	remove_tree(proc);
}

static void real_processes(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct members *m;
	uint16_t port;
	pid_t child;
	size_t n;

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)&a, &len)) {
		unit_skip("cannot listen: %s", strerror(errno));
		return;
	}
	port = ntohs(a.sin_port);
	child = fork();
	if (child == 0) {
		close(fd);
		while (pause())
			;
	}
	REQUIRE(child > 0);
	REQUIRE_INT(members_new("/proc", &m), 0);
	members_set_ports(m, &port, 1);
	members_look(m, true, 1);
	EXPECT(finish(m) > 0);
	EXPECT_INT(role_of(m, getpid()), 'm');
	EXPECT_INT(role_of(m, 1), 0);
	members_list(m, &n);
	EXPECT(n >= 2); /* and perhaps what started this test */
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	members_rescan(m);
	finish(m);
	EXPECT(!members_find(m, child));
	close(fd);
	members_free(m);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, trees },
		{ "forks and exits keep the set up to date", feeding },
		{ "who was left by its parent is still one", orphans },
		{ "a pass is due when something changed, then ever more rarely",
		  when_a_pass_is_due },
		{ NULL, cgroups },
		{ "thousands of processes in short steps", many },
		{ "real processes are found", real_processes },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
