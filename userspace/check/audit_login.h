/* SPDX-License-Identifier: MIT */
/*
 * Logins, one after the other, from what sshd writes and from wtmp and btmp; and their sums.
 *
 * What sshd writes is partly a stranger's: a user's name may look like anything. So the address is taken from the end of the line, where
 * sshd alone writes (auth_log() and packet.c of OpenSSH 9.2). Any bytes are taken.
 */
#ifndef ISAMON_AUDIT_LOGIN_H
#define ISAMON_AUDIT_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_LOGIN_FROM_MAX 64

enum audit_login_kind {
	AUDIT_LOGIN_ACCEPTED,
	AUDIT_LOGIN_FAILED, /* by a password, or whatever was tried */
	AUDIT_LOGIN_GAVE_UP, /* went away before, or with an unknown name; of the same connection as a failed one: the same */
};

struct audit_login {
	enum audit_login_kind kind;
	unsigned int times; /* "message repeated 3 times" */
	unsigned int port;  /* 0: not known */
	int64_t time_s; /* since the epoch; set by whoever reads, but for audit_login_line() and _record() */
	char user[64];                   /* plain text */
	char method[24];                 /* "password", "publickey"; "" */
	char from[AUDIT_LOGIN_FROM_MAX]; /* an address; "": this host itself */
};

/* Reads what sshd said, without what syslog puts before it. Returns whether it was about a login. */
bool audit_login_message(const char *text, size_t n, struct audit_login *ret);

/* Reads a line of auth.log or secure; @now_s gives the year, which some do not have. */
bool audit_login_line(const char *line, size_t n, int64_t now_s, struct audit_login *ret);

/* Reads a record of wtmp, or, if @failed, of btmp (utmp(5)), of @n bytes. */
size_t audit_login_record_size(void);
bool audit_login_record(const void *bytes, size_t n, bool failed, struct audit_login *ret);

#endif
