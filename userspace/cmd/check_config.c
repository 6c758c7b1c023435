/* SPDX-License-Identifier: MIT */
/* isamon check-config: says whether a configuration file would be taken, and if not, why. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/util.h"
#include "cmd/cmd.h"
#include "cmd/setup.h"
#include "cmd/tool.h"

#define PROBLEMS_MAX (256 * 1024)

static const char usage[] = "usage: isamon check-config [--config FILE]\n"
			    "Checks a configuration file, " CONFIG_DEFAULT_PATH
			    " unless another is named, by --config\n"
			    "as everywhere or by FILE alone.\n"
			    "\n"
			    "Exit status: 0 fine, 2 the file has problems, 3 it cannot be read.\n";

/* @path NULL: the default file, which need not be there. */
static int check(const char *path)
{
	_cleanup_(buf_done) struct buf problems = BUF_INIT(PROBLEMS_MAX);
	struct route_patterns *patterns = NULL;
	struct config *c = NULL;
	int err = setup_load(path, &problems, &c, &patterns);

	route_patterns_free(patterns);
	config_free(c);
	if (err) {
		fputs(buf_str(&problems), stderr);
		return err == -EINVAL ? CMD_USAGE : CMD_FAILED;
	}
	if (!path && access(CONFIG_DEFAULT_PATH, F_OK))
		puts(CONFIG_DEFAULT_PATH ": is not there; isamon runs on its defaults");
	else
		printf("%s: fine\n", path ? path : CONFIG_DEFAULT_PATH);
	return CMD_OK;
}

int cmd_check_config(int argc, char **argv)
{
	const char *path = NULL;
	const struct tool_option options[] = { { "config", NULL, &path } };
	int first, err = tool_options(argc, argv, options, ARRAY_SIZE(options), usage, &first);

	if (err)
		return err > 0 ? CMD_OK : CMD_USAGE;
	if (first < argc && !path)
		path = argv[first++];
	if (first < argc)
		return tool_wrong("isamon check-config", usage, TOOL_UNEXPECTED, argv[first]);
	return check(path);
}
