/* SPDX-License-Identifier: MIT */
/* Which files hold secrets: by their names, and by what is in them. No part of a secret is ever kept. */
#ifndef ISAMON_AUDIT_SECRET_H
#define ISAMON_AUDIT_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/* What the name of a file promises: "an environment file", "a private key", ...; NULL: nothing. @directory: the name of that it is in. */
const char *audit_secret_by_name(const char *name, const char *directory);
/* Whether one with that name has to be looked into before it is a secret (*.pem: most are certificates, which are public). */
bool audit_secret_name_is_vague(const char *name);
/* Whether it is worth looking into a file with this name: text of a small size, not a program's own. */
bool audit_secret_may_hold(const char *name);

/* What is in the text: "a private key", "JWT_SECRET", "an AWS access key"; NULL: nothing. Any bytes are taken. */
const char *audit_secret_by_text(const char *text, size_t n);

#endif
