/* SPDX-License-Identifier: MIT */
/* The probe "tasks" on real processes: what it says is what they did, and its two tiers say the same. */
#include "unit/unit.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/proc.h"
#include "probe/task_probe.h"

#define ANON_BYTES (48u << 20)
#define SHARED_BYTES (16u << 20)
#define N_THREADS 8
#define N_FDS 100

static struct task_probe *probe;
static bool one_ends = true; /* of the child's threads */
static struct buf why = BUF_INIT(1000);

static void burn(uint64_t ns)
{
	struct timespec t;

	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	while ((uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec < ns);
}

static void *work(void *ctx)
{
	(void)ctx;
	burn(20000000);
	while (pause())
		;
	return NULL;
}

/* Ends at once, so that its time is in the process's sum of ended threads only. */
static void *work_and_end(void *ctx)
{
	(void)ctx;
	burn(50000000);
	return NULL;
}

/* What it does: CPU in threads that live and in one that has ended, memory of two kinds, files, then rest. */
static void busy_child(int ready)
{
	char *anon =
		mmap(NULL, ANON_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *shared =
		mmap(NULL, SHARED_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec used;
	pthread_t t;

	if (anon == MAP_FAILED || shared == MAP_FAILED)
		_exit(3);
	memset(anon, 1, ANON_BYTES);
	memset(shared, 1, SHARED_BYTES);
	for (int i = 0; i < N_FDS; i++)
		if (open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
			_exit(3);
	if (one_ends && (pthread_create(&t, NULL, work_and_end, NULL) || pthread_join(t, NULL)))
		_exit(3);
	for (int i = 0; i < N_THREADS; i++)
		if (pthread_create(&t, NULL, work, NULL))
			_exit(3);
	burn(100000000);
	/* The other threads are done when the clock of the process stands. */
	for (clock_t before = -1; clock() - before > 2000; before = clock(), usleep(100000))
		;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	if (write(ready, &used, sizeof(used)) != sizeof(used))
		_exit(3);
	for (;;)
		pause();
}

/* Returns when the child is done; *ret_cpu_ns: what it says it has used. */
static pid_t start(void (*fn)(int), uint64_t *ret_cpu_ns)
{
	struct timespec used = { 0 };
	int ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0)
		fn(ready[1]);
	close(ready[1]);
	if (pid > 0 && read(ready[0], &used, sizeof(used)) != sizeof(used))
		FAIL_CASE("the child did not get ready");
	close(ready[0]);
	*ret_cpu_ns = (uint64_t)used.tv_sec * NS_PER_SEC + (uint64_t)used.tv_nsec;
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void near(const char *what, uint64_t got, uint64_t expected, double share, double least)
{
	double off = (double)expected * share;

	if ((double)got < (double)expected - (off > least ? off : least) ||
	    (double)got > (double)expected + (off > least ? off : least))
		FAIL_CASE("%s: got %ju, expected %ju", what, (uintmax_t)got, (uintmax_t)expected);
}

static void is_right(const struct proc_sample *s, uint64_t cpu_ns)
{
	const uint32_t known = PROC_CPU | PROC_DELAY | PROC_SWITCHES | PROC_FAULTS | PROC_MEMORY |
			       PROC_IO | PROC_FDS | PROC_MAX_FDS;
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	EXPECT_UINT(s->known & known, known);
	/* 100 + 50 + 8 * 20 ms, the start and the rest; page faults of 64 MiB */
	EXPECT(s->cpu_ns > 310000000);
	near("cpu", s->cpu_ns, cpu_ns, 0.01, 1000000);
	EXPECT_UINT(s->user_ns + s->system_ns, s->cpu_ns);
	EXPECT_UINT(s->threads, N_THREADS + 1);
	EXPECT(s->anon_bytes > ANON_BYTES);
#ifndef __SANITIZE_ADDRESS__ /* which takes as much for itself */
	EXPECT(s->anon_bytes < ANON_BYTES * 11ull / 10 + (8u << 20));
#endif
	near("shmem", s->shmem_bytes, SHARED_BYTES, 0.01, 0);
	EXPECT(s->minor_faults > 64);
	EXPECT(s->voluntary > 0);
	EXPECT(s->open_fds >= N_FDS + 3 && s->open_fds < N_FDS + 32);
	EXPECT_UINT(s->max_fds, limit.rlim_cur);
}

static void proc_is_right(void)
{
	uint64_t cpu_ns;
	pid_t pid = start(busy_child, &cpu_ns);
	struct proc_sample s;

	REQUIRE(pid > 0);
	EXPECT_INT(proc_read("/proc", pid, &s), 0);
	is_right(&s, cpu_ns);
	end(pid);
	EXPECT_INT(proc_read("/proc", pid, &s), -ESRCH);
}

static bool iterates(void)
{
	if (!task_probe_iterates(probe))
		unit_skip("%s", buf_str(&why));
	return task_probe_iterates(probe);
}

static void iterator_is_right(void)
{
	struct proc_sample s;
	uint64_t cpu_ns;
	pid_t pid;

	if (!iterates())
		return;
	pid = start(busy_child, &cpu_ns);
	REQUIRE(pid > 0);
	EXPECT_INT(task_probe_read(probe, pid, &s), 0);
	EXPECT_UINT(s.pid, (uintmax_t)pid);
	is_right(&s, cpu_ns);
	end(pid);
	EXPECT_INT(task_probe_read(probe, pid, &s), -ESRCH);
}

static void tiers_agree(void)
{
	/* Linux 6.2 and later: /proc does not add up what is counted apart, up to 32 pages a CPU. */
	const double parts =
		32.0 * (double)sysconf(_SC_PAGESIZE) * (double)sysconf(_SC_NPROCESSORS_CONF);
	struct proc_sample a, b, after;
	uint64_t cpu_ns;
	pid_t pid;

	if (!iterates())
		return;
	pid = start(busy_child, &cpu_ns);
	REQUIRE(pid > 0);
	EXPECT_INT(proc_read("/proc", pid, &after), 0);
	/* The child told that it is done before its last step into sleep. */
	for (int i = 0; i < 10; i++) {
		a = after;
		EXPECT_INT(task_probe_read(probe, pid, &b), 0);
		EXPECT_INT(proc_read("/proc", pid, &after), 0);
		if (after.voluntary + after.involuntary == a.voluntary + a.involuntary)
			break;
		usleep(20000);
	}
	end(pid);
	EXPECT_UINT(a.known, b.known);
	EXPECT_UINT(b.start_ns / PROC_TICK_NS, a.start_ns / PROC_TICK_NS);
	near("cpu", b.cpu_ns, a.cpu_ns, 0.01, 0);
	near("user", b.user_ns, a.user_ns, 0.01, 0);
	near("system", b.system_ns, a.system_ns, 0.01, 0);
	near("delay", b.run_delay_ns, a.run_delay_ns, 0.01, 1000000);
	/* Off /proc those of threads that have ended are not seen. */
	near("voluntary", b.voluntary, a.voluntary, 0.01, one_ends ? 1e6 : 0);
	near("involuntary", b.involuntary, a.involuntary, 0.01, one_ends ? 1e6 : 0);
	near("minor faults", b.minor_faults, a.minor_faults, 0.01, 0);
	near("major faults", b.major_faults, a.major_faults, 0.01, 0);
	near("anon", b.anon_bytes, a.anon_bytes, 0.01, parts);
	near("file", b.file_bytes, a.file_bytes, 0.01, parts);
	near("shmem", b.shmem_bytes, a.shmem_bytes, 0.01, parts);
	near("swap", b.swap_bytes, a.swap_bytes, 0.01, parts);
	near("read", b.read_bytes, a.read_bytes, 0.01, 0);
	near("written", b.write_bytes, a.write_bytes, 0.01, 0);
	EXPECT_UINT(b.open_fds, a.open_fds);
	EXPECT_UINT(b.max_fds, a.max_fds);
	EXPECT_UINT(b.threads, a.threads);
}

static void tiers_agree_on_switches(void)
{
	one_ends = false;
	tiers_agree();
	one_ends = true;
}

static void second_child(int ready)
{
	struct timespec used;

	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	while (used.tv_sec < 1);
	if (write(ready, &used, sizeof(used)) != sizeof(used))
		_exit(3);
	for (;;)
		pause();
}

static void one_second(void)
{
	uint64_t cpu_ns;
	pid_t pid = start(second_child, &cpu_ns);
	struct proc_sample s;

	REQUIRE(pid > 0);
	EXPECT_INT(proc_read("/proc", pid, &s), 0);
	EXPECT_NEAR((double)s.cpu_ns / 1e9, 1.0, 0.01);
	EXPECT_INT(task_probe_read(probe, pid, &s), 0);
	EXPECT_NEAR((double)s.cpu_ns / 1e9, 1.0, 0.01);
	end(pid);
}

static void a_zombie(void)
{
	struct proc_sample s;
	siginfo_t info;
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	REQUIRE(pid > 0);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	EXPECT_INT(task_probe_read(probe, pid, &s), 0);
	EXPECT(!(s.known & PROC_MEMORY));
	EXPECT(!(s.known & PROC_FDS) || s.open_fds == 0);
	end(pid);
}

static void nobody(void)
{
	struct proc_sample s;

	EXPECT_INT(task_probe_read(probe, 4194303, &s), -ESRCH);
}

static void cost(void)
{
	struct proc_sample s;
	uint64_t before, cpu_ns;
	pid_t pid = start(busy_child, &cpu_ns);

	REQUIRE(pid > 0);
	for (int tier = 0; tier < 2; tier++) {
		before = clock_monotonic_ns();
		for (int i = 0; i < 100; i++)
			tier ? task_probe_read(probe, pid, &s) : proc_read("/proc", pid, &s);
		printf("# %s: %ju ns a process of %d threads\n", tier ? "probe" : "/proc",
		       (uintmax_t)(clock_monotonic_ns() - before) / 100, N_THREADS + 1);
	}
	EXPECT_UINT(s.threads, N_THREADS + 1);
	end(pid);
}

static _printf_(2, 0) int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	return level == LIBBPF_WARN && getenv("V") ? vfprintf(stderr, fmt, args) : 0;
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "/proc says what a process did", proc_is_right },
		{ "the iterator says what a process did", iterator_is_right },
		{ "iterator and /proc agree within 1 %", tiers_agree },
		{ "and on switches, of threads that live", tiers_agree_on_switches },
		{ "a second of CPU is one, to 10 ms", one_second },
		{ "a zombie has no memory and no files", a_zombie },
		{ "a process that is not there", nobody },
		{ "what a reading takes", cost },
	};
	int rc;

	libbpf_set_print(quiet);
	if (task_probe_open(&why, &probe))
		return 1;
	rc = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	task_probe_close(probe);
	buf_done(&why);
	return rc;
}
