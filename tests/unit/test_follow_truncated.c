/* SPDX-License-Identifier: MIT */
/* Files that are truncated: what was not read is told, what comes then is read once. */
#include "follow_fixture.h"

static void truncated_without_copy(void)
{
	start("a.log");
	REQUIRE(begins_with_a_line());
	r.hold = true;
	put("a.log", "lost\n");
	follow_look(r.follow);
	EXPECT(!truncate(at("a.log"), 0));
	put("a.log", "2\n");
	r.hold = false;
	read_all(r.files[0]);
	until(&r.n_lost, 1);
	EXPECT_UINT(r.lost_bytes, 5);
	got_text("1\n2\n");
	stop();
}

/* Between two looks it was truncated, and is longer than before already. */
static void grown_past(void)
{
	start("a.log");
	REQUIRE(begins_empty());
	put("a.log", "short\n");
	got_text("short\n");
	put("a.log", "more\n");
	copy("a.log", "a.log.1");
	EXPECT(!truncate(at("a.log"), 0));
	put("a.log", "another one, and longer\n");
	got_text("short\nmore\nanother one, and longer\n");
	EXPECT_UINT(r.n_lost, 0);
	stop();
}

/* The same beginning, over 1 KiB: only what is before the place tells. */
static void same_banner(void)
{
	char banner[1500], all[1600];

	memset(banner, '=', sizeof(banner));
	banner[sizeof(banner) - 2] = '\n';
	banner[sizeof(banner) - 1] = '\0';
	start("a.log");
	put("a.log", banner);
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	put("a.log", "1\n");
	got_text("1\n");
	buf_reset(&r.text);
	copy("a.log", "a.log.1");
	EXPECT(!truncate(at("a.log"), 0));
	put("a.log", banner);
	put("a.log", "22222\n");
	snprintf(all, sizeof(all), "%s22222\n", banner);
	got_text(all);
	EXPECT_UINT(r.n_lost, 0);
	stop();
}

/* A writer without O_APPEND goes on at its own place. */
static void truncated_under_a_writer(void)
{
	static char page[65536];
	int fd;

	memset(page, 'x', sizeof(page));
	start("a.log");
	put("a.log", "");
	fd = open(at("a.log"), O_WRONLY | O_CLOEXEC);
	REQUIRE_INT(begin(), 0);
	until(&r.n_ready, 1);
	EXPECT(write(fd, page, sizeof(page)) == sizeof(page));
	while (r.text.len < sizeof(page))
		turn(20);
	copy("a.log", "a.log.1");
	EXPECT(!truncate(at("a.log"), 0));
	buf_reset(&r.text);
	EXPECT(write(fd, "more\n", 5) == 5);
	got_text("more\n");
	for (int i = 0; i < 2; i++) {
		copy("a.log", i ? "a.log.3" : "a.log.2");
		EXPECT(!truncate(at("a.log"), 0));
		buf_reset(&r.text);
		EXPECT(write(fd, "again\n", 6) == 6);
		turn(300);
		REQUIRE(r.text.len >= 6 && r.text.len < 4096 + 16);
		EXPECT_STR(r.text.data + r.text.len - 6, "again\n");
	}
	close(fd);
	stop();
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "what is truncated without a copy is told", truncated_without_copy },
		{ "truncated and longer than before", grown_past },
		{ "truncated, and the beginning is the same", same_banner },
		{ "truncated under a writer that keeps its place", truncated_under_a_writer },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
