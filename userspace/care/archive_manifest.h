/* SPDX-License-Identifier: MIT */
/*
 * The manifest of an archive: JSON, an object a line. The first, {"isamon_manifest": 1, "host": ..., "dir": ..., "created": ...}; then
 * one for each member, in their order; last {"end": true, "members": N}, so that it is known to be whole.
 */
#ifndef ISAMON_ARCHIVE_MANIFEST_H
#define ISAMON_ARCHIVE_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/sha256.h"

#define ARCHIVE_MANIFEST ".isamon-manifest.json"
#define ARCHIVE_MANIFEST_LINE_MAX 65536

enum archive_kind { ARCHIVE_FILE, ARCHIVE_DIRECTORY, ARCHIVE_SYMLINK, ARCHIVE_HARDLINK };

/* Paths and targets are bytes: those that are not UTF-8 are written as "path_hex", "target_hex". */
struct archive_member {
	enum archive_kind kind;
	const char *path;   /* from the top, "a/b"; "." */
	const char *target; /* of links; of a hard link from the top */
	uint64_t size;      /* of a file */
	mode_t mode;        /* permissions only */
	uint64_t uid, gid;
	const char *user, *group; /* NULL: not known */
	int64_t mtime_s;
	long mtime_ns;
	char sha256[SHA256_HEX]; /* of a file; "" otherwise */
	bool database;           /* copied as one, and found sound */
};

/* Append a line. Return 0 or the buffer's error. */
int archive_manifest_begin(const char *host, const char *dir, int64_t created_s, struct buf *out);
int archive_manifest_add(const struct archive_member *m, struct buf *out);
int archive_manifest_end(uint64_t members, struct buf *out);

enum archive_line { ARCHIVE_LINE_BEGIN, ARCHIVE_LINE_MEMBER, ARCHIVE_LINE_END };

struct archive_manifest_line {
	enum archive_line what;
	struct archive_member member; /* texts are owned by this */
	uint64_t members;             /* of the end */
	int64_t created_s;            /* of the beginning */
	char host[256];               /* plain, "" if not known */
	char path[4097], target[4097];
};

/* Reads a line, without its newline. Returns 0; -EBADMSG: it is none of ours; -ENOMEM. */
int archive_manifest_parse(const char *line, size_t n, struct archive_manifest_line *ret);

#endif
