/* SPDX-License-Identifier: MIT */
/*
 * The nth allocation, or the nth system call of each kind, fails while a backup is verified, or tried by a drill: what is sound is never called
 * damaged; it is not known then, and why is said.
 */
#include "backup_play.h"

/* It is found out right, or not at all. */
static void verifies(const struct fault *f)
{
	struct catalogue_entry good;

	create_again();
	REQUIRE(play_newest(&good));
	for (unsigned int n = 0; next_round(f, &n);) {
		const int before = nth_descriptors();
		struct catalogue_entry e = good;
		int err;

		play_put_catalogue_back();
		err = play_in_place(play_verify, &e, true);

		if (err)
			expect_error(f, "verify", n, err);
		if (e.verdict != BACKUP_SOUND)
			FAIL_CASE("%s: call %u failed, and it is called damaged: %s", f->name, n,
				  e.why);
		expect_nothing_left(f, "verify", n, before);
	}
	EXPECT(play_is_sound());
}

static void drills(const struct fault *f)
{
	struct catalogue_entry e;

	create_again();
	REQUIRE(play_newest(&e));
	for (unsigned int n = 0; next_round(f, &n);) {
		const int before = nth_descriptors();
		int err;

		play_put_catalogue_back();
		err = play_in_place(play_drill, &e, true);

		if (err)
			expect_error(f, "drill", n, err);
		if (err == -EBADMSG)
			FAIL_CASE("%s: call %u failed, and it is called damaged: %s", f->name, n,
				  buf_str(&play_why));
		expect_nothing_left(f, "drill", n, before);
	}
}

int main(int argc, char **argv)
{
	static const struct attempt attempts[] = {
		{ "verifying one", verifies },
		{ "a drill", drills },
	};

	return play_all(argc, argv, attempts, ARRAY_SIZE(attempts));
}
