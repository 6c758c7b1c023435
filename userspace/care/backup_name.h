/* SPDX-License-Identifier: MIT */
/*
 * What archives are called: NAME-data-20261126-020000.tar.gz, NAME-config-..., as the service's own guide calls them; the time is local.
 * Those with a date alone count as of midnight. The ID is the part between NAME and .tar.gz.
 */
#ifndef ISAMON_BACKUP_NAME_H
#define ISAMON_BACKUP_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/catalogue.h"

/* "data", "config". */
extern const char *const backup_kind_names[BACKUP_KINDS];

/* Whether @file is an archive's name that begins with @name; then file, id, kind and created_s of @ret are set, and nothing else. */
bool backup_name_parse(const char *name, const char *file, struct catalogue_entry *ret);
/* The name of an archive of that moment. Returns 0 or -ENAMETOOLONG. */
int backup_name_make(const char *name, enum backup_kind kind, int64_t created_s, char *to,
		     size_t size);
/* Whether @text, of a command line, means @e: its ID, its file, its path, or the time of its ID ("20261126-020000": several). */
bool backup_name_means(const char *text, const struct catalogue_entry *e);

#endif
