/* SPDX-License-Identifier: MIT */
/* The forms of secrets that secrets.h names: the inside of secrets.c. */
#ifndef ISAMON_SECRET_FORMS_H
#define ISAMON_SECRET_FORMS_H

#include <stdbool.h>
#include <stddef.h>

/* @at >= 2 is the = or : behind a name, the J of eyJ, the second A of AKIA, the a of Bearer, the - of sk- or xoxb-, the
 * last _ of ghp_ or github_pat_. Whether there is a secret, and which bytes it is. */
bool secret_forms_read(const char *text, size_t n, size_t at, size_t *ret_from, size_t *ret_to);

#endif
