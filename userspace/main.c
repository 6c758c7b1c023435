/* SPDX-License-Identifier: MIT */
/* isamon: finds the subcommand and runs it. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/job_report.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/tool.h"

static void help(FILE *to)
{
	size_t n;
	const struct command *commands = commands_list(&n);

	fputs("usage: isamon COMMAND [OPTION...]\n\n", to);
	for (size_t i = 0; i < n; i++)
		if (commands[i].help)
			fprintf(to, "  %-14s %s\n", commands[i].name, commands[i].help);
	fputs("\nisamon COMMAND --help tells more. Exit status: 0 fine; 1 what was asked about is not\n"
	      "fine; 2 wrong usage or configuration; 3 could not be done.\n",
	      to);
}

/* stdio has not kept why an earlier write failed; a pipe still tells that nobody reads it. */
static int write_error(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };

	if (fflush(stdout))
		return errno;
	if (!ferror(stdout))
		return 0;
	return poll(&out, 1, 0) > 0 && out.revents & POLLERR ? EPIPE : EIO;
}

/* What could not be written was not done. Who reads no further has what he wants. */
static int finish(int status)
{
	int err = write_error();

	if (status == CMD_FAILED || !err || err == EPIPE)
		return status;
	fprintf(stderr, "isamon: cannot write: %s\n", strerror(err));
	return CMD_FAILED;
}

/* getopt(3) begins its complaints with argv[0]. */
static int run(const struct command *c, int argc, char **argv)
{
	char name[32];

	snprintf(name, sizeof(name), "isamon %s", c->name);
	argv[0] = name;
	return finish(c->run(argc, argv));
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	const struct command *c = commands_find(name);

	job_report_begin();
	if (c)
		return run(c, argc - 1, argv + 1);
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		help(stdout);
		return finish(CMD_OK);
	}
	if (strcmp(name, "--version") == 0)
		return finish(cmd_version(1, argv));
	if (*name)
		tool_wrong("isamon", NULL, TOOL_UNKNOWN_COMMAND, name);
	help(stderr);
	return CMD_USAGE;
}
