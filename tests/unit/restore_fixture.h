/* SPDX-License-Identifier: MIT */
/*
 * What the tests of restore have in common: a parent directory "p" with the tree "data" in it, an archive of another tree, a service
 * that is a file, and whole trees as texts.
 * It includes the sources: each step of theirs can be the last one, and each call that changes something can fail.
 */
#ifndef ISAMON_RESTORE_FIXTURE_H
#define ISAMON_RESTORE_FIXTURE_H

#include "archive_fixture.h"

#include "base/file.h"

#include <sys/statvfs.h>

/* --- faults */

static void step(void);
#define RESTORE_STEP() step()

static unsigned int calls_left; /* 0: none fails */
static bool no_exchange;

UNIT_USED_ static bool is_failing(void)
{
	if (!calls_left || --calls_left)
		return false;
	errno = EIO;
	return true;
}

UNIT_USED_ static int faulty_renameat2(int from_fd, const char *from, int to_fd, const char *to,
				       unsigned int flags)
{
	if (no_exchange && flags) {
		errno = EINVAL;
		return -1;
	}
	return is_failing() ? -1 : renameat2(from_fd, from, to_fd, to, flags);
}

#ifndef ISAMON_NTH_FAULT_H /* that has faults of its own */
/* clang-format off */
#define renameat2 faulty_renameat2
#define renameat(a, b, c, d) (is_failing() ? -1 : renameat(a, b, c, d))
#define fsync(fd) ((void)(fd), is_failing() ? -1 : 0) /* a kill loses nothing; hundreds of these on a busy disk take minutes */
#define syncfs(fd) ((void)(fd), is_failing() ? -1 : 0)
#define mkdirat(fd, name, mode) (is_failing() ? -1 : mkdirat(fd, name, mode))
#define unlinkat(fd, name, flags) (is_failing() ? -1 : unlinkat(fd, name, flags))
#define file_write(fd, bytes, n) (is_failing() ? -errno : file_write(fd, bytes, n))
#define fstatat(fd, name, st, flags) (is_failing() ? -1 : fstatat(fd, name, st, flags))
/* clang-format on */
#endif

#include "care/restore.c"
#include "care/restore_exchange.c"
#include "care/restore_forget.c"
#include "care/restore_journal.c"
#include "care/restore_place.c"
#include "care/restore_stage.c"
#include "care/restore_tree.c"

#undef renameat2
#undef renameat
#undef fsync
#undef syncfs
#undef mkdirat
#undef unlinkat
#undef file_write
#undef fstatat

/* --- the service: the file "service" has the inode of the tree with which it runs, or 0 */

static ino_t target_inode(void)
{
	struct stat st;

	return lstat(fixture_path("p/data"), &st) ? 0 : st.st_ino;
}

static ino_t service_tree(void)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(100);

	return file_read(fixture_path("service"), &text) ? 0 : strtoul(buf_str(&text), NULL, 10);
}

static void service_set(ino_t ino)
{
	FILE *f = fopen(fixture_path("service"), "we");

	if (f) {
		fprintf(f, "%lu\n", (unsigned long)ino);
		fclose(f);
	}
}

static int service_runs(bool *ret, struct buf *why, void *ctx)
{
	(void)why;
	(void)ctx;
	*ret = service_tree() != 0;
	return 0;
}

static int service_stop(struct buf *why, void *ctx)
{
	(void)ctx;
	if (access(fixture_path("no-stop"), F_OK) == 0) {
		buf_printf(why, "it is stubborn");
		return -ETIMEDOUT;
	}
	service_set(0);
	return 0;
}

/* Runs, and is not well, with a tree in which there is "bad". */
static int service_start(struct buf *why, void *ctx)
{
	(void)ctx;
	if (!service_tree())
		service_set(target_inode());
	if (access(fixture_path("p/data/bad"), F_OK) && target_inode())
		return 0;
	buf_printf(why, "it is not well");
	return -EHOSTDOWN;
}

static const struct restore_service fixture_service = {
	.runs = service_runs,
	.stop = service_stop,
	.start = service_start,
};

/* --- trees as texts */

#define TREE_MAX (1u << 20)

static int tree_add(const struct file_entry *e, void *ctx)
{
	struct buf *out = ctx;
	char content[4096];
	ssize_t n = 0;
	int fd;

	if (strcmp(e->path, ".") == 0)
		return buf_printf(out, ". %o %u:%u\n", e->st.st_mode, e->st.st_uid, e->st.st_gid);
	if (e->kind == FILE_REGULAR) {
		fd = openat(e->dir_fd, e->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, content, sizeof(content));
		if (fd >= 0)
			close(fd);
	}
	return buf_printf(out, "%s %o %u:%u %ld.%09ld %s %zd %.*s\n", e->path, e->st.st_mode,
			  e->st.st_uid, e->st.st_gid, (long)e->st.st_mtim.tv_sec,
			  e->st.st_mtim.tv_nsec, e->link ? e->link : "", n, n > 0 ? (int)n : 0,
			  content);
}

/* All of the directory @name, its own time left out. Nothing is appended if it is not there. */
static void tree_read(const char *name, struct buf *out)
{
	_cleanup_(buf_done) struct buf why = BUF_INIT(1000);
	const struct file_list_options all = { .cross_mounts = true };
	int fd = open(fixture_path(name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	EXPECT_INT(file_list_walk(fd, &all, tree_add, out, &why), 0);
	close(fd);
}

/* --- the play */

static struct buf old_tree = BUF_INIT(TREE_MAX), new_tree = BUF_INIT(TREE_MAX);

#define MAKE_OLD \
	"rm -rf template; mkdir -p template/data/cache/deep; cd template/data; echo old >a; echo gone >only-old;" \
	"echo wal >production.db-wal; ln -s a link; chmod 750 cache; chown -R 12:34 . 2>/dev/null || :; chmod 710 ."
/* Another tree, with a database, as the guide's tar packs it. */
#define MAKE_NEW \
	"rm -rf in; mkdir -p in/t/cache/other; cd in/t; echo new >a; echo more >b; ln b c; ln -s b link; chmod 600 b;" \
	"cp ../../db production.db; chmod 755 .;"
#define PACK "cd ../..; tar --format=pax -czf in/x.tgz -C in/t ."

static void make_database(void)
{
	sqlite3 *db = NULL;

	EXPECT_INT(sqlite3_open(fixture_path("db"), &db), SQLITE_OK);
	EXPECT_INT(
		sqlite3_exec(
			db,
			"CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES (randomblob(9000))",
			NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
}

/* @more: shell, done in the tree that is packed. */
static void play_prepare(const char *more)
{
	static char last[500] = "?";
	char script[1500];

	if (strcmp(more, last) == 0)
		return;
	snprintf(last, sizeof(last), "%s", more);
	make_database();
	EXPECT_INT(shell(MAKE_OLD), 0);
	snprintf(script, sizeof(script), MAKE_NEW "%s " PACK, more);
	EXPECT_INT(shell(script), 0);
	buf_reset(&old_tree);
	buf_reset(&new_tree);
	tree_read("template/data", &old_tree);
	tree_read("in/t", &new_tree);
	EXPECT(old_tree.len > 100 && new_tree.len > 100);
}

/* A shell that makes "p" anew for each byte that it is given: to fork a program with sanitizers hundreds of times is slow. */
static struct {
	pid_t pid;
	int to, from;
} maker;

static void maker_start(void)
{
	static const char script[] =
		"while read -r _; do rm -rf p no-stop; cp -a template p; echo; done";
	int in[2], out[2];

	if (maker.pid || pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		return;
	maker.to = in[1];
	maker.from = out[0];
	maker.pid = fork();
	if (maker.pid == 0) {
		if (chdir(fixture_top) == 0 && dup2(in[0], 0) == 0 && dup2(out[1], 1) == 1)
			execl("/bin/sh", "sh", "-c", script, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
}

static void maker_stop(void)
{
	if (!maker.pid)
		return;
	close(maker.to);
	close(maker.from);
	EXPECT(waitpid(maker.pid, NULL, 0) == maker.pid);
	maker.pid = 0;
}

static void play_begin(const char *more)
{
	char answer;

	play_prepare(more);
	maker_start();
	EXPECT(write(maker.to, "\n", 1) == 1 && read(maker.from, &answer, 1) == 1);
	service_set(target_inode());
}

UNIT_USED_ static void play_end(void)
{
	maker_stop();
	buf_done(&old_tree);
	buf_done(&new_tree);
	EXPECT_INT(shell("rm -rf p template service db"), 0);
}

static struct restore_options play_options(void)
{
	static char target[200], archive[200];

	snprintf(target, sizeof(target), "%s", fixture_path("p/data"));
	snprintf(archive, sizeof(archive), "%s", fixture_path("in/x.tgz"));
	return (struct restore_options){ .target = target,
					 .archive = archive,
					 .service = &fixture_service };
}

UNIT_USED_ static bool tree_is(const char *name, const struct buf *expected)
{
	_cleanup_(buf_done) struct buf found = BUF_INIT(TREE_MAX);

	tree_read(name, &found);
	return found.len == expected->len &&
	       memcmp(buf_str(&found), buf_str(expected), found.len) == 0;
}

/* The path of the tree that was kept, from the fixture's top; "" if there is none. */
UNIT_USED_ static const char *kept_tree(void)
{
	static char path[400];
	DIR *d = opendir(fixture_path("p"));

	path[0] = '\0';
	for (const struct dirent *e; d && (e = readdir(d));)
		if (strncmp(e->d_name, "data.isamon-before-", 19) == 0)
			snprintf(path, sizeof(path), "p/%s", e->d_name);
	if (d)
		closedir(d);
	return path;
}

#endif
