/* SPDX-License-Identifier: MIT */
/* Work that comes back in order, whoever did it, and when. */
#include "unit.h"

#include "../../userspace/care/work_ring.c"

#include <stdatomic.h>
#include <time.h>

#define PIECES 500

struct job {
	unsigned int values[20], results[20];
	atomic_int busy[WORK_RING_THREADS_MAX];
	atomic_uint done, twice;
	unsigned int fail_at;
};

/* Later pieces are often ready before earlier ones. */
static int square(size_t slot, unsigned int thread, void *ctx)
{
	struct job *j = ctx;
	unsigned int v = j->values[slot];
	const struct timespec nap = { .tv_nsec = (v * 7919) % 5 * 20000 };

	if (thread >= WORK_RING_THREADS_MAX || atomic_exchange(&j->busy[thread], 1))
		atomic_fetch_add(&j->twice, 1);
	nanosleep(&nap, NULL);
	j->results[slot] = v * v;
	atomic_fetch_add(&j->done, 1);
	atomic_store(&j->busy[thread], 0);
	return v == j->fail_at ? -EBADMSG : 0;
}

static void take_one(struct job *j, struct work_ring *r, unsigned int expected)
{
	size_t slot = 100;
	int err = work_ring_take(r, &slot);

	EXPECT_INT(err, expected == j->fail_at ? -EBADMSG : 0);
	REQUIRE(slot < 20);
	EXPECT_UINT(j->results[slot], expected * expected);
}

static void comes_back_in_order(void)
{
	static const struct {
		unsigned int threads;
		size_t slots;
	} t[] = { { 1, 3 }, { 2, 3 }, { 2, 5 }, { 3, 4 }, { 8, 17 } };

	for (size_t i = 0; i < ARRAY_SIZE(t); i++) {
		struct job j = { .fail_at = 77 };
		struct work_ring *r;
		unsigned int given = 0, taken = 0;

		unit_begin("%u threads, %zu slots", t[i].threads, t[i].slots);
		REQUIRE_INT(work_ring_new(t[i].threads, t[i].slots, square, &j, &r), 0);
		while (given < PIECES) {
			j.values[work_ring_next(r)] = given++;
			work_ring_give(r);
			if (work_ring_given(r) == t[i].slots)
				take_one(&j, r, taken++);
		}
		while (work_ring_given(r))
			take_one(&j, r, taken++);
		EXPECT_UINT(taken, PIECES);
		EXPECT_UINT(j.done, PIECES);
		EXPECT_UINT(j.twice, 0);
		work_ring_free(r);
	}
}

static void one_piece_needs_no_thread(void)
{
	struct job j = { .fail_at = 0 };
	struct work_ring *r;
	size_t slot;

	REQUIRE_INT(work_ring_new(4, 9, square, &j, &r), 0);
	for (unsigned int i = 1; i < 30; i++) {
		j.values[work_ring_next(r)] = i;
		work_ring_give(r);
		EXPECT_INT(work_ring_take(r, &slot), 0);
		EXPECT_UINT(j.results[slot], i * i);
	}
	EXPECT_UINT(r->n_threads, 0);
	work_ring_free(r);
}

static void may_be_left(void)
{
	for (unsigned int given = 0; given <= 9; given++) {
		struct job j = { .fail_at = 1 };
		struct work_ring *r;

		REQUIRE_INT(work_ring_new(3, 9, square, &j, &r), 0);
		for (unsigned int i = 0; i < given; i++) {
			j.values[work_ring_next(r)] = i;
			work_ring_give(r);
		}
		work_ring_free(r);
		EXPECT(j.done <= given);
	}
	work_ring_free(NULL);
}

static void counts_threads(void)
{
	EXPECT_UINT(work_ring_threads(1), 1);
	EXPECT_UINT(work_ring_threads(3), 3);
	EXPECT_UINT(work_ring_threads(1000), WORK_RING_THREADS_MAX);
	EXPECT(work_ring_threads(0) >= 1 && work_ring_threads(0) <= WORK_RING_THREADS_MAX);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, comes_back_in_order },
		{ "one piece at a time is done without a thread", one_piece_needs_no_thread },
		{ "a ring may be left with work in it", may_be_left },
		{ "how many threads a number means", counts_threads },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
