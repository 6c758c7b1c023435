/* SPDX-License-Identifier: MIT */
/* The command of a job, as arguments: split at blanks, but not within double quotes, which may stand anywhere and are taken away. No
 * shell, no variables, no other quotes. */
#ifndef ISAMON_JOB_COMMAND_H
#define ISAMON_JOB_COMMAND_H

#include "base/buf.h"

#define JOB_COMMAND_MAX 1000
#define JOB_COMMAND_ARGS_MAX 32

struct job_command {
	char text[JOB_COMMAND_MAX + 1];
	const char *argv[JOB_COMMAND_ARGS_MAX + 1]; /* into text; NULL behind them */
	size_t n;
};

/* Returns 0; -EINVAL: nothing, too much, or a quote that does not end; "what is wrong; what to write" is appended to @why. */
int job_command_split(const char *text, struct buf *why, struct job_command *ret);

#endif
