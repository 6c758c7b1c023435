/* SPDX-License-Identifier: MIT */
/* isamon: the table of subcommands. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
	{ "metrics", cmd_metrics, "what goes to CloudWatch: preview it, push it now" },
	{ "alarms", cmd_alarms, "CloudWatch's alarms, as they are configured" },
	{ "dashboard", cmd_dashboard, "CloudWatch's dashboard of what isamon publishes" },
	{ "logs", cmd_logs, "the service's logs: here, in CloudWatch, and their rotation" },
	{ "db", cmd_db, "check, copy, measure, vacuum the service's databases" },
	{ "service", cmd_service, "start, stop, restart the service; who runs it, and how it is" },
	{ "ship-logs", cmd_ship_logs, NULL }, /* of the daemon, for itself */
	{ "check-config", cmd_check_config, "check a configuration file" },
	{ "version", cmd_version, "versions of isamon and its libraries" },
};

static void help(FILE *to)
{
	fputs("usage: isamon COMMAND [OPTION...]\n\n", to);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
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
static int run(size_t i, int argc, char **argv)
{
	char name[32];

	snprintf(name, sizeof(name), "isamon %s", commands[i].name);
	argv[0] = name;
	return finish(commands[i].run(argc, argv));
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(name, commands[i].name) == 0)
			return run(i, argc - 1, argv + 1);
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		help(stdout);
		return finish(CMD_OK);
	}
	if (strcmp(name, "--version") == 0)
		return finish(cmd_version(1, argv));
	if (*name)
		fprintf(stderr, "isamon: unknown command \"%s\"\n", name);
	help(stderr);
	return CMD_USAGE;
}
