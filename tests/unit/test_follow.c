/* SPDX-License-Identifier: MIT */
/* What is done to a log's files, while it is followed and while it is not, and that each byte comes once. */
#include "follow_fixture.h"

/* --- begin */

static void begins_at_end(void)
{
	start("a.log");
	put("a.log", "old\n");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "new\n");
	got_text("new\n");
	stop();
}

static void begins_at_beginning(void)
{
	start("a.log");
	r.config.start = CONFIG_LOG_BEGINNING;
	put("a.log", "old\n");
	put("a.log.1", "older\n");
	REQUIRE_INT(begin(), 0);
	got_text("old\n");
	put("a.log", "new\n");
	got_text("old\nnew\n");
	stop();
}

/* It was not there: whatever comes is new. */
static void comes_later(void)
{
	start("sub/deep/a.log");
	REQUIRE_INT(begin(), 0);
	turn(20);
	mkdir(at("sub"), 0755);
	mkdir(at("sub/deep"), 0755);
	put("sub/deep/a.log", "1\n");
	got_text("1\n");
	unlink(at("sub/deep/a.log"));
	rmdir(at("sub/deep"));
	rmdir(at("sub"));
	turn(100);
	mkdir(at("sub"), 0755);
	mkdir(at("sub/deep"), 0755);
	put("sub/deep/a.log", "2\n");
	got_text("1\n2\n");
	EXPECT_UINT(r.n_lost, 0);
	stop();
}

static void follows_a_glob(void)
{
	start("*/w-*.log");
	mkdir(at("x"), 0755);
	put("x/w-1.log", "old\n");
	put("x/other.log", "no\n");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("x/w-1.log", "a\n");
	got_text("a\n");
	put("x/w-2.log", "b\n");
	got_text("a\nb\n");
	mkdir(at("y"), 0755);
	put("y/w-9.log", "c\n");
	got_text("a\nb\nc\n");
	stop();
}

static void resumes(void)
{
	start("a.log");
	put("a.log", "");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "1\n");
	got_text("1\n");
	restart();
	put("a.log", "2\n");
	got_text("1\n2\n");
	keep_positions();
	end();
	put("a.log", "3\n");
	EXPECT_INT(begin(), 0);
	got_text("1\n2\n3\n");
	stop();
}

/* Only what has arrived counts. */
static void resumes_where_it_arrived(void)
{
	start("a.log");
	put("a.log", "");
	r.ack = false;
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "one\ntwo\n");
	got_text("one\ntwo\n");
	followed_done(r.files[0], 4);
	restart();
	got_text("one\ntwo\ntwo\n");
	followed_seek(r.files[0], 0);
	read_all(r.files[0]);
	got_text("one\ntwo\ntwo\none\ntwo\n");
	stop();
}

/* --- rotation; first while it is followed, then while it is not */

enum rotation {
	RENAME,
	RENAME_TWICE,
	RENAME_GZIP,
	COPYTRUNCATE,
	COPYTRUNCATE_GZIP,
	COPYTRUNCATE_TWICE,
	DELETE,
	ROTATIONS
};

static const char *const rotations[] = {
	"rename",           "rename twice",       "rename and gzip", "copytruncate",
	"copytruncate, gz", "copytruncate twice", "delete",
};

/* Writes "2\n" before it, "3\n" behind it, and "between\n" into the one that came and went. */
static void rotate(enum rotation how)
{
	put("a.log", "2\n");
	switch (how) {
	case RENAME:
	case RENAME_GZIP:
		rename(at("a.log"), at("a.log.1"));
		if (how == RENAME_GZIP)
			compress_file("a.log.1");
		break;
	case RENAME_TWICE:
		rename(at("a.log"), at("a.log.2"));
		put("a.log", "between\n");
		rename(at("a.log"), at("a.log.1"));
		break;
	case COPYTRUNCATE:
	case COPYTRUNCATE_GZIP:
		copy("a.log", "a.log.1");
		truncate(at("a.log"), 0);
		if (how == COPYTRUNCATE_GZIP)
			compress_file("a.log.1");
		break;
	case COPYTRUNCATE_TWICE:
		copy("a.log", "a.log.2");
		truncate(at("a.log"), 0);
		put("a.log", "between\n");
		copy("a.log", "a.log.1");
		truncate(at("a.log"), 0);
		break;
	case DELETE: unlink(at("a.log")); break;
	default: abort();
	}
	put("a.log", "3\n");
}

static void rotates(enum rotation how, bool down)
{
	const bool twice = how == RENAME_TWICE || how == COPYTRUNCATE_TWICE;
	const char *all = twice ? "1\n2\nbetween\n3\n" : "1\n2\n3\n";
	char after[64];

	start("a.log");
	put("a.log", "");
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "1\n");
	got_text("1\n");
	if (down) {
		keep_positions();
		end();
		rotate(how);
		EXPECT_INT(begin(), 0);
	} else {
		rotate(how);
	}
	got_text(down && how == DELETE ? "1\n3\n" : all);
	put("a.log", "4\n");
	snprintf(after, sizeof(after), "%s4\n", down && how == DELETE ? "1\n3\n" : all);
	got_text(after);
	restart();
	turn(100);
	put("a.log", "5\n");
	snprintf(after, sizeof(after), "%s4\n5\n", down && how == DELETE ? "1\n3\n" : all);
	got_text(after);
	EXPECT_UINT(r.n_lost, 0);
	stop();
}

static void all_rotations(void)
{
	char name[100];

	for (int down = 0; down < 2; down++)
		for (int how = 0; how < ROTATIONS; how++) {
			snprintf(name, sizeof(name), "%s%s", rotations[how],
				 down ? " while isamon was down" : "");
			if (!unit_wanted(name))
				continue;
			unit_begin("%s", name);
			rotates((enum rotation)how, down);
			unit_end();
		}
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "begins at the end", begins_at_end },
		{ "begins at the beginning, but not with what was rotated", begins_at_beginning },
		{ "a directory that comes later, and again", comes_later },
		{ "a glob", follows_a_glob },
		{ "resumes", resumes },
		{ "resumes at what has arrived", resumes_where_it_arrived },
		{ NULL, all_rotations },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
