/* SPDX-License-Identifier: MIT */
/* Who belongs to the service, by one pass: on made-up trees of /proc, and with processes of our own. */
#include "unit/members_tree.h"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "probe/members_pass.h"
#include "probe/proc.h"

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

/* Who has ended, and is not waited for, is a member only where nobody tells of ends. */
static void the_dead(void)
{
	static const struct {
		char state;
		int threads;
		bool fed, member;
	} rows[] = {
		{ 'S', 1, true, true },  { 'Z', 1, true, false }, { 'X', 0, true, false },
		{ 'Z', 2, true, true }, /* its first thread has ended, another one lives */
		{ 'Z', 1, false, true },
	};
	static const uint16_t port = 8000;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		static const struct row main = { 50, 1, 50, "uvicorn", 9, true, NULL, 'm' };
		static const struct row child = { 60, 50, 50, "uvicorn", 12, false, NULL, 'h' };
		char proc[] = "/tmp/test_members.XXXXXX", text[200];
		struct members *m;

		unit_begin("row %zu: %c", i, rows[i].state);
		make_proc(proc);
		put_process(proc, &main);
		put_process(proc, &child);
		snprintf(text, sizeof(text),
			 "60 (uvicorn) %c 50 50 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 %d 0 12 0 0 0\n",
			 rows[i].state, rows[i].threads);
		put(proc, "60/stat", text);
		REQUIRE_INT(members_new(proc, &m), 0);
		members_set_ports(m, &port, 1);
		members_look(m, rows[i].fed, 1);
		finish(m);
		EXPECT_INT(members_find(m, 60) != NULL, rows[i].member);
		/* The same of one that was made by a member, and is not found below it. */
		members_exited(m, 60);
		REQUIRE(members_forked(m, 50, 60, 12));
		snprintf(text, sizeof(text),
			 "60 (uvicorn) %c 1 50 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 %d 0 12 0 0 0\n",
			 rows[i].state, rows[i].threads);
		put(proc, "60/stat", text);
		members_rescan(m);
		finish(m);
		EXPECT_INT(members_find(m, 60) != NULL, rows[i].member);
		members_free(m);
		remove_tree(proc);
	}
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
		{ "the dead that nobody waits for", the_dead },
		{ "thousands of processes in short steps", many },
		{ "real processes are found", real_processes },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
