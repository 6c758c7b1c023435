/* SPDX-License-Identifier: MIT */
/* isamon logs rotate: logrotate(8), with the file of the service. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "cmd/cmd.h"
#include "cmd/logs_cmd.h"
#include "cmd/logs_rotation.h"
#include "cmd/tool.h"

#define COMMAND "isamon logs rotate"
#define OUTPUT_MAX (1u << 20)
#define TIMEOUT_MS (30 * 60 * 1000) /* gigabytes are compressed */

static const char usage[] =
	"usage: isamon logs rotate [--force] [--dry-run] [--config FILE]\n"
	"\n"
	"Rotates the service's logs through logrotate, by the file that [logs] logrotate_file names:\n"
	"those that are due, and nothing else is touched.\n"
	"\n"
	"  --force       rotates all of them now, due or not\n"
	"  --dry-run     shows what logrotate would do, and does nothing\n"
	"  --config FILE default " CONFIG_DEFAULT_PATH "\n"
	"\n"
	"Exit status: 0 done; 2 wrong usage or configuration; 3 logrotate is not there, or could not.\n";

static int explain(const char *file, int err)
{
	if (err == -ENOENT)
		fprintf(stderr, COMMAND ": there is no logrotate; install the package logrotate\n");
	else if (err == -ETIMEDOUT)
		fprintf(stderr,
			COMMAND ": logrotate did not end within 30 minutes, and was ended\n");
	else if (err < 0)
		fprintf(stderr, COMMAND ": logrotate: %s\n", strerror(-err));
	else
		fprintf(stderr, COMMAND ": logrotate could not do all that %s says%s\n", file,
			geteuid() ? "; only root can: try it with sudo" : ", for the reason above");
	return CMD_FAILED;
}

static int rotate(const struct config *c, bool force, bool dry_run)
{
	_cleanup_(buf_done) struct buf out = BUF_INIT(OUTPUT_MAX);
	const char *argv[6] = { "logrotate" };
	const char *file = c->logs_logrotate_file;
	bool complaint = false;
	size_t n = 1;
	int status;

	if (rotation_file_missing(file)) {
		fprintf(stderr,
			COMMAND ": %s is not there; `make install` lays one, or name yours with "
				"[logs] logrotate_file\n",
			file);
		return CMD_FAILED;
	}
	if (dry_run)
		argv[n++] = "--debug";
	if (force)
		argv[n++] = "--force";
	argv[n] = file;
	status = child_run(argv, TIMEOUT_MS, &out);
	if (status >= 0)
		complaint = rotation_print_output(buf_str(&out), out.len, dry_run ? stdout : NULL);
	if (status || complaint)
		return explain(file, status);
	if (!dry_run)
		printf("done: logrotate %s%s\n", force ? "--force " : "", file);
	return CMD_OK;
}

int logs_rotate(int argc, char **argv)
{
	_cleanup_(config_freep) struct config *c = NULL;
	const char *config_path = NULL;
	bool force = false, dry_run = false;
	const struct tool_option options[] = {
		{ "force", &force, NULL },
		{ "dry-run", &dry_run, NULL },
		{ "config", NULL, &config_path },
	};
	int first, status;

	status = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);
	if (status)
		return status > 0 ? CMD_OK : CMD_USAGE;
	if (first < argc)
		return tool_wrong(COMMAND, usage, TOOL_UNEXPECTED, argv[first]);
	status = tool_load(config_path, &c);
	return status ? status : rotate(c, force, dry_run);
}
