/* SPDX-License-Identifier: MIT */
/* Puts directory and catalogue together. Invariant: of a file nothing is believed that was found out about one of another size. */
#include "care/backup_list.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "care/backup_name.h"

struct known {
	struct backup_list *list;
	const char *name;
};

static void closedirp(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

void backup_list_done(struct backup_list *l)
{
	free(l->entries);
	*l = (struct backup_list){ 0 };
}

int backup_list_add(struct backup_list *l, const struct catalogue_entry *e)
{
	if (l->n == BACKUP_LIST_MAX)
		return -E2BIG;
	if (l->n == l->room) {
		const size_t room = l->room ? 2 * l->room : 64;
		struct catalogue_entry *more = realloc(l->entries, room * sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->entries = more;
		l->room = room;
	}
	l->entries[l->n++] = *e;
	return 0;
}

struct catalogue_entry *backup_list_find(struct backup_list *l, const char *file)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->entries[i].file, file) == 0)
			return &l->entries[i];
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const struct catalogue_entry *x = a, *y = b;

	if (x->created_s != y->created_s)
		return x->created_s < y->created_s ? 1 : -1;
	return strcmp(y->file, x->file);
}

void backup_list_sort(struct backup_list *l)
{
	if (l->n)
		qsort(l->entries, l->n, sizeof(*l->entries), compare);
}

static int read_directory(const char *directory, const char *name, struct backup_list *l)
{
	_cleanup_(closedirp) DIR *dir = opendir(directory);
	const struct dirent *d;
	int err = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!err && (errno = 0, d = readdir(dir))) {
		struct catalogue_entry e = { .local = true };
		struct stat st;

		if (!backup_name_parse(name, d->d_name, &e))
			continue;
		if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW)) {
			err = errno == ENOENT ? 0 : -errno; /* removed meanwhile */
			continue;
		}
		if (!S_ISREG(st.st_mode))
			continue;
		e.archive_bytes = (uint64_t)st.st_size;
		err = backup_list_add(l, &e);
		errno = 0;
	}
	return err ? err : -errno;
}

/* Where it is in S3 holds for the file that was sent, be it here or not. */
static int add_known(const struct catalogue_entry *known, void *ctx)
{
	struct known *k = ctx;
	struct catalogue_entry e = *known, *there = backup_list_find(k->list, known->file);

	if (!backup_name_parse(k->name, known->file, &e))
		return 0;
	e.created_s = known->created_s;
	if (!there)
		return e.remote == BACKUP_SENT ? backup_list_add(k->list, &e) : 0;
	if (there->archive_bytes != e.archive_bytes)
		return 0;
	e.local = true;
	*there = e;
	return 0;
}

int backup_list_load(const char *directory, const char *name, struct catalogue *c, struct buf *why,
		     struct buf *why_catalogue, struct backup_list *ret)
{
	struct known k = { .list = ret, .name = name };
	int err;

	*ret = (struct backup_list){ 0 };
	err = read_directory(directory, name, ret);
	if (err == -E2BIG)
		buf_printf(why, "%s: more than %d backups", directory, BACKUP_LIST_MAX);
	else if (err)
		buf_printf(why, "%s: cannot be read: %s", directory, strerror(-err));
	if (!err && c && catalogue_each(c, add_known, &k, why_catalogue) && !why_catalogue->len)
		buf_add_str(why_catalogue, "the catalogue cannot be used");
	backup_list_sort(ret);
	return err;
}
