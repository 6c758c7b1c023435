/* SPDX-License-Identifier: MIT */
/* The names of a log that there are just now, as its paths match them, and those that were rotated away from them. */
#ifndef ISAMON_FOLLOW_NAMES_H
#define ISAMON_FOLLOW_NAMES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FOLLOW_NAMES_MAX 16384

struct follow_name {
	char *path;
	char *live; /* the path that it was rotated away from; of a live one, its own */
	bool is_live;
	bool is_gzip;
	bool is_foreign; /* compressed in a way that is not read here */
	int err;         /* why it cannot be looked at; the rest is not known then */
	uint64_t device, inode, size;
	int64_t mtime_ns; /* since the epoch */
	void *user;       /* NULL; of whoever goes through them */
};

struct follow_names {
	struct follow_name *list;
	size_t n, room;
	bool cut; /* there are more than FOLLOW_NAMES_MAX */
};

struct follow_names_hooks {
	/* A directory that is looked into, or would be if it were there. */
	void (*directory)(const char *path, void *ctx);
	/* It cannot be looked into, and not because it is missing. */
	void (*refused)(const char *path, int err, void *ctx);
	void *ctx;
};

/* Adds what @path (absolute, perhaps a glob in any part of it) names. @olddir: logrotate's, where rotated files are, too; absolute, or
 * relative to the directory of the file that is rotated (logrotate(8)); NULL or "": there is none. If it is absolute, only
 * the last part of @path may be a glob. Blocks on the disk. Returns 0; -EMFILE, -ENFILE,
 * -ENOMEM, or what a directory could not be read to its end for: it is not known what there is. */
int follow_names_add(struct follow_names *n, const char *path, const char *olddir,
		     const struct follow_names_hooks *hooks);
void follow_names_done(struct follow_names *n);

/* Whether the file @path, by its name, was rotated away from one that @pattern names; *ret: from which path. */
bool follow_names_live(const char *path, const char *pattern, const char *olddir,
		       char ret[PATH_MAX]);

/* Whether a name of a directory of the log may be one of @path. */
bool follow_names_concerns(const char *path, const char *name);

#endif
