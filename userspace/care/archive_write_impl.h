/* SPDX-License-Identifier: MIT */
/* Shared by archive_write.c (the whole) and archive_write_member.c (its members). */
#ifndef ISAMON_ARCHIVE_WRITE_IMPL_H
#define ISAMON_ARCHIVE_WRITE_IMPL_H

#include <openssl/evp.h>
#include <sys/stat.h>

#include "base/table.h"
#include "care/archive_api.h"
#include "care/archive_manifest.h"
#include "care/archive_source.h"
#include "care/archive_write.h"
#include "care/gzip_parallel.h"

#define ARCHIVE_STEP (64u << 10)
#define ARCHIVE_WRITE_OUT (8u << 20) /* so much is given to the disk at a time */
#define ARCHIVE_MANIFEST_FLUSH (64u << 10)

struct archive_writer {
	const struct archive_write_options *o;
	const char *dir;
	struct buf *why;
	struct archive_written *ret;
	struct archive_api api;
	struct archive *tar, *disk;
	struct archive_entry *entry;
	struct gzip_parallel *gzip;
	EVP_MD_CTX *whole, *one; /* hashes of the archive and of a file */
	struct archive_source *source;
	struct table *links; /* device and inode -> the first path */
	struct buf manifest; /* what is not in manifest_fd yet */
	uint64_t members;
	char scratch[FILE_LIST_PATH_MAX]; /* our own, in o->scratch */
	char name[FILE_LIST_PATH_MAX + 2];
	int fd, manifest_fd;
	int err; /* of writing, which libarchive only knows to have failed */
	unsigned char step[ARCHIVE_STEP];
};

/* Says what failed, unless something was said before; returns @err. */
int archive_write_explain(struct archive_writer *w, const char *what, const char *name, int err);
/* The -errno of a call of libarchive that failed; said, too. */
int archive_write_failed(struct archive_writer *w, struct archive *a);
int archive_write_flush_manifest(struct archive_writer *w);

/* A member that is a file: its head, then what the source holds. */
int archive_write_begin(struct archive_writer *w, const char *path, int fd, const struct stat *st);
int archive_write_source(struct archive_writer *w, const char *path, char ret_sha256[SHA256_HEX]);
int archive_write_hash(EVP_MD_CTX *ctx, char ret[SHA256_HEX]);
/* For file_list_walk(). */
int archive_write_entry(const struct file_entry *e, void *ctx);

#endif
