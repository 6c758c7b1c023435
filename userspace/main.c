/* SPDX-License-Identifier: MIT */
/* isamon: the table of subcommands. */
#include <stdio.h>
#include <string.h>

#include "base/util.h"
#include "cmd/cmd.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "run", cmd_run, "watch the service and serve its metrics (the daemon)" },
	{ "top", cmd_top, "requests, errors and latency by route, live" },
	{ "status", cmd_status, "the state of the service now, on one screen" },
	{ "check-config", cmd_check_config, "check a configuration file" },
	{ "version", cmd_version, "versions of isamon and its libraries" },
};

static void help(FILE *to)
{
	fputs("usage: isamon COMMAND [OPTION...]\n\n", to);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-14s %s\n", commands[i].name, commands[i].help);
	fputs("\nisamon COMMAND --help tells more. Exit status: 0 fine; 1 what was asked about is not\n"
	      "fine; 2 wrong usage or configuration; 3 could not be done.\n",
	      to);
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		help(stdout);
		return CMD_OK;
	}
	if (strcmp(name, "--version") == 0)
		return cmd_version(1, argv);
	if (*name)
		fprintf(stderr, "isamon: unknown command \"%s\"\n", name);
	help(stderr);
	return CMD_USAGE;
}
