/* SPDX-License-Identifier: MIT */
/* A look at a state file: all of it is seen, and none of it is changed. */
#include "store/spool_peek.h"

#include "store_fixture.h"

static struct {
	int64_t ids[8];
	bool maybe[8];
	char text[64];
	size_t n, stop_at;
} seen;

static int see(const struct spool_minute *m, void *ctx)
{
	EXPECT(ctx == &seen);
	if (seen.n == 8)
		return -1;
	seen.ids[seen.n] = m->id;
	seen.maybe[seen.n] = m->maybe_sent;
	snprintf(seen.text, sizeof(seen.text), "%.*s", (int)m->payload_len,
		 (const char *)m->payload);
	return ++seen.n == seen.stop_at ? -E2BIG : 0;
}

static int peek(uint64_t *ret_n)
{
	memset(&seen, 0, sizeof(seen));
	buf_reset(&t.why);
	return spool_peek(t.dir, see, &seen, ret_n, &t.why);
}

static void three_minutes(void)
{
	uint64_t n = 0;

	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(add(3, now_s() - 60), 0);
	EXPECT_INT(add(1, now_s() - 180), 0);
	EXPECT_INT(add(2, now_s() - 120), 0);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 1, 1000), 0);
	close_both();
	for (int round = 0; round < 2; round++) {
		EXPECT_INT(peek(&n), 0);
		EXPECT_UINT(n, 3);
		REQUIRE_UINT(seen.n, 3);
		EXPECT_INT(seen.ids[0], 1);
		EXPECT_INT(seen.ids[1], 2);
		EXPECT_INT(seen.ids[2], 3);
		EXPECT(!seen.maybe[1]);
		EXPECT_HAS(seen.text, "minute 3 of ");
	}
	EXPECT_INT(open_both(&wide), 0);
	EXPECT_UINT(spool_stats(t.spool).minutes, 3);
	tear_down();
}

static void enough(void)
{
	uint64_t n = 0;

	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	for (int64_t i = 1; i <= 3; i++)
		EXPECT_INT(add(i, now_s() - 60 * i), 0);
	close_both();
	memset(&seen, 0, sizeof(seen));
	seen.stop_at = 2;
	EXPECT_INT(spool_peek(t.dir, see, &seen, &n, &t.why), 0);
	EXPECT_UINT(seen.n, 2);
	EXPECT_UINT(n, 3);
	tear_down();
}

static void no_file(void)
{
	uint64_t n = 7;

	set_up();
	EXPECT_INT(peek(&n), -ENOENT);
	EXPECT_UINT(n, 0);
	EXPECT_UINT(count_names(t.dir, "isamon", NULL, 0), 0);
	tear_down();
}

static void in_use(void)
{
	uint64_t n;

	set_up();
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(peek(&n), -EBUSY);
	EXPECT_HAS(buf_str(&t.why), "is open in another process");
	tear_down();
}

static void no_database(void)
{
	uint64_t n;
	FILE *f;

	set_up();
	mkdir(t.dir, 0700);
	f = fopen(t.file, "w");
	REQUIRE(f);
	for (int i = 0; i < 2000; i++)
		fputs("no database ", f);
	fclose(f);
	EXPECT_INT(peek(&n), -EUCLEAN);
	EXPECT_HAS(buf_str(&t.why), "cannot be read");
	EXPECT_UINT(count_names(t.dir, "isamon.db", NULL, 0), 1);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "all minutes, oldest first, twice the same", three_minutes },
		{ "until it is enough", enough },
		{ "no state file, and none is made", no_file },
		{ "a state file that is in use", in_use },
		{ "a file that is no database stays", no_database },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
