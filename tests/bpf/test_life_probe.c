/* SPDX-License-Identifier: MIT */
/* The probe "life" on children of this process, in both of its tiers: the kernel's own sums must come out. */
#include "unit/unit.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
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
#define LAST_US 300

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

/*
 * Until @n processes have ended and been reaped. Linux 6.18 does not tell of every task that it frees, so that
 * some of the last records may be missing: a few in a hundred at most.
 */
static void wait_for_tails(size_t n)
{
	uint64_t deadline = clock_monotonic_ns() + 20 * NS_PER_SEC;
	struct life_totals t = { 0 };

	do {
		usleep(2000);
		life_probe_drain(probe);
		if (count(LIFE_TAIL) + 1 + n / 25 >= n &&
		    deadline > clock_monotonic_ns() + NS_PER_SEC)
			deadline = clock_monotonic_ns() + NS_PER_SEC;
	} while (count(LIFE_TAIL) < n && clock_monotonic_ns() < deadline);
	EXPECT_UINT(count(LIFE_EXIT), n);
	life_probe_totals(probe, &t);
	unit_check(count(LIFE_TAIL) <= n && count(LIFE_TAIL) + 1 + n / 25 >= n, __FILE__, __LINE__,
		   "%zu of %zu last records came, %llu were lost", count(LIFE_TAIL), n,
		   (unsigned long long)t.records_lost);
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

/* Makes a process with the id @pid, which ends with status 1. Returns whether that could be done. */
static bool take_pid(pid_t pid)
{
	for (int i = 0; i < 50; i++) {
		FILE *f = fopen("/proc/sys/kernel/ns_last_pid", "w");
		pid_t child;

		if (!f)
			return false;
		fprintf(f, "%d", (int)pid - 1);
		if (fclose(f) != 0)
			return false;
		child = fork();
		if (!child)
			_exit(1);
		waitpid(child, NULL, 0);
		if (child == pid)
			return true;
	}
	return false;
}

/* User space named a process that was gone already; then somebody else got its id. */
static void pid_reuse(void)
{
	pid_t gone = fork(), self = getpid(), both[2];
	struct life_totals t;

	if (!gone)
		_exit(0);
	waitpid(gone, NULL, 0);
	if (!begin(gone))
		return;
	if (!take_pid(gone)) {
		unit_skip("a process with a certain id cannot be made here");
		end();
		return;
	}
	life_probe_drain(probe);
	EXPECT_UINT(n_got, 0);
	/* But a child of a member is one, whoever had its id before. */
	both[0] = self;
	both[1] = gone;
	life_probe_set_members(probe, both, 2);
	if (!take_pid(gone))
		unit_skip("a process with a certain id cannot be made here");
	EXPECT_INT(life_probe_totals(probe, &t), 0);
	EXPECT(t.exits[LIFE_EXIT_ERROR] >= 1);
	usleep(100000);
	life_probe_drain(probe);
	EXPECT_UINT(find(LIFE_EXIT, gone)->start_ns, find(LIFE_FORK, gone)->start_ns);
	end();
}

/* The service's command line with another name before it, or the same one; it ends when @input does. */
static pid_t start(const char *name, int input, int output)
{
	pid_t pid = fork();

	if (!pid) {
		dup2(input, STDIN_FILENO);
		dup2(output, STDOUT_FILENO);
		execl("/bin/cat", name, "-", NULL);
		_exit(127);
	}
	return pid;
}

/* The same, until the end of *ret_input; it has been executed whole, for it has answered. */
static pid_t start_and_wait(const char *name, int *ret_input)
{
	int in[2], out[2];
	char c = 'x';
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0)
		abort();
	pid = start(name, in[0], out[1]);
	EXPECT_INT(write(in[1], &c, 1), 1);
	EXPECT_INT(read(out[0], &c, 1), 1);
	close(in[0]);
	close(out[0]);
	close(out[1]);
	*ret_input = in[1];
	return pid;
}

/* A child of the supervisor, by another command line than before, turns out to be the service all the same; the
 * next one is known by that, whatever it calls itself meanwhile. */
static void renamed(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), hold;
	pid_t main = fork(), again;

	REQUIRE(main >= 0);
	if (!main) { /* tells who starts the service */
		for (;;)
			pause();
	}
	if (!begin(main)) {
		kill(main, SIGKILL);
		waitpid(main, NULL, 0);
		return;
	}
	EXPECT_INT(life_probe_set_main(probe, main), 0);
	kill(main, SIGKILL);
	waitpid(main, NULL, 0);
	wait_for_tails(1);
	n_got = 0;
	main = start_and_wait("new-service", &hold);
	life_probe_set_members(probe, &main, 1);
	EXPECT_INT(life_probe_set_main(probe, main), 0);
	close(hold);
	waitpid(main, NULL, 0);
	again = start("new-service", null, null);
	waitpid(again, NULL, 0);
	close(null);
	wait_for_tails(2);
	EXPECT_UINT(find(LIFE_EXIT, main)->flags & LIFE_FLAG_MAIN, LIFE_FLAG_MAIN);
	EXPECT_UINT(find(LIFE_EXEC, again)->flags, LIFE_FLAG_MAIN);
	end();
}

/* The member is our child, and we are its supervisor. */
static void successor(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), hold;
	pid_t main, again;

	main = start_and_wait("the-service", &hold);
	if (!begin(main)) {
		close(hold);
		waitpid(main, NULL, 0);
		return;
	}
	EXPECT_INT(life_probe_set_main(probe, main), 0);
	waitpid(start("the-service", null, null), NULL,
		0); /* it has not ended: this is another one */
	close(hold);
	waitpid(main, NULL, 0);
	waitpid(start("other-service", null, null), NULL, 0);
	again = start("the-service", null, null);
	waitpid(again, NULL, 0);
	close(null);
	wait_for_tails(2);
	EXPECT_UINT(find(LIFE_EXIT, main)->flags & LIFE_FLAG_MAIN, LIFE_FLAG_MAIN);
	EXPECT_UINT(count(LIFE_EXEC), 1);
	EXPECT_UINT(find(LIFE_EXEC, again)->flags, LIFE_FLAG_MAIN);
	EXPECT_STR(find(LIFE_EXEC, again)->comm, "cat");
	EXPECT_UINT(find(LIFE_EXIT, again)->flags & LIFE_FLAG_MAIN, LIFE_FLAG_MAIN);
	EXPECT_INT(life_probe_set_main(probe, main), -ESRCH);
	end();
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
		{ "tp_btf: a process that got the id of another is not that one", pid_reuse },
		{ "tp_btf: the next main process is known by its command line", successor },
		{ "tp_btf: a service that is started otherwise is followed, and known from then on",
		  renamed },
		{ "raw_tp: ends are told as wait() does", ends },
		{ "raw_tp: 200 children of 20 ms are all in the sum", short_lives },
		{ "raw_tp: threads that race to the end are in the sum", threads },
		{ "raw_tp: grandchildren of a moment are seen", grandchildren },
		{ "raw_tp: the peak of memory is that of getrusage()", memory },
		{ "raw_tp: who is no member is not seen", strangers },
		{ "raw_tp: a process that got the id of another is not that one", pid_reuse },
		{ "raw_tp: the next main process is known by its command line", successor },
		{ "raw_tp: a service that is started otherwise is followed, and known from then on",
		  renamed },
	};

	libbpf_set_print(NULL);
	unit_state.argc = argc;
	unit_state.argv = argv;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		raw = cases[i].name[0] == 'r';
		if (!unit_wanted(cases[i].name))
			continue;
		unit_begin("%s", cases[i].name);
		cases[i].run();
		if (raw && cases[i].run == ends && unit_state.result == UNIT_SKIP)
			break; /* so would the others be */
	}
	return unit_finish();
}
