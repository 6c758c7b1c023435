/* SPDX-License-Identifier: MIT */
/*
 * The nth allocation, or the nth system call of each kind, fails during an update of the application: it is done, or says why it is not; tree and
 * environment are both old or both new once it has come to an end, or was aborted, and nothing is left.
 */
#include "unit.h"

#include "nth_faults.h"

#include "update_fixture.h"

static const struct fault processes = {
	"fork and execve: EAGAIN", { NTH_PROCESS, EAGAIN, false }, 8, 4
};

/* The service is another program: nothing fails in it. */
static int quiet_runs(bool *ret, struct buf *text, void *ctx)
{
	nth_disarm();
	runs(ret, text, ctx);
	nth_arm();
	return 0;
}

static int quiet_stop(struct buf *text, void *ctx)
{
	nth_disarm();
	stop(text, ctx);
	nth_arm();
	return 0;
}

static int quiet_start(struct buf *text, void *ctx)
{
	int err;

	nth_disarm();
	err = begin_service(text, ctx);
	nth_arm();
	return err;
}

static const struct restore_service quiet_service = { quiet_runs, quiet_stop, quiet_start, NULL };

static int update_with_fault(void)
{
	struct update_options o = options();
	struct update_plan p;
	int err;

	o.service = &quiet_service;
	buf_reset(&why);
	result = (struct update_result){ .end = RESTORE_NOTHING };
	nth_arm();
	err = update_app_plan(&o, &why, &p);
	if (!err)
		err = update_app_begin(&o, &p, &why, &result);
	nth_disarm();
	update_plan_done(&p);
	return err;
}

static void expect_whole(unsigned int n, int err)
{
	struct update_status s;

	EXPECT_INT(update_app_look(state, &s), 0);
	if (s.unfinished != (result.end == RESTORE_UNFINISHED))
		FAIL_CASE("call %u failed: %d: %s: end %d, %s", n, err, buf_str(&why),
			  (int)result.end, s.unfinished ? "unfinished" : "no journal");
	if (s.unfinished) {
		err = abort_now();
		if (err)
			FAIL_CASE("after call %u it cannot be aborted: %d: %s", n, err,
				  buf_str(&why));
	}
	if (is_state(second, true) ? !nothing_is_left(1) :
				     !is_state(first, false) || !nothing_is_left(0))
		FAIL_CASE("call %u failed: %d: %s: neither, or something is left", n, err,
			  buf_str(&why));
	if (!shared->running)
		FAIL_CASE("call %u failed: the service does not run", n);
}

static void updates(const struct fault *f, unsigned int each, unsigned int share)
{
	for (unsigned int n = 1; unit_state.result == UNIT_OK && nth_again(&f->kind, n);
	     n += nth_further(n, each, share)) {
		int descriptors, err;

		host_reset();
		descriptors = nth_descriptors();
		err = update_with_fault();
		if (err && !nth_hit() &&
		    f->kind.calls != NTH_PROCESS) /* execve is counted in the child */
			FAIL_CASE("nothing failed, but: %d: %s", err, buf_str(&why));
		if (fault_is_memory(f) ? err && err != -ENOMEM && !strstr(buf_str(&why), "memory") :
					 err && !why.len)
			FAIL_CASE("call %u failed: %d: %s", n, err, buf_str(&why));
		EXPECT_INT(nth_descriptors(), descriptors);
		expect_whole(n, err);
	}
}

int main(int argc, char **argv)
{
	unit_state.argc = argc;
	unit_state.argv = argv;
	unit_begin("prepared");
	if (!fixture_begin())
		return unit_finish();
	for (size_t i = 0; i < ARRAY_SIZE(all_faults); i++) {
		if (!unit_wanted(all_faults[i].name))
			continue;
		unit_begin("%s", all_faults[i].name);
		updates(&all_faults[i], 2, 2);
	}
	unit_begin("%s", processes.name);
	if (unit_wanted(processes.name))
		updates(&processes, processes.each, processes.share);
	unit_end();
	fixture_end();
	return unit_finish();
}
