/* SPDX-License-Identifier: MIT */
/*
 * The nth allocation, or the nth system call of each kind, fails during a restore: it is done, or says why it is not; the target is the whole
 * old tree or the whole new one, the service runs with it, what is unfinished can be resumed or aborted, and nothing is left.
 */
#include "restore_play.h"

static void restores(const struct fault *f)
{
	for (unsigned int n = 0; next_round(f, &n);) {
		struct restore_result r;
		int descriptors, err;

		prepare_play(false);
		descriptors = nth_descriptors();
		err = carry_out(restore_begin, true, &r);
		if (err)
			expect_error(f, n, err);
		EXPECT(err || r.end == RESTORE_DONE);
		expect_whole(n, &r, descriptors);
		bring_to_end(n, &r);
	}
}

/* The service does not come up with the new tree: each call on the way back. */
static void goes_back(const struct fault *f)
{
	for (unsigned int n = 0; next_round(f, &n);) {
		struct restore_result r;
		struct restore_status status;
		int descriptors, err;

		prepare_play(true);
		descriptors = nth_descriptors();
		err = carry_out(restore_begin, true, &r);
		EXPECT(err && why.len);
		EXPECT(r.end != RESTORE_DONE);
		expect_whole(n, &r, descriptors);
		if (r.end == RESTORE_UNFINISHED)
			carry_out(restore_abort, false, &r);
		EXPECT(r.end != RESTORE_UNFINISHED);
		EXPECT_INT(restore_look(play_options().target, &status), 0);
		EXPECT(!status.unfinished && tree_is("p/data", &old_tree));
		EXPECT(service_tree() == target_inode());
	}
}

int main(int argc, char **argv)
{
	static const struct attempt attempts[] = {
		{ "restoring", restores },
		{ "going back", goes_back },
	};

	return play_all(argc, argv, attempts, ARRAY_SIZE(attempts));
}
