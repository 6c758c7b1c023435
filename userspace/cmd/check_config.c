/* SPDX-License-Identifier: MIT */
/* isamon check-config: says whether a configuration file would be taken, and if not, why. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "cmd/setup.h"

#define PROBLEMS_MAX (256 * 1024)

static const char usage[] =
	"usage: isamon check-config [FILE]\n"
	"Checks a configuration file, " CONFIG_DEFAULT_PATH " unless another is named.\n"
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
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(usage, stdout);
		return CMD_OK;
	}
	if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
		fprintf(stderr, "isamon check-config: unexpected argument \"%s\"\n%s",
			argv[1][0] == '-' ? argv[1] : argv[2], usage);
		return CMD_USAGE;
	}
	return check(argc == 2 ? argv[1] : NULL);
}
