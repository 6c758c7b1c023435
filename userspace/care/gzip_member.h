/* SPDX-License-Identifier: MIT */
/*
 * One piece of a stream as one gzip member (RFC 1952), whose head says how long the member is and what it unpacks to.
 *
 * Members that stand one after the other are a file that every gunzip reads as one stream (RFC 1952, 2.2), and who knows their
 * lengths can unpack them on several cores. They are in the extra field (2.3.1.1), a subfield "IM" of two 32-bit numbers.
 */
#ifndef ISAMON_GZIP_MEMBER_H
#define ISAMON_GZIP_MEMBER_H

#include <stdbool.h>
#include <stddef.h>

#define GZIP_MEMBER_BYTES_MAX (1u << 20) /* that one unpacks to */
#define GZIP_MEMBER_HEAD 24u
/* How long one of @n bytes can be: stored blocks of 5 bytes for each 5,000, libdeflate's smallest, head and tail. */
#define GZIP_MEMBER_ROOM(n) ((n) + (n) / 256 + 128)

/* Each is one thread's at a time. */
struct gzip_packer;
struct gzip_unpacker;

/* @level: 1 to 9, as gzip's. Returns 0 or -ENOMEM. */
int gzip_packer_new(int level, struct gzip_packer **ret);
void gzip_packer_free(struct gzip_packer *p);
/* @n: at most GZIP_MEMBER_BYTES_MAX; @out has GZIP_MEMBER_ROOM(@n) bytes. Returns 0 or -EIO. */
int gzip_packer_pack(struct gzip_packer *p, const void *in, size_t n, unsigned char *out,
		     size_t *ret_n);

/* Whether @head is of such a member; how long that is with its head, and what it says that it unpacks to, within the limits. */
bool gzip_member_parse(const unsigned char head[GZIP_MEMBER_HEAD], size_t *ret_n,
		       size_t *ret_bytes);

/* Returns 0 or -ENOMEM. */
int gzip_unpacker_new(struct gzip_unpacker **ret);
void gzip_unpacker_free(struct gzip_unpacker *u);
/*
 * Unpacks the whole member @in of @n bytes to the @bytes bytes that gzip_member_parse() has said. Returns 0, or -EBADMSG: it is
 * not exactly as long, or its checksum is another one.
 */
int gzip_unpacker_unpack(struct gzip_unpacker *u, const unsigned char *in, size_t n, void *out,
			 size_t bytes);

#endif
