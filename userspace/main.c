/* SPDX-License-Identifier: MIT */
/* isamon: the table of subcommands. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/tool.h"

static const struct tool_command commands[] = {
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

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return finish(cmd_version(1, argv));
	return finish(tool_dispatch("isamon", commands, ARRAY_SIZE(commands), argc, argv));
}
