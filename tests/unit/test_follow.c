/* SPDX-License-Identifier: MIT */
/* Which files are a log's, from where on they are read, and that each byte comes once. */
#include <dirent.h>

#include "follow_fixture.h"

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
	REQUIRE(begins_with_a_line());
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
	got_text("one\ntwo\ntwo\none\ntwo\n");
	stop();
}

static void strange_files(void)
{
	start("*.log");
	r.config.start = CONFIG_LOG_BEGINNING;
	mkfifo(at("fifo.log"), 0644);
	mkdir(at("dir.log"), 0755);
	chmod(r.dir, 0777);
	put("secret", "secret\n");
	EXPECT(!symlink("secret", at("link.log")));
	put("a.log", "1\n");
	REQUIRE_INT(begin(), 0);
	got_text("1\n");
	unlink(at("a.log"));
	EXPECT(!symlink("secret", at("a.log")));
	turn(200);
	got_text("1\n");
	stop();
}

static void unreadable(void)
{
	struct follow_stats s;

	if (geteuid() == 0) {
		/* Root reads everything; a link to itself nobody. */
		start("a.log");
		EXPECT(!symlink("a.log", at("a.log")));
		chmod(r.dir, 0777);
	} else {
		start("a.log");
		put("a.log", "old\n");
		chmod(at("a.log"), 0);
	}
	REQUIRE_INT(begin(), 0);
	follow_look(r.follow);
	follow_stats(r.follow, &s);
	EXPECT_UINT(s.unreadable, 1);
	EXPECT_UINT(s.files, 0);
	unlink(at("a.log"));
	put("b.log", "old\n");
	rename(at("b.log"), at("a.log"));
	until(&r.n_ready, 1);
	put("a.log", "1\n");
	got_text("1\n");
	follow_stats(r.follow, &s);
	EXPECT_UINT(s.unreadable, 0);
	stop();
}

static size_t n_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	while (EXPECT(d) && readdir(d))
		n++;
	closedir(d);
	return n;
}

static void few_are_open(void)
{
	char name[16], expected[200] = "";
	size_t before;

	start("*.log");
	REQUIRE_INT(begin(), 0);
	follow_set_open_max(r.follow, 2);
	follow_look(r.follow);
	before = n_descriptors();
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 9; i++) {
			snprintf(name, sizeof(name), "%d.log", i);
			put(name, "line\n");
			memcpy(expected + strlen(expected), "line\n", sizeof("line\n"));
			got_text(expected);
			EXPECT(n_descriptors() <= before + 2);
		}
	stop();
}

/* Whatever was not read yet when it lost its name. */
static void deleted_unread(void)
{
	struct follow_stats s;

	start("a.log");
	REQUIRE(begins_empty());
	r.hold = true;
	put("a.log", "1\n");
	follow_look(r.follow);
	unlink(at("a.log"));
	put("a.log", "2\n");
	follow_look(r.follow);
	follow_stats(r.follow, &s);
	EXPECT_UINT(s.files, 2);
	EXPECT_UINT(s.backlog_bytes, 4);
	EXPECT(followed_is_over(r.files[0]));
	r.hold = false;
	read_all(r.files[0]);
	got_text("1\n2\n");
	stop();
}

/* A device has another number after a boot. */
static void device_changed(void)
{
	start("a.log");
	REQUIRE(begins_with_a_line());
	keep_positions();
	end();
	r.known[0].device++;
	put("a.log", "2\n");
	REQUIRE_INT(begin(), 0);
	got_text("1\n2\n");
	stop();
}

static void many_files(void)
{
	const unsigned int n = 1000;
	struct follow_stats s;
	char name[32], text[32];

	start("*.log");
	for (unsigned int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%u.log", i);
		put(name, "old\n");
	}
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, n);
	follow_stats(r.follow, &s);
	EXPECT_UINT(s.files, n);
	EXPECT(count_names("/proc/self/fd", "", NULL, 0) < 600);
	for (unsigned int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%u.log", i);
		snprintf(text, sizeof(text), "%04u\n", i);
		put(name, text);
	}
	for (int i = 0; i < 500 && r.text.len < 5 * n; i++)
		turn(20);
	EXPECT_UINT(r.text.len, 5 * n);
	EXPECT(count_names("/proc/self/fd", "", NULL, 0) < 600);
	stop();
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
		{ "a FIFO, a directory, links", strange_files },
		{ "a file that cannot be read", unreadable },
		{ "more files than may be open", few_are_open },
		{ "deleted before it was read", deleted_unread },
		{ "a device with another number", device_changed },
		{ "1,000 files", many_files },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
