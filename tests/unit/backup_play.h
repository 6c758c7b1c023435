/* SPDX-License-Identifier: MIT */
/* What the tests of faults in backups have in common: a small tree of each kind of thing, a place, a catalogue, and what is asked of them. */
#ifndef ISAMON_BACKUP_PLAY_H
#define ISAMON_BACKUP_PLAY_H

#include "nth_faults.h"

#include "archive_fixture.h"

#include <locale.h>
#include <sqlite3.h>
#include <time.h>

#include "care/backup.h"
#include "care/backup_drill.h"
#include "care/backup_list.h"

#define PLAY_NOW 1795658400
#define PLAY_FILES 6 /* regular ones, the database included */

static struct {
	char state[120], kept[120], backups[120], data[120];
	unsigned int made;
} play;

static struct buf play_why = BUF_INIT(8192);
/* Where there was no memory for a locale once, the C library has none in this process any more: one that is there stays. */
static locale_t play_locale;

UNIT_USED_ static void play_database(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	EXPECT_INT(sqlite3_open(path, &db), SQLITE_OK);
	EXPECT_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

UNIT_USED_ static void play_begin(void)
{
	char path[200];

	play_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	EXPECT(play_locale != (locale_t)0);
	fixture_begin();
	snprintf(play.state, sizeof(play.state), "%s", fixture_path("state"));
	snprintf(play.kept, sizeof(play.kept), "%s", fixture_path("kept"));
	snprintf(play.backups, sizeof(play.backups), "%s", fixture_path("backups"));
	snprintf(play.data, sizeof(play.data), "%s", fixture_path("data"));
	EXPECT_INT(
		shell("mkdir -p kept data/sub/deep; cd data; echo a >a; echo b >sub/b; ln a sub/hard; ln -s a link;"
		      "head -c 300000 /dev/urandom >sub/deep/c; truncate -s 1M sub/holes; echo x >>sub/holes;"
		      "setfattr -n user.x -v y a 2>/dev/null || :; chmod 640 a; chmod 750 sub"),
		0);
	snprintf(path, sizeof(path), "%s/p.db", play.data);
	play_database(path, "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES "
			    "(zeroblob(20000)), (1)");
}

UNIT_USED_ static void play_end(void)
{
	buf_done(&play_why);
	freelocale(play_locale);
	EXPECT_INT(shell("rm -rf state kept backups data"), 0);
	fixture_end();
}

/* Before each: no backup is there, and the catalogue knows none. */
UNIT_USED_ static void play_reset(void)
{
	char path[400];
	DIR *d = opendir(play.backups);
	const struct dirent *e;

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", play.backups, e->d_name);
		if (strncmp(e->d_name, "a-", 2) == 0)
			unlink(path);
	}
	if (d)
		closedir(d);
}

/* What is tried in a place, which is opened for it, armed, and closed, disarmed: what fails then is another matter. */
typedef int (*play_fn)(struct backup_place *place, struct catalogue *c, void *ctx);

static int play_in_place(play_fn fn, void *ctx, bool faults)
{
	_cleanup_(catalogue_closep) struct catalogue *c = NULL;
	struct backup_place place = { .lock_fd = -1, .dir_fd = -1, .part_fd = -1 };
	int err;

	buf_reset(&play_why);
	if (faults)
		nth_arm();
	err = catalogue_open(play.state, &c);
	if (!err)
		err = backup_place_open(play.backups, &play_why, &place);
	if (!err)
		err = fn(&place, c, ctx);
	nth_disarm();
	backup_place_close(&place);
	return err;
}

static int play_create(struct backup_place *place, struct catalogue *c, void *ctx)
{
	const struct backup_create_options o = {
		.kind = BACKUP_DATA,
		.name = "a",
		.source = play.data,
		.host = "host",
		.level = 1,
		.now_s = PLAY_NOW + play.made++,
	};
	struct backup_made made;
	int err = backup_create(place, &o, c, &play_why, &made);

	(void)ctx;
	if (!err && made.catalogue_err)
		EXPECT(made.catalogue_why.len || made.catalogue_err == -ENOMEM);
	backup_made_done(&made);
	return err;
}

static int play_verify(struct backup_place *place, struct catalogue *c, void *ctx)
{
	const struct backup_progress silent = { 0 };
	struct catalogue_entry *e = ctx;
	int fd, err;

	(void)c;
	fd = openat(place->dir_fd, e->file, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return buf_printf(&play_why, "cannot be opened") ?: -errno;
	err = backup_verify(fd, place->scratch, &silent, PLAY_NOW, e, &play_why);
	close(fd);
	return err;
}

UNIT_USED_ static int play_drill(struct backup_place *place, struct catalogue *c, void *ctx)
{
	const struct backup_progress silent = { 0 };
	struct backup_drilled found;

	(void)c;
	return backup_drill(place, ctx, &silent, &play_why, &found);
}

static void play_copy(const char *from, const char *to)
{
	char bytes[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC),
	    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ssize_t n;

	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		EXPECT_INT(write(out, bytes, (size_t)n), n);
	EXPECT(n == 0);
	close(in);
	close(out);
}

/* All files of one directory into another one, which is emptied first. */
static void play_copy_files(const char *from, const char *to)
{
	const char *dirs[] = { to, from };
	char path[300], copy[300];

	for (int i = 0; i < 2; i++) {
		DIR *d = opendir(dirs[i]);
		const struct dirent *e;

		while (d && (e = readdir(d))) {
			if (*e->d_name == '.')
				continue;
			snprintf(path, sizeof(path), "%s/%.100s", dirs[i], e->d_name);
			snprintf(copy, sizeof(copy), "%s/%.100s", to, e->d_name);
			if (i)
				play_copy(path, copy);
			else
				unlink(path);
		}
		if (d)
			closedir(d);
	}
}

/* The catalogue as it is now is what each round begins with: it grows with each command, and so would what can fail. */
UNIT_USED_ static void play_keep_catalogue(void)
{
	play_copy_files(play.state, play.kept);
}

UNIT_USED_ static void play_put_catalogue_back(void)
{
	play_copy_files(play.kept, play.state);
}

/* The newest that is in the directory. */
static bool play_newest(struct catalogue_entry *ret)
{
	_cleanup_(catalogue_closep) struct catalogue *c = NULL;
	_cleanup_(buf_done) struct buf why = BUF_INIT(8192), why_catalogue = BUF_INIT(8192);
	_cleanup_(backup_list_done) struct backup_list list = { 0 };

	EXPECT_INT(catalogue_open(play.state, &c), 0);
	EXPECT_INT(backup_list_load(play.backups, "a", c, &why, &why_catalogue, &list), 0);
	EXPECT_STR(buf_str(&why_catalogue), "");
	EXPECT(list.n <= 1);
	if (list.n)
		*ret = list.entries[0];
	return list.n > 0;
}

/* Nothing but archives and the lock is in the directory, and no descriptor was left open. */
UNIT_USED_ static void play_nothing_is_left(const char *what, unsigned int n)
{
	DIR *d = opendir(play.backups);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (*e->d_name == '.' && strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0 && strcmp(e->d_name, BACKUP_LOCK) != 0)
			FAIL_CASE("%s: call %u failed: %s is left", what, n, e->d_name);
	if (d)
		closedir(d);
}

/* What is listed is sound, and all of it is there. */
UNIT_USED_ static bool play_is_sound(void)
{
	struct catalogue_entry e;
	bool was_unsound;

	if (!play_newest(&e))
		return false;
	was_unsound = e.verdict == BACKUP_UNSOUND;
	EXPECT_INT(play_in_place(play_verify, &e, false), 0);
	EXPECT_STR(e.why, "");
	EXPECT_UINT(e.files, PLAY_FILES - 1); /* a hard link is a link */
	EXPECT_UINT(e.databases, 1);
	return !was_unsound && e.verdict == BACKUP_SOUND;
}

/* That an error is clear. */
static void expect_error(const struct fault *f, const char *what, unsigned int n, int err)
{
	if (!nth_hit())
		FAIL_CASE("%s: %s: nothing failed, but: %d: %s", f->name, what, err,
			  buf_str(&play_why));
	if (fault_is_memory(f) ? err != -ENOMEM && !strstr(buf_str(&play_why), "memory") :
				 !play_why.len)
		FAIL_CASE("%s: %s: call %u failed: %d: %s", f->name, what, n, err,
			  buf_str(&play_why));
}

static void expect_nothing_left(const struct fault *f, const char *what, unsigned int n, int before)
{
	const int now = nth_descriptors();

	if (now != before)
		FAIL_CASE("%s: %s: call %u failed: %d descriptors were open, and %d are", f->name,
			  what, n, before, now);
	play_nothing_is_left(f->name, n);
}

/* Returns false if that was the last round. */
UNIT_USED_ static bool next_round(const struct fault *f, unsigned int *n)
{
	*n += *n ? nth_further(*n, f->each, f->share) : 1;
	return unit_state.result == UNIT_OK && nth_again(&f->kind, *n);
}

static void create_again(void)
{
	play_reset();
	EXPECT_INT(play_in_place(play_create, NULL, false), 0);
	EXPECT_STR(buf_str(&play_why), "");
	EXPECT(play_is_sound());
	play_keep_catalogue();
}

static int play_all(int argc, char **argv, const struct attempt *attempts, size_t n)
{
	unit_state.argc = argc;
	unit_state.argv = argv;
	setenv("TZ", "UTC", 1);
	tzset();
	unit_begin("prepared");
	play_begin();
	fault_all(attempts, n);
	unit_begin("cleared up");
	play_end();
	return unit_finish();
}

#endif
