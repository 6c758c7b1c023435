/* SPDX-License-Identifier: MIT */
/* What commands that work by the configuration and speak to AWS have in common. Messages go to standard error. */
#ifndef ISAMON_TOOL_H
#define ISAMON_TOOL_H

#include <event2/event.h>
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "aws/client.h"
#include "aws/lone_session.h"
#include "base/buf.h"
#include "config/config.h"

/* "--name", or "--name VALUE" if value is not NULL. */
struct tool_option {
	const char *name;
	bool *flag;
	const char **value;
};

/*
 * Reads the options, in any place of the command line; --help prints @usage. Returns 0; 1: help was printed;
 * -EINVAL: wrong usage, which was said with the first lines of @usage. *ret_first: where in @argv the arguments begin, which are brought behind the
 * options.
 */
int tool_options(int argc, char **argv, const struct tool_option *o, size_t n, const char *usage,
		 int *ret_first);

/* Says what is wrong with the command line, and the first lines of @usage, "usage: ..." (NULL: the caller shows more): "COMMAND: WHAT "ARGUMENT"", or without the
 * argument, if that is NULL. Returns CMD_USAGE. */
int tool_wrong(const char *command, const char *usage, const char *what, const char *argument);
#define TOOL_UNKNOWN_COMMAND "unknown command"
#define TOOL_UNEXPECTED "unexpected argument"

/* Of a command that has commands. */
struct tool_command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help; /* NULL: not for people, and not shown */
};

/*
 * Runs the one of @n that argv[1] names, with what follows it; its argv[0] is "COMMAND NAME", with which getopt(3) begins its
 * complaints. help, --help and -h print them all. Returns the exit status.
 */
int tool_dispatch(const char *command, const struct tool_command *c, size_t n, int argc,
		  char **argv);

/* The configuration @path (NULL: the default one). Returns CMD_OK, or what the command ends with; then the reasons
 * were said. */
int tool_load(const char *path, struct config **ret_config);

/* Prints it, indented. Returns the exit status. */
int tool_print_json(const char *command, const json_t *j);

/* Asks on the terminal, if @yes is not said already. Returns whether the answer is yes: 1, 0; -ENOTTY: there is
 * nobody to ask, which was said. */
int tool_confirm(const char *command, const char *question, bool yes);

/* As lone_session_open(); what is wrong was said, and is closed already. */
int tool_aws_open(const char *command, const struct config *c, struct lone_session *ret);

struct tool_answer {
	enum aws_failure failure;
	char code[80];  /* "" if there is none */
	struct buf why; /* of a failure: one plain line */
	json_t *body;   /* NULL: none, or no JSON */
};

/* Calls an operation of a service, and waits for the answer. Returns 0 if AWS did it; -EIO: no, @ret says why. Always
 * fills @ret in, which tool_answer_done() empties. */
int tool_call(struct lone_session *a, enum aws_service service, const char *operation,
	      const json_t *request, struct tool_answer *ret);
void tool_answer_done(struct tool_answer *answer);

/*
 * Every alarm of the region, page by page, until @fn returns an error, which is returned. -EIO: AWS refused, @why says
 * how. @composite: those that are made of others, too.
 */
typedef int (*tool_alarm_fn)(const json_t *alarm, void *ctx);
int tool_each_alarm(struct lone_session *a, bool composite, tool_alarm_fn fn, void *ctx,
		    struct buf *why);

#endif
