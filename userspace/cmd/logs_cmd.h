/* SPDX-License-Identifier: MIT */
/* Between the files of `isamon logs`. Each subcommand gets argv from its own name on and returns the exit status. */
#ifndef ISAMON_LOGS_CMD_H
#define ISAMON_LOGS_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int logs_tail(int argc, char **argv);
int logs_get(int argc, char **argv);
int logs_query(int argc, char **argv);
int logs_rotate(int argc, char **argv);
int logs_check(int argc, char **argv);

/* Reads the text of an option that is a moment (NULL: *ret_ms stays). Returns 0 or -EINVAL, which was said. */
int logs_moment(const char *command, const char *option, const char *text, int64_t now_ms,
		int64_t *ret_ms);
/* The same for a number from 1 to @max. */
int logs_number(const char *command, const char *option, const char *text, uint64_t max,
		uint64_t *ret);

/* Whether it is the name of a log group; otherwise says so. */
bool logs_group_is_one(const char *command, const char *group);

/* Whether what is written there may be coloured: a terminal that can, and NO_COLOR is not set. */
bool logs_wants_colour(int fd);

int64_t logs_now_ms(void);

#endif
