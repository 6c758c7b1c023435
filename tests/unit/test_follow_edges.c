/* SPDX-License-Identifier: MIT */
/* Files that look alike, and looks that want descriptors: nothing is lost or comes twice for that. */
#include <sys/resource.h>

#include "follow_fixture.h"

#define BANNER "banner\n"
#define HOUR_S 3600

static void read_banner(void)
{
	start("a.log");
	r.config.start = CONFIG_LOG_BEGINNING;
	put("a.log", BANNER);
	REQUIRE_INT(begin(), 0);
	got_text(BANNER);
	keep_positions();
	end();
	REQUIRE_UINT(r.n_known, 1);
	r.known[0].seen_s -= HOUR_S;
}

/* Another file with the inode, made since, whose beginning is all that the old one had. */
static void inode_used_again(void)
{
	struct stat st;

	read_banner();
	unlink(at("a.log"));
	put("a.log", BANNER "more\n");
	REQUIRE_INT(stat(at("a.log"), &st), 0);
	r.known[0].inode = st.st_ino;
	EXPECT_INT(begin(), 0);
	got_text(BANNER BANNER "more\n");
	stop();
}

/* In whatever order the directory names them. */
static void archived_and_begun_alike(void)
{
	for (int i = 0; i < 8; i++) {
		read_banner();
		rename(at("a.log"), at("a.log.1"));
		compress_file("a.log.1");
		put("a.log", BANNER "more\n");
		EXPECT_INT(begin(), 0);
		const bool right = got_text(BANNER BANNER "more\n");

		stop();
		if (!right)
			return;
	}
}

/* --- descriptors */

static struct rlimit usual;

/* @more than are in use just now. */
static void limit_descriptors(unsigned int more)
{
	struct rlimit limit;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	getrlimit(RLIMIT_NOFILE, &usual);
	limit = usual;
	limit.rlim_cur = (rlim_t)fd + more;
	close(fd);
	EXPECT_INT(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void free_descriptors(void)
{
	EXPECT_INT(setrlimit(RLIMIT_NOFILE, &usual), 0);
}

static void put_many(unsigned int n, const char *text)
{
	char name[32];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "w-%u.log", i);
		put(name, text);
	}
}

/* The first look cannot open all: what was rotated away before is no newer for that. */
static void first_look_is_short_of_them(void)
{
	start("w-*.log");
	put_many(40, "old\n");
	put("w-3.log.1", "older\n");
	REQUIRE_INT(begin(), 0);
	limit_descriptors(20);
	turn(100);
	free_descriptors();
	until(&r.n_ready, 40);
	put("w-3.log", "new\n");
	got_text("new\n");
	stop();
}

/* A directory that cannot be opened has not lost its files. */
static void look_without_any(const char *pattern)
{
	start(pattern);
	mkdir(at("d"), 0755);
	put("d/w-1.log", "");
	put("d/w-2.log", "");
	REQUIRE_INT(begin(), 0);
	follow_set_open_max(r.follow, 1); /* one is closed, whichever */
	until(&r.n_ready, 2);
	put("d/w-1.log", "1\n");
	got_text("1\n");
	put("d/w-2.log", "2\n");
	got_text("1\n2\n");
	limit_descriptors(0);
	follow_look(r.follow);
	free_descriptors();
	turn(20);
	put("d/w-1.log", "3\n");
	got_text("1\n2\n3\n");
	put("d/w-2.log", "4\n");
	got_text("1\n2\n3\n4\n");
	EXPECT_UINT(r.n_lost, 0);
	stop();
}

static void directory_is_short_of_them(void)
{
	look_without_any("d/w-*.log");
}

static void glob_is_short_of_them(void)
{
	look_without_any("*/w-*.log");
}

static void holds_few(void)
{
	const size_t before = count_names("/proc/self/fd", "", NULL, 0);

	start("w-*.log");
	r.config.start = CONFIG_LOG_BEGINNING;
	REQUIRE_INT(begin(), 0);
	follow_set_open_max(r.follow, 8);
	put_many(50, "x\n");
	until(&r.n_ready, 50);
	EXPECT_UINT(r.text.len, 100);
	EXPECT(count_names("/proc/self/fd", "", NULL, 0) < before + 16);
	stop();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a small file, and its inode used again", inode_used_again },
		{ "a small file, archived, and one that begins alike", archived_and_begun_alike },
		{ "the first look wants descriptors", first_look_is_short_of_them },
		{ "a directory wants descriptors", directory_is_short_of_them },
		{ "a glob wants descriptors", glob_is_short_of_them },
		{ "as many files open as it may have", holds_few },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
