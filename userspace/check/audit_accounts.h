/* SPDX-License-Identifier: MIT */
/* passwd(5) and shadow(5), as text. Any text is taken; lines that are none are passed over. */
#ifndef ISAMON_AUDIT_ACCOUNTS_H
#define ISAMON_AUDIT_ACCOUNTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum audit_password {
	AUDIT_PASSWORD_NONE,   /* none is asked for */
	AUDIT_PASSWORD_LOCKED, /* no password fits */
	AUDIT_PASSWORD_WEAK,   /* kept by DES or MD5: quickly guessed by who has the file */
	AUDIT_PASSWORD_SET,
	AUDIT_PASSWORD_SHADOW, /* it is in the other file */
};

struct audit_account {
	char name[64];
	uid_t uid;
	char home[256];
	char shell[128];              /* "": that is /bin/sh */
	enum audit_password password; /* as this file has it */
};

/* Takes the next one of [*at, end). Returns whether there was one. */
bool audit_accounts_next(const char **at, const char *end, struct audit_account *ret);

/* What @text, of shadow, has of the user; AUDIT_PASSWORD_LOCKED if it has nothing. */
enum audit_password audit_shadow_find(const char *text, size_t len, const char *name);

/* Whether one can work with it: not nologin, false, and their like. */
bool audit_is_shell(const char *shell);

#endif
