/* SPDX-License-Identifier: MIT */
/* Archives as they are read: ours, and tar's. */
#include "archive_fixture.h"
#include "nomem.h"

/* clang-format off: archive_read.c includes what is between them */
#include "../../userspace/care/archive_compare.c"
#include "../../userspace/care/archive_extract.c"
#include "../../userspace/care/archive_read.c"
#include "../../userspace/care/archive_verify.c"
/* clang-format on */
#include "archive_read_fixture.h"

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
		{ "no memory is an error, and nothing leaks", survives_no_memory },
	};

	return archive_main(argc, argv, cases, ARRAY_SIZE(cases));
}
