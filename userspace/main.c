/* SPDX-License-Identifier: MIT */
/* isamon: runs the subcommand, and sees to it that what it wrote was written. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/job_report.h"
#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/commands.h"
#include "cmd/tool.h"

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
	size_t n;
	const struct tool_command *commands = commands_list(&n);

	json_watch_memory();
	job_report_begin();
	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return finish(cmd_version(1, argv));
	return finish(tool_dispatch("isamon", commands, n, argc, argv));
}
