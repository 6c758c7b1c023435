/* SPDX-License-Identifier: MIT */
/* The spool where each allocation fails once: an error is told, nothing that was told is lost, and it goes on. */
#include "nomem.h"

#include "../../userspace/store/spool.c"
#include "../../userspace/store/spool_marks.c"
#include "../../userspace/store/spool_pack.c"
#include "../../userspace/store/spool_work.c"

#include "store_fixture.h"

static bool fine_or_memory(int err)
{
	return EXPECT(err == 0 || err == -ENOMEM || err == -ETIMEDOUT);
}

/* As add(), but does not wait for what was not handed over. */
static int try_add(int64_t id)
{
	int err;

	got.told = 0;
	err = spool_add(t.spool, id, now_s() - 60 + id, "text", 4, on_added, NULL);
	if (err)
		return err;
	turn_until(&got.told, 1);
	return got.err;
}

static int try_take(size_t *ret_n)
{
	int err;

	got.told = 0;
	got.n = 0;
	err = spool_take(t.spool, SPOOL_OLDEST_FIRST, 2, 1000, on_taken, NULL);
	if (!err) {
		turn_until(&got.told, 1);
		err = got.err;
	}
	*ret_n = got.n;
	return err;
}

static uint64_t round_of(void)
{
	uint64_t added = 0, removed = 0;
	size_t n;

	for (int64_t id = 1; id <= 4; id++) {
		int err = try_add(id);

		fine_or_memory(err);
		added += err == 0;
	}
	fine_or_memory(try_take(&n));
	if (n && spool_remove(t.spool, got.ids, 1, SPOOL_PUSHED) == 0)
		removed = 1;
	if (n > 1)
		fine_or_memory(spool_return(t.spool, &got.ids[1], 1, true));
	settle();
	return added - removed;
}

static void each_allocation_fails(void)
{
	uint64_t expected;
	unsigned int n;
	bool hit = false;

	set_up();
	for (n = 1; nomem_again(n); n++) {
		int err = open_store();

		REQUIRE_INT(err, 0);
		err = spool_open(t.store, &wide, &t.why, &t.spool);
		if (err) {
			EXPECT(err == -ENOMEM && nomem_hit());
			close_both();
			continue;
		}
		expected = round_of();
		hit = nomem_hit();
		nomem.fail_at = 0;
		EXPECT_UINT(spool_stats(t.spool).minutes, expected);
		close_both();
		nomem.fail_at = 0;
		REQUIRE_INT(open_both(&wide), 0);
		EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 1000), 0);
		EXPECT_UINT(got.n, expected);
		EXPECT_INT(spool_remove(t.spool, got.ids, got.n, SPOOL_PUSHED), 0);
		settle();
		close_both();
		nomem.fail_at = n;
		nomem.made = hit ? n : 0;
	}
	EXPECT(n > 20);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "each allocation fails, and it goes on", each_allocation_fails },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
