/* SPDX-License-Identifier: MIT */
/* Drills of archives that plain tar makes: what can be restored is not called damaged, and nothing of it stays. */
#include "unit.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "archive_fixture.h"
#include "care/backup_drill.h"

static struct buf why = BUF_INIT(8192);
static struct backup_drilled found;

static uint64_t listed_bytes; /* what the catalogue says of its files; 0: not known */

/* Drills "b/x.tgz". */
static int drill(void)
{
	const struct backup_progress progress = { NULL, NULL };
	static char directory[200];
	struct catalogue_entry e = { .file = "x.tgz",
				     .file_bytes = listed_bytes,
				     .files = listed_bytes != 0 };
	struct backup_place place;
	int err;

	snprintf(directory, sizeof(directory), "%s", fixture_path("b"));
	buf_reset(&why);
	err = backup_place_open(directory, &why, &place);
	if (!err)
		err = backup_drill(&place, &e, &progress, &why, &found);
	backup_place_close(&place);
	return err;
}

/* @script makes b/x.tgz out of "in". */
static int drill_of(const char *script)
{
	EXPECT_INT(shell("chmod -R u+rwx in b 2>/dev/null || :; rm -rf in b; mkdir in b"), 0);
	EXPECT_INT(shell(script), 0);
	return drill();
}

static void whole(void)
{
	EXPECT_INT(
		drill_of("cd in; mkdir d; echo a >d/a; ln d/a b; ln -s d c; tar -czf ../b/x.tgz ."),
		0);
	EXPECT_STR(buf_str(&why), "");
	EXPECT_UINT(found.entries, 5);
	EXPECT_INT(fixture_count("b"), 2); /* and the lock */
}

/* tar makes the directories that are not told. */
static void directories_not_told(void)
{
	EXPECT_INT(
		drill_of(
			"cd in; mkdir -p d/e; echo a >d/e/a; echo b >b; tar -czf ../b/x.tgz d/e/a b"),
		0);
	EXPECT_STR(buf_str(&why), "");
}

static void directories_told_twice(void)
{
	EXPECT_INT(
		drill_of(
			"cd in; mkdir d; echo a >d/a; tar --no-recursion -czf ../b/x.tgz . d d/a ."),
		0);
	EXPECT_STR(buf_str(&why), "");
}

/* As RestrictSUIDSGID= of systemd does. */
static void forbid_setuid(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_fchmod, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, S_ISUID | S_ISGID, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { ARRAY_SIZE(filter), filter };

	EXPECT_INT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	EXPECT_INT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* What the unit may not set is no reason to call a good backup damaged. */
static void setuid_and_setgid(void)
{
	int status = -1;
	pid_t pid;

	EXPECT_INT(
		drill_of(
			"cd in; mkdir d; echo a >d/a; chmod 6755 d/a; chmod 2775 d; tar -czf ../b/x.tgz ."),
		0);
	EXPECT_STR(buf_str(&why), "");
	pid = fork();
	if (pid == 0) {
		forbid_setuid();
		_exit(drill() == 0 ? 0 : 1);
	}
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT_INT(status, 0);
}

/* Deeper than anything is looked at: that is said, and the next one works. */
static void deep(void)
{
	EXPECT_INT(
		drill_of(
			"cd in; i=0; while [ $i -lt 300 ]; do mkdir d; cd -P d; i=$((i + 1)); done; touch f; "
			"cd \"$OLDPWD\"; while [ ! -d b ]; do cd ..; done; tar -czf b/x.tgz -C in ."),
		-ENOTSUP);
	EXPECT_HAS(buf_str(&why), "is restored, but too deep to be looked at");
	EXPECT_INT(fixture_count("b"), 2);
	EXPECT_INT(shell("rm -rf in/d; cd in; touch f; tar -czf ../b/x.tgz ."), 0);
	EXPECT_INT(drill(), 0);
}

/* What is a hole needs no room: it is no reason not to try it, be it known how large the files are or not. */
static void holes_on_a_small_disk(void)
{
	EXPECT_INT(shell("rm -rf in b; mkdir in b"), 0);
	if (mount("none", fixture_path("b"), "tmpfs", 0, "size=40m")) {
		unit_skip("cannot mount a tmpfs");
		return;
	}
	EXPECT_INT(
		shell("cd in; truncate -s 10G a; echo x >>a; head -c 1000000 /dev/urandom >>a; tar -Sczf ../b/x.tgz a"),
		0);
	listed_bytes = (UINT64_C(10) << 30) + 1000002;
	EXPECT_INT(drill(), 0);
	EXPECT_STR(buf_str(&why), "");
	EXPECT_UINT(found.bytes, listed_bytes);
	/* And what is none does. */
	EXPECT_INT(shell("cd in; head -c 30000000 /dev/zero >a; tar -czf ../b/x.tgz a"), 0);
	listed_bytes = 30000000;
	EXPECT_INT(drill(), -ENOSPC);
	EXPECT_HAS(buf_str(&why), "no room: 44.6 MiB are needed");
	listed_bytes = 0;
	EXPECT_INT(drill(), -ENOSPC);
	EXPECT_HAS(buf_str(&why), "unpacks to more than may be (24.");
	EXPECT_INT(umount(fixture_path("b")), 0);
}

static void damaged(void)
{
	EXPECT_INT(
		drill_of(
			"cd in; head -c 100000 /dev/urandom >a; tar -czf ../b/y.tgz .; cd ../b; head -c 50000 y.tgz >x.tgz; rm y.tgz"),
		-EBADMSG);
	EXPECT_INT(fixture_count("b"), 2);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a whole tree", whole },
		{ "directories that are not told", directories_not_told },
		{ "directories that are told twice", directories_told_twice },
		{ "setuid and setgid", setuid_and_setgid },
		{ "a deep tree", deep },
		{ "holes on a small disk", holes_on_a_small_disk },
		{ "a damaged one", damaged },
	};
	int status;

	fixture_begin();
	status = unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	buf_done(&why);
	EXPECT_INT(shell("chmod -R u+rwx in b; rm -rf b"), 0);
	fixture_end();
	return status;
}
