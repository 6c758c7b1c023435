/* SPDX-License-Identifier: MIT */
/*
 * sudoers(5), as far as the audit asks: who may do everything without a password, or everybody with one, and which files belong to it.
 *
 * Bounded: a line (with its continuations) of 8 KiB; what is longer is cut there. Any text is taken. Aliases are not resolved: who is
 * named by one has its name.
 */
#ifndef ISAMON_AUDIT_SUDOERS_H
#define ISAMON_AUDIT_SUDOERS_H

#include <stddef.h>

enum audit_sudo_kind {
	AUDIT_SUDO_NOPASSWD,        /* who may run ALL as root, NOPASSWD */
	AUDIT_SUDO_EVERYBODY,       /* ALL may run ALL as root, with a password */
	AUDIT_SUDO_NO_AUTHENTICATE, /* Defaults !authenticate; who: for whom, ":name", "" for all */
	AUDIT_SUDO_INCLUDE,         /* who: the file */
	AUDIT_SUDO_INCLUDE_DIRECTORY,
};

/* Returns 0, or what ends the parsing. @who is one line, and its own only. */
typedef int (*audit_sudo_fn)(enum audit_sudo_kind kind, const char *who, unsigned int line,
			     void *ctx);

int audit_sudoers_parse(const char *text, size_t len, audit_sudo_fn fn, void *ctx);

#endif
