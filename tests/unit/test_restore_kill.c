/* SPDX-License-Identifier: MIT */
/*
 * A restore that is killed before any of its steps, or in which any call fails: the target is the whole old tree or the whole new one,
 * --resume brings the new one, --abort the old one, the service runs with what is there, and nothing else is left; also if these are
 * killed in turn. At no step is the target exchanged while the service runs with it.
 */
#include "unit.h"

#include "restore_fixture.h"

#define KILLED 42
#define EXCHANGED_WHILE_IT_RAN 99
#define DOUBLE_KILLS 120

static unsigned int steps_left; /* 0: does not stop */

static void step(void)
{
	ino_t tree = service_tree();

	if (tree && tree != target_inode())
		_exit(EXCHANGED_WHILE_IT_RAN);
	if (steps_left && --steps_left == 0)
		_exit(KILLED);
}

enum order { BEGIN, RESUME, ABORT };

static int order_now(enum order order, struct restore_result *ret)
{
	static int (*const orders[])(const struct restore_options *o, struct buf *why,
				     struct restore_result *ret) = {
		[BEGIN] = restore_begin,
		[RESUME] = restore_resume,
		[ABORT] = restore_abort,
	};
	_cleanup_(buf_done) struct buf why = BUF_INIT(8192);
	const struct restore_options o = play_options();

	return orders[order](&o, &why, ret);
}

/* In a child that ends at step @n (0: it does not). Returns its exit status: KILLED, or 0 with or without an error. */
static int order_killed(enum order order, unsigned int n)
{
	struct restore_result result;
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		steps_left = n;
		order_now(order, &result);
		_exit(0);
	}
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static struct buf parent_tree = BUF_INIT(TREE_MAX);

static void play(bool bad)
{
	play_begin(bad ? "touch bad;" : "");
	buf_reset(&parent_tree);
	tree_read("p", &parent_tree);
}

static bool is_old_whole(void)
{
	return tree_is("p", &parent_tree);
}

static bool is_new_and_kept(void)
{
	return tree_is("p/data", &new_tree) && *kept_tree() && tree_is(kept_tree(), &old_tree);
}

/* And nothing else. */
static bool is_new_whole(void)
{
	return is_new_and_kept() && fixture_count("p") == 2;
}

static bool is_running(void)
{
	return service_tree() == target_inode();
}

/* What must hold at any moment. */
static void look_at_target(unsigned int n)
{
	bool is_missing =
		no_exchange && !target_inode() && *kept_tree() && tree_is(kept_tree(), &old_tree);

	if (!is_missing && !tree_is("p/data", &old_tree) && !tree_is("p/data", &new_tree))
		FAIL_CASE("killed at step %u the target is neither", n);
}

static void each_step(bool bad, enum order then)
{
	bool was_killed = true;
	unsigned int n = 0, n_new = 0;

	while (was_killed && unit_state.result == UNIT_OK) {
		struct restore_result result;
		struct restore_status status;
		int how;
		bool is_new, was_unfinished;

		play(bad);
		how = order_killed(BEGIN, ++n);
		was_killed = how == KILLED;
		EXPECT(was_killed || how == 0);
		look_at_target(n);
		EXPECT_INT(restore_look(play_options().target, &status), 0);
		EXPECT(!status.working);
		was_unfinished = status.unfinished;
		order_now(then, &result);
		EXPECT(result.end != RESTORE_UNFINISHED);
		EXPECT_INT(restore_look(play_options().target, &status), 0);
		EXPECT(!status.unfinished);
		is_new = is_new_whole();
		n_new += is_new;
		if (!is_new && !is_old_whole())
			FAIL_CASE("after a kill at step %u it is neither", n);
		if (was_unfinished)
			EXPECT_INT(is_new, !bad && then == RESUME);
		if (!is_running())
			FAIL_CASE("after a kill at step %u the service does not run", n);
	}
	if (n < 50)
		FAIL_CASE("only %u steps", n);
	EXPECT_UINT(bad ? n_new : 0, 0);
}

static void in_both_ways(bool bad, enum order then)
{
	no_exchange = false;
	each_step(bad, then);
	no_exchange = true;
	each_step(bad, then);
	no_exchange = false;
}

static void killed_then_resumed(void)
{
	in_both_ways(false, RESUME);
}

static void killed_then_aborted(void)
{
	in_both_ways(false, ABORT);
}

static void unwell_killed_then_resumed(void)
{
	in_both_ways(true, RESUME);
}

static void unwell_killed_then_aborted(void)
{
	in_both_ways(true, ABORT);
}

static void killed_again_and_again(void)
{
	srand(4711);
	for (unsigned int i = 0; i < DOUBLE_KILLS && unit_state.result == UNIT_OK; i++) {
		struct restore_result result;
		int how = KILLED;

		no_exchange = i % 2;
		play(i % 3 == 0);
		how = order_killed(BEGIN, 1 + (unsigned int)rand() % 110);
		for (int k = 0; k < 4; k++) {
			look_at_target(i);
			how = order_killed(rand() % 2 ? RESUME : ABORT,
					   1 + (unsigned int)rand() % 40);
			EXPECT(how == KILLED || how == 0);
		}
		order_now(i % 5 < 2 ? RESUME : ABORT, &result);
		EXPECT(result.end != RESTORE_UNFINISHED);
		if (!is_new_whole() && !is_old_whole())
			FAIL_CASE("in play %u it is neither", i);
		if (!is_running())
			FAIL_CASE("in play %u the service does not run", i);
	}
	no_exchange = false;
}

static void each_call_fails(void)
{
	bool has_failed = true;
	unsigned int n_back = 0;

	for (unsigned int n = 1; has_failed && unit_state.result == UNIT_OK; n++) {
		struct restore_result result;
		int err;

		no_exchange = n % 2;
		play(false);
		calls_left = n / 2 + 1;
		err = order_now(BEGIN, &result);
		has_failed = calls_left == 0;
		calls_left = 0;
		look_at_target(n);
		EXPECT(err || result.end == RESTORE_DONE);
		EXPECT(result.end != RESTORE_DONE || is_new_and_kept());
		n_back += result.end == RESTORE_ROLLED_BACK;
		if (result.end != RESTORE_DONE) {
			order_now(ABORT, &result);
			EXPECT(result.end != RESTORE_UNFINISHED);
			if (!is_old_whole())
				FAIL_CASE("call %u failed, and it is not the old one", n / 2 + 1);
		}
		EXPECT(is_running());
	}
	EXPECT(n_back > 0);
	no_exchange = false;
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "killed at each step, then resumed", killed_then_resumed },
		{ "killed at each step, then aborted", killed_then_aborted },
		{ "killed at each step with a service that does not come up, then resumed",
		  unwell_killed_then_resumed },
		{ "killed at each step with a service that does not come up, then aborted",
		  unwell_killed_then_aborted },
		{ "killed again and again", killed_again_and_again },
		{ "each call fails once", each_call_fails },
	};
	int status;

	fixture_begin();
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	buf_done(&parent_tree);
	play_end();
	fixture_end();
	return status;
}
