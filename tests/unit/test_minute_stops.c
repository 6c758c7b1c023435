/* SPDX-License-Identifier: MIT */
/*
 * A minute that is stopped at any store into its file loses nothing and doubles nothing: each event that was done is in it exactly once; the
 * one that was under way is in it, or is not.
 */
#include "unit.h"

#include <setjmp.h>
#include <sys/wait.h>

static void step(void);
#define MINUTE_FILE_STEP() step()

#include "unit/minute_sums.h"

static jmp_buf stopped;
static unsigned int steps_left;  /* 0: does not stop */
static __typeof__(truths) *told; /* if this is a child: what it was given */

static void step(void)
{
	if (!steps_left || --steps_left)
		return;
	if (!told)
		longjmp(stopped, 1);
	*told = truths;
	_exit(0);
}

/* Everything in the file: what has ended, and the present minute. */
static struct sums everything(struct minute *m)
{
	truth_forget();
	EXPECT_INT(give(m, truth_take, NULL), 0);
	EXPECT_INT(minute_preview(m, truth_take, NULL), 0);
	return sums_read();
}

/* Events up to @n, the last one stopped at its store number @stop. Returns whether it was stopped. */
static bool run_to(unsigned int n, unsigned int stop)
{
	struct minute *volatile m;
	volatile bool was_stopped = true;

	unlink(path);
	m = reopen(START);
	if (!m)
		return false;
	for (unsigned int i = 0; i < n; i++)
		happen(m, i);
	if (setjmp(stopped) == 0) {
		steps_left = stop;
		happen(m, n);
		was_stopped = false;
	}
	steps_left = 0;
	minute_close(m);
	return was_stopped;
}

static void each_store(void)
{
	struct sums before = { 0 };
	unsigned int n_stops = 0;

	for (unsigned int n = 0; n < 60; n++) {
		struct sums behind = before;
		bool was_stopped = true, was_behind = false;

		sums_add(&behind, n);
		for (unsigned int stop = 1; was_stopped; stop++) {
			struct minute *m;
			struct sums found;

			was_stopped = run_to(n, stop);
			n_stops += was_stopped;
			m = reopen(START);
			REQUIRE(m);
			found = everything(m);
			minute_close(m);
			/* Once it is in, it is in whatever comes behind. */
			if (sums_same(&found, &behind))
				was_behind = true;
			else if (was_behind || !sums_same(&found, &before))
				FAIL_CASE("event %u stopped at store %u is in by part", n, stop);
			EXPECT(was_stopped || was_behind);
		}
		before = behind;
	}
	EXPECT(n_stops > 60 * 4);
}

_Noreturn static void finish_child(unsigned int stop)
{
	struct minute *m = reopen(START + 59);

	steps_left = stop;
	if (!m || minute_finish(m, START + 60, truth_take, NULL))
		_exit(2);
	*told = truths;
	_exit(1);
}

/* The change from one minute to the next, and the giving away of its payloads, stopped at each store: in a child, because what
 * it had allocated is lost. */
static bool finish_to(unsigned int n, unsigned int stop)
{
	struct minute *m;
	int status = 0;
	pid_t pid;

	unlink(path);
	truth_forget();
	m = reopen(START);
	for (unsigned int i = 0; m && i < n; i++)
		happen(m, i);
	minute_close(m);
	told = share(sizeof(*told));
	pid = told && m ? fork() : -1;
	if (pid == 0)
		finish_child(stop);
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	if (told) {
		truths = *told;
		munmap(told, sizeof(*told));
		told = NULL;
	}
	return WEXITSTATUS(status) == 0;
}

static void each_store_of_the_end(void)
{
	enum { N = 400 };
	struct sums expected = { 0 };
	bool was_stopped = true;
	unsigned int n_stops = 0;

	for (unsigned int i = 0; i < N; i++)
		sums_add(&expected, i);
	for (unsigned int stop = 1; was_stopped && unit_state.result == UNIT_OK; stop++) {
		struct minute *m;
		struct sums found;
		size_t n_parts;

		was_stopped = finish_to(N, stop);
		n_stops += was_stopped;
		n_parts = truths.n_parts;
		m = reopen(START + 61);
		REQUIRE(m);
		/* One that was given, and then the kill: it comes again, with its id. */
		if (n_parts && m->map.file->state & MINUTE_FINISHED &&
		    m->map.file->given < n_parts) {
			EXPECT_UINT(m->map.file->given, n_parts - 1);
			EXPECT_INT(
				truths.ids[n_parts - 1],
				(int64_t)m->map.file->sums[!minute_file_present(m->map.file)].id +
					(int64_t)m->map.file->given);
			m->map.file->given++;
		}
		EXPECT_INT(minute_finish(m, START + 61, truth_take, NULL), 0);
		EXPECT_INT(minute_start_s(m), START + 60);
		EXPECT_UINT(truths.n_parts, 2);
		found = sums_read();
		EXPECT(sums_same(&found, &expected));
		minute_close(m);
	}
	EXPECT(n_stops >= 2 + 2 + 3 + 3); /* the change, each of two payloads, the end */
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "an event stopped at any store is whole or not there", each_store },
		{ "the end of a minute stopped at any store is an end", each_store_of_the_end },
	};

	return minute_main(argc, argv, cases, ARRAY_SIZE(cases));
}
