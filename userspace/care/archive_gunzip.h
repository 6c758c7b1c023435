/* SPDX-License-Identifier: MIT */
/*
 * Unpacks gzip strictly: libarchive's own reader compares no checksum (seen in 3.6.2). One difference to gzip's own reading: of members that say
 * how long they are, libdeflate takes some that RFC 1951 does not know, such as reserved distance codes, where what they become has the right checksum.
 */
#ifndef ISAMON_ARCHIVE_GUNZIP_H
#define ISAMON_ARCHIVE_GUNZIP_H

#include <stdint.h>
#include <sys/types.h>

#include "care/archive_input.h"

struct archive_gunzip;

/* Returns 0 or -ENOMEM. */
int archive_gunzip_new(const struct archive_input *in, struct archive_gunzip **ret);
void archive_gunzip_free(struct archive_gunzip *g);

/*
 * The next bytes, which are valid until the next call. Returns how many; 0: the end, whole and with the right checksums (several
 * members follow each other; zeros behind them are fine); -EBADMSG: it is not gzip, ends early or is damaged, as
 * archive_gunzip_why() says; another -errno of archive_input_read(). After an error every call returns it.
 */
ssize_t archive_gunzip_next(struct archive_gunzip *g, const void **ret);
const char *archive_gunzip_why(const struct archive_gunzip *g);

#endif
