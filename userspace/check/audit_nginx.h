/* SPDX-License-Identifier: MIT */
/* The certificates and keys that nginx's configuration names. Any text is taken; an argument is cut at 1 KiB. */
#ifndef ISAMON_AUDIT_NGINX_H
#define ISAMON_AUDIT_NGINX_H

#include <stddef.h>

enum audit_nginx_kind { AUDIT_NGINX_CERTIFICATE, AUDIT_NGINX_KEY, AUDIT_NGINX_INCLUDE };

/* Returns 0, or what ends the parsing. @path: as it stands there; a pattern, for an include. */
typedef int (*audit_nginx_fn)(enum audit_nginx_kind kind, const char *path, void *ctx);

int audit_nginx_parse(const char *text, size_t len, audit_nginx_fn fn, void *ctx);

#endif
