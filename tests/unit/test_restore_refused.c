/* SPDX-License-Identifier: MIT */
/* What is not restored, and what is not restored to: nothing is changed then, and it is told why. */
#include "unit.h"

#include "restore_whole.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>

static const struct {
	const char *name, *prepare; /* shell */
	int err;
	const char *why;
} refusals[] = {
	{ "no archive", "rm in/x.tgz", -ENOENT, "x.tgz: No such file" },
	{ "an archive that ends early", "truncate -s 400 in/x.tgz", -EBADMSG, "" },
	{ "an archive that is none", "echo hello >in/x.tgz", -EBADMSG, "" },
	{ "an archive that is a FIFO", "rm in/x.tgz; mkfifo in/x.tgz", -EINVAL, "not a file" },
	{ "a database that is damaged",
	  "dd if=/dev/zero of=in/t/production.db bs=512 seek=3 count=9 conv=notrunc 2>/dev/null; tar -czf in/x.tgz -C in/t .",
	  -EBADMSG, "the database production.db" },
	{ "a name that leads out", "tar -czPf in/x.tgz --transform 's,^a$,../../a,' -C in/t a",
	  -EPERM, "" },
	{ "a target that is a symbolic link", "mv p/data p/real; ln -s real p/data", -EINVAL,
	  "is a symbolic link" },
	{ "a target that is a file", "rm -r p/data; touch p/data", -EINVAL, "is not a directory" },
	{ "a work directory of somebody else", "mkdir -m 755 p/.data.isamon-restore", -EPERM,
	  "open to others" },
	{ "a work directory that is a link", "mkdir -m 700 w; ln -s ../w p/.data.isamon-restore",
	  -ENOTDIR, "" },
	{ "a journal that is none",
	  "mkdir -m 700 p/.data.isamon-restore; echo {} >p/.data.isamon-restore/journal", -EBADMSG,
	  "is no journal of a restore" },
};

static void refused(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		struct restore_options o = play_options();
		_cleanup_(buf_done) struct buf before = BUF_INIT(TREE_MAX);

		unit_begin("refused: %s", refusals[i].name);
		play_prepare("");
		play_prepare(i % 2 ? ":;" :
				     ": ;"); /* made anew: the one before may have changed it */
		play_begin(i % 2 ? ":;" : ": ;");
		EXPECT_INT(shell(refusals[i].prepare), 0);
		tree_read("p", &before);
		EXPECT_INT(begin_with(&o), refusals[i].err);
		EXPECT(why.len > 0);
		EXPECT_HAS(buf_str(&why), refusals[i].why);
		EXPECT(result.end == RESTORE_NOTHING);
		EXPECT(tree_is("p", &before));
		EXPECT_INT(shell("rm -rf w"), 0);
	}
	unit_end();
}

static void archive_in_the_target(void)
{
	struct restore_options o = play_options();
	char archive[220];

	play_begin("");
	EXPECT_INT(shell("cp in/x.tgz p/data/cache/x.tgz"), 0);
	snprintf(archive, sizeof(archive), "%s/cache/x.tgz", o.target);
	o.archive = archive;
	EXPECT_INT(begin_with(&o), -EINVAL);
	EXPECT_HAS(buf_str(&why), "in the directory that it would replace");
}

/* A day later they would be removed with it. */
static void backups_in_the_target(void)
{
	struct restore_options o = play_options();
	char backups[220];

	play_begin("");
	snprintf(backups, sizeof(backups), "%s/cache/deep", o.target);
	o.backups = backups;
	EXPECT_INT(begin_with(&o), -EINVAL);
	EXPECT_HAS(buf_str(&why), "the backups lie in the directory that would be replaced");
	EXPECT(nothing_was_done());
	snprintf(backups, sizeof(backups), "%s/../../backups", o.target); /* there is none */
	o.dry_run = true;
	EXPECT_INT(begin_with(&o), 0);
	snprintf(backups, sizeof(backups), "%s", fixture_path("in"));
	EXPECT_INT(begin_with(&o), 0);
}

static void a_path_that_is_no_text(void)
{
	struct restore_options o = play_options();
	char target[220];

	play_begin("");
	snprintf(target, sizeof(target), "%s\xff", o.target);
	o.target = target;
	EXPECT_INT(begin_with(&o), -EINVAL);
	EXPECT_HAS(buf_str(&why), "a path is not UTF-8");
	EXPECT_INT(fixture_count("p"), 1);
}

static void targets_that_are_none(void)
{
	static const char *const targets[] = { "", "/", "data", "/tmp/..", "/tmp/." };
	struct restore_options o = play_options();

	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		o.target = targets[i];
		EXPECT_INT(begin_with(&o), -EINVAL);
		EXPECT(why.len > 0);
	}
}

static void mounts(void)
{
	struct restore_options o = play_options();

	play_begin("");
	if (mount("none", fixture_path("p/data/cache"), "tmpfs", 0, "size=1m")) {
		unit_skip("cannot mount");
		return;
	}
	EXPECT_INT(begin_with(&o), -EINVAL);
	EXPECT_HAS(buf_str(&why), "mounted in it, at cache:");
	EXPECT_INT(umount(fixture_path("p/data/cache")), 0);
	REQUIRE_INT(mount("none", fixture_path("p/data"), "tmpfs", 0, "size=1m"), 0);
	EXPECT_INT(begin_with(&o), -EINVAL);
	EXPECT_HAS(buf_str(&why), "is a mount point");
	EXPECT_INT(umount(fixture_path("p/data")), 0);
	/* The same file system, mounted twice: its device does not tell. */
	EXPECT_INT(shell("mkdir -p other"), 0);
	REQUIRE_INT(mount(fixture_path("other"), fixture_path("p/data"), NULL, MS_BIND, NULL), 0);
	EXPECT_INT(begin_with(&o), -EINVAL);
	EXPECT_HAS(buf_str(&why), "is a mount point");
	EXPECT_INT(umount(fixture_path("p/data")), 0);
	EXPECT_INT(shell("rmdir other"), 0);
}

static void no_room(void)
{
	struct restore_options o = play_options();
	char target[220];

	play_begin("head -c 300000 /dev/zero >big;");
	EXPECT_INT(shell("mkdir -p small"), 0);
	if (mount("none", fixture_path("small"), "tmpfs", 0, "size=1m")) {
		unit_skip("cannot mount");
		return;
	}
	snprintf(target, sizeof(target), "%s", fixture_path("small/data"));
	o.target = target;
	EXPECT_INT(begin_with(&o), -ENOSPC);
	EXPECT_HAS(buf_str(&why), "not enough room beside the target");
	EXPECT_INT(fixture_count("small"), 0);
	EXPECT_INT(umount(fixture_path("small")), 0);
	EXPECT_INT(shell("rmdir small"), 0);
}

/* What is a hole in the archive is one on the disk. */
static void holes_need_no_room(void)
{
	struct restore_options o = play_options();
	char target[220];

	play_begin("");
	EXPECT_INT(
		shell("cp -a in/t in/s; truncate -s 100M in/s/hole; tar -S -czf in/x.tgz -C in/s .; rm -r in/s; mkdir -p small"),
		0);
	if (mount("none", fixture_path("small"), "tmpfs", 0, "size=24m")) {
		unit_skip("cannot mount");
		return;
	}
	snprintf(target, sizeof(target), "%s", fixture_path("small/data"));
	o.target = target;
	EXPECT_INT(begin_with(&o), 0);
	EXPECT_STR(buf_str(&why), "");
	EXPECT_INT(
		shell("test $(stat -c %s small/data/hole) = 104857600; test $(stat -c %b small/data/hole) -lt 100"),
		0);
	EXPECT_INT(umount(fixture_path("small")), 0);
	EXPECT_INT(shell("rmdir small"), 0);
	play_prepare(":;"); /* the archive as it was, for the next */
}

/* In the middle of unpacking. */
static void a_write_fails(void)
{
	struct restore_options o = play_options();
	struct rlimit limit, less;

	play_begin("head -c 300000 /dev/zero >big;");
	EXPECT_INT(getrlimit(RLIMIT_FSIZE, &limit), 0);
	less = limit;
	less.rlim_cur = 200000;
	signal(SIGXFSZ, SIG_IGN);
	EXPECT_INT(setrlimit(RLIMIT_FSIZE, &less), 0);
	EXPECT_INT(begin_with(&o), -EFBIG);
	EXPECT_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
	EXPECT_HAS(buf_str(&why), "big: File too large");
	EXPECT(nothing_was_done());
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, refused },
		{ "an archive in the target", archive_in_the_target },
		{ "the backups in the target", backups_in_the_target },
		{ "a path that is no text", a_path_that_is_no_text },
		{ "targets that are none", targets_that_are_none },
		{ "mounts", mounts },
		{ "no room", no_room },
		{ "holes need no room", holes_need_no_room },
		{ "a write that fails", a_write_fails },
	};
	int status;

	fixture_begin();
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	buf_done(&why);
	play_end();
	fixture_end();
	return status;
}
