/* SPDX-License-Identifier: MIT */
/* What an update runs, and gives away: it is led nowhere, waited for in time, and shown plainly. */
#include "update_fixture.h"

#include <signal.h>

#include "base/number.h"

static void gives_away_only_what_it_made(void)
{
	const struct update_user nobody = { .as = { .uid = 65534, .gid = 65534 } };
	int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st = { .st_uid = 1 };

	REQUIRE(fd >= 0);
	REQUIRE_INT(shell("rm -rf made moved roots && mkdir roots && echo secret >roots/key"), 0);
	EXPECT_INT(update_make_directory(fd, "made", 0700, &nobody), 0);
	EXPECT(fstatat(fd, "made", &st, 0) == 0 && st.st_uid == 65534);
	REQUIRE_INT(shell("rmdir made"), 0);
	swaps = true;
	EXPECT_INT(update_make_directory(fd, "made", 0700, &nobody), -ENOTEMPTY);
	EXPECT(fstatat(fd, "made", &st, 0) == 0 && st.st_uid == 0);
	/* A file has no names in it. */
	REQUIRE_INT(shell("rm -rf made moved && echo secret >roots"), 0);
	EXPECT_INT(update_make_directory(fd, "made", 0700, &nobody), -ENOTDIR);
	EXPECT(fstatat(fd, "made", &st, 0) == 0 && st.st_uid == 0);
	swaps = false;
	close(fd);
}

static void leads_to_nothing_of_others(void)
{
	const struct update_user nobody = { .as = { .uid = 65534, .gid = 65534, .home = "/" } };
	const char *const argv[] = { "true", NULL };
	_cleanup_(buf_done) struct buf out = BUF_INIT(1000);
	char from[160], link[160], to[160];
	struct update_bind bind = { .from = from, .to = to };
	const struct update_run run = { .user = &nobody,
					.binds = &bind,
					.n_binds = 1,
					.timeout_s = 20,
					.log_fd = -1,
					.echo_fd = -1 };

	REQUIRE_INT(shell("rm -rf a b c && mkdir a b && chown 65534 a && ln -s a c"), 0);
	snprintf(from, sizeof(from), "%s/a", top);
	snprintf(to, sizeof(to), "%s/b", top);
	snprintf(link, sizeof(link), "%s/c", top);
	EXPECT_INT(update_run(&run, argv, &out), 0);
	bind.from = link;
	EXPECT_INT(update_run(&run, argv, &out), 126);
	bind.from = to;
	EXPECT_INT(update_run(&run, argv, &out), 126);
	EXPECT_HAS(buf_str(&out), "bind");
}

static void waits_for_nobody_left_behind(void)
{
	const char *const argv[] = { "sh", "-c", "sleep 600 & printf $!; exit 3", NULL };
	const struct update_run run = { .timeout_s = 3, .log_fd = -1, .echo_fd = -1 };
	_cleanup_(buf_done) struct buf out = BUF_INIT(1000);
	uint64_t left = 0;

	EXPECT_INT(update_run(&run, argv, &out), 3);
	REQUIRE_INT(number_parse_u64(buf_str(&out), 2, INT32_MAX, &left), 0);
	EXPECT_INT(kill((pid_t)left, SIGKILL), 0);
}

static void shows_nothing_that_a_terminal_obeys(void)
{
	static const char text[] = "a\033[2Jb\007 \302\233x \377 \303\244\tc\n";
	const char *const argv[] = { "printf", "%s", text, NULL };
	_cleanup_(buf_done) struct buf out = BUF_INIT(1000), said = BUF_INIT(1000);
	char shown[200] = "";
	int ends[2];
	struct update_run run = { .timeout_s = 20, .log_fd = -1 };

	REQUIRE_INT(pipe2(ends, O_CLOEXEC), 0);
	run.echo_fd = ends[1];
	EXPECT_INT(update_run(&run, argv, &out), 0);
	EXPECT_STR(buf_str(&out), text);
	EXPECT(read(ends[0], shown, sizeof(shown) - 1) > 0);
	EXPECT_STR(shown, "a?[2Jb? \302?x \377 \303\244\tc\n");
	update_run_failed("it", 1, &out, &said);
	EXPECT_STR(buf_str(&said), "it: failed with status 1\n  a?[2Jb? ?x ? \303\244?c");
	close(ends[0]);
	close(ends[1]);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "who is left behind is not waited for", waits_for_nobody_left_behind },
		{ "only what it made is given away", gives_away_only_what_it_made },
		{ "a build is led to nothing of others", leads_to_nothing_of_others },
		{ "nothing is shown that a terminal obeys", shows_nothing_that_a_terminal_obeys },
	};

	return update_main(argc, argv, cases, ARRAY_SIZE(cases));
}
