/* SPDX-License-Identifier: MIT */
/*
 * Reads archives, archive_write_tree()'s and any `tar -czf` makes, as what they are: bytes from strangers.
 *
 * Each of the three goes through the whole file once. Refused, with the member's name: absolute names and ".."; names that go through a
 * symbolic link of the archive or of the target; devices and FIFOs; setuid, setgid (files) and capabilities, unless allowed; hard links
 * to what is not in the archive's own tree; more than the limits; a member with more than 8 MiB before its data (a map of holes); a file that ends early or is damaged (every gzip checksum
 * is compared), or has something behind its end; and, where there is a manifest, all that is not as it says. Symbolic links may point
 * anywhere: nothing is written through them.
 * Memory: some MiB (100 for a map of holes that is just small enough), and the names of symbolic links and, for extracting, directories, at most 64 MiB each.
 */
#ifndef ISAMON_ARCHIVE_READ_H
#define ISAMON_ARCHIVE_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "care/archive_input.h"
#include "care/archive_manifest.h"

/* Whether the database @path, a copy that is removed afterwards, is sound. Returns 0; -EBADMSG, -EUCLEAN: it is not, with why in
 * @why; another -errno ends the reading. */
typedef int (*archive_check_fn)(const char *path, struct buf *why, void *ctx);
/* Told of each member when it has been read. An answer other than 0 ends it with that. */
typedef int (*archive_member_fn)(const struct archive_member *m, void *ctx);

/* Told now and then within a long member, holes included: how many bytes of it were read. An answer other than 0 ends it with that. */
typedef int (*archive_going_fn)(uint64_t bytes, void *ctx);

#define ARCHIVE_UNSOUND_MAX 65536

struct archive_read_options {
	const char *scratch;  /* a directory for temporary files */
	uint64_t bytes_max;   /* of all files when unpacked, holes included; 0: 1 TiB */
	uint64_t data_max;    /* likewise, without holes; 0: no other limit */
	uint64_t members_max; /* 0: 10 million */
	bool allow_setuid;
	bool as_me; /* for extracting: everything belongs to whoever does it, also if that is root, and nothing is setuid or setgid */
	archive_check_fn check_database; /* for verifying; NULL: databases are files */
	archive_member_fn member;        /* NULL: nobody wants to know */
	archive_going_fn going;          /* likewise */
	archive_bytes_fn
		bytes; /* likewise; to the end of @fd when all is well, as far as it was read if not */
	void *ctx;     /* of all four */
};

struct archive_was {
	uint64_t files, directories, links, databases;
	uint64_t file_bytes, data_bytes; /* of the files, with their holes and without */
	bool has_manifest;               /* and everything is as it says */
	char host[256];                  /* of the manifest, plain */
	int64_t created_s;
	/* Databases that are not sound, a line each; where a manifest calls them sound it is an error. */
	uint64_t n_unsound;
	struct buf unsound;
};

/*
 * All block, and return 0; -EBADMSG: damaged, or not as the manifest says; -EPERM: refused, as above; -EFBIG: over a limit;
 * -ENOENT: there is no libarchive; -ENOMEM, -ENOSPC or another -errno of the disk; with one line in @why, "b/x: goes through a
 * symbolic link". @fd is read from its position on. @ret is filled in always, for archive_was_done().
 */

/* Reads everything; checks the hashes, and the databases if check_database is given. Writes to scratch only. */
int archive_verify(int fd, const struct archive_read_options *o, struct buf *why,
		   struct archive_was *ret);
/*
 * The same without databases, and everything into the directory @dir_fd, where nothing of it may be there yet: with owners (root only;
 * by name, where that is known), modes, times, user.* attributes, ACLs, holes. Not synced. After an error the directory has a part of it.
 */
int archive_extract(int fd, int dir_fd, const struct archive_read_options *o, struct buf *why,
		    struct archive_was *ret);
void archive_was_done(struct archive_was *w);

#endif
