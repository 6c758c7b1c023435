/* SPDX-License-Identifier: MIT */
/* What is put is there, whole or not at all, also for the next isamon. */
#include "store/positions.h"

#include "store/sql.h"
#include "store_fixture.h"

static struct positions *positions;
static unsigned int n_done;
static int done_err;

static struct {
	struct position list[200];
	size_t n;
	int stop_with;
} seen;

static int open_all(void)
{
	int err = open_store();

	return err ? err : positions_open(t.store, &t.why, &positions);
}

static void close_all(void)
{
	positions_close(take(positions));
	close_both();
}

static void on_done(int err, void *ctx)
{
	(void)ctx;
	n_done++;
	done_err = err;
}

static int on_each(const struct position *p, void *ctx)
{
	(void)ctx;
	if (seen.n < ARRAY_SIZE(seen.list))
		seen.list[seen.n++] = *p;
	return seen.stop_with;
}

static int read_each(void)
{
	seen.n = 0;
	return positions_each(positions, on_each, NULL);
}

static int put_all(const struct position *list, size_t n)
{
	n_done = 0;
	if (positions_put(positions, list, n, on_done, NULL) || !turn_until(&n_done, 1))
		return -ETIMEDOUT;
	return done_err;
}

/* Everything in it is something. */
static struct position sample(const char *log, uint64_t id)
{
	struct position p = { .id = id,
			      .device = UINT64_MAX,
			      .inode = 1ull << 63,
			      .fingerprint_len = 1024,
			      .offset = INT64_MAX,
			      .tail_len = 256,
			      .seen_s = 1000 + (int64_t)id,
			      .under_way = true,
			      .under_way_to = 77 };

	snprintf(p.log, sizeof(p.log), "%s", log);
	snprintf(p.path, sizeof(p.path), "/var/log/\xff%s.log", log);
	snprintf(p.cursor, sizeof(p.cursor), "s=%llu;i=1", (unsigned long long)id);
	memset(p.fingerprint, 0xa5, sizeof(p.fingerprint));
	memset(p.tail, 0x5a, sizeof(p.tail));
	return p;
}

static void expect_same(const struct position *a, const struct position *b)
{
	EXPECT_STR(a->log, b->log);
	EXPECT_STR(a->path, b->path);
	EXPECT_STR(a->cursor, b->cursor);
	EXPECT_UINT(a->id, b->id);
	EXPECT_UINT(a->device, b->device);
	EXPECT_UINT(a->inode, b->inode);
	EXPECT_UINT(a->fingerprint_len, b->fingerprint_len);
	EXPECT_BYTES(a->fingerprint, sizeof(a->fingerprint), b->fingerprint,
		     sizeof(b->fingerprint));
	EXPECT_UINT(a->offset, b->offset);
	EXPECT_UINT(a->tail_len, b->tail_len);
	EXPECT_BYTES(a->tail, sizeof(a->tail), b->tail, sizeof(b->tail));
	EXPECT_INT(a->seen_s, b->seen_s);
	EXPECT_INT(a->under_way, b->under_way);
	EXPECT_UINT(a->under_way_to, b->under_way_to);
}

static void comes_back(void)
{
	struct position a = sample("one", 7), b = sample("one", 8), c = sample("two", 7);
	struct position none = { 0 };

	set_up();
	REQUIRE_INT(open_all(), 0);
	EXPECT_INT(read_each(), 0);
	EXPECT_UINT(seen.n, 0);
	EXPECT_INT(put_all((struct position[]){ c, b, a }, 3), 0);
	b.offset = 99;
	b.tail_len = 99;
	b.under_way = false;
	snprintf(none.log, sizeof(none.log), "journal");
	EXPECT_INT(put_all((struct position[]){ b, none }, 2), 0);
	EXPECT_INT(put_all(NULL, 0), 0);
	close_all();
	REQUIRE_INT(open_all(), 0);
	EXPECT_INT(read_each(), 0);
	REQUIRE_UINT(seen.n, 4);
	expect_same(&seen.list[0], &none);
	expect_same(&seen.list[1], &a);
	expect_same(&seen.list[2], &b);
	expect_same(&seen.list[3], &c);
	seen.stop_with = -EINTR;
	EXPECT_INT(read_each(), -EINTR);
	EXPECT_UINT(seen.n, 1);
	seen.stop_with = 0;
	close_all();
	tear_down();
}

static void many(void)
{
	struct position *list = calloc(150, sizeof(*list));

	set_up();
	REQUIRE_INT(open_all(), 0);
	for (uint64_t i = 0; i < 150; i++)
		list[i] = sample("log", i + 1), list[i].cursor[0] = '\0';
	EXPECT_INT(put_all(list, 150), 0);
	EXPECT_INT(read_each(), 0);
	REQUIRE_UINT(seen.n, 150);
	for (size_t i = 0; i < 150; i++)
		EXPECT_UINT(seen.list[i].id, i + 1);
	EXPECT_INT(positions_forget(positions, 1000 + 101), 0);
	EXPECT_INT(read_each(), 0);
	EXPECT_UINT(seen.n, 50);
	EXPECT_UINT(seen.list[0].id, 101);
	settle();
	close_all();
	tear_down();
	free(list);
}

/* Of one owner, not of another whose log has the same name. */
static void forgets_by_prefix(void)
{
	const struct position list[] = { sample("\x01log", 1), sample("\x01log", 2),
					 sample("\x01other", 1), sample("\x02log", 0),
					 sample("log", 1) };

	set_up();
	REQUIRE_INT(open_all(), 0);
	EXPECT_INT(put_all(list, ARRAY_SIZE(list)), 0);
	EXPECT_INT(positions_forget_logs(positions, "\x01"), 0);
	EXPECT_INT(read_each(), 0);
	REQUIRE_UINT(seen.n, 2);
	EXPECT_STR(seen.list[0].log, "\x02log");
	EXPECT_STR(seen.list[1].log, "log");
	settle();
	close_all();
	tear_down();
}

static int count(const struct position *p, void *ctx)
{
	uint64_t *n = ctx;

	n[p->log[0] == 'b']++;
	EXPECT(p->log[0] == 'b' || p->id > 50);
	return 0;
}

/* Of each log so many, those that were seen last; journals are never too old. */
static void bounded(void)
{
	struct position *list = calloc(1024, sizeof(*list)), j = sample("b", 1);
	uint64_t n[2] = { 0, 0 };
	size_t m = 0;

	set_up();
	REQUIRE_INT(open_all(), 0);
	for (uint64_t i = 0; i < POSITION_LOG_MAX + 50; i++) {
		list[m] = sample("a", i + 1);
		list[m++].cursor[0] = '\0';
		if (m < 1024 && i + 1 < POSITION_LOG_MAX + 50)
			continue;
		EXPECT_INT(put_all(list, m), 0);
		m = 0;
	}
	EXPECT_INT(put_all(&j, 1), 0);
	EXPECT_INT(positions_forget(positions, 1002), 0);
	EXPECT_INT(positions_each(positions, count, n), 0);
	EXPECT_UINT(n[0], POSITION_LOG_MAX);
	EXPECT_UINT(n[1], 1);
	settle();
	close_all();
	tear_down();
	free(list);
}

/* Nothing of one that fails is there. */
static void all_or_nothing(void)
{
	struct position before = sample("log", 1), list[] = { sample("log", 1), sample("log", 2) };

	list[0].offset = 5;
	for (int n = 1; n < 12; n++) {
		set_up();
		REQUIRE_INT(open_all(), 0);
		EXPECT_INT(put_all(&before, 1), 0);
		fault_set(FAULT_WRITE, n, SQLITE_IOERR_WRITE, false);
		put_all(list, 2);
		fault_set(0, 0, 0, false);
		EXPECT_INT(read_each(), 0);
		EXPECT_UINT(seen.n, done_err ? 1 : 2);
		EXPECT_UINT(seen.list[0].offset, done_err ? before.offset : 5);
		close_all();
		tear_down();
	}
}

static void begun_anew(void)
{
	struct position a = sample("log", 1);

	set_up();
	REQUIRE_INT(open_all(), 0);
	EXPECT_INT(put_all(&a, 1), 0);
	EXPECT(!positions_lost(positions));
	EXPECT_INT(store_wait(t.store, store_spoil, NULL), 0);
	EXPECT_INT(put_all(&a, 1), 0);
	EXPECT(positions_lost(positions));
	EXPECT(!positions_lost(positions));
	EXPECT_INT(read_each(), 0);
	EXPECT_UINT(seen.n, 1);
	close_all();
	tear_down();
}

static void closes_in_the_middle(void)
{
	struct position a = sample("log", 1);

	set_up();
	REQUIRE_INT(open_all(), 0);
	n_done = 0;
	EXPECT_INT(positions_put(positions, &a, 1, on_done, NULL), 0);
	close_all();
	EXPECT_UINT(n_done, 0);
	REQUIRE_INT(open_all(), 0);
	EXPECT_INT(read_each(), 0);
	EXPECT_UINT(seen.n, 1);
	close_all();
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "what is put comes back", comes_back },
		{ "many, some forgotten", many },
		{ "those of an owner are forgotten by the beginning of their names",
		  forgets_by_prefix },
		{ "of each log so many", bounded },
		{ "all of a transaction or nothing", all_or_nothing },
		{ "a file that was begun anew is told", begun_anew },
		{ "closing in the middle of work", closes_in_the_middle },
	};

	fault_install();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
