/* SPDX-License-Identifier: MIT */
/* What opening and closing leave behind, while minutes are on their way. */
#include "cmd/cloudwatch_parts.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/sql.h"
#include "unit.h"

#define NOW_S 1800000000

static struct {
	char top[64];
	struct config *c;
	struct cloudwatch_parts parts;
	struct buf why;
	unsigned int n_changed, n_taken;
} t;

static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char name[512];

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		if (unlink(name))
			remove_tree(name);
	}
	if (d)
		closedir(d);
	rmdir(path);
}

/* The identity is given, so nobody is asked for it; nobody listens at the endpoint. */
static int load(void)
{
	_cleanup_(buf_done) struct buf problems = BUF_INIT(65536);
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/isamon.conf", t.top);
	f = fopen(path, "w");
	if (!f)
		return -1;
	fprintf(f,
		"[daemon]\nruntime_directory = %s/run\nstate_directory = %s/state\n"
		"[aws]\nregion = eu-west-1\ninstance_id = i-1\nendpoint_url = http://127.0.0.1:9\n"
		"imds_endpoint = http://127.0.0.1:9\n[cloudwatch]\nenabled = yes\n",
		t.top, t.top);
	fclose(f);
	return config_load(path, &problems, &t.c);
}

/* Which goes on while the disk is waited for. */
static void open_parts(void)
{
	int err;

	while ((err = cloudwatch_parts_open(&t.parts, NOW_S, &t.why)) == -EINPROGRESS ||
	       t.parts.opening)
		event_base_loop(t.parts.base, EVLOOP_ONCE);
	REQUIRE_INT(err, 0);
}

static void prepare(void)
{
	char run[80];

	memset(&t, 0, sizeof(t));
	buf_init(&t.why, 4096);
	snprintf(t.top, sizeof(t.top), "/tmp/isamon-unit.XXXXXX");
	REQUIRE(mkdtemp(t.top));
	snprintf(run, sizeof(run), "%s/run", t.top);
	REQUIRE_INT(mkdir(run, 0700), 0);
	REQUIRE_INT(load(), 0);
	cloudwatch_parts_init(&t.parts, event_base_new(), t.c);
}

static void set_up(void)
{
	prepare();
	open_parts();
}

static void tear_down(void)
{
	cloudwatch_parts_close(&t.parts);
	event_base_free(t.parts.base);
	config_free(t.c);
	buf_done(&t.why);
	remove_tree(t.top);
}

static int run_sql(sqlite3 *db, void *job)
{
	return sql_run(db, job);
}

static void on_taken(int err, const struct spool_minute *m, size_t n, void *ctx)
{
	(void)ctx;
	EXPECT_INT(err, 0);
	if (EXPECT_UINT(n, 1))
		EXPECT(!m[0].maybe_sent);
	t.n_taken++;
}

static void expect_unsent(void)
{
	EXPECT_INT(spool_take(t.parts.spool, SPOOL_OLDEST_FIRST, 10, 1000000, on_taken, NULL), 0);
	while (!t.n_taken)
		event_base_loop(t.parts.base, EVLOOP_ONCE);
}

static void closes_in_the_middle(void)
{
	const struct minute_request r = { .answered = true, .duration_ns = 1000000 };

	set_up();
	minute_request(t.parts.minute, &r);
	cloudwatch_parts_cut(&t.parts);
	EXPECT_UINT(pending_count(t.parts.pending), 1);
	EXPECT_INT(push_now(t.parts.push, NULL, NULL), 0);
	event_base_loop(t.parts.base, EVLOOP_ONCE | EVLOOP_NONBLOCK); /* a take has begun */
	cloudwatch_parts_close(&t.parts);
	open_parts();
	EXPECT_UINT(pending_count(t.parts.pending), 0);
	EXPECT_UINT(spool_stats(t.parts.spool).minutes, 1);
	expect_unsent();
	tear_down();
}

static void on_changed(void *ctx)
{
	(void)ctx;
	t.n_changed++;
}

/* Off and on again, by the daemon's reloads. */
static void leaves_in_the_middle(void)
{
	const struct minute_request r = { .answered = true, .duration_ns = 1000000 };

	set_up();
	t.parts.changed = on_changed;
	minute_request(t.parts.minute, &r);
	cloudwatch_parts_cut(&t.parts);
	cloudwatch_parts_leave(&t.parts);
	cloudwatch_parts_leave(&t.parts);
	EXPECT_INT(cloudwatch_parts_open(&t.parts, NOW_S, &t.why), -EINPROGRESS);
	EXPECT(!t.parts.opening);
	open_parts();
	EXPECT(t.n_changed >= 2);
	EXPECT(!t.parts.leaving);
	EXPECT_UINT(t.parts.adding, 0);
	EXPECT_UINT(pending_count(t.parts.pending), 0);
	EXPECT_UINT(spool_stats(t.parts.spool).minutes, 1);
	cloudwatch_parts_leave(&t.parts);
	while (t.parts.leaving)
		event_base_loop(t.parts.base, EVLOOP_ONCE);
	EXPECT(!t.parts.pending);
	tear_down();
}

/* Whether a change is told of within 10 s. */
static bool is_told(void)
{
	const struct timeval in = { .tv_sec = 10 };
	unsigned int before = t.n_changed;
	uint64_t until_ns = clock_monotonic_ns() + 10 * NS_PER_SEC;

	event_base_loopexit(t.parts.base, &in);
	while (t.n_changed == before && clock_monotonic_ns() < until_ns)
		event_base_loop(t.parts.base, EVLOOP_ONCE);
	return t.n_changed != before;
}

/* One of a minute that was in the spool already when isamon was killed must not be pushed before it is known to be there. */
static void adds_before_it_pushes(void)
{
	struct pending *p = NULL;
	char dir[120];
	int err;

	prepare();
	snprintf(dir, sizeof(dir), "%s/run/minutes", t.top);
	REQUIRE_INT(pending_open(dir, &t.why, &p), 0);
	for (int i = 1; i <= 40; i++)
		EXPECT_INT(pending_add(p, i, NOW_S - 60 * i, "x", 1), 0);
	pending_close(p);
	t.parts.changed = on_changed;
	while ((err = cloudwatch_parts_open(&t.parts, NOW_S, &t.why)) == -EINPROGRESS) {
		EXPECT(!t.parts.push);
		REQUIRE(is_told());
	}
	REQUIRE_INT(err, 0);
	EXPECT_UINT(pending_count(t.parts.pending), 0);
	EXPECT_UINT(spool_stats(t.parts.spool).minutes, 40);
	tear_down();
}

static void says_why(void)
{
	char path[120];
	FILE *f;
	int err;

	prepare();
	snprintf(path, sizeof(path), "%s/state", t.top);
	f = fopen(path, "w");
	REQUIRE(f);
	fclose(f);
	for (int i = 0; i < 2; i++) {
		buf_reset(&t.why);
		while ((err = cloudwatch_parts_open(&t.parts, NOW_S, &t.why)) == -EINPROGRESS ||
		       t.parts.opening) {
			event_base_loop(t.parts.base, EVLOOP_ONCE);
			buf_reset(&t.why);
		}
		EXPECT_INT(err, -ENOTDIR);
		EXPECT_HAS(buf_str(&t.why), path);
		EXPECT(t.parts.minute && t.parts.pending && !t.parts.push);
	}
	unlink(path);
	open_parts();
	tear_down();
}

/* Neither memory nor disk take it. */
static void counts_what_is_lost(void)
{
	static char nothing[] = "PRAGMA user_version";
	static char drop[] = "PRAGMA query_only = ON";
	const struct minute_request r = { .answered = true, .duration_ns = 1000000 };
	char dir[120];

	set_up();
	EXPECT_INT(store_wait(t.parts.store, run_sql, drop), 0);
	snprintf(dir, sizeof(dir), "%s/run/minutes", t.top);
	remove_tree(dir);
	minute_request(t.parts.minute, &r);
	cloudwatch_parts_cut(&t.parts);
	EXPECT_UINT(pending_count(t.parts.pending), 0);
	EXPECT_UINT(t.parts.lost, 0);
	EXPECT_INT(store_wait(t.parts.store, run_sql, nothing), 0);
	event_base_loop(t.parts.base, EVLOOP_NONBLOCK);
	EXPECT_UINT(t.parts.lost, 1);
	EXPECT(t.parts.losing);
	tear_down();
}

/* A file system that answers late. */

static sqlite3_vfs slow, *real;

static int slow_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret)
{
	(void)vfs;
	poll(NULL, 0, 1000);
	return real->xOpen(real, name, f, flags, ret);
}

static void does_not_wait(void)
{
	uint64_t before, worst_ns = 0, took_ns;
	int err;

	prepare();
	real = sqlite3_vfs_find(NULL);
	slow = *real;
	slow.zName = "slow";
	slow.xOpen = slow_open;
	sqlite3_vfs_register(&slow, 1);
	do {
		before = clock_monotonic_ns();
		err = cloudwatch_parts_open(&t.parts, NOW_S, &t.why);
		took_ns = clock_monotonic_ns() - before;
		/* What opens libcurl has nothing to do with the disk. */
		if (err == -EINPROGRESS && took_ns > worst_ns)
			worst_ns = took_ns;
		event_base_loop(t.parts.base, EVLOOP_NONBLOCK);
		poll(NULL, 0, 10);
	} while (err == -EINPROGRESS);
	EXPECT_INT(err, 0);
	EXPECT(worst_ns < NS_PER_SEC / 2);
	sqlite3_vfs_unregister(&slow);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "closing while a minute is added and taken", closes_in_the_middle },
		{ "leaving while a minute is added, and opening again", leaves_in_the_middle },
		{ "pushes nothing before what waits in memory was added", adds_before_it_pushes },
		{ "says why the spool cannot be opened, and tries again", says_why },
		{ "counts what neither memory nor disk take", counts_what_is_lost },
		{ "opening does not wait for the disk", does_not_wait },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
