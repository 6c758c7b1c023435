/* SPDX-License-Identifier: MIT */
/* isamon logs: the table of its subcommands, and how they read what their options say. */
#include "cmd/logs_cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/number.h"
#include "base/util.h"
#include "base/when.h"
#include "cmd/cmd.h"
#include "cmd/tool.h"

#define NS_PER_MS 1000000ull

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "tail", logs_tail, "the logs of this host, merged by time; -f follows them" },
	{ "get", logs_get, "events out of CloudWatch Logs" },
	{ "query", logs_query, "a query of CloudWatch Logs Insights" },
	{ "rotate", logs_rotate, "rotate the logs that are due, or all, through logrotate" },
	{ "check", logs_check, "whether the logs are rotated, and rightly" },
};

static void help(FILE *to)
{
	fputs("usage: isamon logs COMMAND [OPTION...]\n\n", to);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\nisamon logs COMMAND --help tells more. Exit status: 0 fine; 1 what was asked about is\n"
	      "not fine; 2 wrong usage or configuration; 3 could not be done.\n",
	      to);
}

/* getopt(3) begins its complaints with argv[0]. */
static int run(size_t i, int argc, char **argv)
{
	char name[32];

	snprintf(name, sizeof(name), "isamon logs %s", commands[i].name);
	argv[0] = name;
	return commands[i].run(argc, argv);
}

int cmd_logs(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return run(i, argc - 1, argv + 1);
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		help(stdout);
		return CMD_OK;
	}
	if (*name)
		tool_wrong("isamon logs", NULL, TOOL_UNKNOWN_COMMAND, name);
	help(stderr);
	return CMD_USAGE;
}

int64_t logs_now_ms(void)
{
	return (int64_t)(clock_realtime_ns() / NS_PER_MS);
}

int logs_moment(const char *command, const char *option, const char *text, int64_t now_ms,
		int64_t *ret_ms)
{
	int err = text ? when_parse(text, now_ms, ret_ms) : 0;

	if (err)
		fprintf(stderr, "%s: %s %s: not a moment; write one as " WHEN_FORMS "\n", command,
			option, text);
	return err;
}

int logs_number(const char *command, const char *option, const char *text, uint64_t max,
		uint64_t *ret)
{
	int err = text ? number_parse_u64(text, 1, max, ret) : 0;

	if (!err)
		return 0;
	fprintf(stderr, "%s: %s %s: not a number from 1 to %llu\n", command, option, text,
		(unsigned long long)max);
	return -EINVAL;
}

bool logs_wants_colour(int fd)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(fd) && term && *term && strcmp(term, "dumb") != 0 && !(no && *no);
}
