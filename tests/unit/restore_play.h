/* SPDX-License-Identifier: MIT */
/* What the tests of faults in restores have in common: one order with a fault, what must hold after it, and the way to an end from there. */
#ifndef ISAMON_RESTORE_PLAY_H
#define ISAMON_RESTORE_PLAY_H

#include "unit.h"

#include <unistd.h>

#include "nth_faults.h"

#define KILLED 42

static unsigned int steps_left; /* 0: is not killed */

static void step(void)
{
	if (steps_left && !--steps_left)
		_exit(KILLED);
}

#include "restore_fixture.h"

#include <locale.h>

static struct buf why = BUF_INIT(8192), parent_tree = BUF_INIT(TREE_MAX);
static locale_t
	locale; /* where there was no memory for one once, the C library has none any more */

/* The service is another program: nothing fails in it. */
static int quiet_runs(bool *ret, struct buf *text, void *ctx)
{
	int err;

	nth_disarm();
	err = service_runs(ret, text, ctx);
	nth_arm();
	return err;
}

static int quiet_stop(struct buf *text, void *ctx)
{
	int err;

	nth_disarm();
	err = service_stop(text, ctx);
	nth_arm();
	return err;
}

static int quiet_start(struct buf *text, void *ctx)
{
	int err;

	nth_disarm();
	err = service_start(text, ctx);
	nth_arm();
	return err;
}

static const struct restore_service quiet_service = { quiet_runs, quiet_stop, quiet_start, NULL };

typedef int (*order_fn)(const struct restore_options *o, struct buf *text,
			struct restore_result *ret);

static int carry_out(order_fn fn, bool armed, struct restore_result *ret)
{
	struct restore_options o = play_options();
	int err;

	if (armed)
		o.service = &quiet_service;
	buf_reset(&why);
	if (armed)
		nth_arm();
	err = fn(&o, &why, ret);
	nth_disarm();
	return err;
}

static void expect_error(const struct fault *f, unsigned int n, int err)
{
	if (!nth_hit())
		FAIL_CASE("nothing failed, but: %d: %s", err, buf_str(&why));
	if (fault_is_memory(f) ? err != -ENOMEM && !strstr(buf_str(&why), "memory") : !why.len)
		FAIL_CASE("call %u failed: %d: %s", n, err, buf_str(&why));
	if (err == -EBADMSG || (err == -EPERM && f->kind.error != EPERM))
		FAIL_CASE("call %u failed, and the archive is blamed: %s", n, buf_str(&why));
}

static bool is_new_and_kept(void)
{
	return tree_is("p/data", &new_tree) && *kept_tree() && tree_is(kept_tree(), &old_tree);
}

/* The target at any time, and who runs with it. */
static void expect_whole(unsigned int n, const struct restore_result *r, int descriptors)
{
	const bool is_new = is_new_and_kept();

	if (!is_new && !tree_is("p/data", &old_tree))
		FAIL_CASE("call %u failed: the target is neither: %s", n, buf_str(&why));
	if (r->end == RESTORE_DONE && !is_new)
		FAIL_CASE("call %u failed: it is said to be done, and is not", n);
	if (r->end != RESTORE_UNFINISHED && service_tree() != target_inode())
		FAIL_CASE("call %u failed: the service does not run: %s", n, buf_str(&why));
	if (nth_descriptors() != descriptors)
		FAIL_CASE("call %u failed: %d descriptors, %d before", n, nth_descriptors(),
			  descriptors);
}

/* What did not come to its end is brought to one, and the same is done without faults. */
static void bring_to_end(unsigned int n, struct restore_result *r)
{
	order_fn last = n % 2 ? restore_abort : restore_resume;
	struct restore_status status;
	int err;

	EXPECT_INT(restore_look(play_options().target, &status), 0);
	if (r->end == RESTORE_UNFINISHED && !status.unfinished)
		FAIL_CASE("call %u failed: it is unfinished, and nobody knows", n);
	if (r->end != RESTORE_UNFINISHED && status.unfinished)
		FAIL_CASE("call %u failed: it has ended, and is called unfinished", n);
	if (status.unfinished) {
		err = carry_out(last, false, r);
		if (err && err != -ECANCELED)
			FAIL_CASE("after call %u: %d: %s", n, err, buf_str(&why));
		EXPECT(r->end != RESTORE_UNFINISHED);
	}
	if (service_tree() != target_inode())
		FAIL_CASE("after call %u the service does not run", n);
	if (is_new_and_kept() ? fixture_count("p") != 2 : !tree_is("p", &parent_tree))
		if (access(fixture_path("p/.data.isamon-restore"), F_OK))
			FAIL_CASE("after call %u it is neither", n);
	err = carry_out(restore_begin, false, r);
	if (err || r->end != RESTORE_DONE || !tree_is("p/data", &new_tree))
		FAIL_CASE("after call %u another one cannot be done: %d: %s", n, err,
			  buf_str(&why));
	if (access(fixture_path("p/.data.isamon-restore"), F_OK) == 0)
		FAIL_CASE("after call %u something is left", n);
}

static bool next_round(const struct fault *f, unsigned int *n)
{
	*n += *n ? nth_further(*n, f->each, f->share) : 1;
	return unit_state.result == UNIT_OK && nth_again(&f->kind, *n);
}

static void prepare_play(bool bad)
{
	play_begin(bad ? "touch bad;" : "");
	buf_reset(&parent_tree);
	tree_read("p", &parent_tree);
}

static int play_all(int argc, char **argv, const struct attempt *attempts, size_t n)
{
	unit_state.argc = argc;
	unit_state.argv = argv;
	unit_begin("prepared");
	locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	fixture_begin();
	fault_all(attempts, n);
	unit_begin("cleared up");
	freelocale(locale);
	buf_done(&why);
	buf_done(&parent_tree);
	play_end();
	fixture_end();
	return unit_finish();
}

#endif
