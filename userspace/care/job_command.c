/* SPDX-License-Identifier: MIT */
/* Splits commands. What comes out is never longer than what goes in. */
#include "care/job_command.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int refuse(struct buf *why, const char *problem)
{
	buf_add_str(why, problem);
	return -EINVAL;
}

/* One argument; false: its quote does not end. */
static bool read_one(const char **text, char **to)
{
	bool quoted = false;

	for (; **text && (quoted || !is_blank(**text)); ++*text) {
		if (**text == '"')
			quoted = !quoted;
		else
			*(*to)++ = **text;
	}
	*(*to)++ = '\0';
	return !quoted;
}

int job_command_split(const char *text, struct buf *why, struct job_command *ret)
{
	char *to = ret->text;

	ret->n = 0;
	if (strlen(text) > JOB_COMMAND_MAX)
		return refuse(why, "longer than 1000 bytes; write a shorter command");
	while (text += strspn(text, " \t"), *text) {
		if (ret->n == JOB_COMMAND_ARGS_MAX)
			return refuse(why, "more than 32 arguments; write fewer");
		ret->argv[ret->n++] = to;
		if (!read_one(&text, &to))
			return refuse(why, "a quote does not end; write a second \"");
	}
	ret->argv[ret->n] = NULL;
	return ret->n ? 0 : refuse(why, "empty; write a command of isamon's, such as db check");
}
