/* SPDX-License-Identifier: MIT */
/* Minutes of the history are there, for other processes too, for thirty days, and no more than are to be kept. */
#include "nomem.h"

#include "store/history.c"

#include <signal.h>
#include <sys/wait.h>

#include "store_fixture.h"

#define START_S 1800000000 /* a multiple of 60 */

static struct history *history;

static void open_history(void)
{
	set_up();
	EXPECT_INT(history_new(t.base, t.dir, &history), 0);
}

static void close_history(void)
{
	history_close(take(history), 0);
	tear_down();
}

static struct {
	struct history_minute list[200];
	size_t n;
	int stop_at;
} seen;

static int see(const struct history_minute *m, void *ctx)
{
	(void)ctx;
	if (seen.n < ARRAY_SIZE(seen.list))
		seen.list[seen.n] = *m;
	seen.n++;
	return seen.stop_at && (int)seen.n == seen.stop_at ? 7 : 0;
}

static int read_from(int64_t from_s, int64_t until_s)
{
	seen.n = 0;
	buf_reset(&t.why);
	return history_read(t.dir, from_s, until_s, see, NULL, &t.why);
}

static struct history_minute minute(int64_t start_s, int64_t requests)
{
	struct history_minute m;

	history_minute_init(&m, start_s);
	m.watched_s = 60;
	m.requests = requests;
	return m;
}

static int told;

static void on_kept(int err, void *ctx)
{
	(void)ctx;
	told = err ? err : told + 1;
}

static void keep(const struct history_minute *m)
{
	const uint64_t end_ns = clock_monotonic_ns() + DEADLINE_NS;

	told = 0;
	REQUIRE_INT(history_add(history, m, NULL, on_kept, NULL), 0);
	while (!told && clock_monotonic_ns() < end_ns)
		event_base_loop(t.base, EVLOOP_ONCE);
	EXPECT_INT(told, 1);
}

static void keeps_what_is_known(void)
{
	struct history_minute m = minute(START_S, 12);

	open_history();
	m.p99_ns = 5000000000;
	m.free_fds_min = 0;
	keep(&m);
	REQUIRE_INT(read_from(0, INT64_MAX), 0);
	REQUIRE_UINT(seen.n, 1);
	EXPECT_INT(seen.list[0].start_s, START_S);
	EXPECT_INT(seen.list[0].requests, 12);
	EXPECT_INT(seen.list[0].p99_ns, 5000000000);
	EXPECT_INT(seen.list[0].free_fds_min, 0);
	EXPECT_INT(seen.list[0].p50_ns, HISTORY_UNKNOWN);
	EXPECT_INT(seen.list[0].disk_free_bytes, HISTORY_UNKNOWN);
	close_history();
}

static void knows_the_disk(void)
{
	struct history_minute m = minute(START_S, 1);

	open_history();
	REQUIRE_INT(history_add(history, &m, t.dir, NULL, NULL), 0);
	history_close(take(history), 0);
	REQUIRE_INT(read_from(0, INT64_MAX), 0);
	REQUIRE_UINT(seen.n, 1);
	EXPECT_INT(seen.list[0].disk_bytes > 0, 1);
	EXPECT_INT(seen.list[0].disk_free_bytes >= 0, 1);
	EXPECT_INT(seen.list[0].disk_free_bytes <= seen.list[0].disk_bytes, 1);
	close_history();
}

/* isamon was started again within a minute. */
static void adds_parts_of_a_minute(void)
{
	struct history_minute a = minute(START_S, 10), b = minute(START_S, 5);

	open_history();
	a.watched_s = 20;
	b.watched_s = 30;
	a.p99_ns = 9;
	b.p99_ns = 4;
	b.p50_ns = 3;
	a.free_fds_min = 100;
	b.free_fds_min = 200;
	a.workers = 4;
	b.workers = 2;
	a.streams = 1;
	keep(&a);
	keep(&b);
	REQUIRE_INT(read_from(0, INT64_MAX), 0);
	REQUIRE_UINT(seen.n, 1);
	EXPECT_INT(seen.list[0].requests, 15);
	EXPECT_INT(seen.list[0].watched_s, 50);
	EXPECT_INT(seen.list[0].p99_ns, 9);
	EXPECT_INT(seen.list[0].p50_ns, 3);
	EXPECT_INT(seen.list[0].free_fds_min, 100);
	EXPECT_INT(seen.list[0].workers, 2);
	EXPECT_INT(seen.list[0].streams, 1);
	EXPECT_INT(seen.list[0].restarts, HISTORY_UNKNOWN);
	keep(&b);
	REQUIRE_INT(read_from(0, INT64_MAX), 0);
	EXPECT_INT(seen.list[0].watched_s, 60); /* and not 80 */
	close_history();
}

static void keeps_thirty_days(void)
{
	const int64_t days = (int64_t)HISTORY_DAYS * 86400;
	struct history_minute m;

	open_history();
	for (int i = 0; i < 130; i++) {
		m = minute(START_S + i * 60, i);
		REQUIRE_INT(history_add(history, &m, NULL, NULL, NULL), 0);
		if (i % 30 == 29) {
			history_close(take(history), 0);
			REQUIRE_INT(history_new(t.base, t.dir, &history), 0);
		}
	}
	m = minute(START_S + days + 100 * 60, 1000); /* 101 are too old: an hour's worth goes */
	keep(&m);
	REQUIRE_INT(read_from(0, INT64_MAX), 0);
	EXPECT_UINT(seen.n, 130 - 60 + 1);
	EXPECT_INT(seen.list[0].requests, 60);
	m.start_s += 60;
	keep(&m);
	REQUIRE_INT(read_from(0, INT64_MAX), 0);
	EXPECT_UINT(seen.n, 130 - 102 + 2);
	EXPECT_INT(seen.list[0].requests, 102);
	close_history();
}

/* The clock was set to a wrong year and back. */
static void forgets_what_a_wrong_clock_wrote(void)
{
	struct history_minute good = minute(START_S, 1), wrong = minute(START_S + 86400ll * 20, 2),
			      next = minute(START_S + 60, 3);

	open_history();
	keep(&good);
	keep(&wrong);
	keep(&next);
	REQUIRE_INT(read_from(0, INT64_MAX), 0);
	REQUIRE_UINT(seen.n, 2);
	EXPECT_INT(seen.list[0].requests, 1);
	EXPECT_INT(seen.list[1].requests, 3);
	close_history();
}

static void reads_a_window(void)
{
	open_history();
	for (int i = 0; i < 10; i++) {
		struct history_minute m = minute(START_S + i * 60, i);

		keep(&m);
	}
	REQUIRE_INT(read_from(START_S + 120, START_S + 300), 0);
	REQUIRE_UINT(seen.n, 3);
	EXPECT_INT(seen.list[0].requests, 2);
	EXPECT_INT(seen.list[2].requests, 4);
	seen.stop_at = 2;
	EXPECT_INT(read_from(0, INT64_MAX), 7);
	EXPECT_UINT(seen.n, 2);
	seen.stop_at = 0;
	close_history();
}

static void is_not_made_by_reading(void)
{
	set_up();
	EXPECT_INT(read_from(0, INT64_MAX), -ENOENT);
	EXPECT_HAS(buf_str(&t.why), "there is no history");
	EXPECT_UINT(count_names(t.dir, HISTORY_FILE, NULL, 0), 0);
	tear_down();
}

static void waits_for_no_disk(void)
{
	struct history_minute m = minute(START_S, 1);
	int err = 0, n = 0;

	open_history();
	/* Nobody runs the loop, so that no end is told. */
	for (; n < 1000 && !err; n++)
		err = history_add(history, &m, NULL, NULL, NULL);
	EXPECT_INT(err, -EAGAIN);
	EXPECT_INT(n, 61);
	close_history();
}

/* --- somebody else has it */

/* Another process, as sqlite3(1) would be: only such a one meets the locks. */
static pid_t hold(void)
{
	char path[600];
	sqlite3 *db;
	int told_by[2];
	pid_t pid;
	char c = 0;

	EXPECT_INT(pipe(told_by), 0);
	pid = fork();
	if (pid == 0) {
		snprintf(path, sizeof(path), "%s/%s", t.dir, HISTORY_FILE);
		if (sqlite3_open(path, &db) ||
		    sqlite3_exec(db, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE", NULL, NULL,
				 NULL))
			_exit(1);
		if (write(told_by[1], &c, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(told_by[1]);
	EXPECT_INT(read(told_by[0], &c, 1), 1);
	close(told_by[0]);
	return pid;
}

static void let_go(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int try_to_keep(const struct history_minute *m)
{
	const uint64_t end_ns = clock_monotonic_ns() + DEADLINE_NS;

	told = 0;
	EXPECT_INT(history_add(history, m, NULL, on_kept, NULL), 0);
	while (!told && clock_monotonic_ns() < end_ns)
		event_base_loop(t.base, EVLOOP_ONCE);
	return told;
}

static void loses_no_minute_to_a_reader(void)
{
	struct history_minute m[3] = { minute(START_S, 1), minute(START_S + 60, 2),
				       minute(START_S + 120, 3) };
	uint64_t lost;
	pid_t pid;

	open_history();
	keep(&m[0]);
	pid = hold();
	EXPECT_INT(try_to_keep(&m[1]), -EBUSY); /* after five seconds */
	EXPECT_UINT(history_kept(history, &lost), 1);
	let_go(pid);
	keep(&m[2]);
	EXPECT_UINT(history_kept(history, &lost), 0);
	EXPECT_UINT(lost, 0);
	REQUIRE_INT(read_from(0, INT64_MAX), 0);
	REQUIRE_UINT(seen.n, 3);
	for (int i = 0; i < 3; i++)
		EXPECT_INT(seen.list[i].requests, i + 1);
	close_history();
}

static void tries_again_at_its_end(void)
{
	struct history_minute m[2] = { minute(START_S, 1), minute(START_S + 60, 2) };
	pid_t pid;

	open_history();
	keep(&m[0]);
	pid = hold();
	EXPECT_INT(try_to_keep(&m[1]), -EBUSY);
	let_go(pid);
	history_close(take(history), 0);
	REQUIRE_INT(read_from(0, INT64_MAX), 0);
	EXPECT_UINT(seen.n, 2);
	close_history();
}

static int fails(sqlite3 *db, void *job)
{
	(void)db;
	(void)job;
	return -EROFS;
}

/* What is kept is bounded, and the newest stay. */
static void keeps_an_hour(void)
{
	struct history_minute m;
	uint64_t lost;

	open_history();
	for (int i = 0; i < 100; i++) {
		struct history_work *w = calloc(1, sizeof(*w) + 1);

		REQUIRE_INT(!w, 0);
		w->history = history;
		w->minute = minute(START_S + i * 60, i);
		w->before = take(history->kept);
		history->n_kept = 0;
		history->waiting++;
		REQUIRE_INT(store_do(history->store, fails, work_done, w), 0);
		while (history->waiting)
			event_base_loop(t.base, EVLOOP_ONCE);
	}
	EXPECT_UINT(history_kept(history, &lost), WAITING_MAX);
	EXPECT_UINT(lost, 40);
	m = minute(START_S + 100 * 60, 100);
	keep(&m);
	REQUIRE_INT(read_from(0, INT64_MAX), 0);
	REQUIRE_UINT(seen.n, WAITING_MAX + 1);
	EXPECT_INT(seen.list[0].requests, 40);
	EXPECT_INT(seen.list[WAITING_MAX].requests, 100);
	close_history();
}

/* --- reading changes nothing */

static void write_over(const char *path, off_t from, size_t n)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	for (size_t i = 0; i < n; i++)
		EXPECT_INT(pwrite(fd, "x", 1, from + (off_t)i), 1);
	close(fd);
}

static int change(const char *sql)
{
	char path[600];
	sqlite3 *db;
	int code;

	snprintf(path, sizeof(path), "%s/%s", t.dir, HISTORY_FILE);
	if (sqlite3_open(path, &db))
		return -1;
	code = sqlite3_exec(db, sql, NULL, NULL, NULL);
	sqlite3_close(db);
	return code;
}

static const struct {
	const char *name, *sql; /* NULL: it is written over */
	int err;
	const char *why;
} strange[] = {
	{ "nothing in it", "DROP TABLE history; PRAGMA user_version = 4", -EPROTO,
	  "made by an older isamon" },
	{ "a newer one's", "PRAGMA user_version = 999", -ENOTSUP, "made by a newer isamon" },
	{ "another's", "PRAGMA application_id = 7", -EEXIST, "of another application" },
	{ "a column of another kind", "UPDATE history SET requests = 'many', cpus = -7", 0, "" },
	{ "damaged", NULL, -EUCLEAN, "sets it aside" },
};

static void reading_changes_nothing(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(strange); i++) {
		struct history_minute m = minute(START_S, 5);
		char path[600];

		open_history();
		keep(&m);
		snprintf(path, sizeof(path), "%s/%s", t.dir, HISTORY_FILE);
		EXPECT_INT(change(strange[i].sql ?: "PRAGMA wal_checkpoint(TRUNCATE)"), 0);
		if (!strange[i].sql)
			write_over(path, 0, 4096);
		if (!EXPECT_INT(read_from(0, INT64_MAX), strange[i].err))
			printf("of: %s\n", strange[i].name);
		EXPECT_HAS(buf_str(&t.why), strange[i].why);
		if (!strange[i].err) {
			EXPECT_UINT(seen.n, 1);
			EXPECT_INT(seen.list[0].requests, HISTORY_UNKNOWN);
			EXPECT_INT(seen.list[0].cpus, HISTORY_UNKNOWN);
		}
		EXPECT_UINT(count_names(t.dir, HISTORY_FILE ".", NULL, 0), 0); /* set aside */
		close_history();
	}
}

static void reads_an_empty_file(void)
{
	char path[600];
	struct stat st;
	int fd;

	set_up();
	mkdir(t.dir, 0700);
	snprintf(path, sizeof(path), "%s/%s", t.dir, HISTORY_FILE);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	close(fd);
	EXPECT_INT(read_from(0, INT64_MAX), 0);
	EXPECT_UINT(seen.n, 0);
	EXPECT_INT(stat(path, &st), 0);
	EXPECT_INT(st.st_size, 0);
	tear_down();
}

static void fails_whole_without_memory(void)
{
	struct history_minute m = minute(START_S, 1);

	open_history();
	for (unsigned int n = 1; nomem_again(n); n++) {
		int err = history_add(history, &m, "/tmp", NULL, NULL);

		EXPECT_INT(err, nomem_hit() ? -ENOMEM : 0);
	}
	history_close(take(history), 0);
	REQUIRE_INT(read_from(0, INT64_MAX), 0);
	EXPECT_UINT(seen.n, 1);
	EXPECT_INT(seen.list[0].requests, 1);
	close_history();
}

static const struct unit_case cases[] = {
	{ "keeps what is known, and what is not", keeps_what_is_known },
	{ "knows the disk", knows_the_disk },
	{ "parts of a minute are one", adds_parts_of_a_minute },
	{ "keeps thirty days", keeps_thirty_days },
	{ "what a wrong clock wrote goes", forgets_what_a_wrong_clock_wrote },
	{ "reads a window", reads_a_window },
	{ "reading makes no file", is_not_made_by_reading },
	{ "what waits for the disk is bounded", waits_for_no_disk },
	{ "a reader costs no minute", loses_no_minute_to_a_reader },
	{ "the end tries again", tries_again_at_its_end },
	{ "an hour is kept", keeps_an_hour },
	{ "reading changes nothing", reading_changes_nothing },
	{ "an empty file has no minutes", reads_an_empty_file },
	{ "without memory it fails whole", fails_whole_without_memory },
};

int main(int argc, char **argv)
{
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
