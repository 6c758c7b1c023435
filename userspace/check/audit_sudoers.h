/* SPDX-License-Identifier: MIT */
/*
 * sudoers(5), as far as the audit asks: who becomes root without a password, or everybody with his own, and which files belong to it.
 * All files are one text: aliases of users, of commands and of whom they are run as are resolved, wherever they are defined; those of hosts are not,
 * each host is taken for ours. Regular expressions are not evaluated.
 *
 * Bounded: a line (with its continuations) of 64 KiB, SUDOERS_STATEMENTS_MAX statements, SUDOERS_STEPS_MAX members of aliases. Any text is taken.
 */
#ifndef ISAMON_AUDIT_SUDOERS_H
#define ISAMON_AUDIT_SUDOERS_H

#include <stdbool.h>
#include <stddef.h>

#define SUDOERS_STATEMENTS_MAX 8192
#define SUDOERS_STEPS_MAX 50000u

struct audit_sudoers;

int audit_sudoers_new(struct audit_sudoers **ret);
/* NULL is fine. */
void audit_sudoers_free(struct audit_sudoers *s);
void audit_sudoers_freep(struct audit_sudoers **s);

/* @path: as it stands there, one line. Returns 0 or -errno, which ends the reading. */
typedef int (*audit_sudo_include_fn)(const char *path, bool directory, void *ctx);

/* Takes a file's statements. @fn is called for each file or directory that it includes, and may add these. Returns 0, -ENOMEM, -E2BIG (too
 * many statements), or what @fn returned. */
int audit_sudoers_add(struct audit_sudoers *s, const char *path, const char *text, size_t len,
		      audit_sudo_include_fn fn, void *ctx);

enum audit_sudo_kind {
	AUDIT_SUDO_NOPASSWD,  /* may become root by the command, without a password */
	AUDIT_SUDO_EVERYBODY, /* ALL may, with their own passwords */
	AUDIT_SUDO_NO_AUTHENTICATE, /* Defaults !authenticate, or exempt_group; who: for whom, "" for all */
};

struct audit_sudo_right {
	enum audit_sudo_kind kind;
	const char *who;     /* one user, "%group", "#1000", "ALL"; without quotes and escapes */
	const char *command; /* "ALL", "/bin/bash"; as it stands there, one line */
	const char *how;     /* what it is that makes one root: "a shell"; "" for ALL */
	const char *path;    /* the file */
	unsigned int line;
};

/* Returns 0, or what ends it. */
typedef int (*audit_sudo_fn)(const struct audit_sudo_right *r, void *ctx);
/* Why the program at @path makes whoever may run it root, though it is none that is known to; NULL: it does not. A text that stays. */
typedef const char *(*audit_sudo_program_fn)(const char *path, void *ctx);

/* Judges all that was added: each user of each statement at most once. Root is passed over. Returns 0, -E2BIG (aliases that never end), or what
 * @fn returned. */
int audit_sudoers_judge(struct audit_sudoers *s, audit_sudo_program_fn program, audit_sudo_fn fn,
			void *ctx);

#endif
