/* SPDX-License-Identifier: MIT */
/* What `systemctl show` says of how far units are kept in. */
#ifndef ISAMON_AUDIT_UNITS_H
#define ISAMON_AUDIT_UNITS_H

#include <stdbool.h>
#include <stddef.h>

struct audit_unit {
	char id[256], load[32];
	char user[64]; /* "": root */
	bool dynamic_user;
	char no_new_privileges[8], protect_system[16], protect_home[16], private_tmp[16];
};

/* Takes the next one of [*at, end): lines NAME=VALUE up to an empty one. Any text is taken. Returns whether there was one. */
bool audit_units_next(const char **at, const char *end, struct audit_unit *ret);

#endif
