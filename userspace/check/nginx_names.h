/* SPDX-License-Identifier: MIT */
/* The files that nginx's configuration names: certificates and keys, and what it includes. Any text is taken; a name is cut at 1 KiB. */
#ifndef ISAMON_NGINX_NAMES_H
#define ISAMON_NGINX_NAMES_H

#include <stddef.h>

enum nginx_names_kind { NGINX_NAMES_CERTIFICATE, NGINX_NAMES_KEY, NGINX_NAMES_INCLUDE };

/* Returns 0, or what ends the parsing. @name: as it stands there; a pattern, for an include. */
typedef int (*nginx_names_fn)(enum nginx_names_kind kind, const char *name, void *ctx);

/* Of a file, or of what `nginx -T` prints. Returns 0, or what @fn returned. */
int nginx_names_parse(const char *text, size_t len, nginx_names_fn fn, void *ctx);

#endif
