/* SPDX-License-Identifier: MIT */
/*
 * The settings of sshd that the audit judges, from the text of sshd_config(5) or of `sshd -T`.
 *
 * The first value that is found for a key holds. What stands behind a Match is not for everybody: it is kept apart. Any text is taken;
 * values are cut at 1 KiB.
 */
#ifndef ISAMON_AUDIT_SSHD_H
#define ISAMON_AUDIT_SSHD_H

#include <stdbool.h>
#include <stddef.h>

enum audit_sshd_key {
	AUDIT_SSHD_ROOT,
	AUDIT_SSHD_PASSWORD,
	AUDIT_SSHD_KEYBOARD,
	AUDIT_SSHD_PAM,
	AUDIT_SSHD_EMPTY,
	AUDIT_SSHD_X11,
	AUDIT_SSHD_TRIES,
	AUDIT_SSHD_CIPHERS,
	AUDIT_SSHD_MACS,
	AUDIT_SSHD_KEX,
	AUDIT_SSHD_KEYS
};

#define AUDIT_SSHD_MATCHES_MAX 16

struct audit_sshd {
	char value[AUDIT_SSHD_KEYS][1024]; /* "": not given */
	struct {
		enum audit_sshd_key key;
		char value[64];
		char who[128];             /* the words behind Match */
	} matches[AUDIT_SSHD_MATCHES_MAX]; /* of the first three keys but KEYBOARD, and EMPTY */
	size_t n_matches;
};

/* Of an Include, as the file has it: with patterns, perhaps several, maybe relative to /etc/ssh. @match: it stands behind the Match of
 * these words; NULL: behind none. Returns 0, or what ends the parsing. */
typedef int (*audit_sshd_include_fn)(const char *patterns, const char *match, void *ctx);

/* @match: the text as a whole stands behind it; NULL. Values are added to @ret, which is zeroed before the first file. @include may be NULL. */
int audit_sshd_parse(const char *text, size_t len, const char *match, audit_sshd_include_fn include,
		     void *ctx, struct audit_sshd *ret);

/* As sshd_config has it: "PermitRootLogin". */
const char *audit_sshd_key_name(enum audit_sshd_key key);
/* What sshd does when the key is not given (sshd_config(5) of OpenSSH 9.2); "" for lists. */
const char *audit_sshd_default(enum audit_sshd_key key);

/* Appends the names of @list that are broken or nearly so to @text, ", " between them. A list that begins with - takes names away. */
void audit_sshd_old_names(enum audit_sshd_key key, const char *list, char *text, size_t size);

#endif
