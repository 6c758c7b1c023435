/* SPDX-License-Identifier: MIT */
/* Archives as they are read: ours and tar's, hostile and damaged ones. Nothing may appear outside of "out". */
#include "archive_fixture.h"
#include "nomem.h"

/* clang-format off: archive_read.c includes what is between them */
#include "../../userspace/care/archive_compare.c"
#include "../../userspace/care/archive_extract.c"
#include "../../userspace/care/archive_read.c"
#include "../../userspace/care/archive_verify.c"
/* clang-format on */
#include "care/archive_write.h"

/* of the tables */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

static struct buf why = BUF_INIT(10000);

static int read_archive(const char *name, bool extract, const struct archive_read_options *o,
			struct archive_was *ret)
{
	struct archive_read_options own = o ? *o : (struct archive_read_options){ 0 };
	int fd = fixture_open(name, O_RDONLY), out = fixture_open("out", O_RDONLY | O_DIRECTORY);
	char scratch[200];
	int err;

	snprintf(scratch, sizeof(scratch), "%s", fixture_path("scratch"));
	own.scratch = scratch;
	buf_reset(&why);
	err = extract ? archive_extract(fd, out, &own, &why, ret) :
			archive_verify(fd, &own, &why, ret);
	EXPECT((err != 0) == (why.len != 0));
	close(fd);
	close(out);
	EXPECT_INT(fixture_count("scratch"), 0);
	return err;
}

/* Without a result. */
static int try(const char *name, bool extract, const struct archive_read_options *o)
{
	struct archive_was was;
	int err = read_archive(name, extract, o, &was);

	archive_was_done(&was);
	return err;
}

static void write_ours(archive_copy_fn copy)
{
	struct archive_write_options o = { .level = 6, .host = "here", .copy_database = copy };
	struct archive_written w;
	int fd = fixture_open("a.tgz", O_WRONLY | O_CREAT | O_TRUNC);

	o.scratch = fixture_path("scratch");
	buf_reset(&why);
	EXPECT_INT(archive_write_tree(fixture_path("in"), fd, &o, &why, &w), 0);
	archive_written_done(&w);
	close(fd);
}

static const char make_tree[] =
	"cd in; mkdir -p d/e/f; echo hello > a; ln a d/hard; ln -s /nowhere l; ln -s ../a d/rel;"
	"printf x > \"$(printf 'bad\\377\\376name')\"; printf y > \"$(printf '\\303\\274ml')\"; : > empty;"
	"printf z > $(printf '%0250d' 1); mkdir -p $(printf '%0100d/%0100d/%0100d' 1 2 3);"
	"printf d > $(printf '%0100d/%0100d/%0100d' 1 2 3)/deep; head -c 300000 /dev/urandom > big;"
	"truncate -s 5M sparse; printf data | dd of=sparse bs=1 seek=3000000 conv=notrunc status=none; truncate -s 3M hole;"
	"if [ $(id -u) = 0 ]; then chown 12345:54321 big; chown -h 1:2 l; chown 3000000:4000000 d/e; fi;"
	"setfattr -n user.k -v v a && setfacl -m u:daemon:rw,g:12345:r big && setfacl -d -m u:daemon:rx d && mkdir d/with && : > d/with/acl || :;"
	"chmod 1777 d/e; chmod 0500 d/e/f; touch -d '2020-01-01 00:00:00.123456789' big d/e/f; touch -h -d '2001-02-03' l;"
	"touch -d '1969-12-31 23:59:00 UTC' empty; touch -d '2022-02-02' d .";

static const char compare_trees[] =
	"list() { (cd $1; find . -printf '%p %y %m %U %G %s %T@ %n %l\\n' | sort;"
	"if command -v getfacl > /dev/null; then getfacl -nR . || :; getfattr -Rd . || :; fi) 2> /dev/null; };"
	"list in > list.in; list out > list.out; diff list.in list.out; diff -r --no-dereference -x .isamon-manifest.json in out";

static void reads_ours(void)
{
	struct archive_read_options o = { 0 };
	struct archive_was was;

	fixture_begin();
	REQUIRE_INT(shell(make_tree), 0);
	write_ours(NULL);
	EXPECT_INT(read_archive("a.tgz", false, &o, &was), 0);
	EXPECT_STR(buf_str(&why), "");
	EXPECT(was.has_manifest);
	EXPECT_STR(was.host, "here");
	EXPECT(was.created_s > 1700000000);
	EXPECT_UINT(was.links, 3);
	EXPECT_INT(fixture_count("out"), 0);
	archive_was_done(&was);
	EXPECT_INT(try("a.tgz", true, &o), 0);
	EXPECT_STR(buf_str(&why), "");
	EXPECT_INT(shell(compare_trees), 0);
	EXPECT_INT(
		shell("test $(stat -c %b out/sparse) -lt 1000; test $(stat -c %b out/hole) -lt 1000"),
		0);
	EXPECT_INT(try("a.tgz", true, &o), -EEXIST);
	EXPECT_HAS(buf_str(&why), ": is there already");
	fixture_end();
}

static void reads_tars(void)
{
	static const char *const formats[] = { "gnu", "pax", "posix" };
	char script[2000];

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		unit_begin("reads what tar --format=%s makes", formats[i]);
		fixture_begin();
		snprintf(
			script, sizeof(script),
			"%s; cd ..; setfacl -Rbk in || :; setfattr -x user.k in/a || :;"
			"touch -d '2020-01-01' in/big in/d/e/f; [ %s != gnu ] || find in -exec touch -h -d '2020-01-01' {} +;"
			"tar --format=%s -czf t.tgz -C in . 2> /dev/null",
			make_tree, formats[i], formats[i]);
		EXPECT_INT(shell(script), 0);
		EXPECT_INT(try("t.tgz", false, NULL), 0);
		EXPECT_INT(try("t.tgz", true, NULL), 0);
		EXPECT_STR(buf_str(&why), "");
		EXPECT_INT(shell(compare_trees), 0);
		fixture_end();
	}
}

static const struct hostile {
	const char *name;
	struct tar_member members[3];
	int err;
	const char *why;
	bool only_extract; /* what is there already is seen only then */
} hostile[] = {
	{ "path traversal",
	  { { "../evil", '0', .text = "x" } },
	  -EPERM,
	  "../evil: its name has \"..\" in it" },
	{ "path traversal inside",
	  { { "a/../../evil", '0', .text = "x" } },
	  -EPERM,
	  "a/../../evil: " },
	{ "dots at the end", { { "a/..", '5' } }, -EPERM, "a/..: " },
	{ "absolute",
	  { { "/tmp/evil", '0', .text = "x" } },
	  -EPERM,
	  "/tmp/evil: an absolute name" },
	{ "no name", { { "", '0', .text = "x" } }, -EPERM, "has no name" },
	{ "symlink, then a file through it",
	  { { "l", '2', "../" }, { "l/evil", '0', .text = "x" } },
	  -EPERM,
	  "l/evil: goes through a symbolic link" },
	{ "symlink, then a directory in its place",
	  { { "l", '2', ".." }, { "l", '5', .mode = 0777 } },
	  -EPERM,
	  "l: goes through a symbolic link" },
	{ "symlink, then a file in its place",
	  { { "l", '2', "../evil" }, { "./l", '0', .text = "x" } },
	  -EPERM,
	  "l: goes through a symbolic link" },
	{ "symlink at the top",
	  { { ".", '2', "/tmp" } },
	  -EPERM,
	  ".: the top is no directory",
	  true },
	{ "hard link out",
	  { { "h", '1', "../secret" } },
	  -EPERM,
	  "h: a hard link out of the archive" },
	{ "hard link absolute", { { "h", '1', "/etc/passwd" } }, -EPERM, "h: a hard link out" },
	{ "hard link through a symlink",
	  { { "l", '2', ".." }, { "h", '1', "l/secret" } },
	  -EPERM,
	  "h: a hard link out" },
	{ "hard link to a symlink",
	  { { "l", '2', "../secret" }, { "h", '1', "l" } },
	  -EPERM,
	  "h: a hard link out" },
	{ "hard link to nothing",
	  { { "h", '1', "n" } },
	  -EPERM,
	  "h: a hard link to what is not there",
	  true },
	{ "device", { { "dev", '3' } }, -EPERM, "dev: a device" },
	{ "block device", { { "dev", '4' } }, -EPERM, "dev: a device" },
	{ "FIFO", { { "p", '6' } }, -EPERM, "p: a FIFO" },
	{ "setuid",
	  { { "s", '0', .mode = 04755, .text = "x" } },
	  -EPERM,
	  "s: a setuid or setgid file" },
	{ "setgid",
	  { { "s", '0', .mode = 02755, .text = "x" } },
	  -EPERM,
	  "s: a setuid or setgid file" },
	{ "twice",
	  { { "f", '0', .text = "x" }, { "f", '0', .text = "y" } },
	  -EEXIST,
	  "f: is there already",
	  true },
	{ "a file as a directory",
	  { { "f", '0', .text = "x" }, { "f/g", '0', .text = "y" } },
	  -ENOTDIR,
	  "f/g: ",
	  true },
	{ "a link of the target",
	  { { "way/evil", '0', .text = "x" } },
	  -EPERM,
	  "way/evil: goes through a symbolic link",
	  true },
	{ "a name with a newline", { { "x\n../y/..", '0', .text = "x" } }, -EPERM, "x?../y/..: " },
	{ "over the limit",
	  { { "big", '0', .size = 077777777777 } },
	  -EFBIG,
	  "big: the archive unpacks to more" },
	{ "too many",
	  { { "1", '5' }, { "2", '5' }, { "3", '5' } },
	  -EFBIG,
	  "3: the archive has more members" },
	{ "ends in a member", { { "f", '0', .size = 100000, .text = "x" } }, -EBADMSG, "f: " },
	{ "a manifest that is none",
	  { { "./.isamon-manifest.json", '0', .text = "{}" } },
	  -EBADMSG,
	  "" },
	{ "behind the manifest",
	  { { ".isamon-manifest.json", '0', .text = "{}" }, { "f", '0', .text = "x" } },
	  -EPERM,
	  "f: is behind the manifest" },
	{ "nothing", { { NULL } }, -EBADMSG, "the archive: there is nothing in it" },
};

static void refuses_hostile(void)
{
	struct archive_read_options o = { .bytes_max = 1 << 20, .members_max = 2 };

	for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
		const struct hostile *h = &hostile[i];
		struct buf tar = BUF_INIT(1 << 20);

		unit_begin("refused: %s", h->name);
		fixture_begin();
		EXPECT_INT(
			shell("echo secret > secret; chmod 600 secret; ln -s .. out/way; touch -d '2000-01-01' secret"),
			0);
		for (size_t k = 0; k < ARRAY_SIZE(h->members) && h->members[k].name; k++)
			tar_add(&tar, &h->members[k]);
		tar_write(&tar);
		if (!h->only_extract) {
			EXPECT_INT(try("x.tgz", false, &o), h->err);
			EXPECT_HAS(buf_str(&why), h->why);
		}
		EXPECT_INT(try("x.tgz", true, &o), h->err);
		EXPECT_HAS(buf_str(&why), h->why);
		/* in, out, scratch, secret, x.tar, x.tgz */
		EXPECT_INT(fixture_count("."), 6);
		EXPECT_INT(
			shell("test $(cat secret) = secret; test $(stat -c '%a %h %Y' secret | tr ' ' -) = 600-1-$(date -d 2000-01-01 +%s)"),
			0);
		EXPECT(access("/tmp/evil", F_OK) != 0);
		buf_done(&tar);
		fixture_end();
	}
}

static void allows_setuid_when_asked(void)
{
	struct archive_read_options o = { .allow_setuid = true };
	struct buf tar = BUF_INIT(1 << 20);

	fixture_begin();
	tar_add(&tar, &(struct tar_member){ "s", '0', .mode = 04755, .text = "x" });
	tar_add(&tar, &(struct tar_member){ "new/dir/f", '0', .mode = 0600,
					    .text = "no directory before it" });
	tar_write(&tar);
	EXPECT_INT(try("x.tgz", true, &o), 0);
	EXPECT_INT(shell("test $(stat -c %a out/s) = 4755; test -f out/new/dir/f"), 0);
	buf_done(&tar);
	fixture_end();
}

static size_t load(const char *name, unsigned char *bytes, size_t size)
{
	int fd = fixture_open(name, O_RDONLY);
	ssize_t n = read(fd, bytes, size);

	close(fd);
	return n > 0 ? (size_t)n : 0;
}

static void save(const char *name, const unsigned char *bytes, size_t n)
{
	int fd = fixture_open(name, O_WRONLY | O_CREAT | O_TRUNC);

	EXPECT_INT(write(fd, bytes, n), (ssize_t)n);
	close(fd);
}

static void sees_every_damage(void)
{
	static unsigned char whole[200000];
	unsigned int accepted = 0;
	size_t n, step;

	fixture_begin();
	EXPECT_INT(shell("cd in; mkdir d; head -c 30000 /dev/urandom > d/f; echo x > g"), 0);
	write_ours(NULL);
	n = load("a.tgz", whole, sizeof(whole));
	step = n / 150;
	REQUIRE(n > 30000 && n < sizeof(whole));
	for (size_t at = 0; at < n; at += at < 40 || at + 40 > n ? 1 : step) {
		save("cut.tgz", whole, at);
		if (!EXPECT_INT(try("cut.tgz", false, NULL), -EBADMSG))
			break;
		EXPECT_HAS(buf_str(&why), ": ");
		/* a time, two hints, and the lengths, without which it is read as others are: nothing depends on them */
		if ((at >= 4 && at < 10) || (at >= 12 && at < 24))
			continue;
		whole[at] ^= (unsigned char)(1u << at % 8);
		save("flip.tgz", whole, n);
		/* deflate has a few bits that mean nothing, before a block of stored bytes and at its end */
		accepted += try("flip.tgz", false, NULL) == 0;
		whole[at] ^= (unsigned char)(1u << at % 8);
	}
	EXPECT(accepted <= 3);
	memcpy(whole + n, "more", 4);
	save("more.tgz", whole, n + 4);
	EXPECT_INT(try("more.tgz", false, NULL), -EBADMSG);
	EXPECT_HAS(buf_str(&why), "there is something behind its end");
	memset(whole + n, 0, 1000);
	save("zeros.tgz", whole, n + 1000);
	EXPECT_INT(try("zeros.tgz", false, NULL), 0);
	EXPECT_INT(shell("printf secret | gzip -c >> a.tgz"), 0);
	EXPECT_INT(try("a.tgz", false, NULL), -EBADMSG);
	EXPECT_HAS(buf_str(&why), "there is something behind the end");
	fixture_end();
}

static void believes_the_manifest(void)
{
	static const struct {
		const char *script, *why;
	} rows[] = {
		{ "gzip -dc a.tgz | sed 's/hello-content/hellO-content/' | gzip > b.tgz",
		  "f: has other bytes than the manifest says" },
		{ "gzip -dc a.tgz | sed 's/\"path\":\"f\"/\"path\":\"g\"/' | gzip > b.tgz",
		  "g: is in the manifest, but not there" },
		{ "gzip -dc a.tgz | sed 's/\"target\":\"to\"/\"target\":\"ot\"/' | gzip > b.tgz",
		  "l: points elsewhere" },
		{ "gzip -dc a.tgz | sed 's/\"mode\":\"0640\"/\"mode\":\"0641\"/' | gzip > b.tgz",
		  "f: has another owner or mode" },
		{ "gzip -dc a.tgz | sed '/\"kind\":\"file\"/s/\"mtime_s\":1/\"mtime_s\":2/' | gzip > b.tgz",
		  "f: has another time" },
		{ "gzip -dc a.tgz | sed 's/\"kind\":\"symlink\"/\"kind\":\"symlinx\"/' | gzip > b.tgz",
		  ".isamon-manifest.json: damaged" },
		{ "gzip -dc a.tgz | sed 's/\"members\":3/\"members\":4/' | gzip > b.tgz",
		  ".isamon-manifest.json: damaged" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("said of a manifest: %s", rows[i].why);
		fixture_begin();
		EXPECT_INT(shell("cd in; echo hello-content > f; chmod 640 f; ln -s to l"), 0);
		write_ours(NULL);
		EXPECT_INT(shell(rows[i].script), 0);
		EXPECT_INT(try("b.tgz", false, NULL), -EBADMSG);
		EXPECT_HAS(buf_str(&why), rows[i].why);
		fixture_end();
	}
}

static int check_err;

static int check_fake(const char *path, struct buf *text, void *ctx)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char head[20];

	(void)ctx;
	EXPECT_INT(read(fd, head, sizeof(head)), 20);
	EXPECT_BYTES(head, 20, "SQLite format 3\0live", 20);
	close(fd);
	if (check_err)
		buf_printf(text, "row 1 is missing");
	return check_err;
}

static int copy_file(const char *path, const char *to, struct buf *text, void *ctx)
{
	(void)text;
	(void)ctx;
	return link(path, to) ? -errno : 0;
}

static void checks_databases(void)
{
	struct archive_read_options o = { .check_database = check_fake };
	struct archive_was was;

	fixture_begin();
	EXPECT_INT(
		shell("cd in; printf 'SQLite format 3\\000live' > app.db; echo x > y; tar -czf ../t.tgz ."),
		0);
	write_ours(copy_file);
	check_err = 0;
	EXPECT_INT(read_archive("a.tgz", false, &o, &was), 0);
	EXPECT_UINT(was.databases, 1);
	archive_was_done(&was);
	check_err = -EBADMSG;
	EXPECT_INT(try("a.tgz", false, &o), -EBADMSG);
	EXPECT_STR(buf_str(&why), "app.db: a database that is not sound, and was");
	EXPECT_INT(try("a.tgz", true, &o), 0);
	EXPECT_INT(read_archive("t.tgz", false, &o, &was), 0);
	EXPECT(!was.has_manifest);
	EXPECT_UINT(was.n_unsound, 1);
	EXPECT_STR(buf_str(&was.unsound), "app.db: row 1 is missing\n");
	archive_was_done(&was);
	check_err = -ENOSPC;
	EXPECT_INT(try("t.tgz", false, &o), -ENOSPC);
	fixture_end();
}

static unsigned int seen_sides[4];

/* Whether a log was there, and an index; and what the log says. */
static int check_with_log(const char *path, struct buf *text, void *ctx)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	char side[600], log[8] = "";
	int fd;

	(void)ctx;
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		snprintf(side, sizeof(side), "%s%s", path, suffixes[i]);
		seen_sides[i] += access(side, F_OK) == 0;
	}
	snprintf(side, sizeof(side), "%s-wal", path);
	fd = open(side, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	EXPECT(read(fd, log, sizeof(log) - 1) > 0);
	close(fd);
	buf_add_str(text, "its log");
	return strcmp(log, "bad") == 0 ? -EBADMSG : strcmp(log, "busy") == 0 ? -EBUSY : 0;
}

static void checks_databases_with_their_logs(void)
{
	static const struct {
		const char *what, *make, *order;
		unsigned int databases, unsound;
		unsigned int sides[4]; /* of all checks */
		const char *text;
	} rows[] = {
		{ "the log behind",
		  "printf good > d/app.db-wal",
		  "d/app.db d/app.db-wal",
		  1,
		  0,
		  { 2, 1, 1, 0 },
		  "" },
		{ "the log before",
		  "printf good > d/app.db-wal",
		  "d/app.db-wal d/app.db",
		  1,
		  0,
		  { 2, 1, 1, 0 },
		  "" },
		{ "a bad log behind",
		  "printf bad > d/app.db-wal",
		  "d/app.db d/app.db-wal",
		  0,
		  1,
		  { 2, 1, 1, 0 },
		  "d/app.db: its log\n" },
		{ "a bad log before",
		  "printf bad > d/app.db-wal",
		  "d/app.db-wal d/app.db",
		  0,
		  1,
		  { 2, 1, 1, 0 },
		  "d/app.db: its log\n" },
		{ "a transaction cut off",
		  "printf busy > d/app.db-wal",
		  "d/app.db d/app.db-wal",
		  1,
		  0,
		  { 2, 1, 1, 0 },
		  "" },
		{ "a journal",
		  "printf x > d/app.db-journal",
		  "d/app.db d/app.db-journal",
		  1,
		  0,
		  { 2, 0, 1, 1 },
		  "" },
		{ "an empty log",
		  ": > d/app.db-wal",
		  "d/app.db d/app.db-wal",
		  1,
		  0,
		  { 1, 0, 0, 0 },
		  "" },
		{ "a log of nothing",
		  "printf bad > d/other-wal",
		  "d/app.db d/other-wal",
		  1,
		  0,
		  { 2, 0, 0, 0 },
		  "" },
		{ "an index",
		  "printf bad > d/app.db-shm",
		  "d/app.db-shm d/app.db",
		  1,
		  0,
		  { 1, 0, 0, 0 },
		  "" },
	};
	struct archive_read_options o = { .check_database = check_with_log };
	struct archive_was was;
	char script[400];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unit_begin("databases are looked at with %s", rows[i].what);
		fixture_begin();
		memset(seen_sides, 0, sizeof(seen_sides));
		snprintf(
			script, sizeof(script),
			"cd in; mkdir d; printf 'SQLite format 3\\000' > d/app.db; %s; tar -czf ../t.tgz %s",
			rows[i].make, rows[i].order);
		EXPECT_INT(shell(script), 0);
		EXPECT_INT(read_archive("t.tgz", false, &o, &was), 0);
		EXPECT_UINT(was.databases, rows[i].databases);
		EXPECT_UINT(was.n_unsound, rows[i].unsound);
		EXPECT_STR(buf_str(&was.unsound), rows[i].text);
		for (size_t k = 0; k < ARRAY_SIZE(rows[i].sides); k++)
			EXPECT_UINT(seen_sides[k], rows[i].sides[k]);
		archive_was_done(&was);
		EXPECT_INT(fixture_count("scratch"), 0);
		fixture_end();
	}
}

static void survives_no_memory(void)
{
	int err;

	fixture_begin();
	EXPECT_INT(shell("cd in; mkdir d; echo a > a; ln a d/b; ln -s x l"), 0);
	write_ours(NULL);
	for (int extract = 0; extract < 2; extract++) {
		for (unsigned int n = 1; nomem_again(n); n++) {
			EXPECT_INT(shell("chmod -R u+rwx out; rm -rf out; mkdir out"), 0);
			nomem.made = 0;
			err = try("a.tgz", extract, NULL);
			if (nomem_hit())
				EXPECT_INT(err, -ENOMEM);
			else
				EXPECT_INT(err, 0);
		}
	}
	fixture_end();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "what archive_write made is verified, and restored as it was", reads_ours },
		{ NULL, reads_tars },
		{ NULL, refuses_hostile },
		{ "setuid is allowed when asked; parents are made", allows_setuid_when_asked },
		{ "cut or changed anywhere, it is refused", sees_every_damage },
		{ NULL, believes_the_manifest },
		{ "databases are looked at", checks_databases },
		{ NULL, checks_databases_with_their_logs },
		{ "no memory is an error, and nothing leaks", survives_no_memory },
	};

	umask(022);
	setenv("LC_ALL", "C", 1);
	unit_main(argc, argv, cases, ARRAY_SIZE(cases));
	buf_done(&why);
	return unit_finish();
}
