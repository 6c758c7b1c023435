/* SPDX-License-Identifier: MIT */
/* The backups that there are: what is in their directory, what is in S3, and what the catalogue knows of both. */
#ifndef ISAMON_BACKUP_LIST_H
#define ISAMON_BACKUP_LIST_H

#include <stddef.h>

#include "base/buf.h"
#include "store/catalogue.h"

#define BACKUP_LIST_MAX 4096

struct backup_list {
	struct catalogue_entry *entries;
	size_t n, room;
};

/*
 * Reads the directory (one that is not there has none) and the catalogue (NULL: there is none; and if it cannot be read, what it
 * knows is missing, with why in @why_catalogue). Sorted: the newest first. An archive whose size is not the catalogue's is
 * another one: not verified. What the catalogue knows and is neither in the directory nor in S3 is left out. Returns 0 or -errno,
 * explained in @why; -E2BIG: more than BACKUP_LIST_MAX. @ret is filled in always, for backup_list_done().
 */
int backup_list_load(const char *directory, const char *name, struct catalogue *c, struct buf *why,
		     struct buf *why_catalogue, struct backup_list *ret);
void backup_list_done(struct backup_list *l);

/* The archive of that name; NULL: none. */
struct catalogue_entry *backup_list_find(struct backup_list *l, const char *file);
/* Adds a copy at the end. Returns 0, -ENOMEM or -E2BIG. */
int backup_list_add(struct backup_list *l, const struct catalogue_entry *e);
void backup_list_sort(struct backup_list *l);

#endif
