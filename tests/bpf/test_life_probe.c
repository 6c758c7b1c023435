/* SPDX-License-Identifier: MIT */
/* The probe "life" on children of this process, in both of its tiers: the kernel's own sums must come out. */
#include "life_test.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#define BURN_NS 20000000
#define N_CHILDREN 200
#define LAST_US 300

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

/* A child that was waited for, and its CPU time: exact, as the scheduler counts it. */
struct truth {
	pid_t pid;
	uint64_t us;
};

static struct truth reap(void)
{
	struct truth t;
	struct rusage u;

	t.pid = wait4(-1, NULL, 0, &u);
	t.us = (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
	return t;
}

/*
 * That the records of each child say what it used, to the microseconds to which rusage cuts; where the last one
 * is missing at most that much. It may be a little more: who waits may be told before the child's last instruction.
 */
static void expect_cpu(const struct truth *truth, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t ns = 0;
		bool whole = false;

		for (size_t k = 0; k < n_got; k++) {
			if (got[k].pid != (__u32)truth[i].pid)
				continue;
			ns += got[k].cpu_ns;
			whole |= got[k].kind == LIFE_TAIL;
		}
		EXPECT(ns / 1000 <= truth[i].us + LAST_US);
		EXPECT(!whole || ns / 1000 + 2 >= truth[i].us);
	}
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
	struct truth truth[N_CHILDREN];
	uint64_t us = 0, ns = 0;

	if (!begin(0))
		return;
	for (int i = 0; i < N_CHILDREN; i++) {
		if (!fork()) {
			burn(CLOCK_PROCESS_CPUTIME_ID, BURN_NS);
			_exit(0);
		}
		for (int k = i - 3; i % 4 == 3 && k <= i; k++)
			truth[k] = reap();
	}
	wait_for_tails(N_CHILDREN);
	expect_cpu(truth, N_CHILDREN);
	for (size_t i = 0; i < N_CHILDREN; i++)
		us += truth[i].us;
	for (size_t i = 0; i < n_got; i++)
		ns += got[i].cpu_ns;
	EXPECT(ns >= (uint64_t)N_CHILDREN * BURN_NS);
	EXPECT_NEAR((double)ns / 1000, (double)us, (double)us / 100);
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
	struct truth truth[20];

	if (!begin(0))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(truth); i++) {
		if (!fork()) {
			pthread_t t;

			for (int k = 0; k < 8; k++)
				pthread_create(&t, NULL, burn_and_stay, NULL);
			burn(CLOCK_PROCESS_CPUTIME_ID, 2ull * BURN_NS);
			_exit(0);
		}
		truth[i] = reap();
	}
	wait_for_tails(ARRAY_SIZE(truth));
	expect_cpu(truth, ARRAY_SIZE(truth));
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

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "ends are told as wait() does", ends },
		{ "200 children of 20 ms are all in the sum", short_lives },
		{ "threads that race to the end are in the sum", threads },
		{ "grandchildren of a moment are seen", grandchildren },
		{ "the peak of memory is that of getrusage()", memory },
	};

	return life_main(argc, argv, cases, ARRAY_SIZE(cases));
}
