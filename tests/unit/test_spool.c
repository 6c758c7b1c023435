/* SPDX-License-Identifier: MIT */
/* The spool: what is given, in which order, what is counted, what is dropped, and what a restart finds. */
#include "store_fixture.h"

#include "store/spool_age.h"
#include "store/spool_pack.h"

static void expect_counts(uint64_t minutes, uint64_t pushed, uint64_t rejected,
			  uint64_t maybe_twice)
{
	const struct spool_stats s = spool_stats(t.spool);

	EXPECT_UINT(s.minutes, minutes);
	EXPECT_UINT(s.pushed, pushed);
	EXPECT_UINT(s.rejected, rejected);
	EXPECT_UINT(s.maybe_twice, maybe_twice);
	EXPECT(minutes ? s.bytes > 0 && s.oldest_s > 0 : s.bytes == 0 && s.oldest_s == 0);
}

/* Adds minutes with ids and places @from to @to, one a minute, the last of which ended just now. */
static int64_t add_minutes(int64_t from, int64_t to)
{
	const int64_t base = now_s() - 60 * to;

	for (int64_t i = from; i <= to; i++)
		EXPECT_INT(add(i, base + 60 * i), 0);
	return base;
}

static void reopen(void)
{
	close_both();
	EXPECT_INT(open_both(&wide), 0);
}

/* --- the way of a minute */

static void comes_and_goes(void)
{
	int64_t base;

	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	expect_counts(0, 0, 0, 0);
	base = add_minutes(1, 3);
	expect_counts(3, 0, 0, 0);
	EXPECT_INT(spool_stats(t.spool).oldest_s, base + 60);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 1, 1000), 0);
	REQUIRE_UINT(got.n, 1);
	EXPECT_INT(got.ids[0], 1);
	EXPECT_INT(got.starts[0], base + 60);
	EXPECT(!got.maybe[0]);
	EXPECT_HAS(got.text, "minute 1 of ");
	expect_counts(3, 0, 0, 0);
	end_one(1, SPOOL_PUSHED);
	expect_counts(2, 1, 0, 0);
	EXPECT_INT(spool_stats(t.spool).oldest_s, base + 120);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 1, 1000), 0);
	end_one(2, SPOOL_REJECTED);
	expect_counts(1, 1, 1, 0);
	reopen();
	expect_counts(1, 1, 1, 0);
	tear_down();
}

static void order(void)
{
	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(add(30, now_s() - 180), 0);
	EXPECT_INT(add(10, now_s() - 60), 0);
	EXPECT_INT(add(20, now_s() - 120), 0);
	EXPECT_INT(take_some(SPOOL_NEWEST_FIRST, 1, 1000), 0);
	REQUIRE_UINT(got.n, 1);
	EXPECT_INT(got.ids[0], 10);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 1000), 0);
	REQUIRE_UINT(got.n, 2);
	EXPECT_INT(got.ids[0], 30);
	EXPECT_INT(got.ids[1], 20);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 1000), 0);
	EXPECT_UINT(got.n, 0);
	tear_down();
}

/* Bytes before packing count, but one minute always comes. */
static void takes_so_many_bytes(void)
{
	static char long_text[5000];

	memset(long_text, 'x', sizeof(long_text));
	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	for (int64_t i = 1; i <= 4; i++)
		EXPECT_INT(add_bytes(i, now_s() + i, long_text, sizeof(long_text)), 0);
	EXPECT(spool_stats(t.spool).bytes < sizeof(long_text));
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 100), 0);
	EXPECT_UINT(got.n, 1);
	EXPECT_UINT(got.bytes, 5000);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 10000), 0);
	EXPECT_UINT(got.n, 2);
	tear_down();
}

static void same_id(void)
{
	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(add(INT64_MIN, now_s()), 0);
	EXPECT_INT(add(INT64_MIN, now_s()), 0);
	EXPECT_INT(add_bytes(7, now_s(), "", 0), 0);
	expect_counts(2, 0, 0, 0);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 1000), 0);
	EXPECT_UINT(got.n, 2);
	EXPECT_INT(add(INT64_MIN, now_s()), 0);
	expect_counts(2, 0, 0, 0);
	tear_down();
}

/* --- what may have arrived */

static void comes_back(void)
{
	const int64_t one = 1, two = 2;

	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	add_minutes(1, 2);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 2, 1000), 0);
	EXPECT_UINT(got.n, 2);
	EXPECT_INT(spool_return(t.spool, &one, 1, false), 0);
	EXPECT_INT(spool_return(t.spool, &two, 1, true), 0);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 2, 1000), 0);
	REQUIRE_UINT(got.n, 2);
	EXPECT(!got.maybe[0]);
	EXPECT(got.maybe[1]);
	end_one(1, SPOOL_PUSHED);
	end_one(2, SPOOL_PUSHED);
	expect_counts(0, 2, 0, 1);
	tear_down();
}

static void restart_under_way(void)
{
	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	add_minutes(1, 3);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 1, 1000), 0);
	reopen();
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 1000), 0);
	REQUIRE_UINT(got.n, 3);
	EXPECT(got.maybe[0]);
	EXPECT(!got.maybe[1] && !got.maybe[2]);
	end_one(1, SPOOL_PUSHED);
	expect_counts(2, 1, 0, 1);
	tear_down();
}

static void ends_of_strangers(void)
{
	const int64_t ids[] = { 5, 1, 1 };

	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	add_minutes(1, 1);
	EXPECT_INT(spool_remove(t.spool, ids, 3, SPOOL_PUSHED), 0);
	EXPECT_INT(spool_return(t.spool, ids, 3, true), 0);
	EXPECT_INT(spool_remove(t.spool, ids, 0, SPOOL_PUSHED), 0);
	settle();
	expect_counts(0, 1, 0, 0);
	tear_down();
}

/* Nobody is called behind spool_close(), and nothing is lost by it. */
static void closes_in_the_middle(void)
{
	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	got.told = 0;
	for (int64_t i = 1; i <= 20; i++)
		EXPECT_INT(spool_add(t.spool, i, now_s(), "x", 1, on_added, NULL), 0);
	EXPECT_INT(spool_take(t.spool, SPOOL_OLDEST_FIRST, 5, 1000, on_taken, NULL), 0);
	close_both();
	EXPECT_UINT(got.told, 0);
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_UINT(spool_stats(t.spool).minutes, 20);
	tear_down();
}

/* --- limits */

static void too_old(void)
{
	const struct spool_limits day = { .max_age_s = DAY_S, .max_bytes = 1 << 20 };

	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(add(1, now_s() - 2 * DAY_S), 0);
	EXPECT_INT(add(2, now_s() - DAY_S - 10), 0);
	EXPECT_INT(add(3, now_s() - DAY_S + 100), 0);
	EXPECT_INT(add(4, now_s()), 0);
	EXPECT_INT(add(5, now_s() + 30 * DAY_S), 0);
	expect_counts(5, 0, 0, 0);
	spool_set_limits(t.spool, &day);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 1000), 0);
	REQUIRE_UINT(got.n, 3);
	EXPECT_INT(got.ids[0], 3);
	EXPECT_UINT(spool_stats(t.spool).dropped_age, 2);
	reopen();
	EXPECT_UINT(spool_stats(t.spool).dropped_age, 2);
	tear_down();
}

static void too_many_bytes(void)
{
	const struct spool_limits small = { .max_age_s = DAY_S, .max_bytes = 600 };
	struct spool_stats s;

	set_up();
	REQUIRE_INT(open_both(&small), 0);
	add_minutes(1, 40);
	s = spool_stats(t.spool);
	EXPECT(s.bytes <= 600 && s.bytes > 500);
	EXPECT_UINT(s.minutes + s.dropped_size, 40);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 1, 1000), 0);
	EXPECT_INT(got.ids[0], (int64_t)s.dropped_size + 1);
	/* What is under way is not dropped. */
	EXPECT_INT(add(41, now_s() + 60), 0);
	end_one(got.ids[0] - 40 + (int64_t)s.dropped_size, SPOOL_PUSHED);
	EXPECT_UINT(spool_stats(t.spool).pushed, 1);
	tear_down();
}

/* --- the clock */

static void clock_jumps(void)
{
	const int64_t day = DAY_S, now = 1800000000;
	static const struct {
		const char *name;
		int64_t moved_s, after_s; /* the clock moved, after so many seconds of boot time */
		bool believed;
	} rows[] = {
		{ "a clock that goes on is believed", 0, 60, true },
		{ "a clock that is corrected by minutes is believed", 250, 60, true },
		{ "a clock that jumps ahead is not believed", 400, 60, false },
		{ "a clock that jumps by a year is not believed", 365 * DAY_S, 60, false },
		{ "a clock that is set back is not believed", -20 * DAY_S, 60, false },
	};
	struct spool_age a;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const int64_t then = now + rows[i].moved_s + rows[i].after_s;

		unit_begin("%s", rows[i].name);
		a = (struct spool_age){ 0 };
		EXPECT_INT(spool_age_horizon(&a, now, 100, now - day, 14 * DAY_S), now - 14 * day);
		EXPECT_INT(spool_age_horizon(&a, then, 100 + rows[i].after_s, now, 14 * DAY_S),
			   rows[i].believed ? then - 14 * day : INT64_MIN);
		EXPECT_INT(spool_age_horizon(&a, then + 3601, 100 + rows[i].after_s + 3601, now,
					     14 * DAY_S),
			   then + 3601 - 14 * day);
	}
	unit_begin("a clock by which all is too old is not believed for an hour");
	a = (struct spool_age){ 0 };
	EXPECT_INT(spool_age_horizon(&a, now, 100, now - 15 * day, 14 * DAY_S), INT64_MIN);
	EXPECT_INT(spool_age_horizon(&a, now + 3500, 3600, now - 15 * day, 14 * DAY_S), INT64_MIN);
	EXPECT_INT(spool_age_horizon(&a, now + 3600, 3700, now - 15 * day, 14 * DAY_S),
		   now + 3600 - 14 * day);
	unit_begin("no age overflows");
	a = (struct spool_age){ 0 };
	EXPECT(spool_age_horizon(&a, now, 100, 0, UINT64_MAX) < 0);
}

static void all_too_old_at_start(void)
{
	const struct spool_limits day = { .max_age_s = DAY_S, .max_bytes = 1 << 20 };

	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(add(1, now_s() - 2 * DAY_S), 0);
	close_both();
	REQUIRE_INT(open_both(&day), 0);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 1000), 0);
	EXPECT_UINT(got.n, 1);
	EXPECT_UINT(spool_stats(t.spool).dropped_age, 0);
	tear_down();
}

/* --- bytes that changed */

static int damage_payload(sqlite3 *db, void *job)
{
	(void)job;
	return sqlite3_exec(db,
			    "UPDATE spool_payload SET bytes = x'789c0000' WHERE seq = 1;"
			    "DELETE FROM spool_payload WHERE seq = 2",
			    NULL, NULL, NULL) ?
		       -EIO :
		       0;
}

static void passes_over_damage(void)
{
	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	add_minutes(1, 4);
	EXPECT_INT(store_wait(t.store, damage_payload, NULL), 0);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 1, 1000), 0);
	REQUIRE_UINT(got.n, 1);
	EXPECT_INT(got.ids[0], 3);
	EXPECT_UINT(spool_stats(t.spool).damaged, 2);
	EXPECT_UINT(spool_stats(t.spool).minutes, 2);
	tear_down();
}

static void packs(void)
{
	char text[] = "isamon isamon isamon isamon isamon isamon isamon isamon isamon";
	void *packed = NULL, *plain = NULL;
	size_t n = 0;

	EXPECT_INT(spool_pack(text, sizeof(text), &packed, &n), 0);
	EXPECT(n < sizeof(text));
	EXPECT_INT(spool_unpack(packed, n, sizeof(text), &plain), 0);
	EXPECT_STR(plain, text);
	free(plain);
	for (size_t i = 0; i < n * 8; i++) {
		((unsigned char *)packed)[i / 8] ^= 1u << i % 8;
		plain = NULL;
		if (spool_unpack(packed, n, sizeof(text), &plain) == 0)
			EXPECT_STR(plain, text); /* a bit of the header that means nothing */
		free(plain);
		((unsigned char *)packed)[i / 8] ^= 1u << i % 8;
	}
	for (size_t i = 0; i < n; i++)
		EXPECT_INT(spool_unpack(packed, i, sizeof(text), &plain), -EBADMSG);
	EXPECT_INT(spool_unpack(packed, n, sizeof(text) - 1, &plain), -EBADMSG);
	EXPECT_INT(spool_unpack(packed, n, sizeof(text) + 1, &plain), -EBADMSG);
	EXPECT_INT(spool_unpack(packed, n, SIZE_MAX, &plain), -EBADMSG);
	free(packed);
}

/* --- much */

static void thousands(void)
{
	const int64_t base = now_s() - 4000;
	unsigned int left = 3000;
	int64_t last = 0;

	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	got.told = 0;
	for (int64_t i = 0; i < 3000; i++)
		EXPECT_INT(spool_add(t.spool, i * 7919 % 3000, base + i, "text", 4, on_added, NULL),
			   0);
	turn_until(&got.told, 3000);
	while (left) {
		EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 700, 1 << 20), 0);
		REQUIRE(got.n);
		EXPECT(got.starts[0] > last);
		last = got.starts[got.n - 1];
		left -= (unsigned int)got.n;
		EXPECT_INT(spool_remove(t.spool, got.ids, got.n, SPOOL_PUSHED), 0);
	}
	settle();
	expect_counts(0, 3000, 0, 0);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a minute comes, is taken, goes, and is counted", comes_and_goes },
		{ "oldest or newest first", order },
		{ "takes no more bytes than asked for", takes_so_many_bytes },
		{ "an id is there once", same_id },
		{ "what comes back is given again", comes_back },
		{ "what was under way may have been sent", restart_under_way },
		{ "ends of minutes that are not there", ends_of_strangers },
		{ "closing in the middle of work", closes_in_the_middle },
		{ "drops what is too old", too_old },
		{ "drops the oldest when there are too many bytes", too_many_bytes },
		{ NULL, clock_jumps },
		{ "does not drop everything at the start", all_too_old_at_start },
		{ "passes over what cannot be read back", passes_over_damage },
		{ "notices each changed bit", packs },
		{ "thousands of minutes", thousands },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
