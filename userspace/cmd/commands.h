/* SPDX-License-Identifier: MIT */
/* The subcommands by their names, for main() and for who checks a configuration. */
#ifndef ISAMON_COMMANDS_H
#define ISAMON_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

#include "cmd/tool.h"

const struct tool_command *commands_list(size_t *ret_n);
/* Whether a job may be made of it. */
bool commands_is_job(const struct tool_command *c);
/* NULL if there is none. */
const struct tool_command *commands_find(const char *name);

#endif
