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
#include "base/utf8.h"
#include "base/util.h"
#include "base/when.h"
#include "cmd/cmd.h"
#include "cmd/tool.h"

static const struct tool_command commands[] = {
	{ "tail", logs_tail, "the logs of this host, merged by time; -f follows them" },
	{ "get", logs_get, "events out of CloudWatch Logs" },
	{ "query", logs_query, "a query of CloudWatch Logs Insights" },
	{ "rotate", logs_rotate, "rotate the logs that are due, or all, through logrotate" },
	{ "check", logs_check, "whether the logs are rotated, and rightly" },
};

int cmd_logs(int argc, char **argv)
{
	return tool_dispatch("isamon logs", commands, ARRAY_SIZE(commands), argc, argv);
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

bool logs_group_is_one(const char *command, const char *group)
{
	static const char characters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789._/#-";
	char plain[128];

	if (*group && !group[strspn(group, characters)])
		return true;
	utf8_make_plain(group, strlen(group), plain, sizeof(plain));
	fprintf(stderr,
		"%s: \"%s\" is no log group; write 1 to 512 letters, digits and . - _ / #\n",
		command, plain);
	return false;
}

bool logs_wants_colour(int fd)
{
	const char *term = getenv("TERM"), *no = getenv("NO_COLOR");

	return isatty(fd) && term && *term && strcmp(term, "dumb") != 0 && !(no && *no);
}
