/* SPDX-License-Identifier: MIT */
/* Between the files of `isamon update`. Each subcommand gets argv from its own name on and returns the exit status. */
#ifndef ISAMON_UPDATE_CMD_H
#define ISAMON_UPDATE_CMD_H

#include "care/update_app.h"
#include "config/config.h"

#define UPDATE_CONFIG_USAGE "  --config FILE default " CONFIG_DEFAULT_PATH "\n"
#define UPDATE_WHY_MAX 65536

int update_app_command(int argc, char **argv);
int update_system_command(int argc, char **argv);
int update_security_command(int argc, char **argv);
int update_check_command(int argc, char **argv);

/* What an update of the application has of the configuration. @ret refers to @c. */
void update_options_of(const struct config *c, struct update_options *ret);
/* STATE_DIRECTORY/update.log, for appending; -1 if that cannot be. What it holds is of root alone. */
int update_open_log(const struct config *c);

#define UPDATE_COMMIT_SHOWN 12 /* digits */

#endif
