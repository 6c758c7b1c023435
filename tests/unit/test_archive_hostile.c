/* SPDX-License-Identifier: MIT */
/* Archives that somebody made to do harm: nothing may appear outside of "out". */
#include "archive_read_fixture.h"

/* of the table */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

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

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ NULL, refuses_hostile },
		{ "setuid is allowed when asked; parents are made", allows_setuid_when_asked },
	};

	return archive_main(argc, argv, cases, ARRAY_SIZE(cases));
}
