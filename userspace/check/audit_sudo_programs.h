/* SPDX-License-Identifier: MIT */
/* Programs with which whoever may run them as root is root. */
#ifndef ISAMON_AUDIT_SUDO_PROGRAMS_H
#define ISAMON_AUDIT_SUDO_PROGRAMS_H

#include "check/audit_sudoers.h"

/*
 * What @command of sudoers (a path, perhaps with arguments, escapes and patterns) is, if one becomes root by it: "a shell"; NULL: one does not, as far as is known.
 * Arguments that are given and have no pattern restrict most programs, but no editor and no pager. @program is asked for what is
 * not in the table, and for the script that an interpreter is given.
 */
const char *audit_sudo_program(const char *command, audit_sudo_program_fn program, void *ctx);

#endif
