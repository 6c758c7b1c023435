/* SPDX-License-Identifier: MIT */
/* What the checks of the audit have in common; one file a check. Each is a check_fn (check/check.h). */
#ifndef ISAMON_AUDIT_IMPL_H
#define ISAMON_AUDIT_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "check/check.h"

/* For findings_add(). */
#define AUDIT_TEXT(...) (&(const struct finding_text){ __VA_ARGS__ })

int audit_ports(const struct check_input *in, struct findings *out);
int audit_users(const struct check_input *in, struct findings *out);
int audit_sudo(const struct check_input *in, struct findings *out);
int audit_logins(const struct check_input *in, struct findings *out);
int audit_ssh(const struct check_input *in, struct findings *out);
int audit_files(const struct check_input *in, struct findings *out);
int audit_units(const struct check_input *in, struct findings *out);
int audit_updates(const struct check_input *in, struct findings *out);
int audit_imds(const struct check_input *in, struct findings *out);
int audit_certificates(const struct check_input *in, struct findings *out);

/* Takes the next line of [*at, end), without its newline; @size - 1 bytes of it are kept, and what is behind a NUL is not. Returns whether
 * there was one. */
bool audit_next_line(const char **at, const char *end, char *line, size_t size);
/* Takes the next word, between spaces and tabs, and ends it with a NUL; NULL: there is none. */
char *audit_next_word(char **at);

/* Whether [audit] allow_user has it. */
bool audit_user_is_allowed(const struct config *c, const char *name);

/* "2026-11-26 14:30", local time. */
#define AUDIT_TIME_MAX 20
void audit_format_time(int64_t s, char text[static AUDIT_TIME_MAX]);

#endif
