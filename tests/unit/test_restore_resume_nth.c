/* SPDX-License-Identifier: MIT */
/*
 * A restore that was cut off in each part of its way is resumed, or aborted, while the nth allocation or system call fails: what then is left can
 * be resumed, or aborted, again.
 */
#include "restore_play.h"

#define PARTS_MAX 5

/* Unfinished at its @n_step-th step, as a kill leaves it. False: it has no more. */
static bool leave_unfinished(unsigned int n_step)
{
	struct restore_result r;
	int status = 0;
	pid_t pid;

	prepare_play(false);
	pid = fork();
	if (pid == 0) {
		steps_left = n_step;
		carry_out(restore_begin, false, &r);
		_exit(0);
	}
	EXPECT(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status) == KILLED;
}

/* The last step of each part of the way: unpacking, unpacked, before the exchange, after it. Returns how many. */
static unsigned int parts(const unsigned int **ret)
{
	static unsigned int steps[PARTS_MAX], n_parts;
	char last[16] = "";

	for (unsigned int n = 1; !*steps && leave_unfinished(n); n++) {
		struct restore_status status;

		EXPECT_INT(restore_look(play_options().target, &status), 0);
		if (!status.unfinished)
			continue;
		if (strcmp(last, status.step) != 0 && n_parts < PARTS_MAX - 1)
			n_parts++;
		memcpy(last, status.step, sizeof(last));
		steps[n_parts] = n;
	}
	if (!*steps)
		memmove(steps, steps + 1, n_parts * sizeof(*steps));
	*ret = steps;
	return n_parts;
}

/* From each part of the way. */
static void goes_on(const struct fault *f, order_fn fn)
{
	const unsigned int *steps;
	const unsigned int n_parts = parts(&steps);

	REQUIRE(n_parts == 4);
	for (unsigned int i = 0; i < n_parts; i++) {
		if ((size_t)(f - all_faults) % n_parts != i && f->kind.calls != NTH_MEMORY)
			continue; /* all of them with each fault would take minutes */
		for (unsigned int n = 0; next_round(f, &n);) {
			struct restore_result r;
			int descriptors, err;

			leave_unfinished(steps[i]);
			descriptors = nth_descriptors();
			err = carry_out(fn, true, &r);
			if (err)
				expect_error(f, n, err);
			expect_whole(n, &r, descriptors);
			bring_to_end(n, &r);
		}
	}
}

static void resumes(const struct fault *f)
{
	goes_on(f, restore_resume);
}

static void aborts(const struct fault *f)
{
	goes_on(f, restore_abort);
}

int main(int argc, char **argv)
{
	static const struct attempt attempts[] = {
		{ "resuming", resumes },
		{ "aborting", aborts },
	};

	return play_all(argc, argv, attempts, ARRAY_SIZE(attempts));
}
