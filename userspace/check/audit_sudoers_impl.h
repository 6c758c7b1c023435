/* SPDX-License-Identifier: MIT */
/* Between the files of check/audit_sudoers.h: statements, and lists in which aliases stand. */
#ifndef ISAMON_AUDIT_SUDOERS_IMPL_H
#define ISAMON_AUDIT_SUDOERS_IMPL_H

#include "check/audit_sudoers.h"

enum sudoers_kind {
	SUDOERS_USERS,    /* User_Alias */
	SUDOERS_RUNAS,    /* Runas_Alias */
	SUDOERS_COMMANDS, /* Cmnd_Alias */
	SUDOERS_DEFAULTS,
	SUDOERS_RIGHTS, /* WHO HOSTS = ... */
};

struct sudoers_statement {
	enum sudoers_kind kind;
	char *name; /* of an alias; NULL */
	char *text; /* what is behind its =; else the statement, "Defaults" taken off */
	char *path;
	unsigned int line;
};

struct audit_sudoers {
	struct sudoers_statement *list;
	size_t n, size;
	unsigned int steps; /* members that were looked at */
};

/* Takes white space from both ends, in place. */
char *sudoers_strip(char *text);
/* The first of @stops outside of quotes, escapes and parentheses; NULL. */
char *sudoers_find(char *text, const char *stops);
/* Takes escapes and quotes off, in place. */
char *sudoers_unquote(char *text);

/* @item: stripped, and of this call only. Not 0 ends it. */
typedef int (*sudoers_member_fn)(char *item, bool negated, void *ctx);
/* Calls @fn for each member of a list with commas, where an alias of that kind stands for its own. @list is used up. Returns 0, -ENOMEM, -E2BIG, or what
 * @fn returned. */
int sudoers_each(struct audit_sudoers *s, enum sudoers_kind kind, char *list, sudoers_member_fn fn,
		 void *ctx);

#endif
