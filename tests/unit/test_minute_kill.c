/* SPDX-License-Identifier: MIT */
/*
 * SIGKILL at random instants loses nothing and doubles nothing: each event that was done is in the minutes exactly once; the one that was
 * under way is in them, or is not. Nor does a lack of memory.
 */
#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "unit/minute_sums.h"

#define KILLS 300

struct shared {
	volatile unsigned int intended, done; /* events */
	volatile int64_t now_s;
	/* What the child was given, by id: again is fine, other bytes are not. */
	volatile size_t n_parts;
	struct {
		int64_t id;
		size_t n;
		char payload[30000];
	} parts[2048];
};

static struct shared *shared;

static int keep_part(int64_t id, int64_t start_s, const void *payload, size_t n, void *ctx)
{
	size_t at = 0;

	(void)start_s;
	(void)ctx;
	while (at < shared->n_parts && shared->parts[at].id != id)
		at++;
	if (at == ARRAY_SIZE(shared->parts) || n > sizeof(shared->parts[at].payload))
		return -ENOSPC;
	if (at < shared->n_parts &&
	    (shared->parts[at].n != n || memcmp(shared->parts[at].payload, payload, n) != 0))
		return -EBADMSG;
	memcpy(shared->parts[at].payload, payload, n);
	shared->parts[at].id = id;
	shared->parts[at].n = n;
	if (at == shared->n_parts)
		shared->n_parts++;
	return 0;
}

/* Until it is killed. Exit status 1: an error. */
_Noreturn static void child(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	struct minute *m = NULL;

	if (minute_open(path, &all, shared->now_s, &why, &m) || why.len)
		_exit(1);
	for (;;) {
		if (shared->done % 300 == 299)
			shared->now_s += 60;
		if (minute_finish(m, shared->now_s, keep_part, NULL))
			_exit(1);
		shared->intended = shared->done + 1;
		happen(m, shared->done);
		shared->done = shared->done + 1;
	}
}

static void nap(unsigned int us)
{
	struct timespec t = { .tv_nsec = us * 1000l };

	nanosleep(&t, NULL);
}

/* Returns whether it died of the kill. */
static bool kill_one(unsigned int before)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		child();
	/* The instants are to be all over its life: from its first event on, for some microseconds. */
	for (unsigned int i = 0;
	     i < 100000 && shared->done == before && waitpid(pid, &status, WNOHANG) == 0; i++)
		nap(20);
	nap((unsigned int)rand() % 400);
	if (kill(pid, SIGKILL) || waitpid(pid, &status, 0) != pid)
		return false;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* What stands in all payloads and in the file. Payloads do not change: each is read once. */
static struct sums all_of_it(void)
{
	static __typeof__(truths) read;
	static size_t n_read;
	struct minute *m = reopen(shared->now_s);
	struct sums s = { 0 };

	if (!m)
		return s;
	EXPECT_INT(give(m, keep_part, NULL), 0);
	truths = read;
	truths.fail_after = -1;
	for (; n_read < shared->n_parts; n_read++)
		EXPECT_INT(datum_decode(shared->parts[n_read].payload, shared->parts[n_read].n,
					truth_add, NULL),
			   0);
	read = truths;
	EXPECT_INT(minute_preview(m, truth_take, NULL), 0);
	s = sums_read();
	minute_close(m);
	return s;
}

static void killed(void)
{
	struct sums expected = { 0 };
	unsigned int counted = 0, in_flight = 0;

	shared = share(sizeof(*shared));
	REQUIRE(shared);
	shared->now_s = START;
	unlink(path);
	srand(4711);
	for (unsigned int i = 0; i < KILLS && unit_state.result == UNIT_OK; i++) {
		struct sums found;

		EXPECT(kill_one(shared->done));
		found = all_of_it();
		while (counted < shared->done)
			sums_add(&expected, counted++);
		if (shared->intended > shared->done && !sums_same(&found, &expected)) {
			sums_add(&expected, counted++);
			shared->done = shared->intended;
			in_flight++;
		}
		if (!sums_same(&found, &expected))
			FAIL_CASE(
				"after kill %u and %u events: %g requests, %g expected; %g ms, %g expected",
				i, shared->done, found.requests, expected.requests,
				found.response_ms, expected.response_ms);
	}
	EXPECT(shared->done > KILLS);
	munmap(shared, sizeof(*shared));
}

static void each_allocation(void)
{
	struct sums expected = { 0 };
	unsigned int n;

	for (unsigned int i = 0; i < 400; i++)
		sums_add(&expected, i);
	for (n = 1; nomem_again(n); n++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
		struct minute *m = NULL;
		struct sums found;
		int err;

		unlink(path);
		truth_forget();
		err = minute_open(path, &all, START, &why, &m);
		if (err) {
			EXPECT_INT(err, -ENOMEM);
			EXPECT(nomem_hit());
			continue;
		}
		for (unsigned int i = 0; i < 400; i++)
			happen(m, i);
		err = minute_finish(m, START + 60, truth_take, NULL);
		if (err) {
			EXPECT_INT(err, -ENOMEM);
			EXPECT(nomem_hit());
			EXPECT_INT(minute_finish(m, START + 60, truth_take, NULL), 0);
		}
		EXPECT_UINT(truths.n_parts, 2);
		found = sums_read();
		EXPECT(sums_same(&found, &expected));
		minute_close(m);
	}
	EXPECT(n > 10);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a failing allocation loses and doubles nothing", each_allocation },
		{ "SIGKILL at random instants loses and doubles nothing", killed },
	};

	return minute_main(argc, argv, cases, ARRAY_SIZE(cases));
}
