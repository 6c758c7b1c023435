/* SPDX-License-Identifier: MIT */
/*
 * Payloads as they are stored: in zlib's format, which is five to eight times shorter for JSON, and whose checksum tells
 * when the disk gave back something else than it was given.
 */
#ifndef ISAMON_SPOOL_PACK_H
#define ISAMON_SPOOL_PACK_H

#include <stddef.h>

/* Of one payload, before it is packed. */
#define SPOOL_PACK_MAX (16u << 20)

/* The caller frees *ret. Returns 0, -ENOMEM, or -EFBIG. */
int spool_pack(const void *bytes, size_t n, void **ret, size_t *ret_n);

/* @size: of what was packed. Returns 0, -ENOMEM, or -EBADMSG: these are not such bytes. */
int spool_unpack(const void *bytes, size_t n, size_t size, void **ret);

#endif
