/* SPDX-License-Identifier: MIT */
/*
 * The nth allocation, or the nth system call of each kind, fails while a backup is made, or backups are listed: it works, or says what went
 * wrong; what is listed is whole, and nothing is left.
 */
#include "backup_play.h"

static void creates(const struct fault *f)
{
	create_again();
	for (unsigned int n = 0; next_round(f, &n);) {
		const int before = nth_descriptors();
		int err;

		play_reset();
		play_put_catalogue_back();
		err = play_in_place(play_create, NULL, true);
		if (err)
			expect_error(f, "create", n, err);
		expect_nothing_left(f, "create", n, before);
		if (play_is_sound() != (err == 0))
			FAIL_CASE("%s: call %u failed: %d: %s, but the backup is %s", f->name, n,
				  err, buf_str(&play_why), err ? "there" : "not");
	}
	create_again();
}

static int play_list(struct backup_place *place, struct catalogue *c, void *ctx)
{
	_cleanup_(buf_done) struct buf why_catalogue = BUF_INIT(8192);
	_cleanup_(backup_list_done) struct backup_list list = { 0 };
	int err = backup_list_load(play.backups, "a", c, &play_why, &why_catalogue, &list);

	(void)place;
	(void)ctx;
	if (!err &&
	    (list.n != 1 || (list.entries[0].verdict != BACKUP_SOUND && !why_catalogue.len)))
		FAIL_CASE("%zu are listed, and nothing is said", list.n);
	return err;
}

static void lists(const struct fault *f)
{
	create_again();
	for (unsigned int n = 0; next_round(f, &n);) {
		const int before = nth_descriptors();
		int err;

		play_put_catalogue_back();
		err = play_in_place(play_list, NULL, true);

		if (err)
			expect_error(f, "list", n, err);
		expect_nothing_left(f, "list", n, before);
	}
	EXPECT(play_is_sound());
}

int main(int argc, char **argv)
{
	static const struct attempt attempts[] = {
		{ "making one", creates },
		{ "listing them", lists },
	};

	return play_all(argc, argv, attempts, ARRAY_SIZE(attempts));
}
