/* SPDX-License-Identifier: MIT */
/* The probe "life" on children of this process, in both of its tiers: the kernel's own sums must come out. */
#include "unit/unit.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "probe/life_probe.h"

#define N_KEPT 1024
#define BURN_NS 20000000
#define N_CHILDREN 200
#define N_TRUE 2 /* names of a program that does nothing, under which it may be started */

static struct life_probe *probe;
static struct life_record got[N_KEPT];
static size_t n_got;
static bool raw;

static void keep(const struct life_record *r, void *ctx)
{
	(void)ctx;
	if (n_got < N_KEPT)
		got[n_got++] = *r;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_SEC + (uint64_t)t.tv_nsec;
}

static void burn(clockid_t clock, uint64_t ns)
{
	const uint64_t end = clock_ns(clock) + ns;

	while (clock_ns(clock) < end)
		;
}

/* CPU time of the children that were waited for: exact, as the scheduler counts it. */
static uint64_t children_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Returns whether the probe can be tried. What it follows is this process, unless @followed is another. */
static bool begin(pid_t followed)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	int err = life_probe_open(raw, keep, NULL, &why, &probe);

	n_got = 0;
	if (err) {
		unit_skip("%s: %s", strerror(-err), buf_str(&why));
		return false;
	}
	EXPECT_STR(life_probe_how(probe), raw ? "raw_tp" : "tp_btf");
	if (!followed)
		followed = getpid();
	life_probe_set_members(probe, &followed, 1);
	return true;
}

static void end(void)
{
	life_probe_close(probe);
	probe = NULL;
}

static size_t count(enum life_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < n_got; i++)
		n += got[i].kind == kind;
	return n;
}

/* Until @n processes have ended and been reaped: the last record comes after a grace period of RCU. */
static void wait_for_tails(size_t n)
{
	const uint64_t deadline = clock_monotonic_ns() + 20 * NS_PER_SEC;

	do {
		usleep(2000);
		life_probe_drain(probe);
	} while (count(LIFE_TAIL) < n && clock_monotonic_ns() < deadline);
	EXPECT_UINT(count(LIFE_TAIL), n);
}

static const struct life_record *find(enum life_kind kind, pid_t pid)
{
	static const struct life_record none;

	for (size_t i = 0; i < n_got; i++)
		if (got[i].kind == kind && got[i].pid == (__u32)pid)
			return &got[i];
	FAIL_CASE("no record of kind %d of process %d", kind, (int)pid);
	return &none;
}

static uint64_t cpu_us(void)
{
	uint64_t ns = 0;

	for (size_t i = 0; i < n_got; i++)
		ns += got[i].cpu_ns;
	return ns / 1000;
}

static void status_0(void)
{
	_exit(0);
}

static void status_3(void)
{
	_exit(3);
}

static void status_255(void)
{
	_exit(-1);
}

static void killed(void)
{
	raise(SIGKILL);
}

static void aborted(void)
{
	prctl(PR_SET_DUMPABLE, 0);
	abort();
}

static void *ends_it_all(void *ctx)
{
	(void)ctx;
	usleep(1000);
	_exit(9);
}

static void by_a_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, ends_it_all, NULL);
	for (;;)
		pause();
}

static void leader_first(void)
{
	pthread_t t;

	pthread_create(&t, NULL, ends_it_all, NULL);
	pthread_exit(NULL);
}

static void ends(void)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} rows[] = {
		{ "status 0", status_0 },
		{ "status 3", status_3 },
		{ "status 255", status_255 },
		{ "SIGKILL", killed },
		{ "abort()", aborted },
		{ "exit by another thread", by_a_thread },
		{ "exit by the last thread, the first being gone", leader_first },
	};
	struct life_totals t;
	int status[ARRAY_SIZE(rows)];
	pid_t pid[ARRAY_SIZE(rows)];

	if (!begin(0))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		pid[i] = fork();
		if (!pid[i])
			rows[i].run();
		waitpid(pid[i], &status[i], 0);
	}
	wait_for_tails(ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct life_record *r = find(LIFE_EXIT, pid[i]);

		unit_check(r->status == (__u32)status[i], __FILE__, __LINE__,
			   "%s: got %x, expected %x", rows[i].name, r->status, status[i]);
		EXPECT_INT((int)r->parent, getpid());
		EXPECT_UINT(r->start_ns, find(LIFE_FORK, pid[i])->start_ns);
		EXPECT_UINT(r->flags, LIFE_FLAG_UNSEEN);
	}
	EXPECT_INT(life_probe_totals(probe, &t), 0);
	EXPECT_UINT(t.forks, ARRAY_SIZE(rows));
	EXPECT_UINT(t.exits[LIFE_EXIT_ZERO], 1);
	EXPECT_UINT(t.exits[LIFE_EXIT_ERROR], 4);
	EXPECT_UINT(t.exits[LIFE_EXIT_SIGNAL], 2);
	EXPECT_UINT(t.execs + t.records_lost + t.oom_kills, 0);
	end();
}

static void short_lives(void)
{
	uint64_t before = children_us();

	if (!begin(0))
		return;
	for (int i = 0; i < N_CHILDREN; i++) {
		if (!fork()) {
			burn(CLOCK_PROCESS_CPUTIME_ID, BURN_NS);
			_exit(0);
		}
		if (i % 4 == 3)
			while (wait(NULL) > 0)
				;
	}
	wait_for_tails(N_CHILDREN);
	EXPECT_UINT(count(LIFE_EXIT), N_CHILDREN);
	EXPECT(cpu_us() >= (uint64_t)N_CHILDREN * BURN_NS / 1000);
	/* rusage cuts each child to microseconds */
	EXPECT_NEAR((double)cpu_us(), (double)(children_us() - before), N_CHILDREN);
	end();
}

static void *burn_and_stay(void *ctx)
{
	(void)ctx;
	burn(CLOCK_THREAD_CPUTIME_ID, BURN_NS / 4);
	for (;;)
		pause();
	return NULL;
}

/* They all end at the same time, racing to the end. */
static void threads(void)
{
	uint64_t before = children_us();

	if (!begin(0))
		return;
	for (int i = 0; i < 10; i++) {
		if (!fork()) {
			pthread_t t;

			for (int k = 0; k < 8; k++)
				pthread_create(&t, NULL, burn_and_stay, NULL);
			burn(CLOCK_PROCESS_CPUTIME_ID, 2ull * BURN_NS);
			exit(0);
		}
		wait(NULL);
	}
	wait_for_tails(10);
	EXPECT_UINT(count(LIFE_EXIT), 10);
	EXPECT_NEAR((double)cpu_us(), (double)(children_us() - before), 20);
	end();
}

static void grandchildren(void)
{
	pid_t child;

	if (!begin(0))
		return;
	child = fork();
	if (!child) {
		for (int i = 0; i < 50; i++)
			if (!fork())
				_exit(0);
		while (wait(NULL) > 0)
			;
		_exit(0);
	}
	waitpid(child, NULL, 0);
	wait_for_tails(51);
	EXPECT_UINT(count(LIFE_FORK), 51);
	EXPECT_UINT(count(LIFE_EXIT), 51);
	end();
}

static void memory(void)
{
	const size_t bytes = 100 << 20, page = (size_t)sysconf(_SC_PAGESIZE);
	struct rusage u;
	pid_t child;

	if (!begin(0))
		return;
	child = fork();
	if (!child) {
		char *m = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			       0);

		if (m != MAP_FAILED)
			memset(m, 1, bytes);
		munmap(m, bytes); /* what was there before the end counts */
		_exit(0);
	}
	wait4(child, NULL, 0, &u);
	wait_for_tails(1);
	EXPECT_UINT(find(LIFE_EXIT, child)->peak_pages * page / 1024, (uint64_t)u.ru_maxrss);
	EXPECT(find(LIFE_EXIT, child)->peak_pages * page >= bytes);
	end();
}

static void strangers(void)
{
	pid_t other = fork(), self = getpid();
	struct life_totals t;

	if (!other) {
		for (;;)
			pause();
	}
	if (begin(other)) {
		/* children of ours are none of the member's */
		if (!fork())
			_exit(1);
		wait(NULL);
		/* we are one from now on, and it is not: it is let go of by the next call */
		life_probe_set_members(probe, &self, 1);
		life_probe_set_members(probe, &self, 1);
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
		if (!fork())
			_exit(0);
		wait(NULL);
		wait_for_tails(1);
		EXPECT_INT(life_probe_totals(probe, &t), 0);
		EXPECT_UINT(t.forks, 1);
		EXPECT_UINT(t.exits[LIFE_EXIT_ZERO], 1);
		EXPECT_UINT(t.exits[LIFE_EXIT_ERROR] + t.exits[LIFE_EXIT_SIGNAL], 0);
		end();
	} else {
		kill(other, SIGKILL);
		waitpid(other, NULL, 0);
	}
}

/* Starts this program's other self, which ends at once: as a supervisor would. */
static pid_t start(const char *name)
{
	pid_t pid = fork();

	if (!pid) {
		execl("/bin/true", name, "--serve", NULL);
		_exit(127);
	}
	return pid;
}

static void successor(void)
{
	int hold[2];
	pid_t main, again;
	char c;

	/* The member is our child, and we are its supervisor. */
	if (pipe(hold) != 0)
		return;
	main = fork();
	if (!main) {
		dup2(hold[0], 0);
		close(hold[1]);
		execl("/bin/cat", "the-service", "-", NULL);
		_exit(127);
	}
	close(hold[0]);
	if (begin(main)) {
		EXPECT_INT(life_probe_set_main(probe, main), 0);
		waitpid(start("other"), NULL, 0); /* while the main process lives, and after it: */
		close(hold[1]);
		waitpid(main, NULL, 0);
		waitpid(start("other"), NULL, 0);
		again = fork();
		if (!again) {
			int null = dup2(STDERR_FILENO, 9);

			close(0);
			execl("/bin/cat", "the-service", "-", NULL);
			_exit(null);
		}
		waitpid(again, NULL, 0);
		wait_for_tails(2);
		EXPECT_UINT(count(LIFE_EXIT), 2);
		EXPECT_UINT(find(LIFE_EXIT, main)->flags & LIFE_FLAG_MAIN, LIFE_FLAG_MAIN);
		EXPECT_UINT(count(LIFE_EXEC), 1);
		EXPECT_UINT(find(LIFE_EXEC, again)->flags, LIFE_FLAG_MAIN);
		EXPECT_STR(find(LIFE_EXEC, again)->comm, "cat");
		EXPECT_UINT(find(LIFE_EXIT, again)->flags & LIFE_FLAG_MAIN, LIFE_FLAG_MAIN);
		EXPECT_INT(life_probe_set_main(probe, main), -ESRCH);
		end();
	} else {
		close(hold[1]);
		waitpid(main, NULL, 0);
	}
	(void)c;
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "tp_btf: ends are told as wait() does", ends },
		{ "tp_btf: 200 children of 20 ms are all in the sum", short_lives },
		{ "tp_btf: threads that race to the end are in the sum", threads },
		{ "tp_btf: grandchildren of a moment are seen", grandchildren },
		{ "tp_btf: the peak of memory is that of getrusage()", memory },
		{ "tp_btf: who is no member is not seen", strangers },
		{ "tp_btf: the next main process is known by its command line", successor },
		{ "raw_tp: ends are told as wait() does", ends },
		{ "raw_tp: 200 children of 20 ms are all in the sum", short_lives },
		{ "raw_tp: threads that race to the end are in the sum", threads },
		{ "raw_tp: grandchildren of a moment are seen", grandchildren },
		{ "raw_tp: the peak of memory is that of getrusage()", memory },
		{ "raw_tp: who is no member is not seen", strangers },
		{ "raw_tp: the next main process is known by its command line", successor },
	};

	unit_state.argc = argc;
	unit_state.argv = argv;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		raw = cases[i].name[0] == 'r';
		if (!unit_wanted(cases[i].name))
			continue;
		unit_begin("%s", cases[i].name);
		cases[i].run();
	}
	return unit_finish();
}
