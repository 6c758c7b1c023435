/* SPDX-License-Identifier: MIT */
/* Configuration and routes together: what `isamon run` starts with and `isamon check-config`
 * checks. */
#include "unit.h"

#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/setup.h"

struct loaded {
	char path[32];
	struct buf problems;
	struct config *c;
	struct route_patterns *patterns;
	int err;
	int status; /* of check-config */
};

/* Writes @text to a file and loads it; the file is gone afterwards. */
static void load(const char *text, struct loaded *l)
{
	char name[] = "check-config";
	char *argv[] = { name, l->path, NULL };
	size_t n = strlen(text);
	int fd;

	*l = (struct loaded){ .path = "/tmp/test_setup.XXXXXX", .problems = BUF_INIT(10000) };
	fd = mkstemp(l->path);
	REQUIRE(fd >= 0);
	EXPECT_INT(write(fd, text, n), (intmax_t)n);
	close(fd);
	l->err = setup_load(l->path, &l->problems, &l->c, &l->patterns);
	l->status = cmd_check_config(2, argv);
	unlink(l->path);
}

static void loaded_done(struct loaded *l)
{
	buf_done(&l->problems);
	config_free(l->c);
	route_patterns_free(l->patterns);
}

static void loads(void)
{
	struct loaded l;

	load("[http]\nroute = /x/{y}\n", &l);
	EXPECT_INT(l.err, 0);
	EXPECT_INT(l.status, CMD_OK);
	EXPECT_STR(buf_str(&l.problems), "");
	EXPECT(l.c && l.patterns && route_configured(l.patterns, "/x/1", 4, false));
	EXPECT(l.patterns && !route_configured(l.patterns, "/ws/1", 5, false));
	loaded_done(&l);
}

static void points_at_bad_routes(void)
{
	char expected[100];
	struct loaded l;

	load("[http]\nroute = /x/{y}\n\nroute = x\nroute = /a?b\n", &l);
	EXPECT_INT(l.err, -EINVAL);
	EXPECT_INT(l.status, CMD_USAGE);
	snprintf(expected, sizeof(expected), "%s:4: [http] route = x: ", l.path);
	EXPECT_HAS(buf_str(&l.problems), expected);
	snprintf(expected, sizeof(expected), "%s:5: [http] route = /a?b: ", l.path);
	EXPECT_HAS(buf_str(&l.problems), expected);
	EXPECT(!l.c && !l.patterns);
	loaded_done(&l);
}

static void points_at_bad_logs(void)
{
	char expected[100];
	struct loaded l;

	load("[log \"a\"]\npath = /a\n[log \"b\"]\npath = /b\nmask = (\n[log \"c\"]\npath = /c\n"
	     "timestamp = %Q\n",
	     &l);
	EXPECT_INT(l.err, -EINVAL);
	EXPECT_INT(l.status, CMD_USAGE);
	snprintf(expected, sizeof(expected), "%s:3: [log \"b\"] mask = (: missing", l.path);
	EXPECT_HAS(buf_str(&l.problems), expected);
	snprintf(expected, sizeof(expected), "%s:6: [log \"c\"] timestamp = %%Q: ", l.path);
	EXPECT_HAS(buf_str(&l.problems), expected);
	EXPECT(!l.c && !l.patterns);
	loaded_done(&l);
}

static void points_at_bad_jobs(void)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "schedule = 0 0 30 2 *\ncommand = version\n",
		  "schedule = 0 0 30 2 *: none of its months has such a day" },
		{ "schedule = @daily\ncommand = rm -rf /\n",
		  "command = rm -rf /: isamon has no command \"rm\"" },
		{ "schedule = @daily\ncommand = run\n",
		  "command = run: isamon run cannot be a job" },
		{ "schedule = @daily\ncommand = jobs run a\n",
		  "command = jobs run a: isamon jobs cannot be a job" },
		{ "schedule = @daily\ncommand = version \"\n",
		  "command = version \": a quote does not end" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_(buf_done) struct buf text = BUF_INIT(1000), expected = BUF_INIT(1000);
		struct loaded l;

		buf_printf(&text, "\n[job \"a\"]\n%s", rows[i].text);
		load(buf_str(&text), &l);
		EXPECT_INT(l.err, -EINVAL);
		EXPECT_INT(l.status, CMD_USAGE);
		buf_printf(&expected, "%s:2: [job \"a\"] %s", l.path, rows[i].expected);
		EXPECT_HAS(buf_str(&l.problems), buf_str(&expected));
		EXPECT(!l.c && !l.patterns);
		loaded_done(&l);
	}
}

static void takes_the_environments(void)
{
	struct loaded l = { .problems = BUF_INIT(10000) };

	setenv("ISAMON_CONFIG", "/nowhere/isamon.conf", 1);
	EXPECT_INT(setup_load(NULL, &l.problems, &l.c, &l.patterns), -ENOENT);
	EXPECT_HAS(buf_str(&l.problems), "/nowhere/isamon.conf: cannot be read");
	unsetenv("ISAMON_CONFIG");
	loaded_done(&l);
}

static void passes_problems_on(void)
{
	struct loaded l;

	load("[http]\nring_size = 3\n", &l);
	EXPECT_INT(l.err, -EINVAL);
	EXPECT_INT(l.status, CMD_USAGE);
	EXPECT_HAS(buf_str(&l.problems), ":2: [http] ring_size = 3: out of range");
	loaded_done(&l);
}

static void tells_unreadable_from_wrong(void)
{
	char name[] = "check-config", path[] = "/nowhere/isamon.conf";
	char *argv[] = { name, path, path, NULL };

	EXPECT_INT(cmd_check_config(2, argv), CMD_FAILED);
	EXPECT_INT(cmd_check_config(3, argv), CMD_USAGE);
}

int main(int argc, char **argv)
{
	static const struct unit_case cases[] = {
		{ "a configuration comes with its routes compiled", loads },
		{ "a bad route is reported with its line", points_at_bad_routes },
		{ "a bad expression or format of a log is reported with the line of its section",
		  points_at_bad_logs },
		{ "a bad job is reported with the line of its section", points_at_bad_jobs },
		{ "the file may be named by the environment", takes_the_environments },
		{ "problems of the file are passed on", passes_problems_on },
		{ "a file that cannot be read has a status of its own",
		  tells_unreadable_from_wrong },
	};

	return unit_main(argc, argv, cases, ARRAY_SIZE(cases));
}
