/* SPDX-License-Identifier: MIT */
/* The spool where the disk fails, the process is killed, or the file rots: what was told stays true. */
#include "store_fixture.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#define IDS 400000

/* Thousands of faults would be told. */
static void quiet(bool on)
{
	static int standard = -1;
	int nowhere;

	if (standard < 0)
		standard = dup(STDERR_FILENO);
	nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(on ? nowhere : standard, STDERR_FILENO);
	close(nowhere);
}

static void set_up_faults(void)
{
	/* In memory, if that can be: thousands of syncs prove nothing here. */
	set_up_in(access("/dev/shm", W_OK) ? getenv("TMPDIR") : "/dev/shm");
	quiet(true);
}

static void tear_down_faults(void)
{
	fault_set(0, 0, 0, false);
	tear_down();
	quiet(false);
}

/* --- the nth operation fails */

enum fate { UNKNOWN, ADDED, TAKEN, REMOVED };

static enum fate fates[32];

/* Takes one, and ends it in one of three ways. */
static void scenario_take(int how)
{
	int64_t id;

	if (take_some(how % 2 ? SPOOL_OLDEST_FIRST : SPOOL_NEWEST_FIRST, 2, 1000) || !got.n)
		return;
	id = got.ids[0];
	EXPECT(fates[id] != REMOVED);
	if (how == 0)
		spool_remove(t.spool, &id, 1, SPOOL_PUSHED);
	if (how == 1)
		spool_return(t.spool, &id, 1, true);
	fates[id] = how == 0 ? REMOVED : fates[id];
}

/* Returns false if it could not even be opened. */
static bool scenario(void)
{
	memset(fates, 0, sizeof(fates));
	if (open_both(&wide))
		return false;
	for (int i = 1; i <= 12; i++) {
		int err = add(i, now_s() - 600 + i);

		EXPECT(err == 0 || err == -ENOSPC || err == -EIO);
		fates[i] = err ? UNKNOWN : ADDED;
		if (i % 3 == 0)
			scenario_take(i / 3 - 1);
	}
	settle();
	return true;
}

/* With a sound disk: everything that was told is so. */
static void expect_truth(bool removals)
{
	bool there[32] = { false };

	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 100, 10000), 0);
	EXPECT_UINT(got.n, spool_stats(t.spool).minutes);
	for (size_t i = 0; i < got.n; i++) {
		EXPECT(!there[got.ids[i]]);
		there[got.ids[i]] = true;
	}
	for (int i = 1; i <= 12; i++) {
		if (fates[i] == ADDED)
			EXPECT(there[i]);
		if (removals && fates[i] == REMOVED)
			EXPECT(!there[i]);
	}
}

/* @n: the operation that fails. Returns false when there are not so many. */
static bool one_fault(int what, int code, bool forever, bool birth, int n)
{
	bool hit;

	set_up_faults();
	if (!birth) {
		EXPECT_INT(open_both(&wide), 0);
		close_both();
	}
	fault_set(what, n, code, forever);
	scenario();
	hit = fault_hit();
	close_both();
	fault_set(0, 0, 0, false);
	/* A removal that the disk never took is forgotten with the process. */
	expect_truth(!hit);
	EXPECT_UINT(count_names(t.dir, "isamon.db.damaged-", NULL, 0), 0);
	tear_down_faults();
	return hit;
}

static void each_operation_fails(void)
{
	static const struct {
		const char *name;
		int what, code;
		bool forever;
	} rows[] = {
		{ "a write finds the disk full", FAULT_WRITE, SQLITE_FULL, false },
		{ "from a write on the disk is full", FAULT_WRITE, SQLITE_FULL, true },
		{ "a write fails", FAULT_WRITE, SQLITE_IOERR_WRITE, false },
		{ "from a write on all fail", FAULT_WRITE, SQLITE_IOERR_WRITE, true },
		{ "a sync fails", FAULT_SYNC, SQLITE_IOERR_FSYNC, false },
		{ "from a sync on all fail", FAULT_SYNC, SQLITE_IOERR_FSYNC, true },
		{ "a read fails", FAULT_READ, SQLITE_IOERR_READ, false },
	};
	int n;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("%s, and what was told is so", rows[i].name);
		for (n = 1; one_fault(rows[i].what, rows[i].code, rows[i].forever, false, n); n++)
			;
		EXPECT(n > 20);
		/* The thousands of writes of the first room are alike. */
		unit_begin("%s when the file is new, and what was told is so", rows[i].name);
		for (n = 1; one_fault(rows[i].what, rows[i].code, rows[i].forever, true, n);)
			n += n < 20 ? 1 : 131;
		EXPECT(n > 20);
	}
}

/* While nothing can be written, what is taken is given, and what was sent is not given again. */
static void goes_on_without_writing(void)
{
	set_up_faults();
	REQUIRE_INT(open_both(&wide), 0);
	for (int i = 1; i <= 5; i++)
		EXPECT_INT(add(i, now_s() - 600 + i), 0);
	fault_set(FAULT_WRITE, 1, SQLITE_IOERR_WRITE, true);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 2, 1000), 0);
	REQUIRE_UINT(got.n, 2);
	EXPECT_INT(got.ids[0], 1);
	end_one(1, SPOOL_PUSHED);
	EXPECT_INT(spool_return(t.spool, &got.ids[1], 1, true), 0);
	EXPECT_INT(add(6, now_s()), -EIO);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 1000), 0);
	REQUIRE_UINT(got.n, 4);
	EXPECT_INT(got.ids[0], 2);
	EXPECT(got.maybe[0] && !got.maybe[1]);
	EXPECT_UINT(spool_stats(t.spool).minutes, 5);
	fault_set(0, 0, 0, false);
	EXPECT_INT(add(6, now_s()), 0);
	EXPECT_UINT(spool_stats(t.spool).minutes, 5);
	EXPECT_UINT(spool_stats(t.spool).pushed, 1);
	close_both();
	REQUIRE_INT(open_both(&wide), 0);
	EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 10, 1000), 0);
	REQUIRE_UINT(got.n, 5);
	EXPECT_INT(got.ids[0], 2);
	EXPECT(got.maybe[0] && got.maybe[3] && !got.maybe[4]);
	tear_down_faults();
}

/* --- killed */

/* What the child says: 'h'anded over, 'a'dded, 't'aken, 'r'emoved, 'b'ack. */
struct saying {
	int64_t id;
	char what;
};

static struct {
	int out;
	unsigned int n_added, n_taken;
	int64_t ids[64];
	size_t n;
} child;

static void say(char what, int64_t id)
{
	const struct saying s = { .id = id, .what = what };

	if (write(child.out, &s, sizeof(s)) != sizeof(s))
		_exit(3);
}

static void child_added(int err, int64_t id, void *ctx)
{
	(void)ctx;
	if (err)
		_exit(4);
	say('a', id);
	child.n_added++;
}

static void child_taken(int err, const struct spool_minute *m, size_t n, void *ctx)
{
	(void)ctx;
	if (err)
		_exit(5);
	for (child.n = 0; child.n < n; child.n++) {
		child.ids[child.n] = m[child.n].id;
		say('t', m[child.n].id);
	}
	child.n_taken++;
}

/* Adds three, takes some, removes half of them, gives the rest back; again and again, until it is killed. */
static void child_live(int out, int64_t id)
{
	child.out = out;
	child.n_added = child.n_taken = 0;
	if (open_both(&wide))
		_exit(2);
	for (;;) {
		for (int i = 0; i < 3; i++) {
			say('h', ++id);
			spool_add(t.spool, id, now_s() - 600 + id % 600, "payload", 7, child_added,
				  NULL);
		}
		spool_take(t.spool, id % 2 ? SPOOL_OLDEST_FIRST : SPOOL_NEWEST_FIRST, 6, 1000,
			   child_taken, NULL);
		if (!turn_until(&child.n_taken, child.n_taken + 1))
			_exit(6);
		for (size_t i = 0; i < child.n; i++)
			say(i % 2 ? 'b' : 'r', child.ids[i]);
		for (size_t i = 0; i < child.n; i++) {
			if (i % 2)
				spool_return(t.spool, &child.ids[i], 1, false);
			else
				spool_remove(t.spool, &child.ids[i], 1, SPOOL_PUSHED);
		}
	}
}

/* What is known of each id, from what all children said. */
static struct {
	bool handed, added, removed, surely_removed, taken;
} known[IDS];

static void hear(const struct saying *s, int64_t *waiting, size_t *n_waiting)
{
	switch (s->what) {
	case 'h': known[s->id].handed = true; break;
	case 'a':
		/* Work is done in order: what was removed before this one was handed over is gone. */
		known[s->id].added = true;
		break;
	case 't': known[s->id].taken = true; break;
	case 'b': known[s->id].taken = false; break;
	case 'r':
		known[s->id].removed = true;
		waiting[(*n_waiting)++ % 4096] = s->id;
		break;
	default: FAIL_CASE("the child said %d", s->what);
	}
}

/* Lets a child live for @us, and hears what it says to its end. Returns the last id that it used. */
static int64_t live_and_die(int64_t id, unsigned int us)
{
	static int64_t removed[4096], sure;
	const struct timespec life = { .tv_nsec = us * 1000l };
	size_t n_removed = 0, n_before_hand = 0, n_sure = 0;
	struct saying s;
	int fds[2], status = 0;
	pid_t pid;

	(void)sure;
	if (pipe(fds))
		abort();
	fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child_live(fds[1], id);
	}
	close(fds[1]);
	nanosleep(&life, NULL);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	while (read(fds[0], &s, sizeof(s)) == sizeof(s)) {
		if (s.what == 'h' && id < s.id)
			id = s.id;
		if (s.what == 'h')
			n_before_hand = n_removed;
		hear(&s, removed, &n_removed);
		/* The three of a round are handed over together, so the first of them tells. */
		if (s.what == 'a' && s.id % 3 == 1)
			n_sure = n_before_hand;
	}
	for (size_t i = 0; i < n_sure && i < ARRAY_SIZE(removed); i++)
		known[removed[i]].surely_removed = true;
	close(fds[0]);
	return id;
}

static void expect_known(int64_t last)
{
	static bool there[IDS];
	struct spool_stats s;

	memset(there, 0, sizeof(there));
	REQUIRE_INT(open_both(&wide), 0);
	s = spool_stats(t.spool);
	for (uint64_t left = s.minutes; left; left -= got.n) {
		EXPECT_INT(take_some(SPOOL_OLDEST_FIRST, 1000, 1 << 20), 0);
		REQUIRE(got.n > 0 && got.n <= left);
		for (size_t i = 0; i < got.n; i++) {
			REQUIRE(got.ids[i] > 0 && got.ids[i] <= last);
			EXPECT(!there[got.ids[i]]);
			there[got.ids[i]] = true;
			if (known[got.ids[i]].taken)
				EXPECT(got.maybe[i]);
		}
		EXPECT_INT(spool_return(t.spool, got.ids, 0, false), 0);
	}
	for (int64_t id = 1; id <= last; id++) {
		if (known[id].added && !known[id].removed && !there[id])
			FAIL_CASE("%lld was told, and is lost", (long long)id);
		if (known[id].surely_removed && there[id])
			FAIL_CASE("%lld was removed, and is there", (long long)id);
		if (there[id] && !known[id].handed)
			FAIL_CASE("%lld is there, and nobody made it", (long long)id);
	}
	close_both();
}

/* 300 lives of up to 25 ms, opening included. Whoever looks in between has marked everything as taken, so what a child
 * took is judged before it. */
static void killed_often(void)
{
	unsigned int seed = 4711;
	int64_t id = 0;

	set_up_faults();
	for (int i = 0; i < 300 && id < IDS - 20000; i++) {
		for (int64_t k = 1; k <= id; k++)
			known[k].taken = false;
		id = live_and_die(id, (unsigned int)rand_r(&seed) % 25000);
		if (i % 3 == 0)
			expect_known(id);
	}
	expect_known(id);
	EXPECT(id > 300);
	EXPECT_UINT(count_names(t.dir, "isamon.db.damaged-", NULL, 0), 0);
	tear_down_faults();
}

/* --- rot */

static void copy_file(const char *from, const char *to)
{
	_cleanup_(buf_done) struct buf b = BUF_INIT(64 << 20);
	char piece[65536];
	size_t n;
	FILE *f;

	f = fopen(from, "r");
	while (f && (n = fread(piece, 1, sizeof(piece), f)) > 0)
		buf_add(&b, piece, n);
	if (f)
		fclose(f);
	f = fopen(to, "w");
	if (f && b.len)
		fwrite(b.data, 1, b.len, f);
	if (f)
		fclose(f);
}

/* The pages in use stand at the beginning and, behind the room, at the end. */
static void rot(const char *path, unsigned int *seed, int i)
{
	const long size = (long)file_size(path);
	FILE *f = fopen(path, "r+");
	long at;
	int c;

	if (!f)
		return;
	if (i % 5 == 4 && truncate(path, rand_r(seed) % size))
		abort();
	for (int k = 0; k < (i % 5 == 4 ? 0 : 1 << i % 5 * 2); k++) {
		at = rand_r(seed) % (i % 2 ? 12 * 4096 : size);
		fseek(f, at, SEEK_SET);
		c = fgetc(f);
		fseek(f, at, SEEK_SET);
		fputc(c ^ 1 << rand_r(seed) % 8, f);
	}
	fclose(f);
}

static void make_template(const char *template, const char *log)
{
	char path[300];

	REQUIRE_INT(open_both(&wide), 0);
	for (int i = 1; i <= 200; i++)
		EXPECT_INT(add(i, now_s() - 6000 + i), 0);
	close_both();
	copy_file(t.file, template);
	snprintf(path, sizeof(path), "%s-wal", t.file);
	copy_file(path, log);
}

/* Whatever bits there are: nothing crashes or hangs, and a new minute can be added and comes out again, unless the file
 * looks like somebody else's, or a newer one. */
static void rots(void)
{
	char template[300], log[300], path[300];
	unsigned int seed = 815;
	int refused = 0, whole = 0;

	set_up_faults();
	snprintf(template, sizeof(template), "%s/template", t.top);
	snprintf(log, sizeof(log), "%s/log", t.top);
	snprintf(path, sizeof(path), "%s-wal", t.file);
	make_template(template, log);
	for (int i = 0; i < 300; i++) {
		int err;

		remove_tree(t.dir);
		mkdir(t.dir, 0750);
		copy_file(template, t.file);
		if (i % 3 != 0)
			copy_file(log, path);
		rot(i % 3 == 2 ? path : t.file, &seed, i);
		err = open_both(&wide);
		if (err == -EEXIST || err == -ENOTSUP) {
			refused++;
			continue;
		}
		EXPECT_INT(err, 0);
		/* Damage that is found by the taking takes with it what was added before. */
		for (int try = 0; try == 0 || (try < 3 && got.n == 0); try++) {
			EXPECT_INT(add(1000 + try, now_s()), 0);
			EXPECT_INT(take_some(SPOOL_NEWEST_FIRST, 300, 1 << 20), 0);
		}
		EXPECT(got.n >= 1);
		whole += got.n == 201;
		EXPECT_INT(spool_remove(t.spool, got.ids, got.n, SPOOL_PUSHED), 0);
		settle();
		close_both();
	}
	EXPECT(refused < 30);
	EXPECT(whole > 50);
	tear_down_faults();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, each_operation_fails },
		{ "goes on while nothing can be written", goes_on_without_writing },
		{ "killed 300 times, it has lost and doubled nothing", killed_often },
		{ "a file that rots is never in the way", rots },
	};

	fault_install();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
