/* SPDX-License-Identifier: MIT */
/*
 * Reads what is in a gzip file (RFC 1952; several members one after the other are one text, 2.2) from any place on, as
 * pread(2) does; going back begins at the start again. Memory: some 45 KiB, whatever is in the file.
 */
#ifndef ISAMON_GUNZIP_READER_H
#define ISAMON_GUNZIP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct gunzip_reader;

/* @fd stays the caller's, and its own position is not used. Returns 0 or -ENOMEM. */
int gunzip_reader_new(int fd, struct gunzip_reader **ret);
void gunzip_reader_free(struct gunzip_reader *g);

/*
 * Up to @size bytes from @offset of the unpacked text on. Returns how many, fewer only at the end; 0: there are no more (now: a
 * file that is still being written goes on later); -EBADMSG: it is no gzip file, or damaged from here on; another -errno of read(2).
 */
ssize_t gunzip_reader_pread(struct gunzip_reader *g, void *bytes, size_t size, uint64_t offset);

/* After a 0: the last member was whole, so this is the end, and not a file that is still being written. */
bool gunzip_reader_is_whole(const struct gunzip_reader *g);

#endif
