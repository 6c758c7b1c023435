/* SPDX-License-Identifier: MIT */
/*
 * Writes a tree as tar (pax) in gzip, as `tar -czf FILE -C DIR .` does: plain tar restores it.
 *
 * With what tar alone does not: each file is taken in a state in which nobody wrote to it, if it can be had; SQLite databases are
 * copied (care/database.h), not read; and the last member, ARCHIVE_MANIFEST, has the hash of every file.
 */
#ifndef ISAMON_ARCHIVE_WRITE_H
#define ISAMON_ARCHIVE_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/sha256.h"
#include "care/file_list.h"

/* Copies the database @path to the new file @to, as database_copy() does. Returns 0; -EUCLEAN, -EBADMSG: it is none or damaged, and
 * is then taken as it is; another -errno ends the archive. Explained in @why. */
typedef int (*archive_copy_fn)(const char *path, const char *to, struct buf *why, void *ctx);
/* Told before each entry, and now and then within a long one: how many bytes of files were read so far. An answer other than 0 ends it with that. */
typedef int (*archive_progress_fn)(const char *path, uint64_t bytes, void *ctx);

struct archive_write_options {
	const struct file_list_options *list; /* NULL: everything */
	const char *
		scratch; /* a directory for temporary files: databases, and files that change while they are read */
	int level;                     /* of gzip, 1 to 9 */
	unsigned int n_threads;        /* 0: one for each CPU */
	const char *host;              /* for the manifest */
	archive_copy_fn copy_database; /* NULL: databases are files */
	archive_progress_fn progress;  /* NULL: nobody wants to know */
	void *ctx;                     /* of both */
};

#define ARCHIVE_NAMES_MAX 65536 /* bytes of each list of names */

struct archive_written {
	uint64_t files, directories, links, databases;
	uint64_t file_bytes;     /* of the files, as they are after restoring */
	uint64_t archive_bytes;  /* of what was written */
	char sha256[SHA256_HEX]; /* of that */
	/* Numbers, and for each a list of lines for a person, "b/sock: a socket", as long as there is room. */
	uint64_t n_skipped, n_changed, n_damaged;
	struct buf skipped; /* sockets, FIFOs, devices, mounts */
	struct buf
		changed; /* were written to each time they were read: not one moment of them is in the archive */
	struct buf
		damaged; /* databases that could not be copied: taken as the bytes they are, with why */
};

/*
 * Writes the tree of the directory @dir to @fd, from its position on; nothing is synced. Blocks, for as long as it takes; memory:
 * some MiB and gzip_parallel's.
 * Returns 0; -ENOENT: there is no libarchive; -ECANCELED or what progress() returned; -ENOSPC; -ENOMEM; another -errno of what could not
 * be read or written; with one line in @why that names it. Then what is in @fd is no archive. @ret is filled in always, for
 * archive_written_done().
 */
int archive_write_tree(const char *dir, int fd, const struct archive_write_options *o,
		       struct buf *why, struct archive_written *ret);
void archive_written_done(struct archive_written *w);

#endif
