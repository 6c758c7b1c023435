/* SPDX-License-Identifier: MIT */
/* A disk that hangs for a while: the loop goes on meanwhile, and in the end nothing is lost. */
#include "nomem.h"

#include "../../userspace/store/spool.c"
#include "../../userspace/store/store.c"
#include "../../userspace/store/store_file.c"

#include "store_fixture.h"

#define SLOW_MS 1000
#define TICK_US 10000
/* Of a machine that is busy; waiting for the disk makes it longer. */
#define GAP_MAX_NS (SLOW_MS * (NS_PER_SEC / 1000))

static struct {
	unsigned int ready, left, adds, takes;
	int err;
	char why[400];
	uint64_t last_ns, gap_ns;
} seen;

static void on_loop(evutil_socket_t fd, short what, void *ctx)
{
	uint64_t now = clock_monotonic_ns();

	(void)fd;
	(void)what;
	(void)ctx;
	if (now - seen.last_ns > seen.gap_ns)
		seen.gap_ns = now - seen.last_ns;
	seen.last_ns = now;
}

static void on_ready(int err, const char *why, void *ctx)
{
	(void)ctx;
	seen.ready++;
	seen.err = err;
	snprintf(seen.why, sizeof(seen.why), "%s", why);
}

static void on_left(void *ctx)
{
	(void)ctx;
	seen.left++;
}

static void on_add(int err, int64_t id, void *ctx)
{
	(void)ctx;
	EXPECT_INT(err, 0);
	EXPECT_INT(id, 7);
	seen.adds++;
}

/* As the pushing does that was ended meanwhile. */
static void give_back(int err, const struct spool_minute *m, size_t n, void *ctx)
{
	(void)ctx;
	EXPECT_INT(err, 0);
	EXPECT_UINT(n, 1);
	if (n)
		EXPECT_INT(spool_return(t.spool, &m[0].id, 1, false), 0);
	seen.takes++;
}

static struct event *watch_loop(void)
{
	const struct timeval tick = { .tv_usec = TICK_US };
	struct event *e = event_new(t.base, -1, EV_PERSIST, on_loop, NULL);

	memset(&seen, 0, sizeof(seen));
	seen.last_ns = clock_monotonic_ns();
	event_add(e, &tick);
	return e;
}

static void begin_both(void)
{
	REQUIRE_INT(store_begin(t.base, t.dir, &t.store), 0);
	REQUIRE_INT(spool_begin(t.store, &wide, on_ready, NULL, &t.spool), 0);
}

static void expect_one_unsent(void)
{
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_UINT(spool_stats(t.spool).minutes, 1);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 1000), 0);
	REQUIRE_UINT(got.n, 1);
	EXPECT(!got.maybe[0]);
}

static void keeps_the_loop(void)
{
	struct event *e;
	uint64_t before;

	set_up();
	fault.slow_ms = SLOW_MS;
	e = watch_loop();
	before = clock_monotonic_ns();
	begin_both();
	turn_until(&seen.ready, 1);
	EXPECT_INT(seen.err, 0);
	EXPECT_STR(seen.why, "");
	EXPECT_INT(spool_add(t.spool, 7, now_s(), "x", 1, on_add, NULL), 0);
	EXPECT_INT(spool_take(t.spool, SPOOL_OLDEST_FIRST, 10, 1000, give_back, NULL), 0);
	store_leave(take(t.store), on_left, NULL);
	turn_until(&seen.left, 1);
	EXPECT_UINT(seen.adds, 1);
	EXPECT_UINT(seen.takes, 1);
	EXPECT(clock_monotonic_ns() - before > 2 * SLOW_MS * (NS_PER_SEC / 1000));
	EXPECT(seen.gap_ns < GAP_MAX_NS);
	event_free(e);
	fault.slow_ms = 0;
	spool_close(take(t.spool));
	expect_one_unsent();
	tear_down();
}

/* What is handed over by what is told at the end is done, too. */
static void closing_returns(void)
{
	set_up();
	memset(&seen, 0, sizeof(seen));
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(spool_add(t.spool, 7, now_s(), "x", 1, on_add, NULL), 0);
	EXPECT_INT(spool_take(t.spool, SPOOL_OLDEST_FIRST, 10, 1000, give_back, NULL), 0);
	store_close(take(t.store));
	EXPECT_UINT(seen.takes, 1);
	spool_close(take(t.spool));
	expect_one_unsent();
	tear_down();
}

static void closing_ends_leaving(void)
{
	set_up();
	memset(&seen, 0, sizeof(seen));
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(spool_add(t.spool, 7, now_s(), "x", 1, on_add, NULL), 0);
	store_leave(t.store, on_left, NULL);
	EXPECT(store_close_within(take(t.store), 20000));
	EXPECT_UINT(seen.adds, 1);
	event_base_loop(t.base, EVLOOP_NONBLOCK);
	EXPECT_UINT(seen.left, 0);
	spool_close(take(t.spool));
	expect_one_unsent();
	tear_down();
}

static void says_why(void)
{
	FILE *f;

	set_up();
	memset(&seen, 0, sizeof(seen));
	f = fopen(t.dir, "w");
	REQUIRE(f);
	fclose(f);
	begin_both();
	turn_until(&seen.ready, 1);
	EXPECT_INT(seen.err, -ENOTDIR);
	EXPECT_HAS(seen.why, t.dir);
	spool_close(take(t.spool));
	unlink(t.dir);
	/* The same store tries again. */
	REQUIRE_INT(spool_begin(t.store, &wide, on_ready, NULL, &t.spool), 0);
	turn_until(&seen.ready, 2);
	EXPECT_INT(seen.err, 0);
	EXPECT_INT(add(7, now_s()), 0);
	tear_down();
}

static void closed_before_it_is_ready(void)
{
	set_up();
	memset(&seen, 0, sizeof(seen));
	begin_both();
	spool_close(take(t.spool));
	store_close(take(t.store));
	EXPECT_UINT(seen.ready, 0);
	tear_down();
}

static int sleep_long(sqlite3 *db, void *job)
{
	(void)db;
	poll(NULL, 0, *(int *)job);
	return 0;
}

static void not_told(int err, void *job)
{
	(void)err;
	(void)job;
	EXPECT(!"told, though it was given up");
}

/* The thread outlives its store's closing: the process ends with it. */
static void gives_up(void)
{
	static struct store *given_up; /* by us; not by the leak checker */
	static int ms = 3000;
	uint64_t before;

	set_up();
	REQUIRE_INT(open_store(), 0);
	EXPECT_INT(store_do(t.store, sleep_long, not_told, &ms), 0);
	given_up = t.store;
	before = clock_monotonic_ns();
	EXPECT(!store_close_within(take(t.store), 100));
	EXPECT(given_up->stop);
	/* Whoever looks for leaks finds what it has. */
	EXPECT(given_up->current && given_up->current->job == &ms);
	EXPECT(clock_monotonic_ns() - before < 2 * NS_PER_SEC);
	tear_down();
}

static void no_memory(void)
{
	for (unsigned int n = 1; nomem_again(n); n++) {
		int err;

		set_up();
		err = store_begin(t.base, t.dir, &t.store);
		if (!err)
			err = spool_begin(t.store, &wide, on_ready, NULL, &t.spool);
		EXPECT(err == 0 || err == -ENOMEM);
		tear_down();
	}
	nomem.fail_at = 0;
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "opening and leaving do not stop the loop", keeps_the_loop },
		{ "closing does what it makes others hand over", closing_returns },
		{ "closing while it is being left", closing_ends_leaving },
		{ "says why it cannot open, and tries again", says_why },
		{ "closed before it was opened", closed_before_it_is_ready },
		{ "does not wait for ever", gives_up },
		{ "without memory", no_memory },
	};

	fault_install();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
