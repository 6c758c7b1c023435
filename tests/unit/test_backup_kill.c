/* SPDX-License-Identifier: MIT */
/*
 * Whatever ends a backup, a kill at each of its steps and at random instants, a file that cannot grow, a full disk: what is listed is whole,
 * what is listed as sound is in the catalogue after it was read back, and the next one works and clears up.
 */
#include "unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void step(void);
#define BACKUP_STEP() step()

#include "../../userspace/care/backup.c"
#include "../../userspace/care/backup_place.c"

#include "care/backup_list.h"

#define FILES 12
#define FILE_BYTES 200000
#define RANDOM_KILLS 12
#define NOW 1795658400

static struct {
	char top[100], state[120], backups[120], data[120];
	unsigned int steps_left; /* 0: is not killed */
	unsigned int made;
	unsigned int stop_in; /* 0: is not asked to end */
} t;

static void step(void)
{
	if (t.steps_left && !--t.steps_left)
		raise(SIGKILL);
}

static int run(const char *script)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (chdir(t.top) == 0)
			execl("/bin/sh", "sh", "-ec", script, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid ? status : -1;
}

static void make_database(void)
{
	char path[200];
	sqlite3 *db;

	snprintf(path, sizeof(path), "%s/p.db", t.data);
	EXPECT_INT(sqlite3_open(path, &db), SQLITE_OK);
	EXPECT_INT(
		sqlite3_exec(db,
			     "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES "
			     "(zeroblob(100000)), (1)",
			     NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
}

static void set_up(void)
{
	const char *dir = getenv("TMPDIR");

	memset(&t, 0, sizeof(t));
	snprintf(t.top, sizeof(t.top), "%.60s/backup.XXXXXX", dir ? dir : "/tmp");
	EXPECT(mkdtemp(t.top));
	snprintf(t.state, sizeof(t.state), "%s/state", t.top);
	snprintf(t.backups, sizeof(t.backups), "%s/backups", t.top);
	snprintf(t.data, sizeof(t.data), "%s/data", t.top);
	EXPECT_INT(mkdir(t.data, 0700), 0);
	for (int i = 0; i < FILES; i++) {
		unsigned char bytes[FILE_BYTES];
		char path[200];
		int fd;

		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (unsigned char)rand();
		snprintf(path, sizeof(path), "%s/%d", t.data, i);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		EXPECT_INT(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
		close(fd);
	}
	make_database();
}

static void tear_down(void)
{
	EXPECT_INT(run("rm -rf state backups data"), 0);
	rmdir(t.top);
}

/* Ends it, when it was asked that many times. */
static int stop_at(const char *what, uint64_t done, uint64_t total, void *ctx)
{
	(void)what;
	EXPECT(!total || done <= total);
	(void)ctx;
	return t.stop_in && !--t.stop_in;
}

static int create(struct buf *why)
{
	_cleanup_(catalogue_closep) struct catalogue *c = NULL;
	_cleanup_(backup_place_close) struct backup_place place;
	struct backup_create_options o = {
		.kind = BACKUP_DATA,
		.name = "a",
		.source = t.data,
		.host = "host",
		.level = 1,
		.now_s = NOW + t.made++,
		.progress = { .fn = stop_at },
	};
	struct backup_made made;
	int err = catalogue_open(t.state, &c);

	if (err)
		return err;
	err = backup_place_open(t.backups, why, &place);
	if (err)
		return err;
	err = backup_create(&place, &o, c, why, &made);
	if (!err && made.catalogue_err)
		err = made.catalogue_err;
	backup_made_done(&made);
	return err;
}

/* Everything that is listed is whole; what the catalogue calls sound is. Returns how many there are. */
static size_t check(void)
{
	_cleanup_(catalogue_closep) struct catalogue *c = NULL;
	_cleanup_(buf_done) struct buf why = BUF_INIT(8192), why_catalogue = BUF_INIT(8192);
	_cleanup_(backup_list_done) struct backup_list list;
	const struct backup_progress silent = { 0 };
	struct backup_list *l = &list;

	EXPECT_INT(catalogue_open(t.state, &c), 0);
	EXPECT_INT(backup_list_load(t.backups, "a", c, &why, &why_catalogue, l), 0);
	EXPECT_STR(buf_str(&why_catalogue), "");
	for (size_t i = 0; i < l->n; i++) {
		struct catalogue_entry *e = &l->entries[i];
		const enum backup_verdict was = e->verdict;
		char path[400];
		int fd;

		snprintf(path, sizeof(path), "%s/%s", t.backups, e->file);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		EXPECT(fd >= 0);
		EXPECT_INT(backup_verify(fd, t.top, &silent, NOW, e, &why), 0);
		EXPECT_STR(e->why, "");
		EXPECT_INT((int)e->verdict, BACKUP_SOUND);
		EXPECT(was != BACKUP_UNSOUND);
		EXPECT_UINT(e->files, FILES + 1);
		EXPECT_UINT(e->databases, 1);
		close(fd);
	}
	return l->n;
}

/* What the next one must find, and leave. */
static void next_one_works(size_t before)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(8192);

	t.steps_left = 0;
	EXPECT_INT(create(&why), 0);
	EXPECT_STR(buf_str(&why), "");
	EXPECT_UINT(check(), before + 1);
	EXPECT_INT(
		run("test \"$(ls -A backups | grep -v '^a-data-.*[.]tar[.]gz$')\" = .isamon-lock"),
		0);
	EXPECT_INT(run("rm -f backups/*.tar.gz"), 0);
}

/* Returns how the child ended. */
static int create_in_child(unsigned int steps)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		struct buf why = BUF_INIT(8192);

		t.steps_left = steps;
		_exit(create(&why) ? 1 : 0);
	}
	t.made++;
	EXPECT(waitpid(pid, &status, 0) == pid);
	return status;
}

static void killed_at_each_step(void)
{
	unsigned int n;
	int status = -1;

	set_up();
	for (n = 1; n < 1000; n++) {
		size_t there;

		status = create_in_child(n);
		if (status == 0)
			break;
		if (!EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
			break;
		there = check();
		EXPECT(there <= 1);
		next_one_works(there);
	}
	EXPECT_INT(status, 0);
	EXPECT(n > FILES + 8);
	tear_down();
}

static void killed_at_random(void)
{
	set_up();
	for (int i = 0; i < RANDOM_KILLS; i++) {
		const struct timespec pause = { .tv_nsec = (i * 37 % RANDOM_KILLS + 1) * 5000000l };
		int status = -1;
		pid_t pid = fork();

		if (pid == 0) {
			struct buf why = BUF_INIT(8192);

			for (;;)
				if (create(&why))
					_exit(1);
		}
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		EXPECT(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
		t.made += 1000;
		next_one_works(check());
	}
	tear_down();
}

/* No file, be it the archive, a copy of the database or the catalogue, gets larger than that. */
static void files_cannot_grow(void)
{
	set_up();
	for (rlim_t most = 0; most < 3 * 1048576; most += most < 262144 ? 32768 : 524288) {
		int status = -1;
		pid_t pid = fork();

		if (pid == 0) {
			const struct rlimit limit = { most, most };
			struct buf why = BUF_INIT(8192);
			int err;

			signal(SIGXFSZ, SIG_IGN);
			setrlimit(RLIMIT_FSIZE, &limit);
			err = create(&why);
			_exit(err && !why.len && err != -ENOSPC && err != -EFBIG ? 3 : err ? 1 : 0);
		}
		t.made++;
		EXPECT(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
		EXPECT(WEXITSTATUS(status) != 3); /* says why */
		next_one_works(check());
	}
	tear_down();
}

/* At each size of a disk: too small for the estimate, or for what it turned out to be. */
static void disk_is_full(void)
{
	unsigned int failed = 0, made = 0;

	set_up();
	EXPECT_INT(mkdir(t.backups, 0700), 0);
	if (mount("none", t.backups, "tmpfs", 0, "size=1m")) {
		unit_skip("cannot mount a tmpfs");
		tear_down();
		return;
	}
	for (int mib = 1; mib <= 25; mib += mib < 17 ? 4 : 1) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(8192);
		char options[40];
		int err;

		snprintf(options, sizeof(options), "size=%dm", mib);
		EXPECT_INT(mount("none", t.backups, "tmpfs", MS_REMOUNT, options), 0);
		err = create(&why);
		EXPECT(err == 0 || err == -ENOSPC);
		EXPECT_UINT(check(), err == 0);
		if (err)
			EXPECT_HAS(buf_str(&why), "are missing");
		failed += err != 0;
		made += err == 0;
		EXPECT_INT(run("rm -f backups/*.tar.gz"), 0);
	}
	EXPECT(failed > 3 && made > 1);
	EXPECT_INT(umount(t.backups), 0);
	tear_down();
}

/* The estimate was too hopeful: the last one could be compressed, and this one cannot. */
static void disk_fills_up(void)
{
	_cleanup_(catalogue_closep) struct catalogue *c = NULL;
	_cleanup_(buf_done) struct buf why = BUF_INIT(8192);
	_cleanup_(backup_place_close) struct backup_place place = { .lock_fd = -1,
								    .dir_fd = -1,
								    .part_fd = -1 };
	struct backup_create_options o = {
		.name = "a",
		.source = t.data,
		.host = "host",
		.level = 1,
		.now_s = NOW,
		.last_file_bytes = 1000000,
		.last_archive_bytes = 1,
	};
	struct backup_made made;

	set_up();
	EXPECT_INT(mkdir(t.backups, 0700), 0);
	if (mount("none", t.backups, "tmpfs", 0, "size=22m")) {
		unit_skip("cannot mount a tmpfs");
		tear_down();
		return;
	}
	EXPECT_INT(run("for i in 1 2 3 4 5 6; do head -c 4000000 /dev/urandom >data/x$i; done"), 0);
	EXPECT_INT(catalogue_open(t.state, &c), 0);
	EXPECT_INT(backup_place_open(t.backups, &why, &place), 0);
	EXPECT_INT(backup_create(&place, &o, c, &why, &made), -ENOSPC);
	EXPECT_HAS(buf_str(&why), "No space left");
	backup_made_done(&made);
	backup_place_close(&place);
	place.lock_fd = place.dir_fd = place.part_fd = -1;
	EXPECT_UINT(check(), 0);
	EXPECT_INT(run("test \"$(ls -A backups)\" = .isamon-lock"), 0);
	EXPECT_INT(umount(t.backups), 0);
	catalogue_close(take(c));
	tear_down();
}

/* By a signal, as the command takes it: at each moment at which it asks. */
static void stopped_at_each_moment(void)
{
	unsigned int n;
	int err = -1;

	set_up();
	for (n = 1; n < 1000 && err; n++) {
		_cleanup_(buf_done) struct buf why = BUF_INIT(8192);

		t.stop_in = n;
		err = create(&why);
		t.stop_in = 0;
		EXPECT(err == 0 || err == -ECANCELED);
		EXPECT(err == 0 || why.len);
		EXPECT_INT(
			run("test \"$(ls -A backups | grep -v '^a-data-.*[.]tar[.]gz$')\" = .isamon-lock"),
			0);
		EXPECT_UINT(check(), err == 0);
	}
	EXPECT_INT(err, 0);
	EXPECT(n > 2 * FILES);
	tear_down();
}

static void one_at_a_time(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(8192);
	struct backup_place a, b;

	set_up();
	EXPECT_INT(backup_place_open(t.backups, &why, &a), 0);
	EXPECT_INT(backup_place_open(t.backups, &why, &b), -EBUSY);
	EXPECT_HAS(buf_str(&why), "another isamon works there already (process ");
	backup_place_close(&b);
	EXPECT_INT(access(a.scratch, F_OK), 0); /* the other one's is left alone */
	backup_place_close(&a);
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "killed at each step", killed_at_each_step },
		{ "killed at random instants", killed_at_random },
		{ "files that cannot grow", files_cannot_grow },
		{ "a full disk is found out before", disk_is_full },
		{ "a disk that fills up", disk_fills_up },
		{ "stopped at each moment", stopped_at_each_moment },
		{ "one works there at a time", one_at_a_time },
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
