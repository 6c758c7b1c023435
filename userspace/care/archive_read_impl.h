/* SPDX-License-Identifier: MIT */
/* Between the files of care/archive_read.h. */
#ifndef ISAMON_ARCHIVE_READ_IMPL_H
#define ISAMON_ARCHIVE_READ_IMPL_H

#include "care/archive_api.h"
#include "care/archive_read.h"

/* Who wants the members: a verifier or an extractor. Each returns 0 or -errno, explained in @why by archive_refuse(). */
struct archive_sink {
	/* @e: what libarchive knows of it beside @m. */
	int (*begin)(const struct archive_member *m, struct archive_entry *e, void *ctx);
	int (*data)(const void *bytes, size_t n, uint64_t offset, void *ctx); /* of files */
	int (*end)(struct archive_member *m, void *ctx); /* may set m->database */
	void *ctx;
};

/* Reads all of @fd, with every check, into @sink. */
int archive_read_members(int fd, const struct archive_api *api,
			 const struct archive_read_options *o, const struct archive_sink *sink,
			 struct buf *why, struct archive_was *ret);
/* Puts "NAME: what" into @why if it is empty; returns @err. */
int archive_refuse(struct buf *why, const char *name, const char *what, int err);

/* The error of a system call by a code that is no verdict about an archive, as -EPERM and -EFBIG are. */
int archive_of_system(int err);

/* The name of a member from the top, "a/b" or ".", into @ret of 4096 bytes. Returns NULL, or what is wrong with it. */
const char *archive_clean_name(const char *raw, char *ret);

/*
 * Whether what was seen (@seen_fd: a line of archive_manifest_add() for each member, in their order) is what the manifest
 * @manifest_fd says.
 * @databases: those it calls sound were looked at. Fills in what the manifest says of the archive.
 */
int archive_manifest_compare(int manifest_fd, int seen_fd, bool databases, struct buf *why,
			     struct archive_was *ret);

#endif
