/* SPDX-License-Identifier: MIT */
/* The catalogue keeps what it is told, shared by processes; the list believes the directory before it. */
#include "unit.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "care/backup_list.h"
#include "care/backup_name.h"
#include "store/catalogue.h"
#include "store/state_file.h"

static struct {
	char top[100], state[120], backups[120];
	struct catalogue *c;
	struct backup_list list;
} t;

static void set_up(void)
{
	const char *dir = getenv("TMPDIR");

	snprintf(t.top, sizeof(t.top), "%.60s/catalogue.XXXXXX", dir ? dir : "/tmp");
	EXPECT(mkdtemp(t.top));
	snprintf(t.state, sizeof(t.state), "%s/state", t.top);
	snprintf(t.backups, sizeof(t.backups), "%s/backups", t.top);
	EXPECT_INT(mkdir(t.backups, 0700), 0);
	EXPECT_INT(catalogue_open(t.state, &t.c), 0);
}

static void tear_down(void)
{
	pid_t pid;

	catalogue_close(take(t.c));
	backup_list_done(&t.list);
	pid = fork();
	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", t.top, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
}

static void make_file(const char *name, size_t size)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", t.backups, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	EXPECT(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
	close(fd);
}

static struct catalogue_entry entry(const char *file, uint64_t bytes)
{
	struct catalogue_entry e = { 0 };

	EXPECT(backup_name_parse("a", file, &e));
	e.archive_bytes = bytes;
	e.verdict = BACKUP_SOUND;
	return e;
}

static int put(const struct catalogue_entry *e)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	int err = catalogue_put(t.c, e, &why);

	EXPECT_STR(buf_str(&why), "");
	return err;
}

static int load(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096), why_catalogue = BUF_INIT(4096);
	int err;

	backup_list_done(&t.list);
	err = backup_list_load(t.backups, "a", t.c, &why, &why_catalogue, &t.list);
	EXPECT_STR(buf_str(&why_catalogue), "");
	return err;
}

static void update(const struct catalogue_entry *e, enum catalogue_part part)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);

	EXPECT_INT(catalogue_update(t.c, e, part, &why), 0);
	EXPECT_STR(buf_str(&why), "");
}

/* One sends it for hours; another finds meanwhile that it is damaged. Neither undoes what the other did, whoever ends last. */
static void two_at_once(void)
{
	struct catalogue_entry e, sender, verifier;

	for (int last = 0; last < 2; last++) {
		set_up();
		make_file("a-data-20261126-020000.tar.gz", 1234);
		e = entry("a-data-20261126-020000.tar.gz", 1234);
		e.n_skipped = 5;
		snprintf(e.note, sizeof(e.note), "note");
		EXPECT_INT(put(&e), 0);
		sender = verifier = e;
		sender.remote = BACKUP_SENT;
		snprintf(sender.key, sizeof(sender.key), "key");
		snprintf(sender.sha256, sizeof(sender.sha256), "hash");
		verifier.verdict = BACKUP_UNSOUND;
		verifier.verified_s = 77;
		verifier.note[0] = '\0';
		verifier.n_skipped = 0;
		snprintf(verifier.why, sizeof(verifier.why), "why");
		if (last)
			update(&sender, CATALOGUE_SENT);
		update(&verifier, CATALOGUE_FOUND);
		if (!last)
			update(&sender, CATALOGUE_SENT);
		EXPECT_INT(load(), 0);
		REQUIRE(t.list.n == 1);
		EXPECT_INT(t.list.entries->verdict, BACKUP_UNSOUND);
		EXPECT_INT(t.list.entries->verified_s, 77);
		EXPECT_STR(t.list.entries->why, "why");
		EXPECT_STR(t.list.entries->note, "note");
		EXPECT_UINT(t.list.entries->n_skipped, 5);
		EXPECT_INT(t.list.entries->remote, BACKUP_SENT);
		EXPECT_STR(t.list.entries->key, "key");
		tear_down();
	}
}

/* Of a file of another size nothing is kept; of one that is not known, everything is new. */
static void another_file(void)
{
	struct catalogue_entry e;

	set_up();
	make_file("a-data-20261126-020000.tar.gz", 1234);
	e = entry("a-data-20261126-020000.tar.gz", 99);
	e.remote = BACKUP_SENT;
	EXPECT_INT(put(&e), 0);
	e = entry("a-data-20261126-020000.tar.gz", 1234);
	update(&e, CATALOGUE_FOUND);
	EXPECT_INT(load(), 0);
	REQUIRE(t.list.n == 1);
	EXPECT_INT(t.list.entries->verdict, BACKUP_SOUND);
	EXPECT_INT(t.list.entries->remote, BACKUP_NOT_SENT);
	tear_down();
}

static void keeps_everything(void)
{
	struct catalogue_entry e, *got;

	set_up();
	make_file("a-data-20261126-020000.tar.gz", 1234);
	e = entry("a-data-20261126-020000.tar.gz", 1234);
	e.created_s += 3600; /* of the hour that is there twice */
	e.files = 1;
	e.file_bytes = UINT64_C(1) << 50;
	e.databases = 3;
	e.n_skipped = 4;
	e.n_changed = 5;
	e.n_damaged = 6;
	e.verdict = BACKUP_UNSOUND;
	e.verified_s = 7;
	e.remote = BACKUP_TO_SEND;
	e.sent_s = 8;
	e.part_bytes = 9;
	snprintf(e.sha256, sizeof(e.sha256), "%064d", 10);
	snprintf(e.host, sizeof(e.host), "host");
	memset(e.note, 'n', CATALOGUE_NOTE_MAX);
	snprintf(e.why, sizeof(e.why), "why ñ");
	snprintf(e.bucket, sizeof(e.bucket), "bucket");
	memset(e.key, 'k', sizeof(e.key) - 1);
	memset(e.upload_id, 'u', sizeof(e.upload_id) - 1);
	EXPECT_INT(put(&e), 0);
	EXPECT_INT(load(), 0);
	if (EXPECT_UINT(t.list.n, 1)) {
		got = t.list.entries;
		EXPECT(got->local);
		got->local = false;
		EXPECT_BYTES(got, sizeof(*got), &e, sizeof(e));
	}
	e.note[0] = '\0';
	e.remote = BACKUP_SENT;
	EXPECT_INT(put(&e), 0);
	EXPECT_INT(load(), 0);
	if (EXPECT_UINT(t.list.n, 1)) {
		EXPECT_STR(t.list.entries[0].note, "");
		EXPECT_INT((int)t.list.entries[0].remote, BACKUP_SENT);
	}
	tear_down();
}

/* What is listed, as "ID local verdict remote". */
static void expect_list(const char *const *lines, size_t n)
{
	EXPECT_INT(load(), 0);
	EXPECT_UINT(t.list.n, n);
	for (size_t i = 0; i < t.list.n && i < n; i++) {
		const struct catalogue_entry *e = &t.list.entries[i];
		char line[100];

		snprintf(line, sizeof(line), "%s %d %d %d", e->id, e->local, (int)e->verdict,
			 (int)e->remote);
		EXPECT_STR(line, lines[i]);
	}
}

static void directory_decides(void)
{
	static const char *const without[] = { "data-20261126-020000 1 0 0",
					       "config-20261126-020000 1 0 0",
					       "data-20261125 1 0 0" };
	static const char *const with[] = {
		"data-20261126-020000 1 1 2",
		"config-20261126-020000 1 0 0",
		"data-20261125 1 0 0",
		"data-20261124-020000 0 1 2",
	};
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	struct catalogue_entry e;
	struct stat st;
	char path[300];

	set_up();
	expect_list(NULL, 0);
	EXPECT(stat(t.state, &st) && errno == ENOENT); /* looking makes no file */
	make_file("a-data-20261126-020000.tar.gz", 100);
	make_file("a-config-20261126-020000.tar.gz", 100);
	make_file("a-data-20261125.tar.gz", 100);
	make_file("b-data-20261125.tar.gz", 100);
	make_file("a-data-20261125.tar.gz.part", 100);
	snprintf(path, sizeof(path), "%s/a-data-20261101.tar.gz", t.backups);
	EXPECT_INT(symlink("/etc/passwd", path), 0);
	snprintf(path, sizeof(path), "%s/a-data-20261102.tar.gz", t.backups);
	EXPECT_INT(mkdir(path, 0700), 0);
	expect_list(without, ARRAY_SIZE(without));
	e = entry("a-data-20261126-020000.tar.gz", 100);
	e.remote = BACKUP_SENT;
	EXPECT_INT(put(&e), 0);
	e = entry("a-config-20261126-020000.tar.gz", 101); /* another one than is there */
	EXPECT_INT(put(&e), 0);
	e = entry("a-data-20261124-020000.tar.gz", 100); /* in S3 only */
	e.remote = BACKUP_SENT;
	EXPECT_INT(put(&e), 0);
	e = entry("a-data-20261123-020000.tar.gz", 100); /* nowhere */
	EXPECT_INT(put(&e), 0);
	expect_list(with, ARRAY_SIZE(with));
	EXPECT_INT(catalogue_forget(t.c, "a-data-20261124-020000.tar.gz", &why), 0);
	EXPECT_INT(catalogue_forget(t.c, "a-data-20261124-020000.tar.gz", &why), 0);
	expect_list(with, ARRAY_SIZE(with) - 1);
	tear_down();
}

/* In a process of its own. */
static void write_rows(int process)
{
	if (catalogue_open(t.state, &t.c))
		_exit(1);
	for (int k = 0; k < 2; k++) {
		struct catalogue_entry e;
		struct buf why = BUF_INIT(4096);
		char file[64];

		snprintf(file, sizeof(file), "a-data-202611%02d-02%02d00.tar.gz", process + 1, k);
		e = entry(file, 1);
		e.remote = BACKUP_SENT;
		if (catalogue_put(t.c, &e, &why)) {
			fprintf(stderr, "%s\n", buf_str(&why));
			_exit(2);
		}
		buf_done(&why);
	}
	catalogue_close(t.c);
	_exit(0);
}

/* Eight processes, that have all waited when the file becomes free: none may wait for another one that waits. */
static void is_shared(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096);
	int begin[2], reserved_fd = -1, status;
	sqlite3 *db = NULL;
	char path[200];
	pid_t pids[8];

	set_up();
	catalogue_close(take(t.c));
	EXPECT_INT(mkdir(t.state, 0700), 0);
	EXPECT_INT(pipe2(begin, O_CLOEXEC), 0);
	for (int i = 0; i < 8; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			close(begin[1]);
			EXPECT_INT(read(begin[0], path, 1), 0);
			write_rows(i);
		}
	}
	snprintf(path, sizeof(path), "%s/%s", t.state, CATALOGUE_FILE);
	EXPECT_INT(state_file_reserve(path, &why, &reserved_fd), 0);
	EXPECT_INT(state_file_open(path, &why, &db), 0);
	close(begin[0]);
	close(begin[1]);
	usleep(500000);
	state_file_close(db, false);
	close(reserved_fd);
	for (int i = 0; i < 8; i++) {
		EXPECT_INT(waitpid(pids[i], &status, 0), pids[i]);
		EXPECT_INT(status, 0);
	}
	EXPECT_INT(catalogue_open(t.state, &t.c), 0);
	EXPECT_INT(load(), 0);
	EXPECT_UINT(t.list.n, 16);
	tear_down();
}

/* The list is there without it. */
static void does_without(void)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(4096), why_catalogue = BUF_INIT(4096);
	char path[300];

	set_up();
	make_file("a-data-20261126-020000.tar.gz", 100);
	snprintf(path, sizeof(path), "%s/" CATALOGUE_FILE, t.state);
	EXPECT_INT(mkdir(t.state, 0700), 0);
	EXPECT_INT(mkdir(path, 0700), 0);
	EXPECT_INT(backup_list_load(t.backups, "a", t.c, &why, &why_catalogue, &t.list), 0);
	EXPECT_UINT(t.list.n, 1);
	EXPECT_HAS(buf_str(&why_catalogue), "backups.db cannot be used: ");
	tear_down();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "all that is known of a backup is kept", keeps_everything },
		{ "one sends, another verifies", two_at_once },
		{ "another file of the same name", another_file },
		{ "the directory is believed before the catalogue", directory_decides },
		{ "processes share it", is_shared },
		{ "without it the directory is listed", does_without },
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
