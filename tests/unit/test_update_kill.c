/* SPDX-License-Identifier: MIT */
/* An update of the application that ends at any of its steps: afterwards resumed, or aborted, the one way or the other. */
#include "update_fixture.h"

#define STEPS_MAX 200

static void each_step(const char *name, bool bad_start, int (*then)(void), bool is_new)
{
	unsigned int n = 1;

	for (; n < STEPS_MAX; n++) {
		int err;

		host_reset();
		shared->bad_start = bad_start;
		if (!killed_at(n, update_now))
			break;
		shared->bad_start = false;
		err = then();
		/* Killed before the journal, or after it is gone. */
		if (err == -ENOENT) {
			if (!is_state(first, false) && !is_state(second, true))
				FAIL_CASE("%s: step %u: neither", name, n);
			continue;
		}
		if (err && err != -ECANCELED)
			FAIL_CASE("%s: step %u: %d: %s", name, n, err, buf_str(&why));
		if (!is_state(is_new && !err ? second : first, is_new && !err))
			FAIL_CASE("%s: step %u: not as it should be", name, n);
		if (!nothing_is_left(is_new && !err ? 1 : 0))
			FAIL_CASE("%s: step %u: something is left", name, n);
		if (!shared->running || shared->moved)
			FAIL_CASE("%s: step %u: %s", name, n,
				  shared->moved ? "switched while it runs" : "not started again");
	}
	EXPECT(n > 10 && n < STEPS_MAX);
}

static void aborted(void)
{
	each_step("aborted", false, abort_now, false);
}

static void resumed(void)
{
	each_step("resumed", false, resume_now, true);
}

static void aborted_on_its_way_back(void)
{
	each_step("aborted on its way back", true, abort_now, false);
}

static void half_a_checkout(void)
{
	host_reset();
	/* Cut off before HEAD is written: files are new, the index is locked. */
	for (unsigned int n = 1; n < STEPS_MAX && killed_at(n, update_now); n++) {
		struct update_status s;

		EXPECT_INT(update_app_look(state, &s), 0);
		if (strcmp(s.step, "switch") == 0)
			break;
		host_reset();
	}
	EXPECT_INT(
		shell("echo 2 >app/main.py && echo 2 >app/new && rm app/old && touch app/.git/index.lock"
		      " app/.git/refs/heads/main.lock"),
		0);
	EXPECT_INT(abort_now(), 0);
	EXPECT(is_state(first, false) && nothing_is_left(0));
	EXPECT_INT(abort_now(), -ENOENT);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "killed at each step, and aborted", aborted },
		{ "killed at each step, and resumed", resumed },
		{ "killed at each step of going back, and aborted", aborted_on_its_way_back },
		{ "half a checkout is taken back", half_a_checkout },
	};

	return update_main(argc, argv, cases, ARRAY_SIZE(cases));
}
