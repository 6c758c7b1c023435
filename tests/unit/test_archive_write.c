/* SPDX-License-Identifier: MIT */
/* Archives as they are written: what plain tar makes of them, files that change, databases, failures. */
#include "archive_fixture.h"
#include "nomem.h"

static unsigned int writes, fail_write_at;

static ssize_t failing_write(int fd, const void *bytes, size_t n)
{
	if (++writes == fail_write_at) {
		errno = ENOSPC;
		return -1;
	}
	return write(fd, bytes, n);
}

static int touch_fd = -1;

/* Somebody writes to the file that is read, each time. */
static ssize_t touching_pread(int fd, void *to, size_t n, off_t at)
{
	if (touch_fd >= 0)
		EXPECT_INT(pwrite(touch_fd, "x", 1, at), 1);
	return pread(fd, to, n, at);
}

#define write failing_write
#include "../../userspace/base/file.c"
#define pread touching_pread
/* clang-format off: the first includes what the others need */
#include "../../userspace/care/file_list.c"
#define explain explain_write
#define same same_stat
#define step step_bytes
#define add_name add_name_of
#include "../../userspace/care/archive_source.c"
#undef step
#include "../../userspace/care/archive_write.c"
/* clang-format on */
#undef write
#undef pread
#undef same
#undef explain

static struct buf why = BUF_INIT(10000);

static int write_archive(const struct archive_write_options *o, struct archive_written *ret)
{
	struct archive_write_options own = *o;
	int fd = fixture_open("a.tgz", O_WRONLY | O_CREAT | O_TRUNC), err;
	char in[200], scratch[200];

	snprintf(in, sizeof(in), "%s", fixture_path("in"));
	snprintf(scratch, sizeof(scratch), "%s", fixture_path("scratch"));
	own.scratch = scratch;
	own.level = 6;
	buf_reset(&why);
	err = archive_write_tree(in, fd, &own, &why, ret);
	close(fd);
	EXPECT_INT(fixture_count("scratch"), 0);
	return err;
}

static const char make_tree[] =
	"cd in; mkdir -p d/e/f; echo hello > a; ln a d/hard; ln a d/e/hard2; ln -s /nowhere l; ln -s ../a d/rel;"
	"printf x > \"$(printf 'bad\\377\\376name')\"; printf y > \"$(printf '\\303\\274ml\\303\\244ut')\";"
	"printf 'q\\n' > \"$(printf 'new\\nline')\"; : > empty; printf z > ' -rf'; printf '%0200d' 0 > lots;"
	"printf z > $(printf '%0250d' 1); mkdir -p $(printf '%0100d/%0100d/%0100d' 1 2 3);"
	"printf d > $(printf '%0100d/%0100d/%0100d' 1 2 3)/deep; head -c 3000000 /dev/urandom > big;"
	"truncate -s 5M sparse; printf data | dd of=sparse bs=1 seek=3000000 conv=notrunc status=none;"
	"truncate -s 3M hole; chmod 1777 d/e; chmod 0400 lots; chmod 0500 d/e/f; chmod 6755 empty;"
	"if [ $(id -u) = 0 ]; then chown 12345:54321 big; chown -h 1:2 l; chown 3000000:4000000 d/e; fi;"
	"touch -d '2020-01-01 00:00:00.123456789' big d/e/f; touch -h -d '2001-02-03 04:05:06' l;"
	"touch -d '2100-01-01' lots; touch -d '1969-12-31 23:59:00 UTC' ' -rf'; touch -d '2021-01-01' sparse hole; touch -d '2022-02-02' d .";

/* Everything that find can tell, but of the manifest. */
static const char compare_trees[] =
	"list() { (cd $1; find . ! -name .isamon-manifest.json -printf '%p %y %m %U %G %s %T@ %n %l\\n' | sort); };"
	"list in > list.in; cp list.in /dev/null; touch -r in out; list out > list.out; cmp list.in list.out;"
	"diff -r --no-dereference -x .isamon-manifest.json in out";

static void plain_tar_restores(void)
{
	struct archive_write_options o = { .host = "here" };
	struct archive_written w;
	char hash[80] = "";
	int fd;

	fixture_begin();
	REQUIRE_INT(shell(make_tree), 0);
	EXPECT_INT(write_archive(&o, &w), 0);
	EXPECT_STR(buf_str(&why), "");
	EXPECT_INT(shell("tar -C out -xpzf a.tgz 2> tar.err"), 0);
	EXPECT_INT(shell(compare_trees), 0);
	EXPECT_INT(
		shell("test $(stat -c %b out/sparse) -lt 1000; test $(stat -c %b out/hole) -lt 1000"),
		0);
	EXPECT_INT(shell("! grep -vE 'hdrcharset|implausibly|in the future' tar.err"), 0);
	EXPECT_UINT(w.directories, 7);
	EXPECT_UINT(w.links, 4);
	EXPECT_UINT(w.n_changed + w.n_skipped + w.n_damaged, 0);
	EXPECT_INT(shell("sha256sum < a.tgz | cut -c1-64 | tr -d '\\n' > hash"), 0);
	fd = fixture_open("hash", O_RDONLY);
	EXPECT_INT(read(fd, hash, sizeof(hash) - 1), 64);
	close(fd);
	EXPECT_STR(w.sha256, hash);
	/* every file's hash, as sha256sum has it */
	EXPECT_INT(
		shell("cd out; grep -c '\"kind\":\"file\"' .isamon-manifest.json > ../n;"
		      "for f in a big sparse hole empty lots; do h=$(sha256sum < $f | cut -c1-64);"
		      "grep -q \"\\\"path\\\":\\\"$f\\\",\\\"size\\\":[0-9]*,\\\"sha256\\\":\\\"$h\\\"\" .isamon-manifest.json; done;"
		      "grep -q '\"path_hex\":\"626164fffe6e616d65\"' .isamon-manifest.json;"
		      "test $(cat ../n) = $(find ../in -type f -links 1 -printf x | wc -c | awk '{print $1 + 1}')"),
		0);
	archive_written_done(&w);
	fixture_end();
}

/* A copy that is nobody else's, such as that of a database, is not copied again: on a disk with room for one of them. */
static void own_files_are_not_copied(void)
{
	struct archive_source *s = NULL;
	unsigned char bytes[4096];
	uint64_t n = 0;
	ssize_t got;
	int fd;

	fixture_begin();
	REQUIRE_INT(shell("head -c 3000000 /dev/urandom >in/big"), 0);
	fd = fixture_open("in/big", O_RDONLY);
	REQUIRE_INT(archive_source_new(&s), 0);
	EXPECT_INT(archive_source_take(s, fd, NULL), 0);
	EXPECT_INT(s->spool_fd, -1);
	while ((got = archive_source_read(s, bytes, sizeof(bytes))) > 0)
		n += (uint64_t)got;
	EXPECT_UINT(n, 3000000);
	EXPECT_INT(archive_source_end(s), 0);
	EXPECT(!s->changed);
	/* One that others may write to is. */
	EXPECT_INT(archive_source_take(s, fd, fixture_path("scratch")), 0);
	EXPECT(s->spool_fd >= 0);
	archive_source_free(s);
	close(fd);
	fixture_end();
}

static int ends_within(const char *path, uint64_t bytes, void *ctx)
{
	unsigned int *told = ctx;

	if (strcmp(path, "big") == 0 && ++*told == 3)
		EXPECT(bytes > 0);
	return *told == 3 ? -ECANCELED : 0;
}

/* A long file need not be waited for. */
static void ended_within_a_file(void)
{
	unsigned int told = 0;
	const struct archive_write_options o = { .progress = ends_within, .ctx = &told };
	struct archive_written w;

	fixture_begin();
	REQUIRE_INT(shell("truncate -s 100M in/big"), 0);
	EXPECT_INT(write_archive(&o, &w), -ECANCELED);
	EXPECT_UINT(told, 3);
	archive_written_done(&w);
	fixture_end();
}

static void attributes_are_kept(void)
{
	struct archive_write_options o = { 0 };
	struct archive_written w;

	fixture_begin();
	if (shell("cd in; mkdir d; echo x > d/f; setfattr -n user.k -v value d/f && setfattr -n user.dir -v 1 d &&"
		  "setfacl -m u:daemon:rw,g:12345:r d/f && setfacl -d -m u:daemon:rx d") != 0) {
		unit_skip("no attributes or ACLs here");
	} else {
		EXPECT_INT(write_archive(&o, &w), 0);
		EXPECT_INT(
			shell("tar -C out --xattrs --acls -xpzf a.tgz 2> tar.err; ! grep . tar.err"),
			0);
		EXPECT_INT(
			shell("look() { (cd $1; getfattr -d d d/f; getfacl -n d d/f); };"
			      "look in > 1; look out > 2; cmp 1 2; grep -q 'user.k=\"value\"' 2; grep -q default:user 2"),
			0);
		archive_written_done(&w);
	}
	fixture_end();
}

static void names_what_it_skips(void)
{
	static const char *const patterns[] = { "*.pyc" };
	struct file_list_options list = { .exclude = patterns, .n_exclude = 1 };
	struct archive_write_options o = { .list = &list };
	struct archive_written w;

	fixture_begin();
	EXPECT_INT(shell("cd in; mkfifo pipe; : > x.pyc; echo old > .isamon-manifest.json"), 0);
	EXPECT_INT(write_archive(&o, &w), 0);
	EXPECT_STR(buf_str(&w.skipped), "pipe: a FIFO\n");
	EXPECT_UINT(w.n_skipped, 1);
	EXPECT_INT(
		shell("tar -tzf a.tgz > names; printf './\\n./.isamon-manifest.json\\n' | cmp - names"),
		0);
	archive_written_done(&w);
	fixture_end();
}

static void names_what_changes(void)
{
	struct archive_write_options o = { 0 };
	struct archive_written w;

	fixture_begin();
	EXPECT_INT(shell("cd in; head -c 2000000 /dev/zero > busy; sleep 0.05"), 0);
	touch_fd = fixture_open("in/busy", O_WRONLY);
	EXPECT_INT(write_archive(&o, &w), 0);
	close(touch_fd);
	touch_fd = -1;
	EXPECT_STR(buf_str(&w.changed), "busy\n");
	EXPECT_UINT(w.n_changed, 1);
	EXPECT_INT(shell("tar -C out -xzf a.tgz; cd out; h=$(sha256sum < busy | cut -c1-64);"
			 "grep -q $h .isamon-manifest.json; test $(wc -c < busy) = 2000000"),
		   0);
	archive_written_done(&w);
	fixture_end();
}

/* Stands for database_copy(): what the archive does with its answers. */
static int copy_err;

static int copy_fake(const char *path, const char *to, struct buf *text, void *ctx)
{
	int fd = copy_err ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	EXPECT(ctx == &copy_err && strstr(path, "/in/sub/app.db"));
	if (copy_err)
		buf_printf(text, "it is so");
	if (fd >= 0) {
		EXPECT_INT(write(fd, "SQLite format 3\0copy", 20), 20);
		close(fd);
	}
	return copy_err;
}

static void databases_are_copied(void)
{
	struct archive_write_options o = { .copy_database = copy_fake, .ctx = &copy_err };
	struct archive_written w;

	fixture_begin();
	EXPECT_INT(
		shell("mkdir in/sub; cd in/sub; printf 'SQLite format 3\\000live' > app.db; chmod 640 app.db; echo w > app.db-wal;"
		      "echo s > app.db-shm; echo o > other-wal; echo p > app.db2"),
		0);
	copy_err = 0;
	EXPECT_INT(write_archive(&o, &w), 0);
	EXPECT_UINT(w.databases, 1);
	EXPECT_UINT(w.files, 3);
	EXPECT_INT(
		shell("tar -C out -xzf a.tgz; cd out/sub; test \"$(tr -d '\\000' < app.db)\" = 'SQLite format 3copy';"
		      "test $(stat -c %a app.db) = 640; test \"$(ls)\" = \"$(printf 'app.db\\napp.db2\\nother-wal')\";"
		      "grep -q '\"path\":\"sub/app.db\".*\"database\":\"ok\"' ../.isamon-manifest.json"),
		0);
	archive_written_done(&w);
	copy_err = -EBADMSG;
	EXPECT_INT(write_archive(&o, &w), 0);
	EXPECT_STR(buf_str(&w.damaged), "sub/app.db: it is so\n");
	EXPECT_UINT(w.databases, 0);
	EXPECT_INT(shell("tar -C out -xzf a.tgz; cmp out/sub/app.db in/sub/app.db"), 0);
	archive_written_done(&w);
	copy_err = -EBUSY;
	EXPECT_INT(write_archive(&o, &w), -EBUSY);
	EXPECT_STR(buf_str(&why), "it is so");
	archive_written_done(&w);
	fixture_end();
}

static int stop_at_c(const char *path, uint64_t bytes, void *ctx)
{
	(void)bytes;
	(void)ctx;
	return strcmp(path, "c") == 0 ? -ECANCELED : 0;
}

static void says_what_fails(void)
{
	struct archive_write_options o = { .progress = stop_at_c };
	struct archive_written w;
	int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);

	fixture_begin();
	EXPECT_INT(shell("cd in; for f in a b c d; do echo $f > $f; done"), 0);
	EXPECT_INT(write_archive(&o, &w), -ECANCELED);
	EXPECT_UINT(w.files, 2);
	archive_written_done(&w);
	o.progress = NULL;
	o.scratch = fixture_path("scratch");
	o.level = 1;
	buf_reset(&why);
	EXPECT_INT(archive_write_tree(fixture_path("in"), fd, &o, &why, &w), -ENOSPC);
	EXPECT_STR(buf_str(&why), "cannot write the archive: No space left on device");
	archive_written_done(&w);
	buf_reset(&why);
	EXPECT_INT(archive_write_tree(fixture_path("nothing"), fd, &o, &why, &w), -ENOENT);
	EXPECT_HAS(buf_str(&why), "cannot open ");
	archive_written_done(&w);
	buf_reset(&why);
	o.scratch = "/nowhere";
	EXPECT_INT(archive_write_tree(fixture_path("in"), fd, &o, &why, &w), -ENOENT);
	EXPECT_STR(buf_str(&why), "cannot make a directory in /nowhere: No such file or directory");
	archive_written_done(&w);
	close(fd);
	fixture_end();
}

/* Until a round has fewer writes than the one that should have failed. */
static void survives_failing_writes(void)
{
	struct archive_write_options o = { .n_threads = 1 };
	struct archive_written w;
	int err = -1;

	fixture_begin();
	EXPECT_INT(shell("cd in; head -c 1500000 /dev/urandom > a; echo b > b"), 0);
	for (fail_write_at = 1; err && fail_write_at < 100; fail_write_at++) {
		writes = 0;
		err = write_archive(&o, &w);
		EXPECT_INT(err, writes >= fail_write_at ? -ENOSPC : 0);
		EXPECT(!err || strstr(buf_str(&why), "No space left"));
		archive_written_done(&w);
	}
	EXPECT(fail_write_at > 3 && fail_write_at < 100);
	fail_write_at = 0;
	fixture_end();
}

static void survives_no_memory(void)
{
	struct archive_write_options o = { .n_threads = 1 };
	struct archive_written w;
	int err;

	fixture_begin();
	EXPECT_INT(shell("cd in; mkdir d; echo a > a; ln a d/b"), 0);
	for (unsigned int n = 1; nomem_again(n); n++) {
		err = write_archive(&o, &w);
		if (nomem_hit())
			EXPECT_INT(err, -ENOMEM);
		else
			EXPECT_INT(err, 0);
		archive_written_done(&w);
	}
	EXPECT_INT(shell("gzip -t a.tgz"), 0);
	fixture_end();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "plain tar restores names, kinds, modes, owners, times, links and holes",
		  plain_tar_restores },
		{ "tar --xattrs --acls restores attributes and ACLs", attributes_are_kept },
		{ "ended within a long file", ended_within_a_file },
		{ "what is nobody else's is not copied again", own_files_are_not_copied },
		{ "what is skipped is named; an old manifest is no file", names_what_it_skips },
		{ "a file that changes all the time is taken, and named", names_what_changes },
		{ "a database is copied, without its log; a damaged one is taken as it is",
		  databases_are_copied },
		{ "what fails is said", says_what_fails },
		{ "any write may fail", survives_failing_writes },
		{ "no memory is an error, and nothing leaks", survives_no_memory },
	};

	umask(022);
	setenv("LC_ALL", "C", 1);
	unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	buf_done(&why);
	return unit_finish();
}
