/* SPDX-License-Identifier: MIT */
/* Options, configuration, JSON and questions of commands. */
#include "cmd/tool.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "cmd/cmd.h"
#include "cmd/setup.h"

#define PROBLEMS_MAX (256 * 1024)
#define OPTIONS_MAX 16
#define OUTPUT_MAX (16u << 20)

/* What was wrong would scroll away above all of it. */
static void show_synopsis(const char *usage)
{
	static const char further[] = "       ";

	do {
		const size_t n = strcspn(usage, "\n");

		fprintf(stderr, "%.*s\n", (int)n, usage);
		usage += n + (usage[n] == '\n');
	} while (strncmp(usage, further, sizeof(further) - 1) == 0);
	fputs("--help tells more.\n", stderr);
}

int tool_options(int argc, char **argv, const struct tool_option *o, size_t n, const char *usage,
		 int *ret_first)
{
	struct option options[OPTIONS_MAX] = { { "help", no_argument, NULL, 'h' } };
	int option, i = 0;

	assert(n + 2 <= OPTIONS_MAX);
	for (size_t k = 0; k < n; k++) {
		options[k + 1].name = o[k].name;
		options[k + 1].has_arg = o[k].value ? required_argument : no_argument;
	}
	optind = 0;
	while ((option = getopt_long(argc, argv, "h", options, &i)) != -1) {
		if (option == 'h') {
			fputs(usage, stdout);
			return 1;
		}
		if (option != 0) {
			show_synopsis(usage);
			return -EINVAL;
		}
		if (o[i - 1].value)
			*o[i - 1].value = optarg;
		else
			*o[i - 1].flag = true;
	}
	*ret_first = optind;
	return 0;
}

int tool_wrong(const char *command, const char *usage, const char *what, const char *argument)
{
	if (argument)
		fprintf(stderr, "%s: %s \"%s\"\n", command, what, argument);
	else
		fprintf(stderr, "%s: %s\n", command, what);
	if (usage)
		show_synopsis(usage);
	return CMD_USAGE;
}

static void list_commands(const char *command, const struct tool_command *c, size_t n, FILE *to)
{
	size_t width = 0;

	for (size_t i = 0; i < n; i++)
		if (c[i].help && strlen(c[i].name) > width)
			width = strlen(c[i].name);
	fprintf(to, "usage: %s COMMAND [OPTION...]\n\n", command);
	for (size_t i = 0; i < n; i++)
		if (c[i].help)
			fprintf(to, "  %-*s   %s\n", (int)width, c[i].name, c[i].help);
	fprintf(to,
		"\n%s COMMAND --help tells more. Exit status: 0 fine; 1 what was asked about is not\n"
		"fine; 2 wrong usage or configuration; 3 could not be done.\n",
		command);
}

static int run_command(const char *command, const struct tool_command *c, int argc, char **argv)
{
	char name[64];

	snprintf(name, sizeof(name), "%s %s", command, c->name);
	argv[0] = name;
	return c->run(argc, argv);
}

int tool_dispatch(const char *command, const struct tool_command *c, size_t n, int argc,
		  char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < n; i++)
		if (strcmp(name, c[i].name) == 0)
			return run_command(command, &c[i], argc - 1, argv + 1);
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
		list_commands(command, c, n, stdout);
		return CMD_OK;
	}
	if (*name)
		tool_wrong(command, NULL, TOOL_UNKNOWN_COMMAND, name);
	list_commands(command, c, n, stderr);
	return CMD_USAGE;
}

int tool_load(const char *path, struct config **ret_config)
{
	_cleanup_(buf_done) struct buf problems = BUF_INIT(PROBLEMS_MAX);
	struct route_patterns *patterns = NULL;
	int err = setup_load(path, &problems, ret_config, &patterns);

	if (err) {
		fputs(buf_str(&problems), stderr);
		return err == -EINVAL ? CMD_USAGE : CMD_FAILED;
	}
	route_patterns_free(patterns);
	return CMD_OK;
}

int tool_print_json(const char *command, const json_t *j)
{
	_cleanup_(buf_done) struct buf text = BUF_INIT(OUTPUT_MAX);
	int err = json_add_text(j, JSON_INDENT(2) | JSON_REAL_PRECISION(15), &text);

	if (err) {
		fprintf(stderr, "%s: %s\n", command, strerror(-err));
		return CMD_FAILED;
	}
	puts(buf_str(&text));
	return CMD_OK;
}

int tool_confirm(const char *command, const char *question, bool yes)
{
	char answer[16];

	if (yes)
		return 1;
	fflush(stdout);
	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr, "%s: %s There is no terminal to ask: say --yes\n", command,
			question);
		return -ENOTTY;
	}
	fprintf(stderr, "%s [y/N] ", question);
	if (!fgets(answer, sizeof(answer), stdin))
		return 0;
	return answer[0] == 'y' || answer[0] == 'Y';
}
