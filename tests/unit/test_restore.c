/* SPDX-License-Identifier: MIT */
/* A restore that nothing cuts off: what comes of it, one at a time, and what is removed afterwards. */
#include "unit.h"

#include "restore_whole.h"

#include <sys/mount.h>
#include <sys/resource.h>

static void put_in_place(void)
{
	struct restore_options o = play_options();

	play_begin("");
	EXPECT_INT(begin_with(&o), 0);
	EXPECT_STR(buf_str(&why), "");
	EXPECT_INT(result.end, RESTORE_DONE);
	EXPECT(tree_is("p/data", &new_tree));
	EXPECT(tree_is(kept_tree(), &old_tree));
	EXPECT_INT(fixture_count("p"), 2);
	EXPECT_UINT(result.databases, 1);
	EXPECT_HAS(result.kept, "p/data.isamon-before-");
	EXPECT(access(result.kept, F_OK) == 0);
	EXPECT(!result.has_manifest && !result.service_down);
	EXPECT(service_tree() == target_inode());
}

static void slash_at_the_end(void)
{
	struct restore_options o = play_options();
	char target[220];

	play_begin("");
	snprintf(target, sizeof(target), "%s//", o.target);
	o.target = target;
	EXPECT_INT(begin_with(&o), 0);
	EXPECT(access(result.kept, F_OK) == 0);
}

static void nothing_there_before(void)
{
	struct restore_options o = play_options();

	play_begin("");
	EXPECT_INT(shell("rm -r p/data"), 0);
	service_set(0);
	EXPECT_INT(begin_with(&o), 0);
	EXPECT(tree_is("p/data", &new_tree));
	EXPECT_STR(result.kept, "");
	EXPECT_INT(fixture_count("p"), 1);
	EXPECT(!service_tree()); /* it was stopped, and stays so */
}

static void not_well(void)
{
	struct restore_options o = play_options();

	play_begin("touch bad;");
	EXPECT_INT(begin_with(&o), -EHOSTDOWN);
	EXPECT_STR(buf_str(&why), "it is not well");
	EXPECT_INT(result.end, RESTORE_ROLLED_BACK);
	EXPECT(!result.service_down);
	EXPECT(nothing_was_done());
}

/* Not even with the old tree: the trees are back all the same, and it is told. */
static void never_well(void)
{
	struct restore_options o = play_options();

	play_begin("touch bad;");
	EXPECT_INT(shell("touch p/data/bad"), 0);
	EXPECT_INT(begin_with(&o), -EHOSTDOWN);
	EXPECT(result.service_down);
	EXPECT_HAS(buf_str(&why), "does not come up with the old directory either");
	EXPECT_INT(result.end, RESTORE_ROLLED_BACK);
	EXPECT_INT(fixture_count("p"), 1);
}

static void cannot_be_stopped(void)
{
	struct restore_options o = play_options();

	play_begin("");
	EXPECT_INT(shell("touch no-stop"), 0);
	EXPECT_INT(begin_with(&o), -ETIMEDOUT);
	EXPECT_STR(buf_str(&why), "it is stubborn");
	EXPECT_INT(result.end, RESTORE_NOTHING);
	EXPECT(nothing_was_done());
}

static int start_stubborn(struct buf *text, void *ctx)
{
	(void)ctx;
	service_set(target_inode());
	EXPECT_INT(shell("touch no-stop"), 0);
	buf_printf(text, "it hangs");
	return -ETIMEDOUT;
}

/* Going back needs it stopped, too: it is unfinished until it can be. */
static void cannot_be_stopped_for_going_back(void)
{
	static const struct restore_service stubborn = { .runs = service_runs,
							 .stop = service_stop,
							 .start = start_stubborn };
	struct restore_options o = play_options();
	struct restore_status status;

	play_begin("");
	o.service = &stubborn;
	EXPECT_INT(begin_with(&o), -ETIMEDOUT);
	EXPECT_INT(result.end, RESTORE_UNFINISHED);
	EXPECT_HAS(buf_str(&why),
		   "it hangs\nthe service cannot be stopped for going back: it is stubborn");
	EXPECT(tree_is("p/data", &new_tree));
	EXPECT_INT(restore_look(o.target, &status), 0);
	EXPECT(status.unfinished && !status.working);
	EXPECT_STR(status.step, "undo");
	EXPECT_STR(status.archive, o.archive);
	EXPECT_INT(unlink(fixture_path("no-stop")), 0);
	o.service = &fixture_service;
	buf_reset(&why);
	EXPECT_INT(restore_abort(&o, &why, &result), 0);
	EXPECT_INT(result.end, RESTORE_ROLLED_BACK);
	EXPECT(nothing_was_done());
	EXPECT_INT(restore_abort(&o, &why, &result), -ENOENT);
	EXPECT_HAS(buf_str(&why), "is unfinished");
	EXPECT_INT(restore_resume(&o, &why, &result), -ENOENT);
}

static bool always(void *ctx)
{
	(void)ctx;
	return true;
}

static void stopped_by_hand(void)
{
	struct restore_options o = play_options();

	play_begin("");
	o.stop_asked = always;
	EXPECT_INT(begin_with(&o), -ECANCELED);
	EXPECT(nothing_was_done());
}

static void only_tried(void)
{
	struct restore_options o = play_options();

	play_begin("");
	o.dry_run = true;
	EXPECT_INT(begin_with(&o), 0);
	EXPECT_INT(result.end, RESTORE_NOTHING);
	EXPECT(result.files > 2 && result.databases == 1);
	EXPECT(nothing_was_done());
}

static void owner_of_the_target(void)
{
	struct restore_options o = play_options();

	play_begin("");
	o.owner_of_target = true;
	EXPECT_INT(begin_with(&o), 0);
	if (geteuid() != 0)
		unit_skip("needs root");
	else
		EXPECT_INT(shell("test -z \"$(find p/data ! -user 12 -o ! -group 34)\""), 0);
}

static int cut_off(struct buf *text, void *ctx)
{
	(void)text;
	(void)ctx;
	_exit(0);
}

/* Not unasked; and if asked, one that is gone on with knows it, too. */
static void setuid_and_setgid(void)
{
	static const struct restore_service ends = { .runs = service_runs,
						     .stop = cut_off,
						     .start = service_start };
	struct restore_options o = play_options();
	pid_t pid;

	play_begin("chmod 6755 a; chmod 2755 cache;");
	EXPECT_INT(begin_with(&o), -EPERM);
	EXPECT_HAS(buf_str(&why), "a: a setuid or setgid file (isamon restore --allow-setuid");
	EXPECT(nothing_was_done());
	o.allow_setuid = true;
	pid = fork();
	if (pid == 0) {
		o.service = &ends;
		begin_with(&o);
		_exit(1);
	}
	EXPECT(pid > 0 && waitpid(pid, NULL, 0) == pid);
	EXPECT_INT(shell("sed -i 's/\"exchange\"/\"stage\"/' p/.data.isamon-restore/journal"), 0);
	o.allow_setuid = false;
	buf_reset(&why);
	EXPECT_INT(restore_resume(&o, &why, &result), 0);
	EXPECT_STR(buf_str(&why), "");
	EXPECT(tree_is("p/data", &new_tree));
	EXPECT_INT(shell("test $(stat -c %a p/data/a) = 6755"), 0);
}

/* --- one at a time, and afterwards */

static void another_is_at_it(void)
{
	struct restore_options o = play_options();
	struct restore_status status;
	int fd;

	play_begin("");
	EXPECT_INT(shell("mkdir -m 700 p/.data.isamon-restore"), 0);
	fd = open(fixture_path("p/.data.isamon-restore"), O_RDONLY | O_CLOEXEC);
	EXPECT_INT(flock(fd, LOCK_EX), 0);
	EXPECT_INT(begin_with(&o), -EBUSY);
	EXPECT_HAS(buf_str(&why), "another restore of data is under way");
	close(fd);
	/* Nobody is any more, and it wrote no journal: what it left means nothing. */
	EXPECT_INT(shell("mkdir p/.data.isamon-restore/new"), 0);
	EXPECT_INT(restore_look(o.target, &status), 0);
	EXPECT(!status.unfinished);
	EXPECT_INT(begin_with(&o), 0);
	EXPECT_INT(fixture_count("p"), 2);
}

static void another_directory_there(void)
{
	struct restore_options o = play_options();

	play_begin("");
	EXPECT_INT(begin_with(&o), 0);
	/* As if it had been cut off at the start, and then somebody else's hands were at it. */
	EXPECT_INT(
		shell("mkdir -m 700 p/.data.isamon-restore; echo '{\"isamon_restore\":1,\"id\":\"20260101-000000\","
		      "\"step\":\"start\",\"target\":\"/t\",\"archive\":\"/a\",\"old_inode\":1,\"new_inode\":2,"
		      "\"owner_of_target\":false,\"alone\":true,\"ran_known\":false,\"ran\":false}' "
		      ">p/.data.isamon-restore/journal"),
		0);
	EXPECT_INT(begin_with(&o), -EBUSY);
	EXPECT_HAS(buf_str(&why), "is unfinished, since 20260101-000000");
	EXPECT_INT(result.end, RESTORE_UNFINISHED);
	buf_reset(&why);
	EXPECT_INT(restore_abort(&o, &why, &result), -ESTALE);
	EXPECT_HAS(buf_str(&why), "is not the one that was here");
	EXPECT_INT(result.end, RESTORE_UNFINISHED);
	EXPECT(tree_is("p/data", &new_tree));
}

/* Cut off before the exchange, and then somebody put another directory there: that stays, and the next restore is not in the way of it. */
static void replaced_by_hand(void)
{
	static const struct restore_service ends = { .runs = service_runs,
						     .stop = cut_off,
						     .start = service_start };
	struct restore_options o = play_options();
	pid_t pid;

	play_begin("");
	pid = fork();
	if (pid == 0) {
		o.service = &ends;
		begin_with(&o);
		_exit(1);
	}
	EXPECT(pid > 0 && waitpid(pid, NULL, 0) == pid);
	EXPECT_INT(
		shell("cd p; test -e .data.isamon-restore/journal; mv data ../moved; mkdir data; echo by hand >data/h"),
		0);
	service_set(target_inode());
	buf_reset(&why);
	EXPECT_INT(restore_resume(&o, &why, &result), -ESTALE);
	EXPECT_INT(result.end, RESTORE_NOTHING);
	EXPECT_INT(shell("grep -q hand p/data/h"), 0);
	EXPECT_INT(fixture_count("p"), 1);
	buf_reset(&why);
	EXPECT_INT(restore_abort(&o, &why, &result), -ENOENT);
	EXPECT_INT(begin_with(&o), 0);
	EXPECT(tree_is("p/data", &new_tree));
	EXPECT_INT(shell("rm -r moved"), 0);
}

/* When what is made now has been kept for long enough. */
static int64_t a_day_on(void)
{
	return time(NULL) + RESTORE_KEEP_S + 1;
}

static bool is_kept(int64_t now_s)
{
	struct restore_options o = play_options();
	unsigned int n = 0;

	buf_reset(&why);
	EXPECT_INT(restore_forget(o.target, now_s, RESTORE_KEEP_S, &why, &n), 0);
	return n == 0;
}

/* Cut off on one day, gone on with on another: the day for which the old tree is kept begins when it is done. */
static void kept_from_its_end_on(void)
{
	static const char kept[] = "p/data.isamon-before-20260101-000000";
	struct restore_options o = play_options();
	struct stat before, after;

	play_begin("");
	o.service = NULL;
	service_set(0);
	EXPECT_INT(begin_with(&o), 0);
	EXPECT_INT(
		shell("cd p; mv data.isamon-before-* data.isamon-before-20260101-000000; mkdir -m 700 .data.isamon-restore; "
		      "printf '{\"isamon_restore\":1,\"id\":\"20260101-000000\",\"step\":\"start\",\"target\":\"/t\","
		      "\"archive\":\"/a\",\"old_inode\":%s,\"new_inode\":%s}' "
		      "$(stat -c %i data.isamon-before-20260101-000000 data) >.data.isamon-restore/journal"),
		0);
	EXPECT_INT(stat(fixture_path(kept), &before), 0);
	usleep(20000); /* the kernel's clock of files ticks */
	buf_reset(&why);
	EXPECT_INT(restore_resume(&o, &why, &result), 0);
	EXPECT_INT(result.end, RESTORE_DONE);
	EXPECT_INT(stat(fixture_path(kept), &after), 0);
	EXPECT(memcmp(&before.st_ctim, &after.st_ctim, sizeof(before.st_ctim)) != 0);
	EXPECT(memcmp(&before.st_mtim, &after.st_mtim, sizeof(before.st_mtim)) == 0);
	EXPECT(is_kept(time(NULL)));
	EXPECT(tree_is(kept, &old_tree));
	EXPECT(!is_kept(a_day_on()));
	EXPECT_INT(fixture_count("p"), 1);
}

static void forgotten(void)
{
	struct restore_options o = play_options();
	unsigned int n = 9;

	play_begin("");
	EXPECT_INT(
		shell("cd p; for i in data.isamon-before-20260101-000000 data.isamon-before-20260101-000001 "
		      "data.isamon-before-x data.isamon-before-20260101-000000x other.isamon-before-20260101-000000; "
		      "do cp -a data $i; done; ln -s /etc data.isamon-before-20250101-000000"),
		0);
	buf_reset(&why);
	/* A symbolic link of that form is none of ours: told, and left. */
	EXPECT_INT(restore_forget(o.target, a_day_on(), RESTORE_KEEP_S, &why, &n), -ENOTDIR);
	EXPECT_UINT(n, 2);
	EXPECT_INT(
		shell("cd p; test -L data.isamon-before-20250101-000000; rm data.isamon-before-20250101-000000; "
		      "test ! -e data.isamon-before-20260101-000000; test ! -e data.isamon-before-20260101-000001"),
		0);
	EXPECT_INT(fixture_count("p"), 4);
	EXPECT(tree_is("p/data", &old_tree));
}

static void deep_trees_are_removed(void)
{
	struct restore_options o = play_options();
	struct rlimit limit, less;
	unsigned int n = 0;

	play_begin("");
	EXPECT_INT(
		shell("mkdir p/data.isamon-before-20260101-000000; cd p/data.isamon-before-20260101-000000; "
		      "i=0; while [ $i -lt 1200 ]; do mkdir d e; cd -P d; i=$((i + 1)); done; touch f"),
		0);
	EXPECT_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	less = limit;
	less.rlim_cur = 600;
	EXPECT_INT(setrlimit(RLIMIT_NOFILE, &less), 0);
	buf_reset(&why);
	EXPECT_INT(restore_forget(o.target, a_day_on(), 0, &why, &n), 0);
	EXPECT_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
	EXPECT_STR(buf_str(&why), "");
	EXPECT_UINT(n, 1);
	EXPECT_INT(fixture_count("p"), 1);
}

static void mounts_are_not_removed(void)
{
	struct restore_options o = play_options();
	unsigned int n = 0;

	play_begin("");
	EXPECT_INT(shell("mkdir -p p/data.isamon-before-20260101-000000/a/m"), 0);
	if (mount("none", fixture_path("p/data.isamon-before-20260101-000000/a/m"), "tmpfs", 0,
		  "size=1m")) {
		unit_skip("cannot mount");
		return;
	}
	EXPECT_INT(shell("touch p/data.isamon-before-20260101-000000/a/m/precious"), 0);
	buf_reset(&why);
	EXPECT_INT(restore_forget(o.target, a_day_on(), 0, &why, &n), -EBUSY);
	EXPECT_INT(access(fixture_path("p/data.isamon-before-20260101-000000/a/m/precious"), F_OK),
		   0);
	EXPECT_INT(umount(fixture_path("p/data.isamon-before-20260101-000000/a/m")), 0);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a backup is put in its place", put_in_place },
		{ "a slash at the end", slash_at_the_end },
		{ "nothing was there before", nothing_there_before },
		{ "a service that does not come up with it", not_well },
		{ "a service that does not come up at all", never_well },
		{ "a service that cannot be stopped", cannot_be_stopped },
		{ "a service that cannot be stopped for going back",
		  cannot_be_stopped_for_going_back },
		{ "stopped by hand", stopped_by_hand },
		{ "only tried", only_tried },
		{ "the owner of the target", owner_of_the_target },
		{ "setuid and setgid", setuid_and_setgid },
		{ "another is at it", another_is_at_it },
		{ "another directory is there", another_directory_there },
		{ "replaced by hand before the exchange", replaced_by_hand },
		{ "what was replaced is kept from the end of the restore on",
		  kept_from_its_end_on },
		{ "what was replaced is forgotten", forgotten },
		{ "deep trees are removed", deep_trees_are_removed },
		{ "mounts are not removed", mounts_are_not_removed },
	};
	int status;

	fixture_begin();
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	buf_done(&why);
	play_end();
	fixture_end();
	return status;
}
